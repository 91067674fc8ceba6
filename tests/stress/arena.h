/* SPDX-License-Identifier: MIT */
/*
 * Sites: functions that are made at run time, with one instruction that is to
 * be changed at a chosen offset from a multiple of 64.
 *
 * Calls and jumps lead to two targets whose displacements differ in each byte
 * (11111111, 22222222): a torn one leads nowhere. What a function returns tells
 * which state it was in.
 */
#ifndef ARENA_H
#define ARENA_H

#include "harness.h"

/* How a site is used; each has a few states. */
enum site_kind {
	SITE_CALL,	/* call A, call B, nop, xor */
	SITE_CALL_MEM,	/* six bytes: call *A, call *B, cs call A, nop, xor */
	SITE_TAIL,	/* jmp A, jmp B, ret */
	SITE_TAIL_MEM,	/* six bytes: jmp *A, jmp *B, jmp A, ret */
	SITE_JCC,	/* six bytes: je A, je B, nop */
	SITE_KEY,	/* nop, jmp rel32 */
	SITE_KEY_SHORT,	/* two bytes: nop, jmp rel8 */
	SITE_KIND_NR
};

#define SITE_STATES_MAX	5
#define SITE_SLOT	192	/* bytes of the arena for one site */
#define SITE_LEN_MAX	6

struct site {
	enum site_kind kind;
	unsigned int states;
	unsigned int len;
	uint8_t *insn;			/* the instruction */
	long (*call)(long arg);		/* the function that contains it */
	uint8_t bytes[SITE_STATES_MAX][SITE_LEN_MAX];
	long value[SITE_STATES_MAX];	/* what call(0) returns */
	unsigned int state;		/* that the test has set last */
};

/* What a function returns whose site did nothing. */
#define VALUE_NOTHING	0x5a5a5a5al
#define VALUE_A		0x0a0a0a0al
#define VALUE_B		0x0b0b0b0bl

/*
 * struct arena - @text holds sites, at most @size bytes of them. Private and,
 * if asked for, of a file; r-x after arena_ready().
 */
struct arena {
	uint8_t *text;
	size_t size;
	size_t used;
};

/* @fd < 0: anonymous. Ends the test if there is no memory. */
void arena_init(struct arena *arena, size_t size, int fd);
void arena_deinit(struct arena *arena);
/* A site of @kind at @offset of a 64-byte line, in state 0. */
void arena_add(struct arena *arena, struct site *site, enum site_kind kind,
	       unsigned int offset);
/* The instruction itself at @insn, which lies in the arena. */
void arena_add_at(struct arena *arena, struct site *site, enum site_kind kind,
		  uint8_t *insn);
void arena_ready(struct arena *arena);
/* A file of the right size, for arena_init(); removed already. */
int arena_file(size_t size);

const char *site_kind_name(enum site_kind kind);

/* Whether @value is what the site returns in some state. */
bool site_value_is_legal(const struct site *site, long value);
bool site_is_in(const struct site *site, unsigned int state);

/* From its state to @state, alone. Sets site->state on success. */
int site_poke(struct site *site, unsigned int state,
	      const struct rp_text_poke_opts *opts);
int site_add(struct rp_text_poke_batch *batch, const struct site *site,
	     unsigned int state);
/* All of them in a batch, each to @state modulo its number of states. */
int sites_poke(struct site *sites, size_t nr, unsigned int state,
	       const struct rp_text_poke_opts *opts);

struct rp_text_poke_opts poke_opts(enum rp_protocol protocol,
				   enum rp_backend backend);

#endif
