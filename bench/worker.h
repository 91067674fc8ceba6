/* SPDX-License-Identifier: MIT */
/* A second thread that keeps another CPU busy while text is changed. */
#ifndef BENCH_WORKER_H
#define BENCH_WORKER_H

#include "bench.h"

struct worker;

/** worker_start() - run @fn again and again on the second CPU; NULL: spin. */
struct worker *worker_start(void (*fn)(void));

/**
 * worker_wait() - return while it runs; NULL: at once.
 *
 * Other programs may have taken its CPU, and then changing text is cheaper.
 * Dies if it does not get to run for ten seconds.
 */
void worker_wait(const struct worker *worker);

/** worker_stop() - end it. */
void worker_stop(struct worker *worker);

#endif /* BENCH_WORKER_H */
