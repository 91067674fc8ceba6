/* SPDX-License-Identifier: MIT */
/* ORC tables as text and as JSON. */
#ifndef REPOINT_TOOLS_OBJECT_ORC_DUMP_H
#define REPOINT_TOOLS_OBJECT_ORC_DUMP_H

#include "../../object/orc/orc.h"

#include <stdio.h>

/**
 * rp_orc_print() - one line for each entry:
 * `function+0x12  .text+0x345  cfa=rsp+16 rbp=cfa-16 call`.
 * @out: where to
 * @orc: the table
 * @obj: whose sections and symbols name the places
 *
 * Names are made printable. Return: 0 or -ENOMEM.
 */
int rp_orc_print(FILE *out, const struct rp_orc *orc,
		 const struct rp_relobj *obj);

/** rp_orc_print_json() - the same as a JSON array. Return: 0 or -ENOMEM. */
int rp_orc_print_json(FILE *out, const struct rp_orc *orc,
		      const struct rp_relobj *obj);

#endif /* REPOINT_TOOLS_OBJECT_ORC_DUMP_H */
