/* SPDX-License-Identifier: MIT */
/* ELF files in a process's memory: headers, segments, build-ids. */
#define _GNU_SOURCE
#include "modules_internal.h"

#include "../object/grow.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* Above it there are no addresses of programs. */
#define ADDRESS_END	(UINT64_C(1) << 47)
/* Notes that are loaded are some hundred bytes. */
#define NOTES_MAX	65536u

/**
 * struct head - the beginning of a file in memory.
 * @map:  where it is mapped
 * @bytes, @size: its first page
 */
struct head {
	const struct rp_map *map;
	uint8_t bytes[RP_PAGE];
	size_t size;
};

static bool is_header(const Elf64_Ehdr *ehdr)
{
	return !memcmp(ehdr->e_ident, ELFMAG, SELFMAG) &&
	       ehdr->e_ident[EI_CLASS] == ELFCLASS64 &&
	       ehdr->e_ident[EI_DATA] == ELFDATA2LSB &&
	       ehdr->e_machine == EM_X86_64 &&
	       (ehdr->e_type == ET_EXEC || ehdr->e_type == ET_DYN) &&
	       ehdr->e_phentsize == sizeof(Elf64_Phdr) &&
	       ehdr->e_phnum && ehdr->e_phnum <= RP_PHDRS_MAX;
}

/* The headers are nearly always in the page that was read. */
static int read_phdrs(const struct rp_target *target, const struct head *head,
		      const Elf64_Ehdr *ehdr, struct rp_module *m)
{
	const size_t size = ehdr->e_phnum * sizeof(Elf64_Phdr);

	if (ehdr->e_phoff > head->map->end - head->map->start)
		return -EFAULT;
	m->phdrs = malloc(size);
	if (!m->phdrs)
		return -ENOMEM;
	m->nphdrs = ehdr->e_phnum;
	if (ehdr->e_phoff + size > head->size)
		return rp_target_read(target, head->map->start + ehdr->e_phoff,
				      m->phdrs, size);
	memcpy(m->phdrs, head->bytes + ehdr->e_phoff, size);
	return 0;
}

/* The segment that the headers are in is mapped where they were found. */
static bool find_bias(struct rp_module *m, const struct head *head)
{
	for (size_t i = 0; i < m->nphdrs; i++) {
		const Elf64_Phdr *p = &m->phdrs[i];

		if (p->p_type != PT_LOAD || p->p_offset >= RP_PAGE)
			continue;
		m->bias = head->map->start - RP_PAGE_DOWN(p->p_vaddr);
		return !m->fixed || !m->bias;
	}
	return false;
}

static bool grow_extent(struct rp_module *m, const struct rp_maps *maps,
			const Elf64_Phdr *p)
{
	const uint64_t start = m->bias + p->p_vaddr;
	const uint64_t end = start + p->p_memsz;

	if (p->p_filesz > p->p_memsz || start > end || end > ADDRESS_END ||
	    !rp_maps_at(maps, start) || !rp_maps_at(maps, end - 1))
		return false;
	if (RP_PAGE_DOWN(start) < m->low)
		m->low = RP_PAGE_DOWN(start);
	if (RP_PAGE_UP(end) > m->high)
		m->high = RP_PAGE_UP(end);
	return true;
}

/* Also if code was moved to anonymous memory, as for large pages. */
static bool is_mapped_code(const struct rp_module *m, const struct head *head,
			   const struct rp_maps *maps, const Elf64_Phdr *p)
{
	const uint64_t start = RP_PAGE_DOWN(m->bias + p->p_vaddr);
	const struct rp_map *map = rp_maps_at(maps, start);

	if (!map || !(map->access & PROT_EXEC))
		return false;
	return !map->inode ||
	       (map->inode == head->map->inode &&
		map->device == head->map->device &&
		map->offset + (start - map->start) ==
		head->map->offset + RP_PAGE_DOWN(p->p_offset));
}

