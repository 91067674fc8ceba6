// SPDX-License-Identifier: MIT
/*
 * The mappings of this process, from the best source there is: the
 * PROCMAP_QUERY ioctl (Linux 6.11), else the text of /proc/self/maps, else the
 * program headers of the loaded objects.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "maps.h"

/* From linux/fs.h of 6.11; older headers lack it. */
struct procmap_query_abi {
	uint64_t size;
	uint64_t query_flags;
	uint64_t query_addr;
	uint64_t vma_start;
	uint64_t vma_end;
	uint64_t vma_flags;
	uint64_t vma_page_size;
	uint64_t vma_offset;
	uint64_t inode;
	uint32_t dev_major;
	uint32_t dev_minor;
	uint32_t vma_name_size;
	uint32_t build_id_size;
	uint64_t vma_name_addr;
	uint64_t build_id_addr;
};
#define PROCMAP_QUERY_ABI	_IOWR('f', 17, struct procmap_query_abi)
#define PROCMAP_READABLE	0x1
#define PROCMAP_WRITABLE	0x2
#define PROCMAP_EXECUTABLE	0x4

static int maps_fd = -1;
static bool no_query;

void rp__maps_close(void)
{
	if (maps_fd >= 0)
		close(maps_fd);
	maps_fd = -1;
}

/* /proc/self is the leader's, which may have ended: then nothing is in it. */
static bool leader_is_gone(int fd)
{
	char byte;

	return getpid() != gettid() && pread(fd, &byte, 1, 0) <= 0;
}

/*
 * Not /proc/thread-self from the start: qemu-user shows the emulated program's
 * mappings under the other name only.
 */
static int maps_open(void)
{
	if (maps_fd >= 0)
		return maps_fd;
	maps_fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
	if (maps_fd >= 0 && leader_is_gone(maps_fd)) {
		close(maps_fd);
		maps_fd = open("/proc/thread-self/maps", O_RDONLY | O_CLOEXEC);
	}
	return maps_fd;
}

static int query_ioctl(uintptr_t addr, struct rp__mapping *ret)
{
	struct procmap_query_abi q = { .size = sizeof(q), .query_addr = addr };

	if (no_query)
		return -ENOTTY;
	if (ioctl(maps_open(), PROCMAP_QUERY_ABI, &q) < 0) {
		if (errno == ENOENT)
			return -EFAULT;
		no_query = true;
		return -ENOTTY;
	}
	ret->start = q.vma_start;
	ret->end = q.vma_end;
	ret->prot = (q.vma_flags & PROCMAP_READABLE ? PROT_READ : 0) |
		    (q.vma_flags & PROCMAP_WRITABLE ? PROT_WRITE : 0) |
		    (q.vma_flags & PROCMAP_EXECUTABLE ? PROT_EXEC : 0);
	return 0;
}

/* struct reader - the text, a line at a time, without allocation. */
struct reader {
	int fd;
	size_t pos, len;
	off_t offset;
	char buffer[4096];
};

static int reader_byte(struct reader *r)
{
	if (r->pos == r->len) {
		ssize_t n = pread(r->fd, r->buffer, sizeof(r->buffer),
				  r->offset);

		if (n <= 0)
			return -1;
		r->offset += n;
		r->len = (size_t)n;
		r->pos = 0;
	}
	return (unsigned char)r->buffer[r->pos++];
}

