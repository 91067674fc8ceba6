// SPDX-License-Identifier: MIT
/*
 * One call in a loop, x = f(x), by each kind of call, and sixteen in a row: some
 * processors keep a short loop in a buffer behind the decoders, where a direct
 * call costs next to nothing, and a longer one not. The third loop calls a
 * function of the size that people write. Compiled once for each kind; the build
 * annotates those whose kind is one of the inline ones.
 */
#if defined(KIND_generic)
# define RP_GENERIC
#endif

#include "callee.h"
#include "loop.h"

#define LOOP_STATE	(void)0
#define LOOP_RESULT	x

#if defined(KIND_direct) || defined(KIND_control)
# define CALL(x)	step(x)
# define WORK(x)	work(x)
#elif defined(KIND_inline) || defined(KIND_tramp) || defined(KIND_generic)
# define CALL(x)	rp_static_call(bench_step)(x)
# define WORK(x)	rp_static_call(bench_work)(x)
#elif defined(KIND_inline_far) || defined(KIND_tramp_far)
# define CALL(x)	rp_static_call(bench_step_far)(x)
#elif defined(KIND_bare)
# define CALL(x)	step_bare(x)
#elif defined(KIND_pointer) || defined(KIND_retpoline)
# define CALL(x)	step_pointer(x)
# define WORK(x)	work_pointer(x)
#elif defined(KIND_tested_pointer)
/* What a callback that may be absent costs. */
static inline uint64_t tested(uint64_t x)
{
	uint64_t (*fn)(uint64_t) = step_pointer;

	return fn ? fn(x) : x + 1;
}
# define CALL(x)	tested(x)
#elif defined(KIND_ifunc)
# define CALL(x)	step_ifunc(x)
#elif defined(KIND_plt) || defined(KIND_noplt)
# define CALL(x)	step_far(x)
#elif defined(KIND_virtual)
struct stepper {
	virtual uint64_t step(uint64_t x) const = 0;
};
struct one : stepper {
	uint64_t step(uint64_t x) const override { return ::step(x); }
};
struct two : stepper {
	uint64_t step(uint64_t x) const override { return x + 1; }
};
static const two the_two;
/* Volatile: the compiler may not know which class it points to. */
static const stepper *volatile the_stepper = &the_two;
# define CALL(x)	the_stepper->step(x)
#else
# error "which kind?"
#endif

#define TURN		x = CALL(x); SPACE
#define TURN4		TURN; TURN; TURN; TURN

LOOPS(loop, x = CALL(x))
LOOPS(row, TURN4; TURN4; TURN4; TURN4)
#ifdef WORK
LOOPS(work, x = WORK(x))
#endif
