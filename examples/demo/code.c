// SPDX-License-Identifier: MIT
/*
 * Code chosen for this processor and ops bound at start: the demo's first table,
 * read from the code in place. examples/features and examples/ops say more.
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "../features/mem.h"
#include "../ops/clock.h"
#include "../ops/lock.h"
#include "code.h"

enum { SITE_MAX = 64 };

static struct lock lock;
static unsigned int lines, wrong;

#define SITE	__attribute__((noinline, aligned(64)))

SITE static uint32_t crc_site(const void *from, size_t n)
{
	return mem_crc32c(0, from, n);
}

SITE static uint32_t word_site(uint32_t crc, uint64_t word)
{
	return mem_crc32c_word(crc, word);
}

SITE static uint64_t now_site(void)
{
	return clock_now();
}

SITE static void lock_site(void)
{
	lock_acquire(&lock);
	lines++;
}

void code_line(const char *text, size_t len)
{
	uint64_t word = 0;

	lock_site();
	lock_release(&lock);
	memcpy(&word, text, len < sizeof(word) ? len : sizeof(word));
	wrong += crc_site(text, len) != crc32c_table(0, text, len);
	wrong += word_site(~0u, word) != ~crc32c_table(0, &word, sizeof(word));
}

static int calls(const void *site, const void *callee)
{
	const uint8_t *code = site;
	int32_t rel;

	for (int i = 0; i + 5 <= SITE_MAX; i++) {
		memcpy(&rel, code + i + 1, sizeof(rel));
		if (code[i] == 0xe8 && code + i + 5 + rel ==
		    (const uint8_t *)callee)
			return 1;
	}
	return 0;
}

static int holds(const void *site, const char *bytes, size_t len)
{
	for (size_t i = 0; i + len <= SITE_MAX; i++)
		if (!memcmp((const char *)site + i, bytes, len))
			return 1;
	return 0;
}

/* Of an op: what it became, or a call. */
static const char *op(const void *site, const char *bytes, const char *name)
{
	if (holds(site, bytes, 6))
		return name;
	return holds(site, "\x2e\xe8", 2) ? "a direct call" :
					    "a call through the table";
}

unsigned int code_print(void)
{
	uint64_t start;
	int error = clock_init();

	if (!error)
		error = lock_init();
	start = now_site();
	code_line("123456789", 9);
	wrong += crc_site("123456789", 9) != 0xe3069283;
	wrong += clock_ns(now_site() - start) == 0;
	printf("  code in place for this processor%s\n",
	       error ? " (text cannot be patched here)" : "");
	printf("    CRC-32C of a line    %s\n",
	       calls((void *)crc_site, (void *)crc32c_clmul) ?
	       "call crc32c_clmul       sse4_2 and pclmulqdq" :
	       calls((void *)crc_site, (void *)crc32c_sse42) ?
	       "call crc32c_sse42       sse4_2" : "call crc32c_table");
	printf("    CRC-32C of 8 bytes   %s\n",
	       calls((void *)word_site, (void *)crc32c_word_table) ?
	       "call crc32c_word_table" : "crc32q                  sse4_2");
	printf("    time source          %s\n",
	       op((void *)now_site, "\x2e\x2e\x2e\x2e\x0f\x31",
		  "rdtsc                   a patchlet"));
	printf("    lock, one thread     %s\n",
	       op((void *)lock_site, "\x66\x0f\x1f\x44\x00\x00",
		  "nop                     an op that does nothing"));
	printf("    lines checked        %u, wrong %u\n\n", lines, wrong);
	return wrong;
}