static bool find_extent(struct rp_module *m, const struct head *head,
			const struct rp_maps *maps)
{
	bool code = false;

	m->low = UINT64_MAX;
	for (size_t i = 0; i < m->nphdrs; i++) {
		const Elf64_Phdr *p = &m->phdrs[i];

		if (p->p_type != PT_LOAD || !p->p_memsz)
			continue;
		if (!grow_extent(m, maps, p))
			return false;
		if (p->p_flags & PF_X) {
			if (!is_mapped_code(m, head, maps, p))
				return false;
			code = true;
		}
	}
	return code && m->low == head->map->start;
}

static void take_note(struct rp_module *m, const Elf64_Nhdr *hdr,
		      const uint8_t *desc)
{
	if (hdr->n_type == NT_GNU_ABI_TAG)
		m->abi_tag = true;
	if (hdr->n_type != NT_GNU_BUILD_ID || m->build_id_size ||
	    hdr->n_descsz > RP_BUILD_ID_MAX)
		return;
	memcpy(m->build_id, desc, hdr->n_descsz);
	m->build_id_size = hdr->n_descsz;
}

static void take_notes(struct rp_module *m, const uint8_t *p, size_t size,
		       uint64_t align)
{
	const size_t mask = align == 8 ? 7 : 3;

	while (size >= sizeof(Elf64_Nhdr)) {
		Elf64_Nhdr hdr;
		size_t name, desc;

		memcpy(&hdr, p, sizeof(hdr));
		p += sizeof(hdr);
		size -= sizeof(hdr);
		// Both are 32-bit: their sums do not overflow.
		name = ((size_t)hdr.n_namesz + mask) & ~mask;
		desc = ((size_t)hdr.n_descsz + mask) & ~mask;
		if (name > size || hdr.n_descsz > size - name)
			return;
		if (hdr.n_namesz == 4 && !memcmp(p, "GNU", 4))
			take_note(m, &hdr, p + name);
		if (desc > size - name)
			return;
		p += name + desc;
		size -= name + desc;
	}
}

static int read_notes(const struct rp_target *target, const struct head *head,
		      struct rp_module *m, const Elf64_Phdr *p)
{
	const uint64_t start = m->bias + p->p_vaddr;
	const uint64_t offset = start - head->map->start;
	const size_t size = p->p_filesz < NOTES_MAX ? p->p_filesz : NOTES_MAX;
	uint8_t *bytes;

	if (!rp_module_contains(m, start, size))
		return 0;
	if (offset < head->size && size <= head->size - offset) {
		take_notes(m, head->bytes + offset, size, p->p_align);
		return 0;
	}
	bytes = malloc(size);
	if (!bytes)
		return -ENOMEM;
	take_notes(m, bytes, rp_target_read_some(target, start, bytes, size),
		   p->p_align);
	free(bytes);
	return 0;
}

static void take_tls(struct rp_module *m, const Elf64_Phdr *p)
{
	const uint64_t align = p->p_align ? p->p_align : 1;
	const uint64_t image = m->bias + p->p_vaddr;

	if (p->p_filesz > p->p_memsz || p->p_memsz >= ADDRESS_END ||
	    align & (align - 1) || align >= ADDRESS_END ||
	    !rp_module_contains(m, image, p->p_filesz))
		return;
	m->tls_size = p->p_memsz;
	m->tls_align = align;
	m->tls_image = image;
	m->tls_filesz = p->p_filesz;
}

