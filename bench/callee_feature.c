// SPDX-License-Identifier: MIT
/* Copies and CRCs of examples/features, and four ways to choose one of two. */
#include "callee_feature.h"

extern void copy_sse2(void) BENCH_HIDDEN, copy_avx2(void) BENCH_HIDDEN;

__attribute__((aligned(64))) uint8_t feature_from[64], feature_to[64];
int feature_has_avx2, feature_has_sse42;
void *volatile feature_copy;
void *volatile feature_word;

__asm__(".pushsection .text,\"ax\",@progbits\n\t"
	".p2align 4\n\t"
	".globl crc32c_word_sse42\n\t"
	".hidden crc32c_word_sse42\n\t"
	".type crc32c_word_sse42, @function\n"
	"crc32c_word_sse42:\n\t"
	"movl %edi, %eax\n\t"
	"crc32q %rsi, %rax\n\t"
	"ret\n\t"
	".size crc32c_word_sse42, . - crc32c_word_sse42\n\t"
	".popsection");

__attribute__((constructor(101))) static void choose(void)
{
	feature_has_avx2 = rp_cpu_has(RP_FEATURE_AVX2);
	feature_has_sse42 = rp_cpu_has(RP_FEATURE_SSE4_2);
	feature_copy = (void *)(feature_has_avx2 ? copy_avx2 : copy_sse2);
	feature_word = (void *)(feature_has_sse42 ? crc32c_word_sse42
						  : crc32c_word_table);
}

/*
 * Resolvers run before the library can be asked: CPUID itself, by the compiler.
 * RP_CPU_MASK is not for them.
 */
__attribute__((used)) static void (*resolve_copy(void))(void)
{
	__builtin_cpu_init();
	return __builtin_cpu_supports("avx2") ? copy_avx2 : copy_sse2;
}

__attribute__((used)) static uint32_t (*resolve_word(void))(uint32_t, uint64_t)
{
	__builtin_cpu_init();
	return __builtin_cpu_supports("sse4.2") ? crc32c_word_sse42
						: crc32c_word_table;
}

extern void copy_ifunc(void) BENCH_HIDDEN
	__attribute__((ifunc("resolve_copy")));
extern uint32_t crc32c_word_ifunc(uint32_t crc, uint64_t word) BENCH_HIDDEN
	__attribute__((ifunc("resolve_word")));
