// SPDX-License-Identifier: MIT
/* Three ways to look at a line of a log, with equal results. */
#include <emmintrin.h>
#include <string.h>

#include "parse.h"

static uint64_t load(const char *p)
{
	uint64_t word;

	memcpy(&word, p, sizeof(word));
	return word;
}

static size_t spaces_tail(const char *line, size_t from, size_t len)
{
	size_t n = 0;

	for (; from < len; from++)
		n += line[from] == ' ';
	return n;
}

size_t fields_byte(const char *line, size_t len, struct usage *usage)
{
	usage->calls[PARSE_BYTE]++;
	return spaces_tail(line, 0, len) + 1;
}

size_t fields_word(const char *line, size_t len, struct usage *usage)
{
	const uint64_t low = 0x7f7f7f7f7f7f7f7full, space = 0x2020202020202020ull;
	size_t n = 0, i = 0;

	usage->calls[PARSE_WORD]++;
	for (; i + 8 <= len; i += 8) {
		uint64_t x = load(line + i) ^ space;

		/* The top bit of each byte that is not zero, without carries. */
		x = (((x & low) + low) | x) & ~low;
		n += 8 - (size_t)__builtin_popcountll(x);
	}
	return n + spaces_tail(line, i, len) + 1;
}

size_t fields_sse2(const char *line, size_t len, struct usage *usage)
{
	const __m128i space = _mm_set1_epi8(' ');
	size_t n = 0, i = 0;

	usage->calls[PARSE_SSE2]++;
	for (; i + 16 <= len; i += 16) {
		__m128i x = _mm_loadu_si128((const __m128i *)(line + i));

		n += (size_t)__builtin_popcount((unsigned int)
			_mm_movemask_epi8(_mm_cmpeq_epi8(x, space)));
	}
	return n + spaces_tail(line, i, len) + 1;
}

static uint32_t digest_tail(const char *line, size_t from, size_t len)
{
	uint32_t sum = 0;

	for (; from < len; from++)
		sum += (uint32_t)(from % 8 + 1) * (unsigned char)line[from];
	return sum;
}

uint32_t digest_byte(const char *line, size_t len, struct usage *usage)
{
	usage->calls[PARSE_BYTE]++;
	return digest_tail(line, 0, len);
}

uint32_t digest_word(const char *line, size_t len, struct usage *usage)
{
	uint32_t sum = 0;
	size_t i = 0;

	usage->calls[PARSE_WORD]++;
	for (; i + 8 <= len; i += 8) {
		uint64_t word = load(line + i);

		for (uint32_t k = 1; k <= 8; k++, word >>= 8)
			sum += k * (uint32_t)(word & 0xff);
	}
	return sum + digest_tail(line, i, len);
}

uint32_t digest_sse2(const char *line, size_t len, struct usage *usage)
{
	const __m128i weight = _mm_set_epi16(8, 7, 6, 5, 4, 3, 2, 1);
	const __m128i zero = _mm_setzero_si128();
	__m128i sum = zero;
	uint32_t part[4];
	size_t i = 0;

	usage->calls[PARSE_SSE2]++;
	for (; i + 8 <= len; i += 8) {
		__m128i x = _mm_loadl_epi64((const __m128i *)(line + i));

		x = _mm_unpacklo_epi8(x, zero);
		sum = _mm_add_epi32(sum, _mm_madd_epi16(x, weight));
	}
	memcpy(part, &sum, sizeof(part));
	return part[0] + part[1] + part[2] + part[3] +
	       digest_tail(line, i, len);
}
