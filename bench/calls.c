// SPDX-License-Identifier: MIT
/* Cost of a call, by kind, hot and with an evicted pointer. */
#include "callee.h"
#include "contest.h"
#include "loop.h"

#define KINDS(X)							\
	X(direct,	"direct call", 0)				\
	X(control,	"direct call, again (control)", 0)		\
	X(inline,	"static call, inline", 1.02)			\
	X(tramp,	"static call, out of line", 1.35)		\
	X(bare,		"call of a jump, by hand (floor)", 0) \
	X(generic,	"static call, generic (RP_GENERIC)", 0)		\
	X(pointer,	"function pointer", 0)				\
	X(tested_pointer, "function pointer, tested for NULL", 0)	\
	X(ifunc,	"IFUNC", 0)

#define KINDS_FAR(X)							\
	X(inline_far,	"static call into a .so, inline", 0)		\
	X(tramp_far,	"static call into a .so, out of line", 0)	\
	X(noplt,	"call into a .so, -fno-plt", 0)			\
	X(plt,		"call into a .so, PLT", 0)

#define KINDS_WORK(X)							\
	X(direct,	"direct call", 0)				\
	X(control,	"direct call, again (control)", 0)		\
	X(inline,	"static call, inline", 1.02)			\
	X(tramp,	"static call, out of line", 0)			\
	X(generic,	"static call, generic (RP_GENERIC)", 0)		\
	X(pointer,	"function pointer", 0)				\
	KIND_RETPOLINE(X)

#define KINDS_COLD(X)							\
	X(cold_direct,	"direct call", 0)				\
	X(cold_inline,	"static call, inline", 0)			\
	X(cold_pointer,	"function pointer, evicted", 0)			\
	X(cold_key,	"static key, disabled, and direct call", 0)	\
	X(cold_flag,	"flag test, evicted, and direct call", 0)

#define DECLARE(kind, name, goal)					\
	extern bench_fn *const loop_##kind##_all[LOOP_PLACEMENTS] BENCH_HIDDEN;
#define DECLARE_ROW(kind, name, goal)					\
	DECLARE(kind, name, goal)					\
	extern bench_fn *const row_##kind##_all[LOOP_PLACEMENTS] BENCH_HIDDEN;
#define DECLARE_WORK(kind, name, goal)					\
	extern bench_fn *const work_##kind##_all[LOOP_PLACEMENTS] BENCH_HIDDEN;
#define ENTRANT_WORK(kind, name, goal)					\
	{ name, work_##kind##_all, "work_" #kind "_0", goal },
#define ENTRANT(kind, name, goal)					\
	{ name, loop_##kind##_all, "loop_" #kind "_0", goal },
#define ENTRANT_ROW(kind, name, goal)					\
	{ name, row_##kind##_all, "row_" #kind "_0", goal },

#ifdef HAVE_VIRTUAL
# define KIND_VIRTUAL(X)	X(virtual, "C++ virtual function", 0)
#else
# define KIND_VIRTUAL(X)
#endif
#ifdef HAVE_RETPOLINE
# define KIND_RETPOLINE(X)	X(retpoline, "function pointer, retpoline", 0)
#else
# define KIND_RETPOLINE(X)
#endif
#define KINDS_HOT(X)	KINDS(X) KIND_VIRTUAL(X) KINDS_FAR(X) KIND_RETPOLINE(X)

KINDS_HOT(DECLARE_ROW)
KINDS_WORK(DECLARE_WORK)
KINDS_COLD(DECLARE)

static const struct entrant hot[] = { KINDS_HOT(ENTRANT) };
static const struct entrant in_row[] = { KINDS_HOT(ENTRANT_ROW) };

static const struct entrant working[] = { KINDS_WORK(ENTRANT_WORK) };
static const struct entrant cold[] = { KINDS_COLD(ENTRANT) };

#define NR(array)	(sizeof(array) / sizeof(*(array)))

/* Each loop's own bytes, but not those of the function behind it. */
static bool loop_calls(bench_fn *loop, unsigned int place, const void *to)
{
	return bench_calls_to((const void *)loop, 8 * place + 40, to);
}

/* What is measured has to be what is claimed. */
static void check_bytes(void)
{
	const void *tramp = (void *)rp_static_call(bench_step);

	for (unsigned int i = 0; i < LOOP_PLACEMENTS; i++) {
		if (!loop_calls(loop_inline_all[i], i, (void *)step) ||
		    !loop_calls(row_inline_all[i], i, (void *)step) ||
		    bench_calls_to((void *)row_inline_all[i], 256, tramp) ||
		    !loop_calls(loop_cold_inline_all[i], i, (void *)step))
			bench_die("loop %u: the static call is not inline", i);
		if (!loop_calls(loop_tramp_all[i], i, tramp))
			bench_die("loop %u: the static call is not out of line",
				  i);
	}
	if (!bench_calls_to(tramp, RP_TRAMP_JMP_SIZE, (void *)step))
		bench_die("the trampoline is not patched");
}

void bench_calls_count(void)
{
	check_bytes();
	contest_count(hot, NR(hot));
}

void bench_calls(struct report *report, const struct bench_options *options)
{
	struct contest contest = {
		.section = "call", .group = "one call in a loop, x = f(x)",
		.entrants = hot, .nr = NR(hot),
		.placements = LOOP_PLACEMENTS,
		.rounds = options->quick ? 2 : 400,
		.turns = options->quick ? 2000 : 20000,
		.ops = 1,
	};

	check_bytes();
	contest_run(report, &contest);
	contest.group = "16 calls in a row, one in 16 bytes";
	contest.entrants = in_row;
	contest.nr = NR(in_row);
	contest.turns /= 16;
	contest.ops = 16;
	contest_run(report, &contest);
	contest.group = "one call in a loop, of ten instructions";
	contest.entrants = working;
	contest.nr = NR(working);
	contest.ops = 1;
	contest_run(report, &contest);
	contest.section = "cold";
	contest.group = "the line of the pointer or flag was evicted";
	contest.entrants = cold;
	contest.nr = NR(cold);
	contest.rounds = options->quick ? 2 : 50;
	contest.turns = options->quick ? 100 : 1000;
	contest_run(report, &contest);
}
