/* SPDX-License-Identifier: MIT */
/*
 * Preloaded to the tool: runs $BETWEEN once, after the first bytes of a live patch's
 * region were read and before the rest is.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../../live/record.h"

static void run_between(void)
{
	char *command = getenv("BETWEEN");

	if (!command)
		return;
	command = strdup(command);
	unsetenv("BETWEEN");
	unsetenv("LD_PRELOAD");
	if (!command || system(command))
		_exit(99);
	free(command);
}

ssize_t pread64(int fd, void *buffer, size_t size, off64_t offset)
{
	static off64_t region = -1;
	ssize_t (*next)(int, void *, size_t, off64_t);
	ssize_t got;

	*(void **)&next = dlsym(RTLD_NEXT, "pread64");
	if (size > sizeof(struct rp_region) && offset == region)
		run_between();
	got = next(fd, buffer, size, offset);
	if (size == sizeof(struct rp_region) && got == (ssize_t)size &&
	    !memcmp(buffer, RP_REGION_MAGIC, 8))
		region = offset;
	return got;
}
