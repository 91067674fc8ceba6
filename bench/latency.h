/* SPDX-License-Identifier: MIT */
/* Between the updating thread and those that run through the site. */
#ifndef BENCH_LATENCY_H
#define BENCH_LATENCY_H

#include <repoint/static_call.h>

#include "bench.h"

/**
 * struct watcher - one for each thread, on a line of its own.
 * @seen_call:    what the static call returned last
 * @seen_pointer: what the call through the pointer returned last
 */
struct watcher {
	_Alignas(64) bool stop;
	_Alignas(64) unsigned int seen_call;
	unsigned int seen_pointer;
	uint64_t turns;
};

unsigned int latency_zero(void) BENCH_HIDDEN;
unsigned int latency_one(void) BENCH_HIDDEN;

extern unsigned int (*volatile latency_pointer)(void) BENCH_HIDDEN;
RP_DECLARE_STATIC_CALL(latency_call, latency_zero);

/** latency_loop() - call both until told to stop. */
void latency_loop(struct watcher *watcher) BENCH_HIDDEN;

#endif /* BENCH_LATENCY_H */
