// SPDX-License-Identifier: MIT
/*
 * For how long a process stands still, beside the least that this takes, and how
 * long the whole command takes. In each round: the floor, apply, the floor,
 * revert; the floors are of the same process.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>

#include "live.h"
#include "live_floor.h"
#include "live_work.h"

#define WALL_GOAL	3
/* Beside twice the floor, in ms. */
#define STOP_GOAL	0.3

static const struct crowd {
	unsigned int threads;
	unsigned int rounds;
	bool goal;
	bool quick;
} crowds[] = {
	{ 1, 31, true, true },
	{ 64, 21, true, true },
	{ 100, 21, false, false },
	{ 500, 15, false, false },
	{ 1000, 15, true, false },
};

enum { APPLY, REVERT, NR_VERBS };

static const char *const verbs[NR_VERBS] = { "apply", "revert" };

/* struct figures - in ms, of one number of threads. */
struct figures {
	struct samples floor, floor_stop;
	struct samples stopped[NR_VERBS], ratio[NR_VERBS], stop[NR_VERBS],
		       check[NR_VERBS], wall[NR_VERBS];
};

static double add_floor(struct figures *f, pid_t pid, unsigned int threads)
{
	double stop, ns = live_floor(pid, threads, &stop);

	if (!ns)
		bench_die("live: the process can be traced no longer");
	samples_add(&f->floor, ns / 1e6);
	samples_add(&f->floor_stop, stop / 1e6);
	return ns;
}

static void add_change(struct figures *f, int verb, double floor,
		       const struct live_change *change)
{
	samples_add(&f->stopped[verb], change->stopped_ns / 1e6);
	samples_add(&f->ratio[verb], change->stopped_ns / floor);
	samples_add(&f->stop[verb], change->stop_ns / 1e6);
	samples_add(&f->check[verb], change->check_ns / 1e6);
	samples_add(&f->wall[verb], change->wall_ns / 1e6);
}

static void run_round(const struct live *live, struct live_process *target,
		      unsigned int threads, struct figures *f)
{
	const char *repoint = live->options->repoint;
	struct live_change change;
	double floor;

	floor = add_floor(f, target->pid, threads);
	live_apply(repoint, target->pid, live->tiny, &change);
	live_check(target, "tiny", LIVE_FIXED);
	add_change(f, APPLY, floor, &change);
	floor = add_floor(f, target->pid, threads);
	live_revert(repoint, target->pid, "tiny", &change);
	live_check(target, "tiny", 1);
	add_change(f, REVERT, floor, &change);
}

static void report_stop(const struct live *live, const struct crowd *crowd,
			struct figures *f)
{
	double goal = 0;
	char group[64], name[64];

	if (crowd->goal)
		goal = 2 * samples_stats(&f->floor).median + STOP_GOAL;
	snprintf(group, sizeof(group), "%u idle thread%s", crowd->threads,
		 crowd->threads > 1 ? "s" : "");
	live_row(live, "stop", group, "interrupt, wait, detach (floor)", "ms",
		 0, &f->floor, NULL);
	live_row(live, "stop", group, "- of it until all stand still", "ms", 0,
		 &f->floor_stop, NULL);
	for (int v = 0; v < NR_VERBS; v++) {
		snprintf(name, sizeof(name), "repoint patch %s", verbs[v]);
		live_row(live, "stop", group, name, "ms", goal, &f->stopped[v],
			 &f->ratio[v]);
		live_row(live, "stop", group, "- of it until all stand still",
			 "ms", 0, &f->stop[v], NULL);
		live_row(live, "stop", group, "- of it for looking at stacks",
			 "ms", 0, &f->check[v], NULL);
	}
}

static void report_wall(const struct live *live, unsigned int threads,
			struct figures *f)
{
	char group[64], name[64];

	snprintf(group, sizeof(group), "%u idle thread%s", threads,
		 threads > 1 ? "s" : "");
	for (int v = 0; v < NR_VERBS; v++) {
		snprintf(name, sizeof(name), "repoint patch %s", verbs[v]);
		live_row(live, "wall", group, name, "ms",
			 threads == 1 ? WALL_GOAL : 0, &f->wall[v], NULL);
	}
}

static void run(const struct live *live, const struct crowd *crowd)
{
	unsigned int rounds = live->options->quick ? 1 : crowd->rounds;
	struct figures figures = { .floor = { NULL, 0, 0 } };
	struct live_process target;

	live_target(live, &target, "idle", crowd->threads);
	for (unsigned int i = 0; i < rounds; i++)
		run_round(live, &target, crowd->threads, &figures);
	live_end(&target, false);
	report_stop(live, crowd, &figures);
	report_wall(live, crowd->threads, &figures);
}

void bench_live_stop(const struct live *live)
{
	for (size_t i = 0; i < sizeof(crowds) / sizeof(*crowds); i++)
		if (!live->options->quick || crowds[i].quick)
			run(live, &crowds[i]);
}
