/* SPDX-License-Identifier: MIT */
/* C for the differ to chew on: always the same text for the same numbers. */
#ifndef BENCH_PATCH_SOURCE_H
#define BENCH_PATCH_SOURCE_H

#include <stdbool.h>
#include <stdio.h>

/**
 * struct patch_source - one file.
 * @unit:      number of the file; names of static functions do not have it
 * @functions: how many, but for the one that the others call in the end and
 *             "unit_<unit>", which calls them
 * @fixed:     this one has a check more; none: PATCH_SOURCE_NONE
 * @header:    the file begins with patch_source_header(); else it includes it,
 *             as "common.h"
 */
struct patch_source {
	unsigned int unit;
	unsigned int functions;
	unsigned int fixed;
	bool header;
};

#define PATCH_SOURCE_NONE	(~0u)

/** patch_source_header() - types, and a function that all files have inline. */
void patch_source_header(FILE *file, bool fixed);

void patch_source_write(FILE *file, const struct patch_source *source);

/** patch_source_name() - what the nth function is called. */
void patch_source_name(char *name, size_t room, unsigned int nth);

/** patch_source_main() - a program of that many files. */
void patch_source_main(FILE *file, unsigned int units);

#endif /* BENCH_PATCH_SOURCE_H */
