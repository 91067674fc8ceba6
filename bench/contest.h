/* SPDX-License-Identifier: MIT */
/*
 * Comparing functions with each other, fairly.
 *
 * In each round every entrant runs once at each placement, in random order,
 * after a short run that is not timed (but see @cold). A ratio is taken between
 * two samples of the same round and the same placement; what is reported are
 * the quartiles of these ratios. So a slow phase of the machine, and a placement
 * that its front end dislikes, hit everyone alike.
 */
#ifndef BENCH_CONTEST_H
#define BENCH_CONTEST_H

#include "bench.h"
#include "report.h"

#define CONTEST_ENTRANTS_MAX	20

/**
 * struct entrant
 * @fn:     the function, once for each placement
 * @symbol: of the first one, for the instruction count, or NULL
 * @goal:   upper limit for the ratio to the first entrant, 0: none
 */
struct entrant {
	const char *name;
	bench_fn *const *fn;
	const char *symbol;
	double goal;
};

/**
 * struct contest
 * @entrants:   the first one is the base of all ratios
 * @placements: functions of each entrant
 * @turns:      what is passed to them
 * @ops:        operations in a turn
 * @refresh:    called before each round, or NULL
 * @cold:       no run before the timed one: what others left in caches and
 *              predictors is part of the question
 */
struct contest {
	const char *section;
	const char *group;
	const struct entrant *entrants;
	unsigned int nr;
	unsigned int placements;
	unsigned int rounds;
	uint64_t turns;
	double ops;
	void (*refresh)(void);
	bool cold;
};

/** contest_run() - measure; dies if two entrants return different results. */
void contest_run(struct report *report, const struct contest *contest);

/** contest_count() - run each entrant as counts.sh wants it. */
void contest_count(const struct entrant *entrants, unsigned int nr);

#endif /* BENCH_CONTEST_H */
