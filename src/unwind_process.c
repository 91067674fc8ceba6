// SPDX-License-Identifier: MIT
/* Memory of processes, for walks of their stacks. */
#define _GNU_SOURCE
#include <errno.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "unwind_table.h"

#define PAGE	sizeof(((struct rp_unwind_process *)0)->page)

/* In signal handlers too, so errno is as before. */
static int read_exactly(pid_t pid, uint64_t address, void *buffer, size_t size)
{
	struct iovec to = { buffer, size };
	struct iovec from = { (void *)(uintptr_t)address, size };
	int saved = errno;
	ssize_t n = process_vm_readv(pid, &to, 1, &from, 1, 0);
	int rc = n < 0 ? -errno : (size_t)n == size ? 0 : -EFAULT;

	errno = saved;
	return rc;
}

int rp_unwind_read_process(void *context, uint64_t address, void *buffer,
			   size_t size)
{
	struct rp_unwind_process *process = context;
	uint64_t start = address & ~(uint64_t)(PAGE - 1);
	size_t offset = (size_t)(address - start);

	if (size > PAGE - offset)
		return read_exactly(process->pid, address, buffer, size);
	if (process->size != PAGE || process->start != start) {
		int rc;

		process->size = 0;
		rc = read_exactly(process->pid, start, process->page, PAGE);
		if (rc < 0)
			return rc;
		process->start = start;
		process->size = PAGE;
	}
	memcpy(buffer, process->page + offset, size);
	return 0;
}
