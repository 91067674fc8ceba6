/* SPDX-License-Identifier: MIT */
/* What the loops call, and what they call it through. */
#ifndef BENCH_CALLEE_H
#define BENCH_CALLEE_H

#include <repoint/static_call.h>
#include <repoint/static_key.h>

#include "bench.h"

/** step() - x + 1, in a file of its own: never inlined. */
BENCH_EXTERN_C BENCH_HIDDEN uint64_t step(uint64_t x);

/** work() - ten instructions: one step of splitmix64. */
BENCH_EXTERN_C BENCH_HIDDEN uint64_t work(uint64_t x);

/** step_far() - the same in a shared object. */
BENCH_EXTERN_C uint64_t step_far(uint64_t x);

/** step_bare() - nothing but a jump to step(): what a call of a jump costs. */
BENCH_EXTERN_C BENCH_HIDDEN uint64_t step_bare(uint64_t x);

/** step_ifunc() - step(), chosen by a resolver at start. */
BENCH_EXTERN_C BENCH_HIDDEN uint64_t step_ifunc(uint64_t x);

/** slow_path() - what a guard guards; x + 2, never called. */
BENCH_EXTERN_C BENCH_HIDDEN uint64_t slow_path(uint64_t x);

/** slow_event() - the same for guards of no value. */
BENCH_EXTERN_C BENCH_HIDDEN void slow_event(void);

/** step_pointer - volatile: nobody may assume its value. */
BENCH_EXTERN_C BENCH_HIDDEN uint64_t (*volatile step_pointer)(uint64_t x);
BENCH_EXTERN_C BENCH_HIDDEN uint64_t (*volatile work_pointer)(uint64_t x);

/* Alone on its cache line, which some loops evict. */
struct lonely_pointer {
	uint64_t (*volatile fn)(uint64_t x);
	char rest[56];
};
struct lonely_flag {
	int value;
	char rest[60];
};
BENCH_EXTERN_C BENCH_HIDDEN struct lonely_pointer lonely_pointer;
BENCH_EXTERN_C BENCH_HIDDEN struct lonely_flag lonely_flag;

/** guard_flag - an ordinary global flag, 0. */
BENCH_EXTERN_C BENCH_HIDDEN int guard_flag;

RP_DECLARE_STATIC_CALL(bench_step, step);
RP_DECLARE_STATIC_CALL(bench_work, work);
RP_DECLARE_STATIC_CALL(bench_step_far, step_far);
RP_DECLARE_STATIC_KEY_FALSE(bench_key_off);
RP_DECLARE_STATIC_KEY_FALSE(bench_key_on);

#endif /* BENCH_CALLEE_H */
