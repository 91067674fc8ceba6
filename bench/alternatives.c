// SPDX-License-Identifier: MIT
/*
 * A program with NR alternatives, which tells what their registration took, and
 * what the same number of pages takes that are touched by hand, in the way that
 * writing text does: read, made writable, written, made executable again.
 * Prints "name value" lines, which apply.c reads.
 */
#define _GNU_SOURCE
#include <inttypes.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include <repoint/alternative.h>

#include "bench.h"
#include "stamp.h"

#define PAGE	4096u
#define SIZE	((NR * 64 + PAGE - 1) / PAGE * PAGE)

extern void run_alternatives(void) BENCH_HIDDEN;
extern uint64_t alternatives_right, alternatives_wrong BENCH_HIDDEN;
extern uint8_t untouched[] BENCH_HIDDEN;

static uint64_t faults(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (uint64_t)usage.ru_minflt;
}

static uint64_t touch(void)
{
	volatile uint8_t *page = untouched;
	uint64_t start = bench_ns();

	for (size_t at = 0; at < SIZE; at += PAGE)
		if (page[at] != 0xcc)
			bench_die("somebody was here");
	if (mprotect(untouched, SIZE, PROT_READ | PROT_WRITE) < 0)
		bench_die("text cannot be made writable");
	for (size_t at = 0; at < SIZE; at += PAGE)
		page[at] = 0x90;
	if (mprotect(untouched, SIZE, PROT_READ | PROT_EXEC) < 0)
		bench_die("text cannot be made executable again");
	return bench_ns() - start;
}

int main(void)
{
	uint64_t apply_ns = stamp_after.ns - stamp_before.ns, touch_ns, before;
	size_t nr = (size_t)(rp__object.alternatives_end -
			     rp__object.alternatives);

	run_alternatives();
	if (alternatives_right != NR || alternatives_wrong || nr != NR)
		bench_die("%zu alternatives, %" PRIu64 " right, %" PRIu64
			  " wrong", nr, alternatives_right,
			  alternatives_wrong);
	before = faults();
	touch_ns = touch();
	printf("alternatives %zu\n", nr);
	printf("apply_ms %.4f\n", (double)apply_ns / 1e6);
	printf("touch_ms %.4f\n", (double)touch_ns / 1e6);
	printf("beyond_ms %.4f\n", ((double)apply_ns - (double)touch_ns) / 1e6);
	printf("beyond_ns %.3f\n",
	       ((double)apply_ns - (double)touch_ns) / (double)nr);
	printf("faults %" PRIu64 "\n",
	       stamp_after.faults - stamp_before.faults);
	printf("touch_faults %" PRIu64 "\n", faults() - before);
	return 0;
}
