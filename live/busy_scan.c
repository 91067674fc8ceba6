/* SPDX-License-Identifier: MIT */
/*
 * Words in memory that a thread, or a context that is not running, may return to.
 *
 * Every word that points behind a call in the code counts, however it came there:
 * nothing in memory tells a return address from one that was left behind.
 */
#define _GNU_SOURCE
#include "busy_internal.h"

#include "../object/grow.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define CHUNK		(256u << 10)
#define STACKS_MAX	64	/* that one leads to, by signal frames */
#define PAGES_AT_ONCE	4096	/* whose state is asked for */

#define PAGE_PRESENT	(1ull << 63)	/* /proc/PID/pagemap */
#define PAGE_SWAPPED	(1ull << 62)

/* Rests of stacks. */

/** struct stacks - those that are to be looked at, @done of @n have been. */
struct stacks {
	struct rp_search *search;
	struct rp_scan *found;
	struct rp_range v[STACKS_MAX];
	size_t done, n;
	uint64_t at;		/* of the word that led to the frames now walked */
};

static bool is_stack_map(const struct rp_map *map)
{
	return (map->access & PROT_READ) && (map->access & PROT_WRITE);
}

/* The mapping may have been split in the middle of a stack: those that follow
 * without a gap are taken for part of it. */
static uint64_t stack_end(const struct rp_maps *maps, uint64_t sp)
{
	const struct rp_map *map = rp_maps_at(maps, sp);

	if (!map || !is_stack_map(map))
		return 0;
	while (map + 1 < maps->v + maps->n && map[1].start == map->end &&
	       is_stack_map(map + 1))
		map++;
	return map->end;
}

static bool is_known_stack(const struct stacks *stacks, uint64_t sp)
{
	for (size_t i = 0; i < stacks->n; i++) {
		if (sp >= stacks->v[i].start && sp < stacks->v[i].end)
			return true;
	}
	return false;
}

static void add_stack(struct stacks *stacks, uint64_t sp)
{
	if (is_known_stack(stacks, sp))
		return;
	uint64_t end = stack_end(&stacks->search->maps, sp);
	if (!end || stacks->n == STACKS_MAX)
		stacks->found->unknown = true;
	else
		stacks->v[stacks->n++] = (struct rp_range){ sp & ~7ull, end };
}

static int look_at_frame(void *context, const struct rp_frame *frame)
{
	struct stacks *stacks = context;
	const struct rp_code *code = rp_search_code(stacks->search, frame->pc,
						    frame->exact);

	if (!code)
		return 0;
	stacks->found->code = code;
	stacks->found->at = stacks->at;
	return 1;
}

/* A word that is the address of a signal return: what did the signal interrupt? */
static void look_at_signal(struct stacks *stacks, uint64_t at)
{
	struct rp_unwinder *unwinder = stacks->search->unwinder;
	struct user_regs_struct regs = { 0 };
	struct rp_frame last;

	if (!rp_unwind_signal_regs(unwinder, at + 8, &regs))
		return;
	stacks->at = at;
	if (rp_unwind(unwinder, &regs, look_at_frame, stacks, &last) ==
	    RP_WALK_LOST)
		add_stack(stacks, last.sp);
}

static bool is_restorer(struct rp_unwinder *unwinder, uint64_t word)
{
	if (!rp_unwind_is_executable(unwinder, word))
		return false;
	const struct rp_pc_rule *rule = rp_unwind_rule(unwinder, word, false);
	/* Without memory for the rule it may be one. */
	return !rule || rule->restorer;
}

static void look_at_words(struct stacks *stacks, uint64_t address,
			  const uint64_t *words, size_t n)
{
	struct rp_search *search = stacks->search;

	for (size_t i = 0; i < n && !stacks->found->code; i++) {
		const struct rp_code *code = rp_search_word(search, words[i]);

		if (code) {
			stacks->found->code = code;
			stacks->found->at = address + 8 * i;
		} else if (is_restorer(search->unwinder, words[i])) {
			look_at_signal(stacks, address + 8 * i);
		}
	}
}

static int look_at_stack(struct stacks *stacks, struct rp_range range)
{
	const struct rp_target *target = stacks->search->unwinder->target;
	uint64_t *words = malloc(CHUNK);

	if (!words)
		return -ENOMEM;
	while (range.start < range.end && !stacks->found->code) {
		size_t size = range.end - range.start < CHUNK ?
				      range.end - range.start : CHUNK;
		size_t n = rp_target_read_some(target, range.start, words, size);

		look_at_words(stacks, range.start, words, n / 8);
		if (n != size) {
			stacks->found->unknown = true;
			break;
		}
		range.start += size;
	}
	free(words);
	return 0;
}

int rp_scan_stack(struct rp_search *search, uint64_t sp, struct rp_scan *ret)
{
	struct stacks stacks = { .search = search, .found = ret };
	int rc = rp_search_maps(search);

	*ret = (struct rp_scan){ 0 };
	if (rc)
		return rc;
	add_stack(&stacks, sp);
	while (!rc && stacks.done < stacks.n && !ret->code)
		rc = look_at_stack(&stacks, stacks.v[stacks.done++]);
	return rc;
}

/* All memory. */

/** struct memory - the scan. @found: by code; each is reported once. */
struct memory {
	struct rp_search *search;
	int pagemap;
	uint64_t *words;
	uint64_t *pages;
	bool *found;
	size_t nfound;
	size_t passed;		/* ranges before this one lie below */
};

