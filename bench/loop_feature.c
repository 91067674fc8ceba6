// SPDX-License-Identifier: MIT
/*
 * Code that depends on a feature of the processor, chosen in each of the ways
 * that there are. Compiled once for each kind, with -mno-red-zone; @direct0 and
 * @direct1 are the two that are chosen from, without a choice.
 */
#include "callee_feature.h"
#include "loop.h"

#define LOOP_STATE	(void)0
#define LOOP_RESULT	x

/* One statement with the registers of copy_*, one with those of the CRCs. */
#define COPY_BY(code, to, from, n, ...)					\
	__asm__ volatile(code						\
			 : "+D" (to), "+S" (from), "+c" (n)		\
			 : MEM_FRAME, ##__VA_ARGS__			\
			 : "rax", "memory", RP_CLOBBERS_FP)
#define WORD_BY(code, result, crc, word, ...)				\
	__asm__ volatile(code						\
			 : "=a" (result), "+D" (crc)			\
			 : "S" (word), MEM_FRAME, ##__VA_ARGS__		\
			 : "rcx", "rdx", "memory", "cc")

#if defined(KIND_direct0) || defined(KIND_control0)
# define COPY(...)	COPY_BY("call copy_sse2", __VA_ARGS__)
# define WORD(...)	WORD_BY("call crc32c_word_table", __VA_ARGS__)
#elif defined(KIND_direct1) || defined(KIND_control1)
# define COPY(...)	COPY_BY("call copy_avx2", __VA_ARGS__)
# define WORD(...)	WORD_BY("call crc32c_word_sse42", __VA_ARGS__)
#elif defined(KIND_alternative)
# define COPY(...)							\
	COPY_BY(RP_ALTERNATIVE("call copy_sse2", "call copy_avx2",	\
			       RP_FEATURE_AVX2), __VA_ARGS__)
# define WORD(...)							\
	WORD_BY(RP_ALTERNATIVE("call crc32c_word_table",		\
			       "call crc32c_word_sse42",		\
			       RP_FEATURE_SSE4_2), __VA_ARGS__)
#elif defined(KIND_inlined)
# define WORD(...)							\
	WORD_BY(RP_ALTERNATIVE("call crc32c_word_table",		\
			       "movl %%edi, %%eax\n\t"			\
			       "crc32q %%rsi, %%rax",			\
			       RP_FEATURE_SSE4_2), __VA_ARGS__)
#elif defined(KIND_compiled)
# define WORD(...)							\
	WORD_BY("movl %%edi, %%eax\n\tcrc32q %%rsi, %%rax", __VA_ARGS__)
#elif defined(KIND_example)
# define COPY(to, from, n)	mem_copy(to, from, n)
#elif defined(KIND_ifunc)
# define COPY(...)	COPY_BY("call copy_ifunc@PLT", __VA_ARGS__)
# define WORD(...)	WORD_BY("call crc32c_word_ifunc@PLT", __VA_ARGS__)
#elif defined(KIND_pointer)
# define COPY(...)							\
	COPY_BY("call *%[to_call]", __VA_ARGS__,			\
		[to_call] "m" (feature_copy))
# define WORD(...)							\
	WORD_BY("call *%[to_call]", __VA_ARGS__,			\
		[to_call] "m" (feature_word))
#elif defined(KIND_flag) || defined(KIND_library)
# ifdef KIND_flag
#  define HAS(flag, feature)	__atomic_load_n(&(flag), __ATOMIC_RELAXED)
# else
#  define HAS(flag, feature)	rp_cpu_has(feature)
# endif
# define COPY(...)							\
	do {								\
		if (HAS(feature_has_avx2, RP_FEATURE_AVX2))		\
			COPY_BY("call copy_avx2", __VA_ARGS__);		\
		else							\
			COPY_BY("call copy_sse2", __VA_ARGS__);		\
	} while (0)
# define WORD(...)							\
	do {								\
		if (HAS(feature_has_sse42, RP_FEATURE_SSE4_2))		\
			WORD_BY("call crc32c_word_sse42", __VA_ARGS__);	\
		else							\
			WORD_BY("call crc32c_word_table", __VA_ARGS__);	\
	} while (0)
#else
# error "which kind?"
#endif

#ifdef WORD
static inline __attribute__((always_inline)) uint64_t word_step(uint64_t x)
{
	uint32_t crc = (uint32_t)x;
	uint64_t result;

	WORD(result, crc, x);
	return result;
}

# define WORD4								\
	x = word_step(x); SPACE; x = word_step(x); SPACE;		\
	x = word_step(x); SPACE; x = word_step(x); SPACE

LOOPS(word_loop, x = word_step(x))
LOOPS(word_row, WORD4; WORD4; WORD4; WORD4)
#endif

#ifdef COPY
static inline __attribute__((always_inline)) void copy_step(size_t n)
{
	const uint8_t *from = feature_from;
	uint8_t *to = feature_to;

	COPY(to, from, n);
}

# define COPY4								\
	copy_step(32); SPACE; copy_step(32); SPACE;			\
	copy_step(32); SPACE; copy_step(32); SPACE

LOOPS(copy8, copy_step(8); x++)
LOOPS(copy16, copy_step(16); x++)
LOOPS(copy32, copy_step(32); x++)
LOOPS(copy64, copy_step(64); x++)
LOOPS(copy_row, COPY4; COPY4; COPY4; COPY4; x++)
#endif
