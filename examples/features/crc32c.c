// SPDX-License-Identifier: MIT
/* CRC-32C (Castagnoli, RFC 3720 B.4) by table, by instruction, by multiplying. */
#include <string.h>
#include <x86intrin.h>

#include "mem.h"

#define POLYNOMIAL	0x82f63b78u	/* reflected: bit 31 is x^0 */

/* For each byte; mem.S reads it, too. */
extern uint32_t crc32c_bytes[256] __attribute__((visibility("hidden")));
uint32_t crc32c_bytes[256];

__attribute__((constructor(101))) static void make_table(void)
{
	for (uint32_t byte = 0; byte < 256; byte++) {
		uint32_t crc = byte;

		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? POLYNOMIAL : 0);
		crc32c_bytes[byte] = crc;
	}
}

static uint64_t load(const uint8_t *from)
{
	uint64_t word;

	memcpy(&word, from, sizeof(word));
	return word;
}

uint32_t crc32c_table(uint32_t crc, const void *from, size_t n)
{
	const uint8_t *at = from;

	crc = ~crc;
	for (; n; n--)
		crc = crc >> 8 ^ crc32c_bytes[(crc ^ *at++) & 0xff];
	return ~crc;
}

#define SSE42	__attribute__((target("sse4.2")))
#define CLMUL	__attribute__((target("sse4.2,pclmul")))

SSE42 static uint32_t tail(uint64_t crc, const uint8_t *at, size_t n)
{
	for (; n >= 8; n -= 8, at += 8)
		crc = _mm_crc32_u64(crc, load(at));
	for (; n; n--)
		crc = _mm_crc32_u8((uint32_t)crc, *at++);
	return (uint32_t)crc;
}

SSE42 uint32_t crc32c_sse42(uint32_t crc, const void *from, size_t n)
{
	return ~tail(~crc, from, n);
}

/*
 * The instruction takes three cycles and a new one can start in each: three
 * lanes keep it busy. What the first lanes found is moved over the bytes of the
 * others by a multiplication with x^(8 * bytes), and added.
 *
 * The product of two reflected polynomials is one bit short, and the crc32
 * instruction multiplies by x^32: so the factors are x^(8 * bytes - 33).
 */
#define LANE		256u
#define OVER_ONE_LANE	0xb9e02b86u
#define OVER_TWO_LANES	0xdd7e3b0cu

CLMUL static uint64_t move_over(uint64_t crc, uint32_t factor)
{
	__m128i product = _mm_clmulepi64_si128(
		_mm_cvtsi64_si128((long long)crc),
		_mm_cvtsi32_si128((int)factor), 0);

	return _mm_crc32_u64(0, (uint64_t)_mm_cvtsi128_si64(product));
}

CLMUL uint32_t crc32c_clmul(uint32_t crc, const void *from, size_t n)
{
	const uint8_t *at = from;
	uint64_t a = ~crc, b, c;

	for (; n >= 3 * LANE; n -= 3 * LANE, at += 3 * LANE) {
		b = c = 0;
		for (size_t i = 0; i < LANE; i += 8) {
			a = _mm_crc32_u64(a, load(at + i));
			b = _mm_crc32_u64(b, load(at + i + LANE));
			c = _mm_crc32_u64(c, load(at + i + 2 * LANE));
		}
		a = move_over(a, OVER_TWO_LANES) ^
		    move_over(b, OVER_ONE_LANE) ^ c;
	}
	return ~tail(a, at, n);
}
