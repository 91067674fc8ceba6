/* SPDX-License-Identifier: MIT */
/*
 * Symbol tables that are not loaded: those of the file that a module was loaded
 * from, or of a separate debug file.
 *
 * Files are opened in the target's root, links included, and are only believed if
 * their build-id is that in memory. They are read, not mapped: the target may cut
 * its own files off at any time.
 */
#define _GNU_SOURCE
#include "modules_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Section headers, and bytes of a symbol or string table. */
#define SECTIONS_MAX	(1u << 20)
#define TABLE_MAX	(UINT64_C(1) << 31)

/**
 * struct rp_symbol_file - a symbol table; without one, @n is 0.
 * @strings: terminated
 */
struct rp_symbol_file {
	Elf64_Sym *v;
	size_t n;
	char *strings;
	size_t strings_size;
};

/** struct file - one that is being looked at. */
struct file {
	int fd;
	uint64_t size;
	Elf64_Shdr *sections;
	size_t nsections;
};

/* A link is followed as the target would, and leads to no device or pipe. */
static int open_in(int root, const char *path)
{
	struct open_how how = {
		.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
		.resolve = RESOLVE_IN_ROOT,
	};
	int fd = syscall(SYS_openat2, root, path, &how, sizeof(how));

	// Kernels before 5.6, and filters that do not know it.
	if (fd < 0 && (errno == ENOSYS || errno == EPERM))
		fd = openat(root, path + (*path == '/'),
			    (int)how.flags | O_NOFOLLOW);
	return fd;
}