static int take_segments(const struct rp_target *target,
			 const struct head *head, struct rp_module *m)
{
	for (size_t i = 0; i < m->nphdrs; i++) {
		const Elf64_Phdr *p = &m->phdrs[i];
		const uint64_t start = m->bias + p->p_vaddr;
		int rc = 0;

		if (p->p_type == PT_NOTE)
			rc = read_notes(target, head, m, p);
		else if (p->p_type == PT_TLS && !m->tls_size)
			take_tls(m, p);
		if (rc)
			return rc;
		if (!rp_module_contains(m, start, p->p_memsz))
			continue;
		if (p->p_type == PT_DYNAMIC && !m->dynamic &&
		    p->p_memsz >= sizeof(Elf64_Dyn))
			m->dynamic = start;
		if (p->p_type == PT_GNU_EH_FRAME && !m->eh_frame_hdr) {
			m->eh_frame_hdr = start;
			m->eh_frame_hdr_size = p->p_memsz;
		}
	}
	return 0;
}

static void free_module(struct rp_module *m)
{
	free(m->path);
	free(m->phdrs);
	rp_dynamic_free(m->dyn);
	rp_symbol_file_free(m->symbols);
	memset(m, 0, sizeof(*m));
}

/** read_module() - Return: 0; -ENOENT: it is none; -ENOMEM. */
static int read_module(const struct rp_modules *modules, struct head *head,
		       struct rp_module *m)
{
	const struct rp_target *target = modules->target;
	Elf64_Ehdr ehdr;
	int rc;

	head->size = rp_target_read_some(target, head->map->start, head->bytes,
					 sizeof(head->bytes));
	if (head->size < sizeof(ehdr))
		return -ENOENT;
	memcpy(&ehdr, head->bytes, sizeof(ehdr));
	if (!is_header(&ehdr))
		return -ENOENT;
	*m = (struct rp_module){
		.fixed = ehdr.e_type == ET_EXEC,
		.vdso = !strcmp(head->map->name, "[vdso]"),
		.order = UINT32_MAX,
	};
	rc = read_phdrs(target, head, &ehdr, m);
	if (!rc && (!find_bias(m, head) ||
		    !find_extent(m, head, &modules->maps)))
		rc = -ENOENT;
	if (!rc)
		rc = take_segments(target, head, m);
	if (!rc) {
		m->path = strdup(head->map->name);
		rc = m->path ? 0 : -ENOMEM;
	}
	if (rc)
		free_module(m);
	return rc == -ENOMEM ? rc : rc ? -ENOENT : 0;
}

/* Where a file begins in memory; one may lie inside another file (an archive). */
static bool may_begin(const struct rp_maps *maps, size_t i)
{
	const struct rp_map *map = &maps->v[i], *before = map - 1;

	if (!(map->access & PROT_READ))
		return false;
	if (!map->inode)
		return !strcmp(map->name, "[vdso]");
	return !map->offset || !i || before->inode != map->inode ||
	       before->device != map->device || before->end != map->start;
}

static int read_all(struct rp_modules *modules)
{
	const struct rp_maps *maps = &modules->maps;
	size_t room = 0;
	uint64_t end = 0;
	struct head *head = malloc(sizeof(*head));
	int rc = head ? 0 : -ENOMEM;

	for (size_t i = 0; !rc && i < maps->n; i++) {
		if (maps->v[i].start < end || !may_begin(maps, i))
			continue;
		rc = rp_grow(&modules->v, &room, modules->n + 1,
			     sizeof(*modules->v));
		if (rc)
			break;
		head->map = &maps->v[i];
		rc = read_module(modules, head, &modules->v[modules->n]);
		if (!rc)
			end = modules->v[modules->n++].high;
		else if (rc == -ENOENT)
			rc = 0;
	}
	free(head);
	return rc;
}

/* Which of them the kernel started, from the vector that it gave it. */
static uint64_t started(const struct rp_target *target)
{
	size_t size = 0;
	char *text = rp_target_file(target, "auxv", &size);
	uint64_t pair[2], ret = 0;

	for (size_t at = 0; text && at + sizeof(pair) <= size;
	     at += sizeof(pair)) {
		memcpy(pair, text + at, sizeof(pair));
		if (pair[0] == AT_PHDR)
			ret = pair[1];
	}
	free(text);
	return ret;
}

