/* SPDX-License-Identifier: MIT */
/* All cells of a run: whose turn it is, what is known, and the verdict. */
#ifndef LITMUS_MAP_H
#define LITMUS_MAP_H

#include <stdbool.h>
#include <stdint.h>

#include "cell.h"
#include "machine.h"
#include "protocol.h"

enum litmus_result {
	LITMUS_NOT_APPLICABLE,	/* '-' */
	LITMUS_NO_OVERLAP,	/* '?' the threads were not seen to meet */
	LITMUS_SURVIVED,	/* '.' */
	LITMUS_TORN,		/* 'X' */
	LITMUS_FAILED,		/* '!' the experiment could not be made */
	LITMUS_RESULT_NR
};

struct litmus_cell {
	enum litmus_result result;
	uint64_t slices;
	uint64_t updates;
	uint64_t overlapped;
	uint64_t calls;
	uint64_t switches;
	uint64_t traps;
	char how[160];		/* TORN and FAILED: what was seen */
};

struct litmus_plan {
	unsigned int ms;		/* for everything */
	unsigned int size;		/* of the instruction */
	unsigned int block;		/* of store8 and cross8 */
	const char *block_source;	/* why that block */
	uint64_t offsets;		/* bit mask */
	bool protocols[LITMUS_PROTOCOL_NR];
	bool verbose;
};

struct litmus_map {
	struct litmus_machine machine;
	struct litmus_plan plan;
	bool interrupted;
	uint64_t elapsed_ms;
	struct litmus_cell cells[LITMUS_PROTOCOL_NR][LITMUS_LINE];
};

struct litmus_count {
	unsigned int results[LITMUS_RESULT_NR];
	struct litmus_cell sum;
};

enum litmus_verdict {
	LITMUS_VERDICT_HELD,	/* what we ship survived in every cell */
	LITMUS_VERDICT_TORN,	/* it did not */
	LITMUS_VERDICT_UNSHOWN,	/* a shipped cell has no evidence */
	LITMUS_VERDICT_NONE,	/* no shipped protocol was asked for */
};

/** litmus_map_run() - make the experiments, in turn, until time is up.
 * @map: machine and plan are set. Return: 0 or a negative errno. */
int litmus_map_run(struct litmus_map *map);

/** litmus_map_count() - what became of a protocol's cells. */
void litmus_map_count(const struct litmus_map *map, unsigned int protocol,
		      struct litmus_count *ret);

/** litmus_map_verdict() - on the protocols that the library uses. */
enum litmus_verdict litmus_map_verdict(const struct litmus_map *map);

/** litmus_map_has_teeth() - whether any other protocol was seen to tear. */
bool litmus_map_has_teeth(const struct litmus_map *map);

/**
 * litmus_map_boundary() - cells of one-store protocols by what they cross.
 * @boundary: 8, 16, 32 or 64: the largest that lies between changed bytes;
 *            0: none does
 * @ret:      their results, and the sum of their counts
 */
void litmus_map_boundary(const struct litmus_map *map, unsigned int boundary,
			 struct litmus_count *ret);

#endif /* LITMUS_MAP_H */
