/* SPDX-License-Identifier: MIT */
/* What a run found, for people and for programs. */
#ifndef LITMUS_REPORT_H
#define LITMUS_REPORT_H

#include <stdio.h>

#include "map.h"

/** litmus_report_header() - the machine and what will be done. */
void litmus_report_header(FILE *out, const struct litmus_map *map);

/** litmus_report() - the map, the counts and the conclusion. */
void litmus_report(FILE *out, const struct litmus_map *map);

/** litmus_json() - the same as one JSON object, one line for each cell. */
void litmus_json(FILE *out, const struct litmus_map *map);

/** litmus_largest_block() - of 8, 16, 32, 64 the largest inside which each
 * single store survived; 0 if not even 8, or not shown. */
unsigned int litmus_largest_block(const struct litmus_map *map);

#endif /* LITMUS_REPORT_H */
