/* SPDX-License-Identifier: MIT */
/* Three ways to look at a line of a log, with equal results. */
#ifndef DEMO_PARSE_H
#define DEMO_PARSE_H

#include <stddef.h>
#include <stdint.h>

enum { PARSE_BYTE, PARSE_WORD, PARSE_SSE2, PARSE_NR };

/* How often each implementation ran, for one thread. */
struct usage {
	uint64_t calls[PARSE_NR];
};

typedef size_t fields_fn(const char *line, size_t len, struct usage *usage);
typedef uint32_t digest_fn(const char *line, size_t len, struct usage *usage);

/* Words in the line, separated by single spaces. */
fields_fn fields_byte, fields_word, fields_sse2;
/* Sum of the bytes, each weighted with one more than its place modulo 8. */
digest_fn digest_byte, digest_word, digest_sse2;

#endif
