// SPDX-License-Identifier: MIT
/* Cost of a branch that is not taken: a static key, a flag, nothing. */
#include "callee.h"
#include "contest.h"
#include "loop.h"

#define KINDS(X, loop)							\
	X(loop, none,		"no code at all", 0)			\
	X(loop, none_control,	"no code, again (control)", 0)		\
	X(loop, key,		"static key, disabled, unlikely", 1.02)	\
	X(loop, key_on,		"static key, enabled, likely", 0)	\
	X(loop, key_jump,	"static key, enabled, unlikely", 0)	\
	X(loop, flag,		"flag in memory, 0", 0)

/* One more instruction is one more there: no goal can be set. */
#define DECLARE(loop, kind, name, goal)					\
	extern bench_fn *const						\
	guard_##loop##_##kind##_all[LOOP_PLACEMENTS] BENCH_HIDDEN;
#define ENTRANT(loop, kind, name, goal)					\
	{ name, guard_##loop##_##kind##_all,				\
	  "guard_" #loop "_" #kind "_0", goal },
#define ENTRANT_NO_GOAL(loop, kind, name, goal)				\
	ENTRANT(loop, kind, name, 0)

KINDS(DECLARE, call)
KINDS(DECLARE, hash)
KINDS(DECLARE, slots)

static const struct entrant in_call[] = { KINDS(ENTRANT, call) };
static const struct entrant in_hash[] = { KINDS(ENTRANT, hash) };
static const struct entrant in_slots[] = { KINDS(ENTRANT_NO_GOAL, slots) };

#define NR(array)	(sizeof(array) / sizeof(*(array)))

void bench_guards_count(void)
{
	bench_check(rp_static_key_enable(&bench_key_on), "static key");
	contest_count(in_call, NR(in_call));
	contest_count(in_hash, NR(in_hash));
	contest_count(in_slots, NR(in_slots));
}

/* @guards: in a turn; a turn's time is divided by them. */
static void run(struct report *report, const struct bench_options *options,
		const char *group, const struct entrant *entrants,
		unsigned int guards)
{
	struct contest contest = {
		.section = "guard", .group = group,
		.entrants = entrants, .nr = NR(in_call),
		.placements = LOOP_PLACEMENTS,
		.rounds = options->quick ? 2 : 400,
		.turns = (options->quick ? 2000 : 20000) / guards,
		.ops = guards,
	};

	contest_run(report, &contest);
}

void bench_guards(struct report *report, const struct bench_options *options)
{
	bench_check(rp_static_key_enable(&bench_key_on), "static key");
	run(report, options, "before each of 16 calls in a row", in_call, 16);
	run(report, options, "in a hash loop (bound by latency)", in_hash, 1);
	run(report, options,
	    "before each 8 additions (bound by instruction slots)", in_slots,
	    8);
}
