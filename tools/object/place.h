/* SPDX-License-Identifier: MIT */
/* Where findings are, in words: name+0x26 (.text+0x126, 0x1126, file.c:8). */
#ifndef REPOINT_TOOLS_PLACE_H
#define REPOINT_TOOLS_PLACE_H

#include "check_lines.h"
#include "../../object/code/code.h"
#include "../../object/findings.h"

#include <stdio.h>

/**
 * struct rp_place - names as the file has them.
 * @section:  "": of the file as a whole
 * @function: its name, "" if it is in none
 * @inside:   the place is in the function itself, not in a replacement
 * @linked:   there is an @address: what objdump prints of linked files
 * @source:   NULL: no line is known
 */
struct rp_place {
	char section[80];
	char function[120];
	uint64_t offset;
	uint64_t function_offset;
	uint64_t address;
	bool inside;
	bool linked;
	const char *source;
	uint32_t line;
};

/** rp_place_find() - @lines: NULL at first; rp_check_lines_close() at last, when
 *  @place is no longer used. */
void rp_place_find(struct rp_place *place, const struct rp_code *code,
		   const struct rp_finding *f, struct rp_check_lines **lines);

/** rp_place_print() - with ": " behind it. */
void rp_place_print(FILE *out, const struct rp_place *place);
/** rp_place_print_json() - as members of an object, ", " before each. */
void rp_place_print_json(FILE *out, const struct rp_place *place);

#endif /* REPOINT_TOOLS_PLACE_H */
