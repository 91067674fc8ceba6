/* SPDX-License-Identifier: MIT */
/* What all sections of the benchmark share: options, clock, CPUs, failure. */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
# define BENCH_EXTERN_C	extern "C"
#else
# define BENCH_EXTERN_C	extern
#endif

#define BENCH_HIDDEN	__attribute__((visibility("hidden")))

/*
 * What is timed: @turns turns of something, each of which depends on the one
 * before through @x. All that are compared with each other return the same.
 */
typedef uint64_t bench_fn(uint64_t x, uint64_t turns);

/**
 * struct bench_options
 * @quick: a smoke test: everything runs, no figure means anything
 * @sites: the program of sites.c
 * @alternatives: the program of alternatives.c
 * @repoint: the tool
 * @peak: the program of patch_peak.c
 * @live: the program of live_target.c
 * @objects: a directory with objects of a kernel 6.1, as the compiler made them;
 *           or NULL
 * @redis: a directory with redis-server and redis.rpp, a payload for it; or NULL
 */
struct bench_options {
	bool quick;
	const char *sites;
	const char *alternatives;
	const char *repoint;
	const char *peak;
	const char *live;
	const char *objects;
	const char *redis;
};

struct report;

/* The sections, in the order in which they run. */
void bench_calls(struct report *report, const struct bench_options *options);
void bench_chains(struct report *report, const struct bench_options *options);
void bench_guards(struct report *report, const struct bench_options *options);
void bench_features(struct report *report, const struct bench_options *options);
void bench_ops(struct report *report, const struct bench_options *options);
void bench_apply(struct report *report, const struct bench_options *options);
void bench_commit(struct report *report, const struct bench_options *options);
void bench_start(struct report *report, const struct bench_options *options);
void bench_latency(struct report *report, const struct bench_options *options);
void bench_patch(struct report *report, const struct bench_options *options);
void bench_live(struct report *report, const struct bench_options *options);
void bench_objects(struct report *report, const struct bench_options *options);
void bench_unwind(struct report *report, const struct bench_options *options);

/* Run each loop of the section for callgrind; see counts.sh. */
void bench_calls_count(void);
void bench_guards_count(void);
void bench_features_count(void);
void bench_ops_count(void);

/**
 * bench_die() - end the program: something does not do what it should.
 *
 * Never because of a time.
 */
void bench_die(const char *format, ...)
	__attribute__((format(printf, 1, 2), noreturn));

/** bench_check() - die unless a call of the library returned 0. */
void bench_check(int result, const char *what);

/** bench_ns() - CLOCK_MONOTONIC_RAW. */
uint64_t bench_ns(void);

/** bench_nr_cpus() - how many this process may run on. */
unsigned int bench_nr_cpus(void);

/** bench_pin() - run the calling thread on the nth of these CPUs only. */
void bench_pin(unsigned int nth);

/** bench_unpin() - let the calling thread run on all of them again. */
void bench_unpin(void);

/** bench_calls_to() - is there a call of @to, or a jump to it (e8, e9), in the
 * @len bytes at @from? */
bool bench_calls_to(const void *from, size_t len, const void *to);

#endif /* BENCH_BENCH_H */
