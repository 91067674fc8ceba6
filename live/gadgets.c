// SPDX-License-Identifier: MIT
/* Two instruction sequences in the target: `syscall; ret` and rt_sigreturn(). */
#define _GNU_SOURCE
#include "inject.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define CHUNK		(256u << 10)
#define LONGEST		9u
#define PHDRS_MAX	128u

static const uint8_t syscall_ret[] = {
	0x0f, 0x05,				// syscall
	0xc3,					// ret
};
static const uint8_t sigreturn_long[] = {
	0x48, 0xc7, 0xc0, 0x0f, 0x00, 0x00, 0x00,	// mov $15, %rax
	0x0f, 0x05,				// syscall
};
static const uint8_t sigreturn_short[] = {
	0xb8, 0x0f, 0x00, 0x00, 0x00,		// mov $15, %eax
	0x0f, 0x05,				// syscall
};

static const uint8_t both[RP_GADGETS_SIZE] = {
	0x0f, 0x05, 0xc3,
	0xb8, 0x0f, 0x00, 0x00, 0x00, 0x0f, 0x05,
};

static bool is_there(const struct rp_target *target, uint64_t address,
		     const void *bytes, size_t size)
{
	uint8_t now[LONGEST];

	return !rp_target_read(target, address, now, size) &&
	       !memcmp(now, bytes, size);
}

static bool are_there(const struct rp_gadgets *g, const struct rp_target *target)
{
	return g->syscall_ret && g->sigreturn &&
	       is_there(target, g->syscall_ret, syscall_ret,
			sizeof(syscall_ret)) &&
	       (is_there(target, g->sigreturn, sigreturn_long,
			 sizeof(sigreturn_long)) ||
		is_there(target, g->sigreturn, sigreturn_short,
			 sizeof(sigreturn_short)));
}

static bool is_libc(const struct rp_map *map)
{
	const char *name = strrchr(map->name, '/');

	name = name ? name + 1 : map->name;
	return !strncmp(name, "libc.", 5) || !strncmp(name, "libc-", 5) ||
	       !strncmp(name, "ld-musl", 7);
}

/* Code that nobody rewrites: no code of a JIT compiler. */
static bool is_code(const struct rp_map *map)
{
	return (map->access & (PROT_READ | PROT_WRITE | PROT_EXEC)) ==
	       (PROT_READ | PROT_EXEC) &&
	       (map->inode || !strcmp(map->name, "[vdso]"));
}

static void look_for(uint64_t *found, uint64_t base, const uint8_t *buffer,
		     size_t size, const void *bytes, size_t length)
{
	const uint8_t *at;

	if (*found)
		return;
	at = memmem(buffer, size, bytes, length);
	if (at)
		*found = base + (at - buffer);
}

static void search_map(struct rp_gadgets *g, const struct rp_target *target,
		       const struct rp_map *map, uint8_t *buffer)
{
	for (uint64_t at = map->start; at < map->end; at += CHUNK - LONGEST) {
		uint64_t left = map->end - at;
		size_t got = rp_target_read_some(target, at, buffer,
						 left < CHUNK ? left : CHUNK);

		look_for(&g->syscall_ret, at, buffer, got, syscall_ret,
			 sizeof(syscall_ret));
		look_for(&g->sigreturn, at, buffer, got, sigreturn_long,
			 sizeof(sigreturn_long));
		look_for(&g->sigreturn, at, buffer, got, sigreturn_short,
			 sizeof(sigreturn_short));
		if (got < CHUNK || (g->syscall_ret && g->sigreturn))
			return;
	}
}

static int search(struct rp_gadgets *g, const struct rp_target *target,
		  const struct rp_maps *maps)
{
	uint8_t *buffer = malloc(CHUNK);

	if (!buffer)
		return -ENOMEM;
	*g = (struct rp_gadgets){ 0 };
	// Every program with a libc has them there.
	for (int others = 0; others < 2; others++) {
		for (size_t i = 0; i < maps->n; i++) {
			const struct rp_map *map = &maps->v[i];

			if (g->syscall_ret && g->sigreturn)
				break;
			if (is_code(map) && is_libc(map) == !others)
				search_map(g, target, map, buffer);
		}
	}
	free(buffer);
	return g->syscall_ret && g->sigreturn ? 0 : -ENOENT;
}

/* The ELF header that belongs to a mapping: that of the nearest mapping of the
 * same file below it which begins the file. */
static const struct rp_map *header_of(const struct rp_maps *maps,
				      const struct rp_map *map)
{
	const struct rp_map *found = NULL;

	for (size_t i = 0; i < maps->n && maps->v[i].start <= map->start; i++) {
		const struct rp_map *m = &maps->v[i];

		if (!m->offset && m->inode == map->inode &&
		    m->device == map->device && !strcmp(m->name, map->name))
			found = m;
	}
	return found;
}

