/* SPDX-License-Identifier: MIT */
/* What is loaded in this process, and where there is room beside it. */
#define _GNU_SOURCE
#include "apply.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#define REACH		INT32_MAX
#define LOWEST		0x10000u

struct wanted {
	const uint8_t *id;
	size_t size;
	struct module *ret;
};

static bool note_has(const uint8_t *at, size_t size, const struct wanted *w)
{
	while (size >= sizeof(ElfW(Nhdr))) {
		const ElfW(Nhdr) *note = (const void *)at;
		size_t name = (note->n_namesz + 3) & ~3u;
		size_t length = sizeof(*note) + name +
				((note->n_descsz + 3) & ~3u);

		if (note->n_type == NT_GNU_BUILD_ID && note->n_namesz == 4 &&
		    !memcmp(note + 1, "GNU", 4) && note->n_descsz == w->size)
			return !memcmp(at + sizeof(*note) + name, w->id,
				       w->size);
		if (length >= size)
			break;
		at += length;
		size -= length;
	}
	return false;
}

static void describe(const struct dl_phdr_info *info, struct module *m)
{
	*m = (struct module){
		.bias = info->dlpi_addr, .tls_module = info->dlpi_tls_modid,
		.low = UINT64_MAX, .fixed = !info->dlpi_addr, .found = true,
	};
	snprintf(m->name, sizeof(m->name), "%s", info->dlpi_name);
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];
		uint64_t start = m->bias + p->p_vaddr;

		if (p->p_type != PT_LOAD)
			continue;
		if (start < m->low)
			m->low = start;
		if (start + p->p_memsz > m->high)
			m->high = start + p->p_memsz;
	}
}

static int look(struct dl_phdr_info *info, size_t size, void *context)
{
	struct wanted *w = context;

	(void)size;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];

		if (p->p_type == PT_NOTE && note_has((const uint8_t *)
		    info->dlpi_addr + p->p_vaddr, p->p_memsz, w)) {
			describe(info, w->ret);
			return 1;
		}
	}
	return 0;
}

int find_module(const uint8_t *build_id, size_t size, struct module *ret)
{
	struct wanted w = { build_id, size, ret };

	*ret = (struct module){ 0 };
	dl_iterate_phdr(look, &w);
	return ret->found ? 0 : -ESRCH;
}

struct block {
	uint64_t address;
	size_t module;
	uint64_t offset;
};

static int look_tls(struct dl_phdr_info *info, size_t size, void *context)
{
	struct block *b = context;
	uint64_t start = (uint64_t)info->dlpi_tls_data;

	(void)size;
	for (int i = 0; start && i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];

		if (p->p_type != PT_TLS || b->address < start ||
		    b->address - start >= p->p_memsz)
			continue;
		b->module = info->dlpi_tls_modid;
		b->offset = b->address - start;
		return 1;
	}
	return 0;
}

int find_tls_module(uint64_t address, size_t *module, uint64_t *offset)
{
	struct block b = { .address = address };

	if (!dl_iterate_phdr(look_tls, &b))
		return -ENOENT;
	*module = b.module;
	*offset = b.offset;
	return 0;
}

static bool in_reach(const struct module *m, uint64_t start, size_t size)
{
	uint64_t low = start < m->low ? start : m->low;
	uint64_t high = start + size > m->high ? start + size : m->high;

	return high - low < REACH && (!m->fixed || start + size < REACH);
}

static void *try_at(const struct module *m, uint64_t start, size_t size)
{
	void *got;

	if (start < LOWEST || !in_reach(m, start, size))
		return NULL;
	got = mmap((void *)start, size, PROT_READ | PROT_WRITE, MAP_PRIVATE |
		   MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	return got == MAP_FAILED ? NULL : got;
}

/* Either end of each gap between mappings. */
void *map_near(const struct module *m, size_t size, size_t align)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	uint64_t start, end, last = LOWEST;
	char line[512];
	void *got = NULL;

	while (maps && !got && fgets(line, sizeof(line), maps)) {
		if (sscanf(line, "%" SCNx64 "-%" SCNx64, &start, &end) != 2)
			continue;
		if (start >= last + size) {
			got = try_at(m, (start - size) & -align, size);
			if (!got)
				got = try_at(m, (last + align - 1) & -align,
					     size);
		}
		last = end;
	}
	if (maps)
		fclose(maps);
	return got;
}
