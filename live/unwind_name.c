/* SPDX-License-Identifier: MIT */
/* Names of addresses, for messages: by .symtab of the module's file or of its
 * debug file if it still is this build, or by the .dynsym in memory. */
#define _GNU_SOURCE
#include "modules_internal.h"
#include "../object/path.h"
#include "unwind_internal.h"

#include "../object/grow.h"

#include <fcntl.h>
#include <inttypes.h>
#include <libelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME_MAX_LENGTH	128
#define SYMBOLS_MAX	(1u << 22)

/** struct name - a function; @name is an offset in the strings. */
struct name {
	uint64_t start, size;
	size_t name;
};

struct rp_names {
	struct name *v;
	size_t n, room;
	char *strings;
	size_t used, strings_room;
};

static int add_name(struct rp_names *names, uint64_t start, uint64_t size,
		    const char *name)
{
	size_t length = strnlen(name, NAME_MAX_LENGTH);

	if (rp_grow(&names->v, &names->room, names->n + 1, sizeof(*names->v)) ||
	    rp_grow(&names->strings, &names->strings_room,
		    names->used + length + 1, 1))
		return -ENOMEM;
	names->v[names->n++] = (struct name){ start, size, names->used };
	memcpy(names->strings + names->used, name, length);
	names->strings[names->used + length] = 0;
	names->used += length + 1;
	return 0;
}

static bool is_function(const Elf64_Sym *symbol)
{
	unsigned int type = ELF64_ST_TYPE(symbol->st_info);

	return symbol->st_shndx != SHN_UNDEF && symbol->st_value &&
	       (type == STT_FUNC || type == STT_GNU_IFUNC ||
		type == STT_NOTYPE);
}

/* Files. */

static Elf_Scn *section_of_type(Elf *elf, uint32_t type)
{
	Elf_Scn *scn = NULL;

	while ((scn = elf_nextscn(elf, scn))) {
		const Elf64_Shdr *shdr = elf64_getshdr(scn);

		if (shdr && shdr->sh_type == type)
			return scn;
	}
	return NULL;
}

static bool has_build_id(Elf *elf, const struct rp_module *module)
{
	Elf_Scn *scn = NULL;

	while (module->build_id_size && (scn = elf_nextscn(elf, scn))) {
		const Elf64_Shdr *shdr = elf64_getshdr(scn);
		if (!shdr || shdr->sh_type != SHT_NOTE)
			continue;
		Elf_Data *data = elf_rawdata(scn, NULL);
		if (data && data->d_buf &&
		    memmem(data->d_buf, data->d_size, module->build_id,
			   module->build_id_size))
			return true;
	}
	return false;
}

static int read_symtab(struct rp_names *names, Elf *elf, uint64_t bias)
{
	Elf_Scn *scn = section_of_type(elf, SHT_SYMTAB);
	const Elf64_Shdr *shdr = scn ? elf64_getshdr(scn) : NULL;
	Elf_Data *data = shdr ? elf_getdata(scn, NULL) : NULL;

	if (!data || !data->d_buf)
		return 0;
	const Elf64_Sym *symbols = data->d_buf;
	for (size_t i = 1; i < data->d_size / sizeof(*symbols); i++) {
		const char *name = is_function(&symbols[i]) ?
			elf_strptr(elf, shdr->sh_link, symbols[i].st_name) :
			NULL;
		if (name && *name &&
		    add_name(names, symbols[i].st_value + bias,
			     symbols[i].st_size, name))
			return -ENOMEM;
	}
	return 0;
}

/* Without a build-id, the file that is mapped; it is only for messages. */
static bool is_mapped_file(const struct rp_modules *modules,
			   const struct rp_module *module, int fd)
{
	const struct rp_map *map = rp_maps_at(&modules->maps, module->low);
	struct stat st;

	return !module->build_id_size && map && map->inode &&
	       fstat(fd, &st) == 0 && st.st_ino == map->inode;
}

