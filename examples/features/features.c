// SPDX-License-Identifier: MIT
/*
 * Which copy, fill and CRC-32C this processor gets, and that they are right.
 *
 *   features               RP_CPU_MASK=avx2 features          what if?
 *
 * The table is read from the code in place, not from CPUID: it shows what runs.
 * All variants that the processor has are compared with plain loops, and so are
 * the sites. RP_LOG=alternative says more.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"

enum { ROUNDS = 4000, LEN_MAX = 2000, ROOM = LEN_MAX + 128 };

extern char copy_sse2[], copy_avx2[], fill_sse2[], fill_avx2[];

/* ---- one site of each; nothing else is within its 256 bytes ---- */

#define SITE	__attribute__((noinline, aligned(256)))
enum { SITE_LEN = 256 };

SITE static void site_copy(void *to, const void *from, size_t n)
{
	mem_copy(to, from, n);
}

SITE static void site_fill(void *to, int byte, size_t n)
{
	mem_fill(to, byte, n);
}

SITE static uint32_t site_crc(uint32_t crc, const void *from, size_t n)
{
	return mem_crc32c(crc, from, n);
}

SITE static uint32_t site_word(uint32_t crc, uint64_t word)
{
	return mem_crc32c_word(crc, word);
}

__attribute__((used, aligned(256))) static void behind_the_sites(void)
{
}

/* ---- all variants, as the sites have them ---- */

static const struct variant {
	const char *name;
	unsigned int feature;
	const void *callee;		/* called at the site, or */
	const char *code;		/* these bytes are there */
} copies[] = {
	{ "sse2", RP_FEATURE_ALWAYS, copy_sse2, NULL },
	{ "rep movsb", RP_FEATURE_ERMS, NULL, "\xf3\xa4" },
	{ "avx2", RP_FEATURE_AVX2, copy_avx2, NULL },
	{ "rep movsb", RP_FEATURE_FSRM, NULL, "\xf3\xa4" },
	{ NULL, 0, NULL, NULL }
}, fills[] = {
	{ "sse2", RP_FEATURE_ALWAYS, fill_sse2, NULL },
	{ "rep stosb", RP_FEATURE_ERMS, NULL, "\xf3\xaa" },
	{ "avx2", RP_FEATURE_AVX2, fill_avx2, NULL },
	{ "rep stosb", RP_FEATURE_FSRS, NULL, "\xf3\xaa" },
	{ NULL, 0, NULL, NULL }
}, crcs[] = {
	{ "table", RP_FEATURE_ALWAYS, (const void *)crc32c_table, NULL },
	{ "sse4.2", RP_FEATURE_SSE4_2, (const void *)crc32c_sse42, NULL },
	{ "clmul", FEATURE_CRC_CLMUL, (const void *)crc32c_clmul, NULL },
	{ NULL, 0, NULL, NULL }
}, words[] = {
	{ "table", RP_FEATURE_ALWAYS, (const void *)crc32c_word_table, NULL },
	{ "crc32q", RP_FEATURE_SSE4_2, NULL, "\xf2\x48\x0f\x38\xf1\xc6" },
	{ NULL, 0, NULL, NULL }
};

/* ---- what is at a site ---- */

static bool calls(const uint8_t *code, const void *callee)
{
	int32_t rel;

	memcpy(&rel, code + 1, sizeof(rel));
	return *code == 0xe8 && code + 5 + rel == (const uint8_t *)callee;
}

static bool is_at(const struct variant *variant, const void *site)
{
	const uint8_t *code = site;

	for (size_t i = 0; i + 8 <= SITE_LEN; i++)
		if (variant->callee ? calls(code + i, variant->callee) :
		    !memcmp(code + i, variant->code, strlen(variant->code)))
			return true;
	return false;
}

static const char *feature_name(unsigned int feature)
{
	const char *name = rp_feature_name(feature);

	if (feature == RP_FEATURE_ALWAYS)
		return "always";
	return name ? name : "crc_clmul";
}

/* The last variant whose feature is present is the one that must be there. */
static bool show(const char *operation, const struct variant *variants,
		 const void *site)
{
	const struct variant *best = variants;
	bool right;

	for (const struct variant *v = variants; v->name; v++)
		if (rp_cpu_has(v->feature))
			best = v;
	right = is_at(best, site);
	printf("  %-10s %-10s %-10s %s\n", operation,
	       right ? best->name : "?", feature_name(best->feature),
	       right ? best->callee ? "direct call" : "inline" :
		       "not what is at the site");
	return right;
}

