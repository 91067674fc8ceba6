/* SPDX-License-Identifier: MIT */
/* All cells of a run: whose turn it is, what is known, and the verdict. */
#define _GNU_SOURCE
#include "map.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

enum {
	SLICE_MS_MIN = 4,
	SLICE_MS_MAX = 60,
	ROUNDS_WANTED = 3,	/* so that each cell gets several rhythms */
	UNSHOWN_FACTOR = 8,	/* for cells that had no overlap */
};

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

// ---- one slice's outcome ----

static void describe_crash(struct litmus_cell *cell,
			   const struct litmus_shared *shared)
{
	const char *name = strsignal(shared->signal);

	if (!shared->address)
		snprintf(cell->how, sizeof(cell->how), "killed: %s", name);
	else
		snprintf(cell->how, sizeof(cell->how), "%s at site%+lld", name,
			 (long long)shared->distance);
}

static void describe_torn(struct litmus_cell *cell,
			  const struct litmus_shared *shared)
{
	uint32_t mask = shared->value - LITMUS_PAD;

	if (mask >= LITMUS_PAD_NR) {
		snprintf(cell->how, sizeof(cell->how),
			 "a call returned %#x", shared->value);
		return;
	}
	snprintf(cell->how, sizeof(cell->how),
		 "a displacement made of bytes %c%c%c%c of the two",
		 mask & 1 ? 'B' : 'A', mask & 2 ? 'B' : 'A',
		 mask & 4 ? 'B' : 'A', mask & 8 ? 'B' : 'A');
}

static void add_counts(struct litmus_cell *cell,
		       const struct litmus_shared *shared)
{
	cell->slices++;
	cell->updates += shared->updates;
	cell->overlapped += shared->overlapped;
	for (unsigned int i = 0; i < LITMUS_CPUS_MAX - 1; i++) {
		cell->calls += shared->executors[i].calls;
		cell->switches += shared->executors[i].switches;
		cell->traps += shared->executors[i].traps;
	}
}

static void judge(struct litmus_cell *cell, const struct litmus_shared *shared,
		  int err)
{
	add_counts(cell, shared);
	if (err) {
		cell->result = LITMUS_FAILED;
		snprintf(cell->how, sizeof(cell->how),
			 err == -ETIMEDOUT ? "hung, killed" : "fork: %s",
			 strerror(-err));
		return;
	}
	switch (shared->end) {
	case LITMUS_END_TORN:
		cell->result = LITMUS_TORN;
		describe_torn(cell, shared);
		break;
	case LITMUS_END_CRASH:
		cell->result = LITMUS_TORN;
		describe_crash(cell, shared);
		break;
	case LITMUS_END_TIME:
		if (cell->overlapped >= LITMUS_OVERLAP_MIN &&
		    cell->switches >= LITMUS_SWITCHES_MIN)
			cell->result = LITMUS_SURVIVED;
		break;
	default:
		cell->result = LITMUS_FAILED;
		memcpy(cell->how, shared->message, sizeof(cell->how));
	}
}

// ---- turns ----

static bool is_chosen(const struct litmus_map *map, unsigned int protocol,
		      unsigned int offset)
{
	const struct litmus_protocol *p = &litmus_protocols[protocol];
	const struct litmus_plan *plan = &map->plan;

	if (!plan->protocols[protocol] || !(plan->offsets >> offset & 1))
		return false;
	return !p->applies || p->applies(offset, plan->size, plan->block);
}

/* A cell that tore, or that cannot be run, has said all that it can. */
static bool is_open(const struct litmus_cell *cell)
{
	return cell->result == LITMUS_NO_OVERLAP ||
	       cell->result == LITMUS_SURVIVED;
}

static unsigned int open_cells(struct litmus_map *map)
{
	unsigned int nr = 0;

	for (unsigned int p = 0; p < LITMUS_PROTOCOL_NR; p++)
		for (unsigned int o = 0; o < LITMUS_LINE; o++)
			nr += is_open(&map->cells[p][o]);
	return nr;
}

static unsigned int slice_ms(struct litmus_map *map)
{
	unsigned int ms = map->plan.ms / (open_cells(map) * ROUNDS_WANTED + 1);

	if (ms < SLICE_MS_MIN)
		return SLICE_MS_MIN;
	return ms > SLICE_MS_MAX ? SLICE_MS_MAX : ms;
}

static void run_cell(struct litmus_map *map, struct litmus_slice *slice,
		     struct litmus_cell *cell, struct litmus_shared *shared)
{
	int err = litmus_slice_run(slice, shared);

	if (err == -EINTR) {
		map->interrupted = true;
		return;
	}
	judge(cell, shared, err);
	if (map->plan.verbose && !is_open(cell))
		fprintf(stderr, "repoint litmus: %s at offset %u: %s\n",
			slice->protocol->name, slice->offset, cell->how);
}

/* Returns how many cells were run; none if time is up. */
static unsigned int run_round(struct litmus_map *map,
			      struct litmus_slice *slice,
			      struct litmus_shared *shared, uint64_t deadline,
			      bool only_unshown)
{
	unsigned int nr = 0;

	for (unsigned int o = 0; o < LITMUS_LINE; o++)
		for (unsigned int p = 0; p < LITMUS_PROTOCOL_NR; p++) {
			struct litmus_cell *cell = &map->cells[p][o];

			if (!is_open(cell) || (only_unshown &&
			    cell->result != LITMUS_NO_OVERLAP))
				continue;
			if (map->interrupted || now_ms() >= deadline)
				return 0;
			slice->protocol = &litmus_protocols[p];
			slice->offset = o;
			run_cell(map, slice, cell, shared);
			nr++;
		}
	return nr;
}

