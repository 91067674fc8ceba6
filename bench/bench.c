// SPDX-License-Identifier: MIT
/* Clock, CPUs, failure. */
#define _GNU_SOURCE
#include "bench.h"

#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <repoint/text_poke.h>

void bench_die(const char *format, ...)
{
	va_list args;

	fflush(stdout);
	fputs("repoint-bench: error: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(1);
}

void bench_check(int result, const char *what)
{
	if (result < 0)
		bench_die("%s: %s", what, rp_strerror(result));
}

uint64_t bench_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_RAW, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* What the process was started with, before anything was pinned. */
static const cpu_set_t *allowed_cpus(void)
{
	static cpu_set_t set;

	if (!CPU_COUNT(&set) && sched_getaffinity(0, sizeof(set), &set) < 0)
		CPU_SET(0, &set);
	return &set;
}

unsigned int bench_nr_cpus(void)
{
	return (unsigned int)CPU_COUNT(allowed_cpus());
}

void bench_pin(unsigned int nth)
{
	const cpu_set_t *allowed = allowed_cpus();
	cpu_set_t one;

	nth %= bench_nr_cpus();
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, allowed) || nth--)
			continue;
		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
		sched_setaffinity(0, sizeof(one), &one);
		return;
	}
}

void bench_unpin(void)
{
	sched_setaffinity(0, sizeof(cpu_set_t), allowed_cpus());
}

bool bench_calls_to(const void *from, size_t len, const void *to)
{
	const uint8_t *code = from;
	int32_t rel;

	for (size_t i = 0; i + 5 <= len; i++) {
		memcpy(&rel, code + i + 1, sizeof(rel));
		if ((code[i] & 0xfe) == 0xe8 &&
		    (uintptr_t)(code + i + 5) + (uintptr_t)(intptr_t)rel ==
		    (uintptr_t)to)
			return true;
	}
	return false;
}
