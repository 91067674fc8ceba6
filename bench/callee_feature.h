/* SPDX-License-Identifier: MIT */
/*
 * Copies and CRCs of examples/features, and four ways to choose one of two.
 *
 * Each loop's calls are made by asm statements with the registers of these
 * routines, so that the way is all that differs. The loops are compiled with
 * -mno-red-zone: a call needs no more than itself.
 */
#ifndef BENCH_CALLEE_FEATURE_H
#define BENCH_CALLEE_FEATURE_H

#include "../examples/features/mem.h"
#include "bench.h"

/** crc32c_word_sse42() - a routine around the one instruction. */
extern uint32_t crc32c_word_sse42(uint32_t crc, uint64_t word) BENCH_HIDDEN;

/* What is copied, and where to: in a cache line each. */
extern uint8_t feature_from[64], feature_to[64] BENCH_HIDDEN;

/* What programs keep: CPUID's answers, read once. Never written again. */
extern int feature_has_avx2, feature_has_sse42 BENCH_HIDDEN;

/* Volatile: nobody may assume their values. */
extern void *volatile feature_copy, *volatile feature_word BENCH_HIDDEN;

/* copy_ifunc and crc32c_word_ifunc, of the same registers, are for asm only. */

#endif /* BENCH_CALLEE_FEATURE_H */
