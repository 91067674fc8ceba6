// SPDX-License-Identifier: MIT
/* Comparing functions with each other, fairly. */
#include "contest.h"

#include <stdio.h>
#include <string.h>

struct standing {
	struct samples ns;
	struct samples ratio;
};

/*
 * struct run
 * @order: who runs when; shuffled each time, because a rotation would always
 *         put the same one in front of another, with what it left in the caches
 */
struct run {
	const struct contest *contest;
	unsigned int order[CONTEST_ENTRANTS_MAX];
	struct standing standing[CONTEST_ENTRANTS_MAX];
	double ns[CONTEST_ENTRANTS_MAX];
};

static double time_one(const struct contest *contest, unsigned int entrant,
		       unsigned int placement, uint64_t *result)
{
	bench_fn *fn = contest->entrants[entrant].fn[placement];
	uint64_t start;

	/* Its own code and predictions, not those of who ran before. */
	if (!contest->cold)
		fn(1, contest->turns / 8 + 1);
	start = bench_ns();
	*result = fn(1, contest->turns);
	return (double)(bench_ns() - start) /
	       ((double)contest->turns * contest->ops);
}

static void shuffle(struct run *run)
{
	static uint64_t state = 0x9e3779b97f4a7c15u;
	unsigned int *order = run->order;

	for (unsigned int i = 0; i < run->contest->nr; i++) {
		state ^= state << 13;
		state ^= state >> 7;
		state ^= state << 17;
		unsigned int j = (unsigned int)(state % (i + 1));

		order[i] = order[j];
		order[j] = i;
	}
}

static void run_placement(struct run *run, unsigned int placement, bool count)
{
	const struct contest *contest = run->contest;
	uint64_t expected = 0, result;

	shuffle(run);
	for (unsigned int i = 0; i < contest->nr; i++) {
		unsigned int e = run->order[i];

		run->ns[e] = time_one(contest, e, placement, &result);
		if (i && result != expected)
			bench_die("%s: %s returned %#llx, others %#llx",
				  contest->group, contest->entrants[e].name,
				  (unsigned long long)result,
				  (unsigned long long)expected);
		expected = result;
	}
	for (unsigned int e = 0; count && e < contest->nr; e++) {
		samples_add(&run->standing[e].ns, run->ns[e]);
		samples_add(&run->standing[e].ratio, run->ns[e] / run->ns[0]);
	}
}

static void run_round(struct run *run, bool count)
{
	if (run->contest->refresh)
		run->contest->refresh();
	/* What refresh() did to caches and predictors is not the question. */
	for (int warm = run->contest->refresh ? 1 : 0; warm >= 0; warm--)
		for (unsigned int p = 0; p < run->contest->placements; p++)
			run_placement(run, p, count && !warm);
}

static void report_entrant(struct report *report, const struct contest *contest,
			   const struct entrant *entrant,
			   struct standing *standing)
{
	struct row row = {
		.symbol = entrant->symbol, .unit = "ns",
		.value = samples_stats(&standing->ns),
		.ratio = samples_stats(&standing->ratio),
		.goal = entrant->goal,
	};

	snprintf(row.section, sizeof(row.section), "%s", contest->section);
	snprintf(row.group, sizeof(row.group), "%s", contest->group);
	snprintf(row.name, sizeof(row.name), "%s", entrant->name);
	report_row(report, &row);
	samples_deinit(&standing->ns);
	samples_deinit(&standing->ratio);
}

void contest_run(struct report *report, const struct contest *contest)
{
	struct run run = { .contest = contest };

	if (contest->nr > CONTEST_ENTRANTS_MAX)
		bench_die("%s: too many entrants", contest->group);
	/* The first round binds symbols and faults pages in. */
	run_round(&run, false);
	for (unsigned int round = 0; round < contest->rounds; round++)
		run_round(&run, true);
	for (unsigned int e = 0; e < contest->nr; e++)
		report_entrant(report, contest, &contest->entrants[e],
			       &run.standing[e]);
}

/*
 * Two callers, which callgrind tells apart: the difference is the cost of 3000
 * turns, without what comes before and after them.
 */
static __attribute__((noinline, used)) uint64_t bench_count_few(bench_fn *fn)
{
	return fn(1, 1000) + 1;
}

static __attribute__((noinline, used)) uint64_t bench_count_many(bench_fn *fn)
{
	return fn(1, 4000) + 1;
}

void contest_count(const struct entrant *entrants, unsigned int nr)
{
	for (unsigned int i = 0; i < nr; i++) {
		entrants[i].fn[0](1, 1);
		bench_count_few(entrants[i].fn[0]);
		bench_count_many(entrants[i].fn[0]);
	}
}
