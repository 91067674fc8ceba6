/* SPDX-License-Identifier: MIT */
/*
 * Another process: how its memory is read and written, what is mapped in it.
 *
 *   int  rp_target_open(target, pid, diag);
 *   void rp_target_close(target);
 *   int  rp_target_read(target, address, buffer, size);
 *   int  rp_target_write(target, address, bytes, size);
 *   int  rp_maps_read(maps, target);
 *
 * Everything about a process is reached through descriptors that were opened
 * once: its number may be another process's by the time that one looks again.
 */
#ifndef REPOINT_LIVE_TARGET_H
#define REPOINT_LIVE_TARGET_H

#include "../object/diag.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define RP_PAGE		4096u
#define RP_PAGE_UP(n)	(((uint64_t)(n) + RP_PAGE - 1) & ~(uint64_t)(RP_PAGE - 1))
#define RP_PAGE_DOWN(n)	((uint64_t)(n) & ~(uint64_t)(RP_PAGE - 1))

/**
 * struct rp_target - a process.
 * @pid:      as this process numbers it
 * @ns_pid:   as it numbers itself (innermost PID namespace)
 * @proc:     descriptor of /proc/PID
 * @mem:      descriptor of /proc/PID/mem
 * @uid:      its effective user
 * @at:       prefix of what is asked about its memory: "", or "task/TID/" where
 *            the main thread has ended before others
 * @seccomp:  its main thread filters system calls
 * @comm:     its name, printable
 */
struct rp_target {
	pid_t pid;
	pid_t ns_pid;
	int proc;
	int mem;
	uid_t uid;
	bool seccomp;
	char at[24];
	char comm[64];
};

/**
 * rp_target_open() - look at a process, without stopping it.
 * @target: filled in; rp_target_close() also after a failure
 * @pid:    its number
 * @diag:   on failure: no such process, a zombie, a kernel thread, no permission
 *          (what would help), another architecture or 32 bits
 *
 * Return: 0; -EINVAL, see @diag.
 */
int rp_target_open(struct rp_target *target, pid_t pid, struct rp_diag *diag);
void rp_target_close(struct rp_target *target);

/** rp_target_read() - all of @size bytes. Return: 0; -EFAULT; -ESRCH: it is gone. */
int rp_target_read(const struct rp_target *target, uint64_t address,
		   void *buffer, size_t size);

/** rp_target_read_some() - as many of @size bytes as there are from an address
 *  on. Return: how many; 0 if none. */
size_t rp_target_read_some(const struct rp_target *target, uint64_t address,
			   void *buffer, size_t size);

/** rp_target_read_string() - a terminated string; cut at @size - 1 bytes.
 *  Return: 0; -EFAULT; -ESRCH. */
int rp_target_read_string(const struct rp_target *target, uint64_t address,
			  char *buffer, size_t size);

/**
 * rp_target_write() - write, whatever the protection of private pages is.
 *
 * Return: 0; -EFAULT; -ESRCH; -EACCES: this kernel does not permit it.
 */
int rp_target_write(const struct rp_target *target, uint64_t address,
		    const void *bytes, size_t size);

/**
 * rp_target_file() - contents of a file of /proc/PID, terminated.
 * @name: "status", "task/12/stat", ...
 *
 * Return: to be freed; NULL with errno.
 */
char *rp_target_file(const struct rp_target *target, const char *name,
		     size_t *size);

/** rp_target_status() - a decimal field of `status` or `task/TID/status`: the
 *  first number behind "@field:". Return: it; -1 if there is none. */
long rp_target_status(const char *status, const char *field);

/** rp_target_is_gone() - has it ended, or become a zombie? */
bool rp_target_is_gone(const struct rp_target *target);

/* What is mapped. */

/**
 * struct rp_map - a line of /proc/PID/maps.
 * @access: PROT_* bits
 * @name:   path, "[stack]", ...; "" if anonymous
 */
struct rp_map {
	uint64_t start, end;
	uint64_t offset;
	uint64_t device;
	uint64_t inode;
	int access;
	bool shared;
	const char *name;
};

struct rp_maps {
	struct rp_map *v;	/* by address */
	size_t n;
	char *text;
};

/** rp_maps_read() - Return: 0; -ESRCH; -ENOMEM; -EACCES. */
int rp_maps_read(struct rp_maps *maps, const struct rp_target *target);
void rp_maps_free(struct rp_maps *maps);

/** rp_maps_at() - the mapping that an address is in, or NULL. */
const struct rp_map *rp_maps_at(const struct rp_maps *maps, uint64_t address);

/**
 * rp_maps_gap() - room for @size bytes with an unmapped page on each side, all
 * of it within a rel32 of every byte of [low, high).
 * @highest: the room must end below it; UINT64_MAX: anywhere
 * @nth:     0 for the nearest, 1 for the next one, ...: others may map there
 *
 * Return: its address; 0 if there is none.
 */
uint64_t rp_maps_gap(const struct rp_maps *maps, uint64_t low, uint64_t high,
		     uint64_t size, uint64_t align, uint64_t highest,
		     unsigned int nth);

#endif /* REPOINT_LIVE_TARGET_H */
