// SPDX-License-Identifier: MIT
/* Call sites in memory of their own, as a just-in-time compiler has them. */
#define _GNU_SOURCE
#include "arena.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE		4096u
#define RET		0xc3
#define CALL		0xe8
#define CALL_SIZE	5

/* The two targets are on the page before the sites. */
static const size_t target_at[2] = { 0, 0x800 };

void arena_insn(const struct arena *arena, size_t i, unsigned int state,
		uint8_t *ret)
{
	size_t next = PAGE + i * ARENA_SITE_SIZE + CALL_SIZE;
	int32_t rel = (int32_t)(target_at[state] - next);

	(void)arena;
	ret[0] = CALL;
	memcpy(ret + 1, &rel, sizeof(rel));
}

/* Between the calls: NOPs as long as processors like them. */
static void fill_slot(uint8_t *slot)
{
	static const uint8_t nop8[8] = {
		0x0f, 0x1f, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00,	/* nopl */
	};
	static const uint8_t nop3[3] = { 0x0f, 0x1f, 0x00 };	/* nopl */

	memcpy(slot + CALL_SIZE, nop3, sizeof(nop3));
	for (size_t at = 8; at < ARENA_SITE_SIZE; at += 8)
		memcpy(slot + at, nop8, sizeof(nop8));
}

static void fill(const struct arena *arena, uint8_t *code)
{
	code[target_at[0]] = RET;
	code[target_at[1]] = RET;
	for (size_t i = 0; i < arena->nr; i++) {
		uint8_t *slot = code + PAGE + i * ARENA_SITE_SIZE;

		arena_insn(arena, i, 0, slot);
		fill_slot(slot);
	}
	code[PAGE + arena->nr * ARENA_SITE_SIZE] = RET;
}

void arena_init(struct arena *arena, size_t nr)
{
	int fd = memfd_create("arena", MFD_CLOEXEC);
	uint8_t *shared;

	memset(arena, 0, sizeof(*arena));
	arena->nr = nr;
	arena->size = (PAGE + nr * ARENA_SITE_SIZE + PAGE) & ~(size_t)(PAGE - 1);
	if (fd < 0 || ftruncate(fd, (off_t)arena->size) < 0)
		bench_die("no memory file for %zu sites", nr);
	shared = mmap(NULL, arena->size, PROT_READ | PROT_WRITE, MAP_SHARED,
		      fd, 0);
	arena->code = mmap(NULL, arena->size, PROT_READ | PROT_EXEC,
			   MAP_PRIVATE, fd, 0);
	if (shared == MAP_FAILED || arena->code == MAP_FAILED)
		bench_die("no memory for %zu sites", nr);
	fill(arena, shared);
	munmap(shared, arena->size);
	close(fd);
	arena->sites = arena->code + PAGE;
}

void arena_deinit(struct arena *arena)
{
	munmap(arena->code, arena->size);
}

void arena_call(const struct arena *arena)
{
	((void (*)(void))(void *)arena->sites)();
}

void arena_check(const struct arena *arena)
{
	uint8_t want[CALL_SIZE];

	for (size_t i = 0; i < arena->nr; i++) {
		arena_insn(arena, i, arena->state, want);
		if (memcmp(arena->sites + i * ARENA_SITE_SIZE, want,
			   sizeof(want)))
			bench_die("site %zu of %zu was not changed", i,
				  arena->nr);
	}
}
