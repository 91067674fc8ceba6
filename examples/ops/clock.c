// SPDX-License-Identifier: MIT
/* A clock whose source is chosen at start. */
#include <time.h>

#include <repoint/cpu.h>

#include "clock.h"

/* ---- the system's clock: one tick is a nanosecond ---- */

static uint64_t system_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static struct clock_ticks read_system(void)
{
	uint64_t ns = system_ns();

	return (struct clock_ticks){ (uint32_t)ns, ns >> 32 };
}

static uint64_t system_to_ns(uint64_t ticks)
{
	return ticks;
}

/* ---- the time stamp counter ---- */

static uint64_t ticks_per_ms = 1;

/* The function is for sites that cannot be patched, the patchlet for others. */
static struct clock_ticks read_tsc(void)
{
	uint64_t tsc = __builtin_ia32_rdtsc();

	return (struct clock_ticks){ (uint32_t)tsc, tsc >> 32 };
}

__asm__(RP_PATCHLET(clock_rdtsc, RP_CLOBBER_RAX | RP_CLOBBER_RDX)
	"rdtsc"
	RP_PATCHLET_END(clock_rdtsc));
RP_OP_PATCHLET(read_tsc, clock_rdtsc);

static uint64_t tsc_to_ns(uint64_t ticks)
{
	__extension__ unsigned __int128 ms = ticks;

	return (uint64_t)(ms * 1000000 / ticks_per_ms);
}

/* Against the system's clock, for ten milliseconds. */
static void calibrate(void)
{
	uint64_t start_ns = system_ns(), start = __builtin_ia32_rdtsc(), ns;

	while ((ns = system_ns() - start_ns) < 10000000)
		;
	ticks_per_ms = (__builtin_ia32_rdtsc() - start) * 1000000 / ns;
}

RP_DEFINE_OPS(struct clock_ops, clock_source, .name = "clock_gettime",
	      .now = read_system, .to_ns = system_to_ns);

/* At one rate, in all power states: else it is no clock. */
int clock_init(void)
{
	if (rp_cpu_has(RP_FEATURE_TSC) && rp_cpu_has(RP_FEATURE_NONSTOP_TSC)) {
		calibrate();
		clock_source.name = "rdtsc";
		rp_op_set(clock_source, now, read_tsc);
		rp_op_set(clock_source, to_ns, tsc_to_ns);
	}
	return rp_ops_bind(&clock_source);
}
