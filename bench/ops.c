// SPDX-License-Identifier: MIT
/* Cost of an operation of a table: bound, patched in, or called through it. */
#include "callee_op.h"
#include "contest.h"
#include "loop.h"

#define DIRECT(X, loop)							\
	X(loop, direct,		"direct call", 0)			\
	X(loop, control,	"direct call, again (control)", 0)
#define CALLS(X, loop)							\
	DIRECT(X, loop)							\
	X(loop, bound,		"bound op", 1.02)			\
	X(loop, table,		"call through the table", 0)
#define REAL(X, loop)							\
	CALLS(X, loop)							\
	X(loop, patchlet,	"bound op, patchlet", 0)		\
	X(loop, hand,		"the instruction, by hand", 0)

/* Ratio to the instruction by hand: 1.00, when rounded. */
#define PATCHLET(X, loop)						\
	X(loop, hand,		"the instruction, by hand", 0)		\
	X(loop, patchlet,	"bound op, patchlet", 1.005)
#define NOTHING(X, loop, what, is)					\
	X(loop, hand,		what, 0)				\
	X(loop, nothing,	is, 0)					\
	X(loop, bound,		"bound op, a function that does it", 0)	\
	X(loop, table,		"call of it through the table", 0)
#define NO_LOCK(X, loop)						\
	X(loop, none,		"no lock at all", 0)			\
	X(loop, nothing,	"bound ops, two NOPs", 0)		\
	X(loop, bound,		"bound ops, a lock", 0)			\
	X(loop, table,		"a lock, calls through the table", 0)

#define DECLARE(loop, kind, name, goal)					\
	extern bench_fn *const						\
	loop##_##kind##_all[LOOP_PLACEMENTS] BENCH_HIDDEN;
#define ENTRANT(loop, kind, name, goal)					\
	{ name, loop##_##kind##_all, #loop "_" #kind "_0", goal },

REAL(DECLARE, op_step)
REAL(DECLARE, op_row)
CALLS(DECLARE, op_work)
REAL(DECLARE, op_now)
REAL(DECLARE, op_unlock)
REAL(DECLARE, op_pair)
NOTHING(DECLARE, op_quiet, "", "")
NOTHING(DECLARE, op_zero, "", "")
NO_LOCK(DECLARE, op_pair)

static const struct entrant calls[] = { CALLS(ENTRANT, op_step) };
static const struct entrant row[] = { CALLS(ENTRANT, op_row) };
static const struct entrant working[] = { CALLS(ENTRANT, op_work) };
static const struct entrant lea[] = { PATCHLET(ENTRANT, op_row) };
static const struct entrant store[] = { PATCHLET(ENTRANT, op_unlock) };
static const struct entrant rdtsc[] = { PATCHLET(ENTRANT, op_now) };
static const struct entrant quiet[] = {
	NOTHING(ENTRANT, op_quiet, "nothing, by hand", "bound op, NOP")
};
static const struct entrant zero[] = {
	NOTHING(ENTRANT, op_zero, "xor, by hand", "bound op, return 0")
};
static const struct entrant clock_rows[] = { REAL(ENTRANT, op_now) };
static const struct entrant unlock_rows[] = { REAL(ENTRANT, op_unlock) };
static const struct entrant pair_rows[] = { REAL(ENTRANT, op_pair) };
static const struct entrant no_lock[] = { NO_LOCK(ENTRANT, op_pair) };

#define NR(array)	(sizeof(array) / sizeof(*(array)))

/*
 * struct question - @ops: calls in a turn; @slow: a turn takes as long as many
 * of the others.
 */
static const struct question {
	const char *section;
	const char *group;
	const struct entrant *entrants;
	unsigned int nr;
	unsigned int ops;
	bool slow;
} questions[] = {
	{ "ops", "one op in a loop, x = f(x)", calls, NR(calls), 1, false },
	{ "ops", "16 ops in a row, one in 16 bytes", row, NR(row), 16, false },
	{ "ops", "one op in a loop, of ten instructions", working,
	  NR(working), 1, false },
	{ "ops", "16 ops in a row that add 1: a patchlet lea", lea, NR(lea),
	  16, false },
	{ "ops", "unlock: a patchlet movb", store, NR(store), 1, false },
	{ "ops", "time source: a patchlet rdtsc", rdtsc, NR(rdtsc), 1, true },
	{ "ops", "16 ops in a row that do nothing", quiet, NR(quiet), 16,
	  false },
	{ "ops", "16 ops in a row that return 0", zero, NR(zero), 16, false },
	{ "real", "time source, rdtsc", clock_rows, NR(clock_rows), 1, true },
	{ "real", "unlock", unlock_rows, NR(unlock_rows), 1, false },
	{ "real", "lock and unlock (a patchlet for unlock)", pair_rows,
	  NR(pair_rows), 1, true },
	{ "real", "lock and unlock, one thread only", no_lock, NR(no_lock), 1,
	  true },
};

static void bind(void)
{
	bench_check(rp_ops_bind_final(&op_bound), "bind");
	bench_check(rp_ops_bind_final(&op_patchlet), "bind");
	bench_check(rp_ops_bind_final(&op_nothing), "bind");
}

static bool holds(bench_fn *loop, unsigned int place, const char *code,
		  size_t len)
{
	const uint8_t *at = (const uint8_t *)loop;

	for (size_t i = 0; i < 8 * place + 48; i++) {
		size_t same = 0;

		while (same < len && at[i + same] == (uint8_t)code[same])
			same++;
		if (same == len)
			return true;
	}
	return false;
}

#define HOLDS(loop, i, code)	holds(loop[i], i, code, sizeof(code) - 1)

/* What is measured has to be what is claimed. */
static void check_bytes(void)
{
	for (unsigned int i = 0; i < LOOP_PLACEMENTS; i++) {
		const size_t len = 8 * i + 48;

		if (!bench_calls_to((void *)op_step_bound_all[i], len,
				    (void *)step) ||
		    !bench_calls_to((void *)op_now_bound_all[i], len,
				    (void *)op_now))
			bench_die("loop %u: an op is not bound", i);
		if (bench_calls_to((void *)op_step_table_all[i], len,
				   (void *)step))
			bench_die("loop %u: an op is bound", i);
		if (!HOLDS(op_row_patchlet_all, i, "\x48\x8d\x47\x01") ||
		    !HOLDS(op_now_patchlet_all, i, "\x2e\x0f\x31") ||
		    !HOLDS(op_unlock_patchlet_all, i, "\x2e\xc6\x07\x00") ||
		    !HOLDS(op_zero_nothing_all, i, "\x2e\x31\xc0") ||
		    !HOLDS(op_pair_nothing_all, i, "\x66\x0f\x1f\x44\x00\x00"))
			bench_die("loop %u: an op is not patched in", i);
	}
}

void bench_ops_count(void)
{
	bind();
	check_bytes();
	contest_count(calls, NR(calls));
	contest_count(lea, NR(lea));
	contest_count(quiet, 2);
}

void bench_ops(struct report *report, const struct bench_options *options)
{
	bind();
	check_bytes();
	for (size_t i = 0; i < NR(questions); i++) {
		const struct question *question = &questions[i];
		struct contest contest = {
			.section = question->section, .group = question->group,
			.entrants = question->entrants, .nr = question->nr,
			.placements = LOOP_PLACEMENTS,
			.rounds = options->quick ? 2 : 300,
			.turns = (options->quick ? 2000 : 20000) /
				 (question->slow ? 8 : question->ops),
			.ops = question->ops,
		};

		contest_run(report, &contest);
	}
}
