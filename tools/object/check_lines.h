/* SPDX-License-Identifier: MIT */
/* Lines of the source for places in objects, looked up when they are printed. */
#ifndef REPOINT_TOOLS_CHECK_LINES_H
#define REPOINT_TOOLS_CHECK_LINES_H

#include "../../object/debug/info.h"

struct rp_check_lines;

/** rp_check_lines_find() - the line of a place; opens the debug information when
 *  it is first asked. @lines: NULL at first. Return: is one known? */
bool rp_check_lines_find(struct rp_check_lines **lines,
			 const struct rp_relobj *obj, uint32_t section,
			 uint64_t offset, struct rp_source_line *ret);
void rp_check_lines_close(struct rp_check_lines *lines);

#endif /* REPOINT_TOOLS_CHECK_LINES_H */