static int by_start(const void *a, const void *b)
{
	const struct rp_range *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

/* Ranges may overlap: an earlier one that is long hides those inside it. */
static void merge_ranges(struct rp_ranges *ranges)
{
	size_t kept = 0;

	if (!ranges->n)
		return;
	qsort(ranges->v, ranges->n, sizeof(*ranges->v), by_start);
	for (size_t i = 1; i < ranges->n; i++) {
		struct rp_range *last = &ranges->v[kept];

		if (ranges->v[i].start > last->end)
			ranges->v[++kept] = ranges->v[i];
		else if (ranges->v[i].end > last->end)
			last->end = ranges->v[i].end;
	}
	ranges->n = kept + 1;
}

static bool is_passed(const struct rp_ranges *ranges, uint64_t address)
{
	size_t low = 0, high = ranges->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (ranges->v[middle].start <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low && address < ranges->v[low - 1].end;
}

static int report(struct memory *memory, const struct rp_code *code, uint64_t at)
{
	struct rp_busy_list *list = memory->search->list;
	size_t i = 0;

	while (memory->search->codes[i] != code)
		i++;
	if (memory->found[i])
		return 0;
	if (rp_grow(&list->v, &list->capacity, list->n + 1, sizeof(*list->v)))
		return -ENOMEM;
	memory->found[i] = true;
	memory->nfound++;
	list->v[list->n++] = (struct rp_busy){
		.code = code, .how = RP_BUSY_CONTEXT, .at = at,
	};
	return 0;
}

/* A context that is not running may have been interrupted by a signal (switching
 * stacks in a handler): its pc lies in the signal frame. */
static const struct rp_code *interrupted_code(struct rp_search *search,
					      uint64_t at)
{
	struct user_regs_struct regs = { 0 };

	if (!rp_unwind_signal_regs(search->unwinder, at + 8, &regs))
		return NULL;
	return rp_search_code(search, regs.rip, true);
}

static int memory_words(struct memory *memory, uint64_t address, size_t n)
{
	struct rp_search *search = memory->search;
	const uint64_t *restorers = search->unwinder->restorers;
	int rc = 0;

	for (size_t i = 0; i < n && !rc; i++) {
		uint64_t word = memory->words[i], at = address + 8 * i;
		const struct rp_code *code = NULL;

		if (word - search->low <= search->high - search->low)
			code = rp_search_word(search, word);
		else if (word && (word == restorers[0] || word == restorers[1]))
			code = interrupted_code(search, at);
		if (code && !is_passed(&search->passed, at))
			rc = report(memory, code, at);
	}
	return rc;
}

static int memory_bytes(struct memory *memory, uint64_t start, uint64_t end)
{
	int rc = 0;

	while (start < end && !rc && memory->nfound < memory->search->ncodes) {
		size_t size = end - start < CHUNK ? end - start : CHUNK;
		size_t n = rp_target_read_some(memory->search->unwinder->target,
					       start, memory->words, size);

		rc = memory_words(memory, start, n / 8);
		start += size;
	}
	return rc;
}

/* Of pages that nobody has written there may be far more than memory. Without
 * /proc/PID/pagemap all are read. */
static int memory_pages(struct memory *memory, uint64_t start, size_t n)
{
	ssize_t got = memory->pagemap < 0 ? -1 :
		pread(memory->pagemap, memory->pages, 8 * n,
		      (off_t)(start / RP_PAGE * 8));
	int rc = 0;

	if (got != (ssize_t)(8 * n))
		return memory_bytes(memory, start, start + n * RP_PAGE);
	for (size_t i = 0, end; i < n && !rc; i = end) {
		bool used = memory->pages[i] & (PAGE_PRESENT | PAGE_SWAPPED);

		for (end = i + 1; end < n; end++) {
			if (used != !!(memory->pages[end] &
				       (PAGE_PRESENT | PAGE_SWAPPED)))
				break;
		}
		if (used)
			rc = memory_bytes(memory, start + i * RP_PAGE,
					  start + end * RP_PAGE);
	}
	return rc;
}

static int memory_map(struct memory *memory, const struct rp_map *map)
{
	int rc = 0;

	for (uint64_t at = map->start; at < map->end && !rc;) {
		size_t n = (map->end - at) / RP_PAGE;

		if (n > PAGES_AT_ONCE)
			n = PAGES_AT_ONCE;
		rc = memory_pages(memory, at, n);
		at += n * RP_PAGE;
	}
	return rc;
}

static int memory_maps(struct memory *memory)
{
	const struct rp_maps *maps = &memory->search->maps;
	int rc = 0;

	for (size_t i = 0; i < maps->n && !rc; i++) {
		const struct rp_map *map = &maps->v[i];

		if (is_stack_map(map) && !map->shared)
			rc = memory_map(memory, map);
	}
	return rc;
}

int rp_scan_memory(struct rp_search *search)
{
	struct memory memory = {
		.search = search,
		.pagemap = openat(search->unwinder->target->proc, "pagemap",
				  O_RDONLY | O_CLOEXEC),
		.words = malloc(CHUNK),
		.pages = malloc(8 * PAGES_AT_ONCE),
		.found = calloc(search->ncodes + 1, sizeof(bool)),
	};
	int rc = memory.words && memory.pages && memory.found ?
			 rp_search_maps(search) : -ENOMEM;

	merge_ranges(&search->passed);
	if (!rc)
		rc = memory_maps(&memory);
	if (memory.pagemap >= 0)
		close(memory.pagemap);
	free(memory.words);
	free(memory.pages);
	free(memory.found);
	return rc;
}