static int read_file(struct rp_names *names, const struct rp_modules *modules,
		     const struct rp_module *module, const char *path)
{
	int fd = openat(modules->target->proc, path,
			O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	int rc = 0;

	if (fd < 0)
		return 0;	/* no such file: no names of it */
	elf_version(EV_CURRENT);
	Elf *elf = elf_begin(fd, ELF_C_READ, NULL);
	if (elf && elf_kind(elf) == ELF_K_ELF && elf64_getehdr(elf) &&
	    (has_build_id(elf, module) || is_mapped_file(modules, module, fd)))
		rc = read_symtab(names, elf, module->bias);
	elf_end(elf);
	close(fd);
	return rc;
}

static void debug_path(const struct rp_module *module, char *ret, size_t size)
{
	size_t n = (size_t)snprintf(ret, size, "root/usr/lib/debug/.build-id/");

	for (size_t i = 0; i < module->build_id_size && n + 8 < size; i++)
		n += (size_t)snprintf(ret + n, size - n, i ? "%02x" : "%02x/",
				      module->build_id[i]);
	snprintf(ret + n, size - n, ".debug");
}

/* Memory. */

static uint32_t word_at(struct rp_modules *modules, struct rp_module *module,
			uint64_t address)
{
	uint32_t v = 0;

	if (rp_modules_peek(modules, module, address, &v, sizeof(v)))
		return 0;
	return v;
}

static uint64_t gnu_hash_count(struct rp_modules *modules,
			       struct rp_module *module, uint64_t table)
{
	uint64_t nbuckets = word_at(modules, module, table);
	uint64_t first = word_at(modules, module, table + 4);
	uint64_t bloom = word_at(modules, module, table + 8);
	uint64_t buckets = table + 16 + 8 * bloom;
	uint64_t chains = buckets + 4 * nbuckets;
	uint64_t last = 0;

	if (nbuckets > SYMBOLS_MAX || bloom > SYMBOLS_MAX)
		return first;
	for (uint64_t i = 0; i < nbuckets; i++) {
		uint64_t symbol = word_at(modules, module, buckets + 4 * i);
		if (symbol > last)
			last = symbol;
	}
	if (last < first)
		return first;
	while (last < SYMBOLS_MAX &&
	       rp_module_contains(module, chains + 4 * (last - first), 4) &&
	       !(word_at(modules, module, chains + 4 * (last - first)) & 1))
		last++;
	return last + 1;
}

uint64_t rp_unwind_dynamic_count(struct rp_modules *modules,
				 struct rp_module *module)
{
	const struct rp_dynamic *dyn = rp_dynamic_of(modules, module);
	uint64_t n;

	if (!dyn)
		return 0;
	if (dyn->hash)
		n = word_at(modules, module, dyn->hash + 4);
	else
		n = dyn->gnu_hash ? gnu_hash_count(modules, module,
						   dyn->gnu_hash) : 0;
	return n < SYMBOLS_MAX ? n : SYMBOLS_MAX;
}

static int read_dynsym(struct rp_names *names, struct rp_modules *modules,
		       struct rp_module *module)
{
	uint64_t n = rp_unwind_dynamic_count(modules, module);
	char name[NAME_MAX_LENGTH + 1];
	Elf64_Sym symbol;

	for (uint64_t i = 1; i < n; i++) {
		int rc = rp_dynamic_symbol(modules, module, i, &symbol);
		if (rc == -EFAULT)
			break;
		if (!rc && is_function(&symbol))
			rc = rp_dynamic_string(modules, module, symbol.st_name,
					       name, sizeof(name));
		if (rc == -ENOMEM)
			return rc;
		/* Without its size, what is far behind it may be anything. */
		if (!rc && is_function(&symbol) && symbol.st_size && *name &&
		    add_name(names, symbol.st_value + module->bias,
			     symbol.st_size, name))
			return -ENOMEM;
	}
	return 0;
}

/* By address; of several names of one place the one that covers most is last. */
static int by_start(const void *a, const void *b)
{
	const struct name *x = a, *y = b;

	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	return x->size < y->size ? -1 : x->size > y->size;
}

static int read_names(struct rp_unwinder *unwinder, struct rp_module *module,
		      struct rp_names *names)
{
	char path[4200];
	int rc;

	snprintf(path, sizeof(path), "root%s", module->path);
	rc = read_file(names, unwinder->modules, module, path);
	if (!rc && !names->n) {
		debug_path(module, path, sizeof(path));
		rc = read_file(names, unwinder->modules, module, path);
	}
	if (!rc && !names->n)
		rc = read_dynsym(names, unwinder->modules, module);
	if (names->n)
		qsort(names->v, names->n, sizeof(*names->v), by_start);
	return rc;
}

static void free_names(struct rp_names *names)
{
	if (names) {
		free(names->v);
		free(names->strings);
		free(names);
	}
}

static const struct rp_names *names_of(struct rp_unwinder *unwinder,
				       struct rp_module *module)
{
	struct rp_names **names = &unwinder->names[module -
						   unwinder->modules->v];

	if (!*names) {
		*names = calloc(1, sizeof(**names));
		/* Without memory there are fewer names. */
		if (*names)
			read_names(unwinder, module, *names);
	}
	return *names;
}

void rp_unwind_names_free(struct rp_unwinder *unwinder)
{
	for (size_t i = 0; i < unwinder->modules->n; i++)
		free_names(unwinder->names[i]);
}

/* A symbol without size covers all up to the next one. */
static const struct name *find_name(const struct rp_names *names, uint64_t pc)
{
	size_t low = 0, high = names->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (names->v[middle].start <= pc)
			low = middle + 1;
		else
			high = middle;
	}
	if (!low)
		return NULL;
	const struct name *name = &names->v[low - 1];
	return !name->size || pc - name->start < name->size ? name : NULL;
}

/* Only what prints: it comes from the target. */
static void print_safe(char *text)
{
	for (; *text; text++) {
		if (*text < 0x20 || *text > 0x7e)
			*text = '?';
	}
}

void rp_unwind_name(struct rp_unwinder *unwinder, uint64_t pc, bool exact,
		    char *ret, size_t size)
{
	uint64_t inside = exact ? pc : pc - 1;
	struct rp_module *module = rp_modules_at(unwinder->modules, inside);
	const struct rp_names *names = module ? names_of(unwinder, module) :
						NULL;
	const struct name *name = names ? find_name(names, inside) : NULL;

	if (name && pc == name->start)
		snprintf(ret, size, "%s (%s)", names->strings + name->name,
			 rp_base_name(module->path));
	else if (name)
		snprintf(ret, size, "%s+0x%" PRIx64 " (%s)",
			 names->strings + name->name, pc - name->start,
			 rp_base_name(module->path));
	else
		snprintf(ret, size, "0x%" PRIx64 " (%s)", pc,
			 module ? rp_base_name(module->path) :
			 rp_unwind_area(unwinder, inside) ? "a patch" :
			 "in no file");
	print_safe(ret);
}
