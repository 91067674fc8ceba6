// SPDX-License-Identifier: MIT
/*
 * Making other threads see new instructions.
 *
 * membarrier(2), MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE (Linux 4.16), is
 * the documented way: an interrupt to each processor that runs a thread of
 * ours, which serialises there. Registered in a constructor, because it takes
 * a microsecond before threads exist and milliseconds afterwards.
 *
 * Where the kernel lacks it or a filter denies it, the caller visits every
 * processor that it may run on and executes CPUID there. This is the letter of
 * the Intel SDM (each processor that will run the new code executes a
 * serialising instruction after the store): a thread that was running on that
 * processor has been switched out for the visit, and one that arrives later
 * was switched in after the store. It takes some 10 us a processor, and it
 * cannot see processors that only other threads may use (threaded cpusets).
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/membarrier.h>
#include <sched.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "arch.h"
#include "log.h"
#include "sync.h"

#define SYNC_CPUS_MAX	8192

static enum rp_sync method;

static int membarrier(int command)
{
	return (int)syscall(SYS_membarrier, command, 0, 0);
}

static int membarrier_register(void)
{
	return membarrier(
		MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE);
}

static int membarrier_sync(void)
{
	if (membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE) == 0)
		return 0;
	/* Not registered: a fork of a kernel that does not pass it on. */
	if (errno != EPERM || membarrier_register() < 0)
		return -EPERM;
	return membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE) == 0 ?
		0 : -EPERM;
}

/* Raw system calls: libc's wrappers differ in how they report the size. */
static long affinity_get(unsigned long *mask, size_t size)
{
	return syscall(SYS_sched_getaffinity, 0, size, mask);
}

static int affinity_set(const unsigned long *mask, size_t size)
{
	return (int)syscall(SYS_sched_setaffinity, 0, size, mask);
}

static int affinity_sync(void)
{
	enum { WORD = 8 * sizeof(unsigned long) };
	unsigned long saved[SYNC_CPUS_MAX / WORD] = { 0 };
	unsigned long one[SYNC_CPUS_MAX / WORD] = { 0 };
	long size = affinity_get(saved, sizeof(saved));
	int visited = 0;

	if (size <= 0)
		return -EPERM;
	for (long cpu = 0; cpu < size * 8; cpu++) {
		one[cpu / WORD] = 1ul << (cpu % WORD);
		/* EINVAL: no such processor, or none that we may use. */
		if (affinity_set(one, (size_t)size) == 0) {
			rp__arch_serialize();
			visited++;
		}
		one[cpu / WORD] = 0;
	}
	affinity_set(saved, (size_t)size);
	return visited ? 0 : -EPERM;
}

static enum rp_sync wanted(void)
{
	const char *name = rp__getenv("RP_SYNC");

	if (name && !strcmp(name, "membarrier"))
		return RP_SYNC_MEMBARRIER;
	if (name && !strcmp(name, "affinity"))
		return RP_SYNC_AFFINITY;
	if (name && *name)
		rp__log(RP_LOG_WARN, "sync",
			"RP_SYNC=%s is neither membarrier nor affinity: ignored",
			name);
	return RP_SYNC_AUTO;
}

static int choose(void)
{
	enum rp_sync want = wanted();

	if (want != RP_SYNC_AFFINITY && membarrier_register() == 0) {
		method = RP_SYNC_MEMBARRIER;
		return 0;
	}
	if (want != RP_SYNC_MEMBARRIER && affinity_sync() == 0) {
		method = RP_SYNC_AFFINITY;
		rp__log(RP_LOG_WARN, "sync",
			"membarrier(SYNC_CORE) is not available here: each update visits all processors instead, which is slower");
		return 0;
	}
	rp__log(RP_LOG_WARN, "sync",
		"neither membarrier nor sched_setaffinity is permitted: text cannot be changed while other threads run");
	return -EPERM;
}

int rp__sync_init(void)
{
	return method == RP_SYNC_AUTO ? choose() : 0;
}

int rp__sync(void)
{
	int error = rp__sync_init();

	if (error < 0)
		return error;
	if (method == RP_SYNC_AFFINITY)
		return affinity_sync();
	if (membarrier_sync() == 0)
		return 0;
	/* A filter was installed since; a later call finds the other way. */
	method = RP_SYNC_AUTO;
	if (wanted() == RP_SYNC_MEMBARRIER || affinity_sync() < 0)
		return -EPERM;
	method = RP_SYNC_AFFINITY;
	return 0;
}

enum rp_sync rp__sync_method(void)
{
	return method;
}

__attribute__((constructor(101))) static void sync_init(void)
{
	if (!rp__getenv("RP_SYNC"))
		if (membarrier_register() == 0)
			method = RP_SYNC_MEMBARRIER;
}