/* ---- are they right? ---- */

static uint32_t crc_by_bits(uint32_t crc, const uint8_t *from, size_t n)
{
	crc = ~crc;
	while (n--) {
		crc ^= *from++;
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78u : 0);
	}
	return ~crc;
}

static void call_copy(const void *callee, void *to, const void *from, size_t n)
{
	__asm__ volatile("leaq -128(%%rsp), %%rsp\n\tcall *%[callee]\n\t"
			 "leaq 128(%%rsp), %%rsp"
			 : "+D" (to), "+S" (from), "+c" (n)
			 : [callee] "r" (callee), MEM_FRAME
			 : "rax", "memory", RP_CLOBBERS_FP);
}

static void call_fill(const void *callee, void *to, int byte, size_t n)
{
	__asm__ volatile("leaq -128(%%rsp), %%rsp\n\tcall *%[callee]\n\t"
			 "leaq 128(%%rsp), %%rsp"
			 : "+D" (to), "+a" (byte), "+c" (n)
			 : [callee] "r" (callee), MEM_FRAME
			 : "rdx", "memory", RP_CLOBBERS_FP);
}

static uint8_t from[ROOM], to[ROOM], want[ROOM];

/* @callee NULL: the site. What lies before and behind must stay. */
static int copy_is_wrong(const void *callee, size_t a, size_t b, size_t n)
{
	memset(to, 0x5a, ROOM);
	memset(want, 0x5a, ROOM);
	for (size_t i = 0; i < n; i++)
		want[a + i] = from[b + i];
	if (callee)
		call_copy(callee, to + a, from + b, n);
	else
		site_copy(to + a, from + b, n);
	return memcmp(to, want, ROOM) != 0;
}

static int fill_is_wrong(const void *callee, size_t a, int byte, size_t n)
{
	memset(to, 0x5a, ROOM);
	memset(want, 0x5a, ROOM);
	for (size_t i = 0; i < n; i++)
		want[a + i] = (uint8_t)byte;
	if (callee)
		call_fill(callee, to + a, byte, n);
	else
		site_fill(to + a, byte, n);
	return memcmp(to, want, ROOM) != 0;
}

static int crc_is_wrong(const void *callee, uint32_t crc, size_t b, size_t n)
{
	uint32_t (*fn)(uint32_t, const void *, size_t) = site_crc;

	if (callee)
		memcpy(&fn, &callee, sizeof(fn));
	return fn(crc, from + b, n) != crc_by_bits(crc, from + b, n);
}

static int word_is_wrong(uint32_t crc, size_t b)
{
	uint64_t word;

	memcpy(&word, from + b, sizeof(word));
	return ~site_word(~crc, word) != crc_by_bits(crc, from + b, 8);
}

static int check_once(uint32_t seed)
{
	size_t a = (size_t)rand() % 64, b = (size_t)rand() % 64;
	size_t n = (size_t)rand() % (seed % 2 ? LEN_MAX : 80);
	int wrong = copy_is_wrong(NULL, a, b, n) +
		    fill_is_wrong(NULL, a, (int)seed, n) +
		    crc_is_wrong(NULL, seed, b, n) + word_is_wrong(seed, b);

	for (const struct variant *v = copies; v->name; v++)
		if (v->callee && rp_cpu_has(v->feature))
			wrong += copy_is_wrong(v->callee, a, b, n);
	for (const struct variant *v = fills; v->name; v++)
		if (v->callee && rp_cpu_has(v->feature))
			wrong += fill_is_wrong(v->callee, a, (int)seed, n);
	for (const struct variant *v = crcs; v->name; v++)
		if (rp_cpu_has(v->feature))
			wrong += crc_is_wrong(v->callee, seed, b, n);
	return wrong;
}

int main(void)
{
	bool right = true;
	int wrong = 0;

	printf("  operation  chosen     because of at the site\n");
	right &= show("copy", copies, (const void *)site_copy);
	right &= show("fill", fills, (const void *)site_fill);
	right &= show("crc32c", crcs, (const void *)site_crc);
	right &= show("crc32c, 8", words, (const void *)site_word);
	for (size_t i = 0; i < ROOM; i++)
		from[i] = (uint8_t)rand();
	for (uint32_t i = 0; i < ROUNDS; i++)
		wrong += check_once((uint32_t)rand());
	printf("  %d random lengths and places, %d wrong results\n", ROUNDS,
	       wrong);
	return !right || wrong;
}
