/* SPDX-License-Identifier: MIT */
/*
 * What an object's tables say, in one form for whoever wrote them: a line for
 * each record, with its addresses resolved through the relocations, sorted.
 *
 *   tables 6.1|6.12 FILE
 *
 *   static-call PLACE KEY FLAGS    of .static_call_sites
 *   orc PLACE sp=REG+N bp=REG+N TYPE[ end][ signal]
 *   retpoline PLACE, return PLACE  of .retpoline_sites, .return_sites
 *
 * A PLACE is [INDEX]SECTION+OFFSET, as section names occur twice. A table that
 * is not what it must be is an error.
 */
#include <elf.h>
#include <fcntl.h>
#include <gelf.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *path;
static bool newer;	/* 6.12's ORC entries */
static Elf *elf;
static size_t shstrndx;
static Elf_Data *symbols;
static GElf_Shdr symbols_hdr;

static void fail(const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "%s: ", path);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(2);
}

/* One record's line, and what it is sorted by. */
struct line {
	size_t section;
	uint64_t offset;
	size_t number;
	char *text;
};

static struct line *lines;
static size_t nlines;

static void add_line(size_t section, uint64_t offset, char *text)
{
	if (!(nlines & (nlines + 1))) {
		lines = realloc(lines, (2 * nlines + 1) * sizeof(*lines));
		if (!lines)
			fail("no memory");
	}
	lines[nlines] = (struct line){ section, offset, nlines, text };
	nlines++;
}

static int by_place(const void *a, const void *b)
{
	const struct line *x = a, *y = b;

	if (x->section != y->section)
		return x->section < y->section ? -1 : 1;
	if (x->offset != y->offset)
		return x->offset < y->offset ? -1 : 1;
	return x->number < y->number ? -1 : x->number > y->number;
}

static void print_lines(const char *what)
{
	qsort(lines, nlines, sizeof(*lines), by_place);
	for (size_t i = 0; i < nlines; i++) {
		printf("%s %s\n", what, lines[i].text);
		free(lines[i].text);
	}
	nlines = 0;
	free(lines);
	lines = NULL;
}

static Elf_Scn *section_named(const char *name, GElf_Shdr *hdr)
{
	for (Elf_Scn *s = NULL; (s = elf_nextscn(elf, s));) {
		if (!gelf_getshdr(s, hdr))
			fail("a section header cannot be read");
		const char *n = elf_strptr(elf, shstrndx, hdr->sh_name);

		if (n && !strcmp(n, name))
			return s;
	}
	return NULL;
}

static Elf_Data *data_of(Elf_Scn *s, const char *name)
{
	Elf_Data *d = elf_getdata(s, NULL);

	if (!d)
		fail("%s cannot be read", name);
	return d;
}

/* Where one relocated field points to. */
struct target {
	size_t section;		/* 0: undefined symbol */
	uint64_t offset;	/* in the section */
	const char *symbol;	/* NULL: a section's */
	int64_t addend;
};

/* The relocation table of a section, indexed by field. */
struct fields {
	const char *name;
	size_t n, width;
	struct target *v;
	bool *known;
};

static struct target resolve(const char *name, const GElf_Rela *rela)
{
	struct target ret = { .addend = rela->r_addend };
	GElf_Sym sym;

	if (GELF_R_TYPE(rela->r_info) != R_X86_64_PC32)
		fail("%s+0x%" PRIx64 ": relocation of type %u", name,
		     rela->r_offset, (unsigned)GELF_R_TYPE(rela->r_info));
	if (!gelf_getsym(symbols, GELF_R_SYM(rela->r_info), &sym))
		fail("%s+0x%" PRIx64 ": no such symbol", name, rela->r_offset);
	if (sym.st_shndx == SHN_XINDEX)
		fail("more than 65279 sections");
	if (sym.st_shndx != SHN_UNDEF && sym.st_shndx < SHN_LORESERVE)
		ret.section = sym.st_shndx;
	ret.offset = sym.st_value + rela->r_addend;
	if (GELF_ST_TYPE(sym.st_info) != STT_SECTION)
		ret.symbol = elf_strptr(elf, symbols_hdr.sh_link, sym.st_name);
	return ret;
}

static Elf_Scn *relocations_of(Elf_Scn *target, GElf_Shdr *hdr)
{
	for (Elf_Scn *s = NULL; (s = elf_nextscn(elf, s));) {
		if (gelf_getshdr(s, hdr) && hdr->sh_type == SHT_RELA &&
		    hdr->sh_info == elf_ndxscn(target))
			return s;
	}
	return NULL;
}

static void read_relocations(struct fields *f, Elf_Scn *target)
{
	GElf_Shdr hdr;
	Elf_Scn *s = relocations_of(target, &hdr);
	GElf_Rela rela;

	if (!s || !hdr.sh_entsize) {
		if (f->n)
			fail("%s has no relocations", f->name);
		return;
	}
	Elf_Data *d = data_of(s, f->name);
	for (size_t i = 0; i < hdr.sh_size / hdr.sh_entsize; i++) {
		if (!gelf_getrela(d, i, &rela))
			fail("%s: relocation %zu cannot be read", f->name, i);
		size_t k = rela.r_offset / f->width;

		if (rela.r_offset % f->width || k >= f->n || f->known[k])
			fail("%s+0x%" PRIx64 ": a relocation too many", f->name,
			     rela.r_offset);
		f->v[k] = resolve(f->name, &rela);
		f->known[k] = true;
	}
}

