/* SPDX-License-Identifier: MIT */
/* The least that stopping all threads of a process takes. */
#ifndef BENCH_LIVE_FLOOR_H
#define BENCH_LIVE_FLOOR_H

#include <sys/types.h>

/**
 * live_floor() - seize all threads; then interrupt each, wait for each, detach
 * from each, and do nothing else.
 * @threads: that many it has, all of them idle; dies if there are others
 * @stop_ns: until all stood still
 *
 * Returns the nanoseconds from the first interrupt to the last detach; 0 if
 * tracing is not permitted here.
 */
double live_floor(pid_t pid, unsigned int threads, double *stop_ns);

#endif /* BENCH_LIVE_FLOOR_H */