static void run_rounds(struct litmus_map *map, struct litmus_shared *shared)
{
	uint64_t start = now_ms();
	struct litmus_slice slice = {
		.machine = &map->machine,
		.size = map->plan.size,
		.block = map->plan.block,
		.ms = slice_ms(map),
	};

	while (run_round(map, &slice, shared, start + map->plan.ms, false)) {
		// On a busy machine it takes longer until both threads run.
		struct litmus_slice longer = slice;

		longer.until_shown = true;
		longer.ms *= UNSHOWN_FACTOR;
		run_round(map, &longer, shared, start + map->plan.ms, true);
		slice.round++;
	}
	map->elapsed_ms = now_ms() - start;
}

/* Unblocked, they would end the program before it has said anything. */
static void take_late_signals(struct litmus_map *map, const sigset_t *mask)
{
	struct timespec none = { 0, 0 };
	int signo;

	while ((signo = sigtimedwait(mask, NULL, &none)) > 0)
		if (signo != SIGCHLD)
			map->interrupted = true;
}

int litmus_map_run(struct litmus_map *map)
{
	sigset_t mask, old;
	struct litmus_shared *shared = mmap(NULL, sizeof(*shared),
					    PROT_READ | PROT_WRITE,
					    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (shared == MAP_FAILED)
		return -errno;
	for (unsigned int p = 0; p < LITMUS_PROTOCOL_NR; p++)
		for (unsigned int o = 0; o < LITMUS_LINE; o++)
			if (is_chosen(map, p, o))
				map->cells[p][o].result = LITMUS_NO_OVERLAP;

	// Ignored, children would vanish without a status.
	signal(SIGCHLD, SIG_DFL);
	sigemptyset(&mask);
	sigaddset(&mask, SIGCHLD);
	sigaddset(&mask, SIGINT);
	sigaddset(&mask, SIGTERM);
	sigprocmask(SIG_BLOCK, &mask, &old);
	run_rounds(map, shared);
	take_late_signals(map, &mask);
	sigprocmask(SIG_SETMASK, &old, NULL);
	munmap(shared, sizeof(*shared));
	return 0;
}

// ---- the verdict ----

static void add_cell(struct litmus_count *count, const struct litmus_cell *cell)
{
	count->results[cell->result]++;
	count->sum.slices += cell->slices;
	count->sum.updates += cell->updates;
	count->sum.overlapped += cell->overlapped;
	count->sum.calls += cell->calls;
	count->sum.switches += cell->switches;
	count->sum.traps += cell->traps;
}

void litmus_map_count(const struct litmus_map *map, unsigned int protocol,
		      struct litmus_count *ret)
{
	memset(ret, 0, sizeof(*ret));
	for (unsigned int o = 0; o < LITMUS_LINE; o++)
		add_cell(ret, &map->cells[protocol][o]);
}

enum litmus_verdict litmus_map_verdict(const struct litmus_map *map)
{
	unsigned int torn = 0, unshown = 0, held = 0, others = 0;

	for (unsigned int p = 0; p < LITMUS_PROTOCOL_NR; p++) {
		struct litmus_count count;

		litmus_map_count(map, p, &count);
		if (litmus_protocols[p].class != LITMUS_SHIPPED) {
			others += count.results[LITMUS_SURVIVED] +
				  count.results[LITMUS_TORN];
			continue;
		}
		torn += count.results[LITMUS_TORN];
		unshown += count.results[LITMUS_NO_OVERLAP] +
			   count.results[LITMUS_FAILED];
		held += count.results[LITMUS_SURVIVED];
	}
	if (torn)
		return LITMUS_VERDICT_TORN;
	if (unshown)
		return LITMUS_VERDICT_UNSHOWN;
	if (held)
		return LITMUS_VERDICT_HELD;
	return others ? LITMUS_VERDICT_NONE : LITMUS_VERDICT_UNSHOWN;
}

bool litmus_map_has_teeth(const struct litmus_map *map)
{
	for (unsigned int p = 0; p < LITMUS_PROTOCOL_NR; p++) {
		struct litmus_count count;

		litmus_map_count(map, p, &count);
		if (litmus_protocols[p].class != LITMUS_SHIPPED &&
		    count.results[LITMUS_TORN])
			return true;
	}
	return false;
}

/* The largest boundary that lies between two of the bytes that change. */
static unsigned int crossed(unsigned int first, unsigned int len)
{
	for (unsigned int boundary = LITMUS_LINE; boundary >= 8; boundary /= 2)
		if (!litmus_fits(first, len, boundary))
			return boundary;
	return 0;
}

void litmus_map_boundary(const struct litmus_map *map, unsigned int boundary,
			 struct litmus_count *ret)
{
	static const char *const one_store[] = { "store8", "cross8", "store4" };
	unsigned int size = map->plan.size;

	memset(ret, 0, sizeof(*ret));
	for (unsigned int i = 0; i < 3; i++) {
		const struct litmus_protocol *protocol =
			litmus_protocol_find(one_store[i], 6);
		const struct litmus_cell *row =
			map->cells[protocol - litmus_protocols];
		unsigned int len = protocol->states == 2 ? 4 : size;

		for (unsigned int o = 0; o < LITMUS_LINE; o++)
			if (crossed(o + size - len, len) == boundary)
				add_cell(ret, &row[o]);
	}
}