static int read_at(int fd, uint64_t at, void *buffer, size_t size)
{
	uint8_t *to = buffer;

	while (size) {
		ssize_t n = pread(fd, to, size, at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -EIO;
		to += n;
		at += n;
		size -= n;
	}
	return 0;
}

/** read_part() - bytes of a file and a terminating zero. */
static void *read_part(const struct file *file, uint64_t at, uint64_t size)
{
	char *bytes;

	if (at > file->size || size > file->size - at || size > TABLE_MAX)
		return NULL;
	bytes = malloc(size + 1);
	if (!bytes || read_at(file->fd, at, bytes, size)) {
		free(bytes);
		return NULL;
	}
	bytes[size] = 0;
	return bytes;
}

static bool read_sections(struct file *file)
{
	struct stat st;
	Elf64_Ehdr ehdr;

	if (fstat(file->fd, &st) || !S_ISREG(st.st_mode))
		return false;
	file->size = st.st_size;
	if (read_at(file->fd, 0, &ehdr, sizeof(ehdr)) ||
	    memcmp(ehdr.e_ident, ELFMAG, SELFMAG) ||
	    ehdr.e_ident[EI_CLASS] != ELFCLASS64 ||
	    ehdr.e_ident[EI_DATA] != ELFDATA2LSB ||
	    ehdr.e_shentsize != sizeof(Elf64_Shdr) || !ehdr.e_shoff)
		return false;
	file->nsections = ehdr.e_shnum;
	if (!ehdr.e_shnum) {
		// There are too many for that field.
		Elf64_Shdr first;

		if (read_at(file->fd, ehdr.e_shoff, &first, sizeof(first)) ||
		    first.sh_size > SECTIONS_MAX)
			return false;
		file->nsections = first.sh_size;
	}
	file->sections = read_part(file, ehdr.e_shoff, file->nsections *
				   sizeof(Elf64_Shdr));
	return file->sections;
}

static bool note_is(const uint8_t *p, size_t size, size_t mask,
		    const struct rp_module *m)
{
	while (size >= sizeof(Elf64_Nhdr)) {
		Elf64_Nhdr hdr;
		size_t name, desc;

		memcpy(&hdr, p, sizeof(hdr));
		p += sizeof(hdr);
		size -= sizeof(hdr);
		name = ((size_t)hdr.n_namesz + mask) & ~mask;
		desc = ((size_t)hdr.n_descsz + mask) & ~mask;
		if (name > size || hdr.n_descsz > size - name)
			return false;
		if (hdr.n_type == NT_GNU_BUILD_ID && hdr.n_namesz == 4 &&
		    !memcmp(p, "GNU", 4))
			return hdr.n_descsz == m->build_id_size &&
			       !memcmp(p + name, m->build_id, hdr.n_descsz);
		if (desc > size - name)
			return false;
		p += name + desc;
		size -= name + desc;
	}
	return false;
}

static bool is_same_build(const struct file *file, const struct rp_module *m)
{
	for (size_t i = 0; i < file->nsections; i++) {
		const Elf64_Shdr *hdr = &file->sections[i];
		uint8_t *bytes;
		bool same;

		if (hdr->sh_type != SHT_NOTE || hdr->sh_size > 65536)
			continue;
		bytes = read_part(file, hdr->sh_offset, hdr->sh_size);
		same = bytes && note_is(bytes, hdr->sh_size,
					hdr->sh_addralign == 8 ? 7 : 3, m);
		free(bytes);
		if (same)
			return true;
	}
	return false;
}

static bool read_symbols(const struct file *file, struct rp_symbol_file *ret)
{
	for (size_t i = 0; i < file->nsections; i++) {
		const Elf64_Shdr *hdr = &file->sections[i], *strings;

		if (hdr->sh_type != SHT_SYMTAB ||
		    hdr->sh_entsize != sizeof(Elf64_Sym) ||
		    hdr->sh_size <= sizeof(Elf64_Sym) ||
		    hdr->sh_link >= file->nsections)
			continue;
		strings = &file->sections[hdr->sh_link];
		if (strings->sh_type != SHT_STRTAB)
			continue;
		ret->v = read_part(file, hdr->sh_offset, hdr->sh_size);
		ret->strings = read_part(file, strings->sh_offset,
					 strings->sh_size);
		if (ret->v && ret->strings) {
			ret->n = hdr->sh_size / sizeof(Elf64_Sym);
			ret->strings_size = strings->sh_size;
			return true;
		}
		free(ret->v);
		free(ret->strings);
		*ret = (struct rp_symbol_file){ .n = 0 };
	}
	return false;
}

/** try_file() - Return: was it the one? */
static bool try_file(int fd, const struct rp_module *m,
		     struct rp_symbol_file *ret)
{
	struct file file = { .fd = fd };
	bool done;

	if (fd < 0)
		return false;
	done = read_sections(&file) && is_same_build(&file, m) &&
	       read_symbols(&file, ret);
	free(file.sections);
	close(fd);
	return done;
}

/* The kernel writes \012 for a newline, and " (deleted)" behind some names. */
static bool try_own(const struct rp_target *target, int root,
		    const struct rp_module *m, struct rp_symbol_file *ret)
{
	if (m->program &&
	    try_file(openat(target->proc, "exe", O_RDONLY | O_CLOEXEC), m, ret))
		return true;
	return root >= 0 && m->path[0] == '/' &&
	       try_file(open_in(root, m->path), m, ret);
}

/* Also when the file was replaced; needs more rights than the others. */
static bool try_mapped(const struct rp_modules *modules,
		       const struct rp_module *m, struct rp_symbol_file *ret)
{
	const struct rp_map *map = rp_maps_at(&modules->maps, m->low);
	char name[64];

	if (!map || !map->inode)
		return false;
	snprintf(name, sizeof(name), "map_files/%llx-%llx",
		 (unsigned long long)map->start, (unsigned long long)map->end);
	return try_file(openat(modules->target->proc, name,
			       O_RDONLY | O_CLOEXEC), m, ret);
}

static bool try_debug(int root, const struct rp_module *m,
		      struct rp_symbol_file *ret)
{
	char path[64 + 2 * RP_BUILD_ID_MAX];
	int n = snprintf(path, sizeof(path), "/usr/lib/debug/.build-id/%02x/",
			 m->build_id[0]);

	if (root < 0 || m->build_id_size < 2)
		return false;
	for (size_t i = 1; i < m->build_id_size; i++)
		n += snprintf(path + n, sizeof(path) - n, "%02x",
			      m->build_id[i]);
	snprintf(path + n, sizeof(path) - n, ".debug");
	return try_file(open_in(root, path), m, ret);
}

static void find_file(const struct rp_modules *modules,
		      const struct rp_module *m, struct rp_symbol_file *ret)
{
	const int flags = O_PATH | O_DIRECTORY | O_CLOEXEC;
	int root = openat(modules->target->proc, "root", flags);
	int here = open("/", flags);

	if (m->build_id_size && !try_own(modules->target, root, m, ret) &&
	    !try_mapped(modules, m, ret) && !try_debug(root, m, ret))
		try_debug(here, m, ret);
	if (root >= 0)
		close(root);
	if (here >= 0)
		close(here);
}

static const char *name_of(const struct rp_symbol_file *file,
			   const Elf64_Sym *sym)
{
	return sym->st_name < file->strings_size ?
	       file->strings + sym->st_name : "";
}

static bool is_defined(const Elf64_Sym *sym)
{
	const unsigned int type = ELF64_ST_TYPE(sym->st_info);

	return sym->st_shndx != SHN_UNDEF && sym->st_shndx != SHN_ABS &&
	       sym->st_shndx != SHN_COMMON &&
	       (type <= STT_FUNC || type == STT_TLS || type == STT_GNU_IFUNC);
}

static int find(const struct rp_symbol_file *file, const char *name,
		const Elf64_Sym **ret)
{
	const Elf64_Sym *local = NULL;
	bool several = false;

	for (size_t i = 1; i < file->n; i++) {
		const Elf64_Sym *sym = &file->v[i];

		if (!is_defined(sym) || strcmp(name_of(file, sym), name))
			continue;
		if (ELF64_ST_BIND(sym->st_info) != STB_LOCAL) {
			*ret = sym;
			return 0;
		}
		several |= local && local->st_value != sym->st_value;
		local = sym;
	}
	*ret = local;
	return several ? -ENOTUNIQ : local ? 0 : -ENOENT;
}

int rp_module_local(struct rp_modules *modules, struct rp_module *module,
		    const char *name, struct rp_live_symbol *ret)
{
	const Elf64_Sym *sym;
	int rc;

	if (!module->symbols) {
		module->symbols = calloc(1, sizeof(*module->symbols));
		if (!module->symbols)
			return -ENOMEM;
		find_file(modules, module, module->symbols);
	}
	rc = find(module->symbols, name, &sym);
	if (rc)
		return rc;
	*ret = (struct rp_live_symbol){
		.module = module,
		.type = ELF64_ST_TYPE(sym->st_info),
		.size = sym->st_size,
		.address = sym->st_value,
	};
	// In a linked file the value of a thread-local is its offset.
	if (ret->type != STT_TLS)
		ret->address += module->bias;
	return 0;
}

void rp_symbol_file_free(struct rp_symbol_file *file)
{
	if (!file)
		return;
	free(file->v);
	free(file->strings);
	free(file);
}
