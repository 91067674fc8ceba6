/* SPDX-License-Identifier: MIT */
/* The functions that are replaced in the program of live_target.c. */
#ifndef BENCH_LIVE_WORK_H
#define BENCH_LIVE_WORK_H

#include <stdint.h>

/* What they add: 1, and LIVE_FIXED times that in the patched ones. */
#define LIVE_FIXED	2

/** live_tiny() - one instruction and a return. */
uint64_t live_tiny(uint64_t x);

/** live_ten() - ten instructions, as small functions have in life. */
uint64_t live_ten(uint64_t x);

/** live_long() - @turns turns of a loop; calls nothing. */
uint64_t live_long(uint64_t turns);

/** live_jump() - a jump to live_jumped(), the same as live_tiny(): what a patched
 *  function costs by hand. */
uint64_t live_jump(uint64_t x);
uint64_t live_jumped(uint64_t x);

#endif /* BENCH_LIVE_WORK_H */
