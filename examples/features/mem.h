/* SPDX-License-Identifier: MIT */
/*
 * Copy, fill and CRC-32C, each by the best code that the processor has.
 *
 * There is no dispatch: the code in place is what was chosen. Where a string
 * instruction is best the site becomes `rep movsb` itself, elsewhere a direct
 * call. Later replacements win, so they are listed from worst to best.
 */
#ifndef FEATURES_MEM_H
#define FEATURES_MEM_H

#include <stddef.h>
#include <stdint.h>

#include <repoint/alternative.h>

/*
 * CRC-32C by carry-less multiplication wants two features at once: a synthetic
 * one stands for both.
 */
#define FEATURE_CRC_CLMUL	RP_FEATURE_SYNTHETIC(0)

static inline int mem_have_crc_clmul(void)
{
	return rp_cpu_has(RP_FEATURE_SSE4_2) &&
	       rp_cpu_has(RP_FEATURE_PCLMULQDQ);
}
RP_DEFINE_FEATURE(FEATURE_CRC_CLMUL, "crc_clmul", mem_have_crc_clmul);

/*
 * A call of a routine in mem.S. The compiler does not know that this is a call
 * and may keep data below the stack pointer, hence the two leaq. They are part
 * of the replaced code: `rep movsb` does without.
 */
#define MEM_CALL(routine)						\
	"leaq -128(%%rsp), %%rsp\n\t"					\
	"call " routine "\n\t"						\
	"leaq 128(%%rsp), %%rsp"

/* With a frame pointer, unwinding from inside of such a call works. */
#define MEM_FRAME	[frame] "r" (__builtin_frame_address(0))

/* At -O0, too: there is a site for each use. */
#define MEM_INLINE	static inline __attribute__((always_inline))

/** mem_copy() - memcpy(). */
MEM_INLINE void *mem_copy(void *to, const void *from, size_t n)
{
	void *at = to;

	__asm__ volatile(
		RP_ALTERNATIVE_3(MEM_CALL("copy_sse2"),
				 "rep movsb", RP_FEATURE_ERMS,
				 MEM_CALL("copy_avx2"), RP_FEATURE_AVX2,
				 "rep movsb", RP_FEATURE_FSRM)
		: "+D" (at), "+S" (from), "+c" (n)
		: MEM_FRAME
		: "rax", "memory", RP_CLOBBERS_FP);
	return to;
}

/** mem_fill() - memset(). */
MEM_INLINE void *mem_fill(void *to, int byte, size_t n)
{
	void *at = to;

	__asm__ volatile(
		RP_ALTERNATIVE_3(MEM_CALL("fill_sse2"),
				 "rep stosb", RP_FEATURE_ERMS,
				 MEM_CALL("fill_avx2"), RP_FEATURE_AVX2,
				 "rep stosb", RP_FEATURE_FSRS)
		: "+D" (at), "+a" (byte), "+c" (n)
		: MEM_FRAME
		: "rdx", "memory", RP_CLOBBERS_FP);
	return to;
}

/* crc32c.c: C functions of the ordinary convention. */
uint32_t crc32c_table(uint32_t crc, const void *from, size_t n)
	__attribute__((visibility("hidden")));
uint32_t crc32c_sse42(uint32_t crc, const void *from, size_t n)
	__attribute__((visibility("hidden")));
uint32_t crc32c_clmul(uint32_t crc, const void *from, size_t n)
	__attribute__((visibility("hidden")));

/** mem_crc32c() - CRC-32C of @n bytes; @crc: that of what precedes, or 0. */
MEM_INLINE uint32_t mem_crc32c(uint32_t crc, const void *from, size_t n)
{
	uint32_t result;

	rp_alternative_call_2(crc32c_table,
			      crc32c_sse42, RP_FEATURE_SSE4_2,
			      crc32c_clmul, FEATURE_CRC_CLMUL,
			      RP_OUTPUTS("=a" (result), "+D" (crc),
					 "+S" (from), "+d" (n)),
			      RP_NONE,
			      RP_CLOBBERS("rcx", "r8", "r9", "r10", "r11",
					  RP_CLOBBERS_FP));
	return result;
}

/* mem.S; as C has it, but it changes less. */
uint32_t crc32c_word_table(uint32_t crc, uint64_t word)
	__attribute__((visibility("hidden")));

/**
 * mem_crc32c_word() - one step of it, for eight bytes, without the two
 * inversions: one instruction where there is one.
 */
MEM_INLINE uint32_t mem_crc32c_word(uint32_t crc, uint64_t word)
{
	uint64_t result;

	__asm__ volatile(
		RP_ALTERNATIVE(MEM_CALL("crc32c_word_table"),
			       "movl %%edi, %%eax\n\t"
			       "crc32q %%rsi, %%rax", RP_FEATURE_SSE4_2)
		: "=a" (result), "+D" (crc)
		: "S" (word), MEM_FRAME
		: "rcx", "rdx", "cc");
	return (uint32_t)result;
}

#endif /* FEATURES_MEM_H */
