// SPDX-License-Identifier: MIT
/* Code chosen by a feature of the processor: an alternative beside others. */
#include <string.h>

#include "callee_feature.h"
#include "contest.h"
#include "loop.h"

#define KINDS(X, loop, how)						\
	X(loop, ifunc,		"IFUNC", 0)				\
	X(loop, pointer,	"function pointer", 0)			\
	X(loop, flag,		"flag test, two direct calls", 0)	\
	X(loop, library,	"rp_cpu_has() each time", 0)

/* The first two depend on the processor: see set_base(). */
#define KINDS_COPY(X, loop)						\
	X(loop, direct0,	"direct call of what is right", 0)	\
	X(loop, control0,	"direct call, again (control)", 0)	\
	X(loop, alternative,	"alternative, direct calls", 1.02)	\
	X(loop, example,	"alternative, also rep movsb", 0)	\
	KINDS(X, loop, copy)

#define KINDS_WORD(X, loop)						\
	X(loop, direct0,	"direct call of what is right", 0)	\
	X(loop, control0,	"direct call, again (control)", 0)	\
	X(loop, alternative,	"alternative, direct calls", 1.02)	\
	X(loop, inlined,	"alternative, the instruction", 0)	\
	KINDS(X, loop, word)						\
	X(loop, compiled,	"the instruction, no choice (floor)", 0)

#define DECLARE(loop, kind, name, goal)					\
	extern bench_fn *const						\
	loop##_##kind##_all[LOOP_PLACEMENTS] BENCH_HIDDEN;
#define ENTRANT(loop, kind, name, goal)					\
	{ name, loop##_##kind##_all, #loop "_" #kind "_0", goal },

#define ALL(X)								\
	KINDS_WORD(X, word_loop) KINDS_WORD(X, word_row)		\
	KINDS_COPY(X, copy8) KINDS_COPY(X, copy16)			\
	KINDS_COPY(X, copy32) KINDS_COPY(X, copy64)			\
	KINDS_COPY(X, copy_row)
#define DECLARE_BEST(loop)						\
	DECLARE(loop, direct1, , ) DECLARE(loop, control1, , )

ALL(DECLARE)
DECLARE_BEST(word_loop)
DECLARE_BEST(word_row)
DECLARE_BEST(copy8)
DECLARE_BEST(copy16)
DECLARE_BEST(copy32)
DECLARE_BEST(copy64)
DECLARE_BEST(copy_row)

/*
 * struct question - @best: the base and its control where the processor has
 * the feature.
 */
struct question {
	const char *group;
	unsigned int nr;
	unsigned int ops;
	struct entrant entrants[9];
	struct entrant best[2];
};

#define BEST(loop)							\
	{ ENTRANT(loop, direct1, "direct call of what is right", 0)	\
	  ENTRANT(loop, control1, "direct call, again (control)", 0) }
#define QUESTION(group, loop, kinds, nr, ops)				\
	{ group, nr, ops, { kinds(ENTRANT, loop) }, BEST(loop) }

static struct question words[] = {
	QUESTION("CRC-32C of 8 bytes, one in a loop", word_loop, KINDS_WORD,
		 9, 1),
	QUESTION("CRC-32C of 8 bytes, 16 in a row", word_row, KINDS_WORD, 9,
		 16),
};

static struct question copies[] = {
	QUESTION("copy of 8 bytes", copy8, KINDS_COPY, 8, 1),
	QUESTION("copy of 16 bytes", copy16, KINDS_COPY, 8, 1),
	QUESTION("copy of 32 bytes", copy32, KINDS_COPY, 8, 1),
	QUESTION("copy of 64 bytes", copy64, KINDS_COPY, 8, 1),
	QUESTION("copy of 32 bytes, 16 in a row", copy_row, KINDS_COPY, 8, 16),
};

#define NR(array)	(sizeof(array) / sizeof(*(array)))

static void set_base(struct question *question, int has)
{
	if (has)
		memcpy(question->entrants, question->best,
		       sizeof(question->best));
}

static void prepare(void)
{
	static bool done;

	for (size_t i = 0; i < NR(words) && !done; i++) {
		set_base(&words[i], feature_has_sse42);
		/* The instruction without a choice: only where there is one. */
		words[i].nr -= !feature_has_sse42;
	}
	for (size_t i = 0; i < NR(copies) && !done; i++)
		set_base(&copies[i], feature_has_avx2);
	done = true;
}

/* What is measured has to be what is claimed. */
static void check_bytes(void)
{
	for (unsigned int i = 0; i < LOOP_PLACEMENTS; i++)
		if (!bench_calls_to((void *)word_loop_alternative_all[i],
				    8 * i + 64, feature_word) ||
		    !bench_calls_to((void *)copy32_alternative_all[i],
				    8 * i + 64, feature_copy))
			bench_die("loop %u: the alternative is not applied", i);
}

void bench_features_count(void)
{
	prepare();
	check_bytes();
	contest_count(words[0].entrants, words[0].nr);
}

static void ask(struct report *report, const struct bench_options *options,
		const struct question *question)
{
	struct contest contest = {
		.section = "dispatch", .group = question->group,
		.entrants = question->entrants, .nr = question->nr,
		.placements = LOOP_PLACEMENTS,
		.rounds = options->quick ? 2 : 200,
		.turns = (options->quick ? 800 : 8000) / question->ops,
		.ops = question->ops,
	};

	contest_run(report, &contest);
}

void bench_features(struct report *report, const struct bench_options *options)
{
	prepare();
	check_bytes();
	for (size_t i = 0; i < NR(words); i++)
		ask(report, options, &words[i]);
	for (size_t i = 0; i < NR(copies); i++)
		ask(report, options, &copies[i]);
}
