/* SPDX-License-Identifier: MIT */
/* Ways to make life hard for a process: each does it to the caller. */
#ifndef ENVIRONMENT_H
#define ENVIRONMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * struct denied - system calls that a seccomp filter refuses.
 * @nr:    of the call
 * @arg:   look at this argument: refused if (argument & mask) == value;
 *         a mask of 0 refuses all
 * @error: with this errno
 */
struct denied {
	int nr;
	unsigned int arg;
	uint32_t mask;
	uint32_t value;
	int error;
};

extern const struct denied deny_mprotect_exec, deny_restore_exec,
	deny_membarrier, deny_setaffinity, deny_vm_readv, deny_open_rdwr,
	deny_pwrite, deny_open;

/* For all threads, for good. Skips the case where the kernel has no seccomp. */
void deny(const struct denied *const *list);
#define DENY(...)	deny((const struct denied *const[]){ __VA_ARGS__, NULL })

/* PR_SET_MDWE (Linux 6.3): mprotect may not add PROT_EXEC. */
void refuse_exec_gain(void);

/* mseal (Linux 6.10) of the mapping that contains @address. */
void seal_text_of(const void *address);

/* An empty directory over /proc, in a mount namespace of our own. */
void hide_proc(void);

/* No more mappings; release_maps() gives them back. */
void exhaust_maps(void);
void release_maps(void);

/* RLIMIT_AS at what is in use; and back. */
void exhaust_address_space(void);
void release_address_space(void);

/* User and group nobody, for good; also makes the process non-dumpable. */
void become_nobody(void);

#endif
