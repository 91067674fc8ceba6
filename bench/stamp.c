// SPDX-License-Identifier: MIT
/*
 * Time and memory before and after the registration of this program's sites.
 *
 * Comes first when linking: of constructors of one priority, the one that was
 * linked first runs first. So this may not include the library's headers,
 * which have a constructor themselves.
 */
#define _GNU_SOURCE
#include "stamp.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "bench.h"

struct stamp stamp_before, stamp_after;

static void read_smaps(struct stamp *stamp)
{
	FILE *file = fopen("/proc/self/smaps", "re");
	char line[512], perms[8] = "";
	unsigned long kb;

	if (!file)
		return;
	while (fgets(line, sizeof(line), file)) {
		sscanf(line, "%*x-%*x %7s", perms);
		if (sscanf(line, "Anonymous: %lu kB", &kb) != 1)
			continue;
		if (strchr(perms, 'x'))
			stamp->text_anon += kb << 10;
		else
			stamp->data_anon += kb << 10;
	}
	fclose(file);
}

static uint64_t page_faults(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (uint64_t)usage.ru_minflt;
}

uint64_t stamp_peak(void)
{
	FILE *file = fopen("/proc/self/status", "re");
	unsigned long kb, peak = 0, now = 0;
	char line[256];

	while (file && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "VmHWM: %lu kB", &kb) == 1)
			peak = kb;
		if (sscanf(line, "VmRSS: %lu kB", &kb) == 1)
			now = kb;
	}
	if (file)
		fclose(file);
	return (uint64_t)(peak > now ? peak - now : 0) << 10;
}

__attribute__((constructor(101))) static void before(void)
{
	read_smaps(&stamp_before);
	stamp_before.faults = page_faults();
	stamp_before.ns = bench_ns();
}

__attribute__((constructor(102))) static void after(void)
{
	stamp_after.ns = bench_ns();
	stamp_after.faults = page_faults();
	read_smaps(&stamp_after);
}
