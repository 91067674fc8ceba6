// SPDX-License-Identifier: MIT
/*
 * Islands: jumps to far targets, within reach of an object's text.
 *
 * A position-independent executable and its libraries are terabytes apart, a
 * rel32 reaches two gigabytes. A block is two pages: code, written once and
 * then r-x for ever, with 512 times `jmp *slot(%rip)`, and the slots that they
 * jump through, r-- except while one is added. A new island is thus a store of
 * data: no code is changed for it.
 *
 * An island belongs to its target as long as the object lives. It is never
 * given to another target, because a thread may have been preempted on it, and
 * nothing tells when it goes on.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "arch.h"
#include "inject.h"
#include "island.h"
#include "log.h"
#include "maps.h"

#ifndef MAP_FIXED_NOREPLACE
# define MAP_FIXED_NOREPLACE	0x100000
#endif

#define ISLAND_SIZE	8u
#define HINT_TRIES	8
#define HINT_STEP	((uintptr_t)1 << 24)

/*
 * struct rp__island_block - in memory of its own.
 * @page:  bytes of a page; the slots are one page behind the code
 * @used:  islands that have a target
 */
struct rp__island_block {
	struct rp__island_block *next;
	uintptr_t code;
	uintptr_t page;
	unsigned int used;
};

static uintptr_t *slots(const struct rp__island_block *block)
{
	return (uintptr_t *)(block->code + block->page);
}

static struct rp__island island_at(const struct rp__island_block *block,
				   unsigned int index)
{
	return (struct rp__island){
		.code = block->code + index * ISLAND_SIZE,
		.slot = (uintptr_t)&slots(block)[index],
	};
}

/* jmp *slot(%rip): the distance from each island to its slot is the same. */
static void fill_code(const struct rp__island_block *block)
{
	uint8_t island[ISLAND_SIZE] = {
		0xff, 0x25, 0, 0, 0, 0,	/* jmp *slot(%rip) */
		0xcc, 0xcc,		/* int3 */
	};
	uint32_t displacement = (uint32_t)block->page - 6;

	memcpy(island + 2, &displacement, sizeof(displacement));
	for (uintptr_t at = 0; at < block->page; at += ISLAND_SIZE)
		memcpy((void *)(block->code + at), island, ISLAND_SIZE);
}

static uintptr_t map_at(uintptr_t hint, size_t size)
{
	void *found;

	if (!hint || RP__FAIL(RP__FAIL_MAP))
		return 0;
	found = mmap((void *)hint, size, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	if (found == MAP_FAILED)
		return 0;
	if ((uintptr_t)found == hint)
		return hint;
	/* A kernel before 4.17 takes the address for a hint. */
	munmap(found, size);
	return 0;
}

/* Without /proc: try addresses below and above the object. */
static uintptr_t map_blindly(const struct rp__object *object, size_t size)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), at = 0;
	uintptr_t start = object->text_start & -page;
	uintptr_t end = (object->text_end + page - 1) & -page;

	for (unsigned int i = 1; i * HINT_STEP < RP__REACH / 2 && !at; i++) {
		at = map_at(start - i * HINT_STEP, size);
		if (!at)
			at = map_at(end + i * HINT_STEP, size);
	}
	return at;
}

static uintptr_t map_near(const struct rp__object *object, size_t size)
{
	uintptr_t at = 0;

	for (int i = 0; i < HINT_TRIES && !at; i++)
		at = map_at(rp__maps_find_gap(object->text_start,
					      object->text_end, size,
					      RP__REACH), size);
	return at ? at : map_blindly(object, size);
}

static int seal_block(const struct rp__island_block *block)
{
	fill_code(block);
	if (mprotect((void *)block->code, block->page,
		     PROT_READ | PROT_EXEC) < 0 ||
	    mprotect(slots(block), block->page, PROT_READ) < 0)
		return -EPERM;
	return 0;
}

static int new_block(struct rp__object *object)
{
	struct rp__island_block *block = rp__map(sizeof(*block));

	if (!block)
		return -ENOMEM;
	block->page = (uintptr_t)sysconf(_SC_PAGESIZE);
	block->code = map_near(object, 2 * block->page);
	if (!block->code) {
		rp__unmap(block, sizeof(*block));
		return -ENOMEM;
	}
	if (seal_block(block) < 0) {
		munmap((void *)block->code, 2 * block->page);
		rp__unmap(block, sizeof(*block));
		return -EPERM;
	}
	block->next = object->islands;
	object->islands = block;
	rp__log(RP_LOG_DEBUG, "object", "%s: islands at %p",
		object->path, (void *)block->code);
	return 0;
}

static bool find(const struct rp__object *object, uintptr_t target,
		 struct rp__island *ret)
{
	const struct rp__island_block *block;

	for (block = object->islands; block; block = block->next)
		for (unsigned int i = 0; i < block->used; i++)
			if (slots(block)[i] == target) {
				*ret = island_at(block, i);
				return true;
			}
	return false;
}

int rp__island_get(struct rp__object *object, uintptr_t target,
		   struct rp__island *ret)
{
	struct rp__island_block *block;
	int error;

	if (find(object, target, ret))
		return 0;
	block = object->islands;
	if (!block || block->used * ISLAND_SIZE == block->page) {
		error = new_block(object);
		if (error < 0)
			return error;
		block = object->islands;
	}
	if (mprotect(slots(block), block->page, PROT_READ | PROT_WRITE) < 0)
		return -EPERM;
	slots(block)[block->used] = target;
	mprotect(slots(block), block->page, PROT_READ);
	*ret = island_at(block, block->used);
	block->used++;
	return 0;
}

void rp__islands_free(struct rp__object *object)
{
	struct rp__island_block *block, *next;

	for (block = object->islands; block; block = next) {
		next = block->next;
		munmap((void *)block->code, 2 * block->page);
		rp__unmap(block, sizeof(*block));
	}
	object->islands = NULL;
}
