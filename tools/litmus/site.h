/* SPDX-License-Identifier: MIT */
/*
 * One patchable instruction at a chosen offset of a cache line, and all the
 * places that it can lead to when it is torn.
 *
 * The instruction is a `call rel32` whose two targets' displacements differ in
 * each of the four bytes. A mix of old and new bytes is then one of 14 other
 * displacements; there is a small function at each of those places as well,
 * and its return value says which bytes were old. Whatever else is within
 * reach is mapped without access.
 *
 * The third state is a NOP of the same length: a whole instruction that
 * changes, opcode included.
 */
#ifndef LITMUS_SITE_H
#define LITMUS_SITE_H

#include <stddef.h>
#include <stdint.h>

enum { LITMUS_LINE = 64 };
enum { LITMUS_SITE_MAX = 6 };

enum litmus_state {
	LITMUS_CALL_A,
	LITMUS_CALL_B,
	LITMUS_NOP,
	LITMUS_STATE_NR
};

/* How a thread arrives at the site. Fetch may differ, so take turns. */
enum litmus_entry {
	LITMUS_ENTRY_JUMP,	/* the site is a branch target */
	LITMUS_ENTRY_NEAR,	/* falls into the site from 2 bytes before */
	LITMUS_ENTRY_FAR,	/* falls into it through 24 bytes of NOPs */
	LITMUS_ENTRY_NR
};

/* What a call through the site returns if the site is a NOP. */
#define LITMUS_IDLE	0x0d1e0000u
/*
 * What the targets return: this plus a mask of the displacement's bytes that
 * are B's. 0 is target A, 15 is target B, all others are torn.
 */
#define LITMUS_PAD	0xa0000000u
#define LITMUS_PAD_NR	16

struct litmus_site {
	unsigned char *text;		/* first byte of the instruction */
	unsigned int size;		/* 5, or 6 with a prefix */
	unsigned char insn[LITMUS_STATE_NR][LITMUS_SITE_MAX];
	/* Out of line, what each state does, then back behind the site. */
	unsigned char *stub[LITMUS_STATE_NR];
	uint32_t (*enter)(uint32_t idle);
	unsigned char *region;
	size_t region_size;
};

/**
 * litmus_site_init() - build a site in state LITMUS_CALL_A.
 * @site:   filled in; the text page is writable and executable
 * @offset: of the instruction's first byte in its cache line
 * @size:   5 or 6
 * @entry:  how threads arrive
 *
 * Nothing undoes it: it is for a child process that will exit.
 * Return: 0 or a negative errno.
 */
int litmus_site_init(struct litmus_site *site, unsigned int offset,
		     unsigned int size, enum litmus_entry entry);

/** litmus_site_seal() - make the text page read-only again, for writers that
 * open it themselves or go around its protection. */
int litmus_site_seal(struct litmus_site *site);

#endif /* LITMUS_SITE_H */