/* All fields of a table of 32 bit relative addresses. */
static bool read_fields(struct fields *f, const char *name)
{
	GElf_Shdr hdr;
	Elf_Scn *s = section_named(name, &hdr);

	*f = (struct fields){ .name = name, .width = 4 };
	if (!s)
		return false;
	if (hdr.sh_size % f->width)
		fail("%s has %" PRIu64 " bytes", name, hdr.sh_size);
	f->n = hdr.sh_size / f->width;
	f->v = calloc(f->n + 1, sizeof(*f->v));
	f->known = calloc(f->n + 1, sizeof(*f->known));
	if (!f->v || !f->known)
		fail("no memory");
	read_relocations(f, s);
	for (size_t i = 0; i < f->n; i++) {
		if (!f->known[i])
			fail("%s: field %zu has no relocation", name, i);
	}
	return true;
}

static void free_fields(struct fields *f)
{
	free(f->v);
	free(f->known);
}

static char *format(const char *fmt, ...)
{
	char *ret;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&ret, fmt, ap) < 0)
		fail("no memory");
	va_end(ap);
	return ret;
}

static char *place_text(const struct target *t)
{
	GElf_Shdr hdr;
	Elf_Scn *s = t->section ? elf_getscn(elf, t->section) : NULL;

	if (!s || !gelf_getshdr(s, &hdr))
		fail("a record is about what is not in the object: %s",
		     t->symbol ? t->symbol : "?");
	return format("[%zu]%s+0x%" PRIx64, t->section,
		      elf_strptr(elf, shstrndx, hdr.sh_name), t->offset);
}

static void dump_static_calls(void)
{
	struct fields f;

	if (!read_fields(&f, ".static_call_sites"))
		return;
	if (f.n % 2)
		fail("%s: half a record", f.name);
	for (size_t i = 0; i < f.n; i += 2) {
		const struct target *site = &f.v[i], *key = &f.v[i + 1];
		char *place = place_text(site);

		add_line(site->section, site->offset,
			 format("%s %s %" PRId64, place,
				key->symbol ? key->symbol : "(a section)",
				key->addend));
		free(place);
	}
	print_lines("static-call");
	free_fields(&f);
}

static void dump_places(const char *section, const char *what)
{
	struct fields f;

	if (!read_fields(&f, section))
		return;
	for (size_t i = 0; i < f.n; i++)
		add_line(f.v[i].section, f.v[i].offset, place_text(&f.v[i]));
	print_lines(what);
	free_fields(&f);
}

/* Both layouts are six bytes: two offsets, two registers, type and flags. */
#define ORC_SIZE	6

static char *orc_text(const char *place, const uint8_t *entry)
{
	static const char *const regs[] = {
		"undefined", "prev-sp", "dx", "di", "bp", "sp", "r10", "r13",
		"[bp]", "[sp]", "10", "11", "12", "13", "14", "15",
	};
	static const char *const types61[] = {
		"call", "regs", "partial", "3",
	};
	static const char *const types612[] = {
		"undefined", "end", "call", "regs", "partial", "5", "6", "7",
	};
	int16_t sp, bp;
	unsigned type = entry[5];

	memcpy(&sp, entry, sizeof(sp));
	memcpy(&bp, entry + 2, sizeof(bp));
	return format("%s sp=%s%+d bp=%s%+d %s%s%s", place, regs[entry[4] & 15],
		      sp, regs[entry[4] >> 4], bp,
		      newer ? types612[type & 7] : types61[type & 3],
		      newer ? "" : type & 4 ? " end" : "",
		      newer && type & 8 ? " signal" : "");
}

static void dump_orc(void)
{
	struct fields f;
	GElf_Shdr hdr;
	Elf_Scn *s = section_named(".orc_unwind", &hdr);

	if (!read_fields(&f, ".orc_unwind_ip"))
		return;
	if (!s)
		fail(".orc_unwind_ip without .orc_unwind");
	Elf_Data *d = data_of(s, ".orc_unwind");
	if (d->d_size != f.n * ORC_SIZE)
		fail(".orc_unwind has %zu bytes for %zu addresses", d->d_size,
		     f.n);
	for (size_t i = 0; i < f.n; i++) {
		char *place = place_text(&f.v[i]);

		add_line(f.v[i].section, f.v[i].offset,
			 orc_text(place, (uint8_t *)d->d_buf + i * ORC_SIZE));
		free(place);
	}
	print_lines("orc");
	free_fields(&f);
}

static void find_symbols(void)
{
	for (Elf_Scn *s = NULL; (s = elf_nextscn(elf, s));) {
		if (gelf_getshdr(s, &symbols_hdr) &&
		    symbols_hdr.sh_type == SHT_SYMTAB) {
			symbols = data_of(s, "the symbol table");
			return;
		}
	}
	fail("no symbol table");
}

int main(int argc, char **argv)
{
	if (argc != 3 || (strcmp(argv[1], "6.1") && strcmp(argv[1], "6.12"))) {
		fprintf(stderr, "usage: tables 6.1|6.12 FILE\n");
		return 64;
	}
	newer = !strcmp(argv[1], "6.12");
	path = argv[2];
	elf_version(EV_CURRENT);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	elf = fd < 0 ? NULL : elf_begin(fd, ELF_C_READ, NULL);
	if (!elf || elf_getshdrstrndx(elf, &shstrndx))
		fail("no ELF file that can be read");
	find_symbols();
	dump_static_calls();
	dump_orc();
	dump_places(".retpoline_sites", "retpoline");
	dump_places(".return_sites", "return");
	elf_end(elf);
	close(fd);
	return 0;
}