static size_t read_phdrs(const struct rp_target *target, uint64_t base,
			 Elf64_Phdr phdrs[PHDRS_MAX])
{
	Elf64_Ehdr header;

	if (rp_target_read(target, base, &header, sizeof(header)) ||
	    memcmp(header.e_ident, ELFMAG, SELFMAG) ||
	    header.e_ident[EI_CLASS] != ELFCLASS64 ||
	    header.e_phentsize != sizeof(*phdrs) || !header.e_phnum ||
	    header.e_phnum > PHDRS_MAX ||
	    rp_target_read(target, base + header.e_phoff, phdrs,
			   header.e_phnum * sizeof(*phdrs)))
		return 0;
	return header.e_phnum;
}

/* Where the file's address 0 lies in memory. */
static bool find_bias(const Elf64_Phdr *phdrs, size_t n, uint64_t base,
		      uint64_t *ret)
{
	for (size_t i = 0; i < n; i++) {
		if (phdrs[i].p_type == PT_LOAD &&
		    !RP_PAGE_DOWN(phdrs[i].p_offset)) {
			*ret = base - RP_PAGE_DOWN(phdrs[i].p_vaddr);
			return true;
		}
	}
	return false;
}

/* Does any segment have a byte in [start, end)? */
static bool is_used(const Elf64_Phdr *phdrs, size_t n, uint64_t bias,
		    uint64_t start, uint64_t end)
{
	for (size_t i = 0; i < n; i++) {
		uint64_t from = bias + phdrs[i].p_vaddr;

		if (phdrs[i].p_type == PT_LOAD && from < end &&
		    start < from + phdrs[i].p_memsz)
			return true;
	}
	return false;
}

/*
 * Bytes of an executable mapping that belong to no segment: pages are mapped
 * whole. Behind the last byte of the segment, or before its first one.
 */
static uint64_t unused_in(const struct rp_target *target,
			  const struct rp_maps *maps, const struct rp_map *map)
{
	const struct rp_map *header = header_of(maps, map);
	Elf64_Phdr phdrs[PHDRS_MAX];
	uint64_t bias;
	size_t n;

	if (!header)
		return 0;
	n = read_phdrs(target, header->start, phdrs);
	if (!find_bias(phdrs, n, header->start, &bias))
		return 0;
	if (!is_used(phdrs, n, bias, map->end - RP_GADGETS_SIZE, map->end))
		return map->end - RP_GADGETS_SIZE;
	if (!is_used(phdrs, n, bias, map->start, map->start + RP_GADGETS_SIZE))
		return map->start;
	return 0;
}

static int write_at(struct rp_gadgets *g, const struct rp_target *target,
		    uint64_t address)
{
	int ret = rp_target_read(target, address, g->was, sizeof(g->was));

	if (!ret)
		ret = rp_target_write(target, address, both, sizeof(both));
	if (ret)
		return ret;
	g->written = address;
	g->syscall_ret = address;
	g->sigreturn = address + sizeof(syscall_ret);
	return 0;
}

static int write_somewhere(struct rp_gadgets *g, const struct rp_target *target,
			   const struct rp_maps *maps)
{
	for (size_t i = 0; i < maps->n; i++) {
		const struct rp_map *map = &maps->v[i];
		uint64_t address;
		int ret;

		if (!is_code(map) || map->shared)
			continue;
		address = unused_in(target, maps, map);
		if (!address)
			continue;
		ret = write_at(g, target, address);
		if (ret != -EFAULT && ret != -EACCES)
			return ret;
	}
	return -ENOENT;
}

int rp_gadgets_find(struct rp_gadgets *g, const struct rp_target *target,
		    const struct rp_maps *maps, struct rp_diag *diag)
{
	int ret;

	if (are_there(g, target))
		return 0;
	ret = search(g, target, maps);
	if (ret == -ENOENT)
		ret = write_somewhere(g, target, maps);
	if (ret == -ENOENT)
		return rp_diag_set(diag, RP_DIAG_LIVE_INJECT, NULL,
			"process %d (%s) has no instructions that make a system call and return, and no unused bytes in its code that could hold them",
			target->pid, target->comm);
	if (ret == -ENOMEM)
		return rp_diag_nomem(diag);
	if (ret == -ESRCH)
		rp_diag_set(diag, RP_DIAG_LIVE_GONE, NULL,
			    "process %d (%s) has ended", target->pid,
			    target->comm);
	return ret;
}

void rp_gadgets_clear(struct rp_gadgets *g, const struct rp_target *target)
{
	if (!g->written)
		return;
	// If this fails, the process is gone.
	(void)rp_target_write(target, g->written, g->was, sizeof(g->was));
	*g = (struct rp_gadgets){ 0 };
}
