// SPDX-License-Identifier: MIT
/*
 * Prints the live-patch records of an object file as a differ would see them:
 *   hook KIND FUNCTION
 *   data MODE SIZE OBJECT[+OFFSET] [EXPECTED BYTES]
 */
#include <err.h>
#include <fcntl.h>
#include <gelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <repoint/livepatch.h>

static Elf *elf;
static Elf_Data *symbols;
static size_t nsymbols, strings;

static const char *section_name(Elf_Scn *scn, GElf_Shdr *ret)
{
	size_t names;

	if (!gelf_getshdr(scn, ret) || elf_getshdrstrndx(elf, &names) < 0)
		errx(1, "%s", elf_errmsg(-1));
	return elf_strptr(elf, names, ret->sh_name);
}

static void find_symbols(void)
{
	GElf_Shdr hdr;

	for (Elf_Scn *scn = NULL; (scn = elf_nextscn(elf, scn));) {
		section_name(scn, &hdr);
		if (hdr.sh_type != SHT_SYMTAB)
			continue;
		symbols = elf_getdata(scn, NULL);
		nsymbols = hdr.sh_size / hdr.sh_entsize;
		strings = hdr.sh_link;
	}
}

/* The object or function at or before an offset in a section. */
static size_t covering(size_t section, uint64_t offset)
{
	size_t best = 0;
	GElf_Sym sym, best_sym = { 0 };

	for (size_t i = 1; i < nsymbols; i++) {
		gelf_getsym(symbols, (int)i, &sym);
		if (sym.st_shndx != section || sym.st_value > offset ||
		    (GELF_ST_TYPE(sym.st_info) != STT_OBJECT &&
		     GELF_ST_TYPE(sym.st_info) != STT_FUNC))
			continue;
		if (!best || sym.st_value > best_sym.st_value) {
			best = i;
			best_sym = sym;
		}
	}
	return best;
}

struct place {
	char name[128];
	size_t section;		/* SHN_UNDEF if it is elsewhere */
	uint64_t offset;	/* in the section */
};

static struct place place_of(const GElf_Rela *rela)
{
	struct place ret = { .name = "" };
	GElf_Sym sym;
	size_t index = GELF_R_SYM(rela->r_info);
	uint64_t offset;

	if (GELF_R_TYPE(rela->r_info) != R_X86_64_64)
		errx(1, "a relocation of type %u",
		     (unsigned int)GELF_R_TYPE(rela->r_info));
	gelf_getsym(symbols, (int)index, &sym);
	ret.section = sym.st_shndx;
	ret.offset = sym.st_value + (uint64_t)rela->r_addend;
	if (ret.section != SHN_UNDEF) {
		index = covering(ret.section, ret.offset);
		gelf_getsym(symbols, (int)index, &sym);
	}
	offset = ret.section ? ret.offset - sym.st_value : 0;
	snprintf(ret.name, sizeof(ret.name), "%s",
		 elf_strptr(elf, strings, sym.st_name));
	/* calls.1234, _ZL6hidden: the name of the source is inside */
	if (offset)
		snprintf(ret.name + strlen(ret.name), 24, "+%lu",
			 (unsigned long)offset);
	return ret;
}

static void print_bytes(const struct place *at, size_t size)
{
	Elf_Scn *scn = elf_getscn(elf, at->section);
	Elf_Data *data = scn ? elf_getdata(scn, NULL) : NULL;

	if (!data || at->offset + size > data->d_size)
		errx(1, "%s: no %zu bytes", at->name, size);
	putchar(' ');
	for (size_t i = 0; i < size; i++)
		printf("%02x", data->d_buf ?
		       ((unsigned char *)data->d_buf)[at->offset + i] : 0);
}

/* The relocation of a field, if it has one. */
static int find_rela(Elf_Data *relas, uint64_t offset, GElf_Rela *ret)
{
	for (int i = 0; relas && gelf_getrela(relas, i, ret); i++) {
		if (ret->r_offset == offset)
			return 1;
	}
	return 0;
}

static void print_hook(const void *record, Elf_Data *relas, uint64_t offset)
{
	const struct rp_livepatch_hook *hook = record;
	GElf_Rela rela;

	if (hook->reserved || !find_rela(relas, offset, &rela))
		errx(1, "hook record at %lu", (unsigned long)offset);
	printf("hook %u %s\n", hook->kind, place_of(&rela).name);
}

static void print_data(const void *record, Elf_Data *relas, uint64_t offset)
{
	const struct rp_livepatch_data *data = record;
	struct place at;
	GElf_Rela rela;

	if (data->reserved || !find_rela(relas, offset, &rela))
		errx(1, "data record at %lu", (unsigned long)offset);
	at = place_of(&rela);
	printf("data %u %lu %s", data->mode, (unsigned long)data->size, at.name);
	if (find_rela(relas, offset + 8, &rela)) {
		at = place_of(&rela);
		print_bytes(&at, data->size);
	}
	putchar('\n');
}

static Elf_Data *relas_of(size_t section)
{
	GElf_Shdr hdr;

	for (Elf_Scn *scn = NULL; (scn = elf_nextscn(elf, scn));) {
		section_name(scn, &hdr);
		if (hdr.sh_type == SHT_RELA && hdr.sh_info == section)
			return elf_getdata(scn, NULL);
	}
	return NULL;
}

static void print_section(const char *name, size_t record_size,
			  void (*print)(const void *, Elf_Data *, uint64_t))
{
	GElf_Shdr hdr;

	for (Elf_Scn *scn = NULL; (scn = elf_nextscn(elf, scn));) {
		Elf_Data *data = elf_getdata(scn, NULL);

		if (strcmp(section_name(scn, &hdr), name) != 0)
			continue;
		if (hdr.sh_flags != (SHF_ALLOC | SHF_WRITE) ||
		    hdr.sh_size % record_size)
			errx(1, "%s: flags %#lx, size %lu", name,
			     (unsigned long)hdr.sh_flags,
			     (unsigned long)hdr.sh_size);
		for (uint64_t at = 0; at < hdr.sh_size; at += record_size)
			print((char *)data->d_buf + at,
			      relas_of(elf_ndxscn(scn)), at);
	}
}

int main(int argc, char **argv)
{
	int fd;

	if (argc != 2 || (fd = open(argv[1], O_RDONLY)) < 0)
		errx(64, "usage: read-records FILE.o");
	elf_version(EV_CURRENT);
	elf = elf_begin(fd, ELF_C_READ, NULL);
	if (!elf)
		errx(1, "%s", elf_errmsg(-1));
	find_symbols();
	print_section(RP_LIVEPATCH_HOOKS_SECTION,
		      sizeof(struct rp_livepatch_hook), print_hook);
	print_section(RP_LIVEPATCH_DATA_SECTION,
		      sizeof(struct rp_livepatch_data), print_data);
	elf_end(elf);
	close(fd);
	return 0;
}
