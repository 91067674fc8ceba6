// SPDX-License-Identifier: MIT
/*
 * What a call costs more while its function is replaced. The detour is one jump
 * at the beginning of the old function, so beside it is such a jump written by
 * hand. The program measures itself; a round is before, patched, reverted.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>

#include "live.h"

#define GOAL	0.1

/* The order in which the program says them. */
enum { TINY, TEN, JUMPED, JUMP, NR_CALLS };
enum { BEFORE, PATCHED, REVERTED, NR_STATES };

struct figures {
	struct samples ns[NR_STATES][NR_CALLS];
	struct samples more[NR_STATES][NR_CALLS];
	struct samples jump_more;
};

static void ask(struct live_process *target, double ns[NR_CALLS])
{
	static const char *const names[NR_CALLS] = { "tiny", "ten", "jumped",
						     "jump" };
	char line[64], name[16];

	live_say(target, "time");
	for (int i = 0; i < NR_CALLS; i++) {
		live_read(target, line, sizeof(line));
		if (sscanf(line, "%15s %lf", name, &ns[i]) != 2 ||
		    strcmp(name, names[i]))
			bench_die("live: no time of %s: %s", names[i], line);
	}
	live_read(target, line, sizeof(line));
}

static void run_round(const struct live *live, struct live_process *target,
		      struct figures *f)
{
	const char *repoint = live->options->repoint;
	double ns[NR_STATES][NR_CALLS];
	struct live_change change;

	ask(target, ns[BEFORE]);
	live_apply(repoint, target->pid, live->tiny, &change);
	ask(target, ns[PATCHED]);
	live_revert(repoint, target->pid, "tiny", &change);
	ask(target, ns[REVERTED]);
	for (int s = 0; s < NR_STATES; s++)
		for (int c = 0; c < NR_CALLS; c++) {
			samples_add(&f->ns[s][c], ns[s][c]);
			samples_add(&f->more[s][c], ns[s][c] - ns[BEFORE][c]);
		}
	samples_add(&f->jump_more, ns[BEFORE][JUMP] - ns[BEFORE][JUMPED]);
}

static void report_call(const struct live *live, struct figures *f, int call,
			const char *group)
{
	live_row(live, "patched", group, "before", "ns", 0,
		 &f->ns[BEFORE][call], NULL);
	live_row(live, "patched", group, "patched", "ns", 0,
		 &f->ns[PATCHED][call], NULL);
	live_row(live, "patched", group, "reverted", "ns", 0,
		 &f->ns[REVERTED][call], NULL);
	live_row(live, "patched", group, "patched, more than before", "ns",
		 GOAL, &f->more[PATCHED][call], NULL);
	live_row(live, "patched", group, "reverted, more than before", "ns", 0,
		 &f->more[REVERTED][call], NULL);
}

void bench_live_calls(const struct live *live)
{
	static struct figures f;
	unsigned int rounds = live->options->quick ? 1 : 15;
	struct live_process target;

	live_target(live, &target, "idle", 1);
	for (unsigned int i = 0; i < rounds; i++)
		run_round(live, &target, &f);
	live_end(&target, false);
	report_call(live, &f, TINY, "call of a function of one instruction");
	live_row(live, "patched", "call of a function of one instruction",
		 "a jump to it by hand, more (floor)", "ns", 0, &f.jump_more,
		 NULL);
	report_call(live, &f, TEN, "call of a function of ten instructions");
	for (int s = 0; s < NR_STATES; s++)
		for (int c = 0; c < NR_CALLS; c++) {
			samples_deinit(&f.ns[s][c]);
			samples_deinit(&f.more[s][c]);
		}
}