static int hex_digit(int c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int reader_hex(struct reader *r, uintptr_t *ret)
{
	int c;

	*ret = 0;
	while (hex_digit(c = reader_byte(r)) >= 0)
		*ret = *ret << 4 | (unsigned int)hex_digit(c);
	return c;
}

/* "start-end rwxp ...": 1 if a mapping was read, 0 at the end. */
static int reader_next(struct reader *r, struct rp__mapping *ret)
{
	int c;

	if (reader_hex(r, &ret->start) != '-' ||
	    reader_hex(r, &ret->end) != ' ')
		return 0;
	ret->prot = 0;
	ret->prot |= reader_byte(r) == 'r' ? PROT_READ : 0;
	ret->prot |= reader_byte(r) == 'w' ? PROT_WRITE : 0;
	ret->prot |= reader_byte(r) == 'x' ? PROT_EXEC : 0;
	while ((c = reader_byte(r)) >= 0 && c != '\n')
		;
	return 1;
}

static int query_text(uintptr_t addr, struct rp__mapping *ret)
{
	struct reader r = { .fd = maps_open() };

	if (r.fd < 0)
		return -EPERM;
	while (reader_next(&r, ret))
		if (addr >= ret->start && addr < ret->end)
			return 0;
	return r.offset ? -EFAULT : -EPERM;
}

/* struct phdr_query - what query_phdr() looks for and finds. */
struct phdr_query {
	uintptr_t addr;
	struct rp__mapping found;
	bool done;
};

static int query_phdr_one(struct dl_phdr_info *info, size_t size, void *data)
{
	struct phdr_query *q = data;
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);

	(void)size;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];
		uintptr_t start = info->dlpi_addr + p->p_vaddr;

		if (p->p_type != PT_LOAD || q->addr - start >= p->p_memsz)
			continue;
		q->found.start = start & -page;
		q->found.end = (start + p->p_memsz + page - 1) & -page;
		q->found.prot = (p->p_flags & PF_R ? PROT_READ : 0) |
				(p->p_flags & PF_W ? PROT_WRITE : 0) |
				(p->p_flags & PF_X ? PROT_EXEC : 0);
		q->done = true;
		return 1;
	}
	return 0;
}

static int query_phdr(uintptr_t addr, struct rp__mapping *ret)
{
	struct phdr_query q = { .addr = addr };

	dl_iterate_phdr(query_phdr_one, &q);
	if (!q.done)
		return -EPERM;
	*ret = q.found;
	return 0;
}

/*
 * qemu-user shows text as not executable, even this function: the protection of
 * a host mapping's first page stands for all of it. Only at first, though,
 * since mappings come apart with each window: so it is asked once.
 */
static bool is_emulated(void)
{
	static enum { UNKNOWN, NO, YES } emulated;
	struct rp__mapping here;

	if (emulated == UNKNOWN)
		emulated = query_text((uintptr_t)query_text, &here) == 0 &&
			   !(here.prot & PROT_EXEC) ? YES : NO;
	return emulated == YES;
}

int rp__maps_query(uintptr_t addr, struct rp__mapping *ret)
{
	int error = maps_open() < 0 ? -EPERM : query_ioctl(addr, ret);

	if (error == -ENOTTY) {
		if (is_emulated() && query_phdr(addr, ret) == 0)
			return 0;
		error = query_text(addr, ret);
	}
	return error == -EPERM ? query_phdr(addr, ret) : error;
}

static uintptr_t distance(uintptr_t a, uintptr_t b)
{
	return a > b ? a - b : b - a;
}

static bool reaches(uintptr_t at, uintptr_t size, uintptr_t start,
		    uintptr_t end, uintptr_t reach)
{
	return distance(at, end) <= reach && distance(at + size, start) <= reach &&
	       distance(at, start) <= reach && distance(at + size, end) <= reach;
}

uintptr_t rp__maps_find_gap(uintptr_t start, uintptr_t end, uintptr_t size,
			    uintptr_t reach)
{
	struct reader r = { .fd = maps_open() };
	struct rp__mapping m;
	uintptr_t free_from = 0x10000, best = 0;

	if (r.fd < 0)
		return 0;
	while (reader_next(&r, &m)) {
		/* The stack grows down into the gap below it: keep away. */
		uintptr_t below = m.start - size, above = free_from;

		if (m.start > free_from && m.start - free_from >= 2 * size) {
			if (reaches(below, size, start, end, reach) &&
			    (!best || distance(below, start) <
				      distance(best, start)))
				best = below;
			if (reaches(above, size, start, end, reach) &&
			    (!best || distance(above, start) <
				      distance(best, start)))
				best = above;
		}
		free_from = m.end;
	}
	return best;
}