static int by_address(const void *a, const void *b)
{
	const struct rp_module *x = *(struct rp_module *const *)a;
	const struct rp_module *y = *(struct rp_module *const *)b;

	return x->low < y->low ? -1 : x->low > y->low;
}

static int by_order(const void *a, const void *b)
{
	const struct rp_module *x = a, *y = b;

	if (x->order != y->order)
		return x->order < y->order ? -1 : 1;
	return x->low < y->low ? -1 : x->low > y->low;
}

/* Pointers to modules are valid from here on. */
static int sort(struct rp_modules *modules)
{
	qsort(modules->v, modules->n, sizeof(*modules->v), by_order);
	modules->by_address = calloc(modules->n + 1,
				     sizeof(*modules->by_address));
	if (!modules->by_address)
		return -ENOMEM;
	for (size_t i = 0; i < modules->n; i++)
		modules->by_address[i] = &modules->v[i];
	qsort(modules->by_address, modules->n, sizeof(*modules->by_address),
	      by_address);
	return 0;
}

static int failed(const struct rp_target *target, int rc, struct rp_diag *diag)
{
	if (rc == -ENOMEM)
		return rp_diag_nomem(diag);
	if (rc == -ESRCH || rp_target_is_gone(target)) {
		rp_diag_set(diag, RP_DIAG_LIVE_GONE, NULL,
			    "process %d (%s) has ended", target->pid,
			    target->comm);
		return -ESRCH;
	}
	if (rc == -ENOENT)
		return rp_diag_set(diag, RP_DIAG_LIVE_TARGET, NULL,
			"process %d (%s) has no program of x86-64 mapped",
			target->pid, target->comm);
	return rp_diag_set(diag, RP_DIAG_LIVE_TARGET, NULL,
		"what process %d (%s) has mapped cannot be read: %s",
		target->pid, target->comm, strerror(-rc));
}

int rp_modules_read(struct rp_modules *modules, const struct rp_target *target,
		    struct rp_diag *diag)
{
	int rc;

	memset(modules, 0, sizeof(*modules));
	modules->target = target;
	rc = rp_maps_read(&modules->maps, target);
	if (!rc)
		rc = read_all(modules);
	if (!rc && !modules->n)
		rc = -ENOENT;
	if (!rc)
		rc = rp_link_maps_order(modules, started(target));
	if (!rc)
		rc = sort(modules);
	if (!rc)
		rc = rp_link_maps_details(modules);
	return rc ? failed(target, rc, diag) : 0;
}

void rp_modules_free(struct rp_modules *modules)
{
	for (size_t i = 0; i < modules->n; i++)
		free_module(&modules->v[i]);
	free(modules->v);
	free(modules->by_address);
	rp_page_cache_free(modules->pages);
	rp_maps_free(&modules->maps);
	memset(modules, 0, sizeof(*modules));
}

struct rp_module *rp_modules_by_build_id(const struct rp_modules *modules,
					 const uint8_t *build_id, size_t size)
{
	for (size_t i = 0; size && i < modules->n; i++) {
		struct rp_module *m = &modules->v[i];

		if (m->build_id_size == size &&
		    !memcmp(m->build_id, build_id, size))
			return m;
	}
	return NULL;
}

struct rp_module *rp_modules_at(const struct rp_modules *modules,
				uint64_t address)
{
	size_t low = 0, high = modules->n;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;
		struct rp_module *m = modules->by_address[middle];

		if (address < m->low)
			high = middle;
		else if (address >= m->high)
			low = middle + 1;
		else
			return m;
	}
	return NULL;
}

bool rp_module_is_text(const struct rp_module *module, uint64_t address)
{
	for (size_t i = 0; i < module->nphdrs; i++) {
		const Elf64_Phdr *p = &module->phdrs[i];

		if (p->p_type == PT_LOAD && p->p_flags & PF_X &&
		    address - (module->bias + p->p_vaddr) < p->p_memsz)
			return true;
	}
	return false;
}
