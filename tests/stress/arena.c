// SPDX-License-Identifier: MIT
/* Sites that are made at run time. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "arch.h"
#include "arena.h"

#define DISTANCE_A	0x11111111l
#define DISTANCE_B	0x22222222l
#define PAGE		4096ul
/* Enough behind the arena for both targets of its last site. */
#define RESERVED(size)	((size_t)DISTANCE_B + (size) + 2 * PAGE)

static uint8_t *emit(uint8_t *at, const void *bytes, size_t len)
{
	memcpy(at, bytes, len);
	return at + len;
}

static uint8_t *emit_mov_eax(uint8_t *at, long value)
{
	uint32_t imm = (uint32_t)value;

	*at++ = 0xb8;	/* mov $imm, %eax */
	return emit(at, &imm, 4);
}

static uint8_t *pages_of(const uint8_t *address)
{
	return (uint8_t *)((uintptr_t)address & -PAGE);
}

static void map_targets(const struct arena *arena, long distance)
{
	uint8_t *start = pages_of(arena->text + distance);

	REQUIRE(mmap(start, arena->size + 2 * PAGE, PROT_READ | PROT_WRITE |
		     PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
		     0) == start);
}

void arena_init(struct arena *arena, size_t size, int fd)
{
	int flags = MAP_PRIVATE | MAP_FIXED | (fd < 0 ? MAP_ANONYMOUS : 0);
	uint8_t *text;

	arena->size = (size + PAGE - 1) & -PAGE;
	arena->used = 0;
	text = mmap(NULL, RESERVED(arena->size), PROT_NONE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	REQUIRE(text != MAP_FAILED);
	arena->text = text;
	REQUIRE(mmap(text, arena->size, PROT_READ | PROT_WRITE, flags, fd,
		     0) == text);
	memset(text, RP__INT3, arena->size);
	map_targets(arena, DISTANCE_A);
	map_targets(arena, DISTANCE_B);
}

void arena_deinit(struct arena *arena)
{
	munmap(arena->text, RESERVED(arena->size));
}

void arena_ready(struct arena *arena)
{
	REQUIRE(mprotect(arena->text, arena->size, PROT_READ | PROT_EXEC) == 0);
}

int arena_file(size_t size)
{
	char path[] = "/tmp/repoint-arena.XXXXXX";
	int fd = mkstemp(path);

	REQUIRE(fd >= 0);
	unlink(path);
	REQUIRE(ftruncate(fd, (off_t)size) == 0);
	return fd;
}

/* The target that a branch ending at @end reaches; made on first use. */
static uintptr_t target(const uint8_t *end, long distance, long value)
{
	uint8_t *at = (uint8_t *)end + distance;

	emit_mov_eax(at, value)[0] = 0xc3;	/* ret */
	return (uintptr_t)at;
}

static void add_state(struct site *site, enum rp__insn_type type,
		      uintptr_t to, long value)
{
	unsigned int condition = type == RP__INSN_JCC ? 4 : 0;	/* e */

	REQUIRE(site->states < SITE_STATES_MAX);
	REQUIRE(rp__insn_encode(type, condition, (uintptr_t)site->insn, to,
				site->bytes[site->states], site->len) == 0);
	site->value[site->states++] = value;
}

/* Branches whose last byte is @len behind the first: to both targets. */
static void add_branches(struct site *site, enum rp__insn_type type,
			 unsigned int len)
{
	add_state(site, type, target(site->insn + len, DISTANCE_A, VALUE_A),
		  VALUE_A);
	add_state(site, type, target(site->insn + len, DISTANCE_B, VALUE_B),
		  VALUE_B);
}

/* Branches through pointers, which are at the targets' place. */
static void add_indirect(struct site *site, enum rp__insn_type type)
{
	uint8_t *end = site->insn + 6;
	uint64_t *a = (uint64_t *)(end + DISTANCE_A + 8);
	uint64_t *b = (uint64_t *)(end + DISTANCE_B + 8);

	*a = target(end, DISTANCE_A, VALUE_A);
	*b = target(end, DISTANCE_B, VALUE_B);
	add_state(site, type, (uintptr_t)a, VALUE_A);
	add_state(site, type, (uintptr_t)b, VALUE_B);
}

static void add_states(struct site *site, const uint8_t *other)
{
	uint8_t *end = site->insn + site->len;

	switch (site->kind) {
	case SITE_CALL:
		add_branches(site, RP__INSN_CALL, 5);
		add_state(site, RP__INSN_NOP, 0, VALUE_NOTHING);
		add_state(site, RP__INSN_RET0, 0, 0);
		break;
	case SITE_CALL_MEM:
		add_indirect(site, RP__INSN_CALL_MEM);
		add_state(site, RP__INSN_CALL,
			  target(end, DISTANCE_A, VALUE_A), VALUE_A);
		add_state(site, RP__INSN_NOP, 0, VALUE_NOTHING);
		add_state(site, RP__INSN_RET0, 0, 0);
		break;
	case SITE_TAIL:
		add_branches(site, RP__INSN_JMP, 5);
		add_state(site, RP__INSN_RET, 0, VALUE_NOTHING);
		break;
	case SITE_TAIL_MEM:
		add_indirect(site, RP__INSN_JMP_MEM);
		add_state(site, RP__INSN_JMP,
			  target(end, DISTANCE_A, VALUE_A), VALUE_A);
		add_state(site, RP__INSN_RET, 0, VALUE_NOTHING);
		break;
	case SITE_JCC:
		add_branches(site, RP__INSN_JCC, 6);
		add_state(site, RP__INSN_NOP, 0, VALUE_NOTHING);
		break;
	case SITE_KEY:
	case SITE_KEY_SHORT:
		add_state(site, RP__INSN_NOP, 0, VALUE_NOTHING);
		if (site->kind == SITE_KEY) {
			add_state(site, RP__INSN_JMP, (uintptr_t)other, VALUE_B);
			break;
		}
		site->bytes[1][0] = 0xeb;	/* jmp rel8 */
		site->bytes[1][1] = (uint8_t)(other - end);
		site->value[1] = VALUE_B;
		site->states = 2;
		break;
	default:
		REQUIRE(false);
	}
}

static unsigned int insn_len(enum site_kind kind)
{
	switch (kind) {
	case SITE_CALL_MEM:
	case SITE_TAIL_MEM:
	case SITE_JCC:
		return 6;
	case SITE_KEY_SHORT:
		return 2;
	default:
		return 5;
	}
}

static bool is_call(enum site_kind kind)
{
	return kind == SITE_CALL || kind == SITE_CALL_MEM;
}

/* What stands before the instruction; it ends at @insn. */
static uint8_t *emit_before(enum site_kind kind, uint8_t *insn)
{
	static const uint8_t sub[] = { 0x48, 0x83, 0xec, 0x08 };
	static const uint8_t test[] = { 0x85, 0xff };	/* test %edi, %edi */
	uint8_t *start = insn - 5;

	if (is_call(kind))
		start -= sizeof(sub);
	else if (kind == SITE_JCC)
		start -= sizeof(test);
	insn = start;
	if (is_call(kind))
		insn = emit(insn, sub, sizeof(sub));
	insn = emit_mov_eax(insn, VALUE_NOTHING);
	if (kind == SITE_JCC)
		emit(insn, test, sizeof(test));
	return start;
}

/* What stands behind it; returns where the other branch of a key begins. */
static uint8_t *emit_behind(enum site_kind kind, uint8_t *end)
{
	static const uint8_t add[] = { 0x48, 0x83, 0xc4, 0x08 };

	if (is_call(kind))
		end = emit(end, add, sizeof(add));
	*end++ = 0xc3;	/* ret */
	emit_mov_eax(end, VALUE_B)[0] = 0xc3;
	return end;
}

void arena_add_at(struct arena *arena, struct site *site, enum site_kind kind,
		  uint8_t *insn)
{
	uint8_t *other;

	REQUIRE(insn >= arena->text + 16 &&
		insn + 32 <= arena->text + arena->size);
	memset(site, 0, sizeof(*site));
	site->kind = kind;
	site->len = insn_len(kind);
	site->insn = insn;
	site->call = (long (*)(long))(uintptr_t)emit_before(kind, insn);
	other = emit_behind(kind, insn + site->len);
	add_states(site, other);
	memcpy(insn, site->bytes[0], site->len);
}

void arena_add(struct arena *arena, struct site *site, enum site_kind kind,
	       unsigned int offset)
{
	uint8_t *slot = arena->text + arena->used;

	arena->used += SITE_SLOT;
	REQUIRE(arena->used <= arena->size);
	arena_add_at(arena, site, kind, slot + 64 + offset);
}

const char *site_kind_name(enum site_kind kind)
{
	static const char *const names[SITE_KIND_NR] = {
		"call", "call*", "tail", "tail*", "jcc", "key", "short key",
	};

	return names[kind];
}

bool site_value_is_legal(const struct site *site, long value)
{
	for (unsigned int i = 0; i < site->states; i++)
		if (site->value[i] == value)
			return true;
	return false;
}

bool site_is_in(const struct site *site, unsigned int state)
{
	return !memcmp(site->insn, site->bytes[state], site->len);
}

struct rp_text_poke_opts poke_opts(enum rp_protocol protocol,
				   enum rp_backend backend)
{
	struct rp_text_poke_opts opts = {
		.sz = sizeof(opts), .protocol = protocol, .backend = backend
	};

	return opts;
}

int site_poke(struct site *site, unsigned int state,
	      const struct rp_text_poke_opts *opts)
{
	int error = rp_text_poke_single(site->insn, site->bytes[site->state],
					site->bytes[state], site->len, opts);

	if (!error)
		site->state = state;
	return error;
}

int site_add(struct rp_text_poke_batch *batch, const struct site *site,
	     unsigned int state)
{
	return rp_text_poke_batch_add(batch, site->insn,
				      site->bytes[site->state],
				      site->bytes[state], site->len);
}

int sites_poke(struct site *sites, size_t nr, unsigned int state,
	       const struct rp_text_poke_opts *opts)
{
	struct rp_text_poke_batch *batch;
	int error = rp_text_poke_batch_begin(&batch, opts);

	for (size_t i = 0; i < nr && !error; i++) {
		error = site_add(batch, &sites[i], state % sites[i].states);
		if (error)
			rp_text_poke_batch_abort(batch);
	}
	if (!error)
		error = rp_text_poke_batch_commit(batch);
	for (size_t i = 0; i < nr && !error; i++)
		sites[i].state = state % sites[i].states;
	return error;
}
