// SPDX-License-Identifier: MIT
/* What is mapped in a process, and where there is room. */
#define _GNU_SOURCE
#include "target.h"

#include "../object/grow.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* Below are the pages that vm.mmap_min_addr keeps free. */
#define LOWEST		0x10000u
#define HIGHEST		0x7ffffffff000u
/* A page less than what a rel32 spans: fields may lie before its end. */
#define REACH		((uint64_t)INT32_MAX - RP_PAGE)
/* What malloc() takes from brk() before it takes it from elsewhere. */
#define HEAP_ROOM	(256u << 20)
/* A stack limit that is not "unlimited" is rarely larger. */
#define STACK_ROOM	(1u << 30)

static int access_of(const char *letters)
{
	return (letters[0] == 'r' ? PROT_READ : 0) |
	       (letters[1] == 'w' ? PROT_WRITE : 0) |
	       (letters[2] == 'x' ? PROT_EXEC : 0);
}

/* `start-end rwxp offset major:minor inode   name`, terminated in place. */
static bool parse(char *line, struct rp_map *map)
{
	char *at = line;
	uint64_t major;

	map->start = strtoull(at, &at, 16);
	if (*at++ != '-')
		return false;
	map->end = strtoull(at, &at, 16);
	if (*at++ != ' ' || strlen(at) < 5)
		return false;
	map->access = access_of(at);
	map->shared = at[3] == 's';
	map->offset = strtoull(at + 4, &at, 16);
	major = strtoull(at, &at, 16);
	if (*at++ != ':')
		return false;
	map->device = major << 32 | strtoull(at, &at, 16);
	map->inode = strtoull(at, &at, 10);
	map->name = at + strspn(at, " ");
	return true;
}

int rp_maps_read(struct rp_maps *maps, const struct rp_target *target)
{
	size_t capacity = 0;
	char *line, *rest;

	char name[40];

	*maps = (struct rp_maps){ 0 };
	snprintf(name, sizeof(name), "%smaps", target->at);
	maps->text = rp_target_file(target, name, NULL);
	if (!maps->text)
		return errno == ENOENT ? -ESRCH : -errno;
	for (line = maps->text; (rest = strchr(line, '\n')); line = rest + 1) {
		*rest = 0;
		if (rp_grow(&maps->v, &capacity, maps->n + 1, sizeof(*maps->v)))
			return -ENOMEM;
		if (parse(line, &maps->v[maps->n]))
			maps->n++;
	}
	return maps->n ? 0 : -ESRCH;
}

void rp_maps_free(struct rp_maps *maps)
{
	free(maps->v);
	free(maps->text);
	*maps = (struct rp_maps){ 0 };
}

const struct rp_map *rp_maps_at(const struct rp_maps *maps, uint64_t address)
{
	size_t low = 0, high = maps->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct rp_map *map = &maps->v[middle];

		if (address < map->start)
			high = middle;
		else if (address >= map->end)
			low = middle + 1;
		else
			return map;
	}
	return NULL;
}

struct search {
	uint64_t low, high;	/* what must be reached */
	uint64_t size, align;
	uint64_t highest;
	unsigned int nth;
	uint64_t best, distance;
};

static uint64_t distance_to(const struct search *s, uint64_t start)
{
	return start < s->low ? s->low - start : start - s->low;
}

static bool reaches(const struct search *s, uint64_t start)
{
	uint64_t end = start + s->size;
	uint64_t low = start < s->low ? start : s->low;
	uint64_t high = end > s->high ? end : s->high;

	return high - low <= REACH && end <= s->highest;
}

static void consider(struct search *s, uint64_t start)
{
	if (reaches(s, start) && distance_to(s, start) < s->distance) {
		s->best = start;
		s->distance = distance_to(s, start);
	}
}

/*
 * Either end of a hole. The pages that stay free on both sides keep the kernel
 * from merging the new mapping with another one: its start can be found again.
 * Each attempt after the first leaves that much more of the hole's end.
 */
static void look_in(struct search *s, uint64_t from, uint64_t to)
{
	uint64_t skip = (uint64_t)s->nth * (s->size + 16 * RP_PAGE);
	uint64_t room = s->size + s->align + 2 * RP_PAGE + skip;

	if (from < LOWEST)
		from = LOWEST;
	if (to <= from || to - from < room)
		return;
	consider(s, (to - RP_PAGE - skip - s->size) & -s->align);
	consider(s, (from + RP_PAGE + skip + s->align - 1) & -s->align);
	/* A hole that is far larger than the reach. */
	if (s->highest < to && s->highest > from &&
	    s->highest - from >= room)
		consider(s, (s->highest - RP_PAGE - skip - s->size) & -s->align);
}

uint64_t rp_maps_gap(const struct rp_maps *maps, uint64_t low, uint64_t high,
		     uint64_t size, uint64_t align, uint64_t highest,
		     unsigned int nth)
{
	struct search s = {
		.low = low, .high = high, .size = RP_PAGE_UP(size),
		.align = align < RP_PAGE ? RP_PAGE : align,
		.highest = highest, .nth = nth, .distance = UINT64_MAX,
	};
	uint64_t last = 0;

	for (size_t i = 0; i < maps->n; i++) {
		const struct rp_map *map = &maps->v[i];
		uint64_t end = map->start;

		if (!strcmp(map->name, "[stack]"))
			end -= end > STACK_ROOM ? STACK_ROOM : end;
		look_in(&s, last, end);
		last = map->end;
		if (!strcmp(map->name, "[heap]"))
			last += HEAP_ROOM;
	}
	look_in(&s, last, HIGHEST);
	return s.best;
}
