/* SPDX-License-Identifier: MIT */
/* Opening a relocatable object: the header, the section headers, their links. */
#include "relobj.h"
#include "relobj_internal.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool starts_with(const struct rp_relobj *obj, const char *magic,
			size_t length)
{
	return obj->size >= length && !memcmp(obj->image, magic, length);
}

static bool is_bitcode(const struct rp_relobj *obj)
{
	// Plain, and in the wrapper that Darwin uses.
	return starts_with(obj, "BC\xc0\xde", 4) ||
	       starts_with(obj, "\xde\xc0\x17\x0b", 4);
}

static int check_machine(const uint8_t *ident, struct rp_diag *diag)
{
	if (ident[EI_CLASS] != ELFCLASS64)
		return rp_diag_set_at(diag, RP_DIAG_MACHINE, "ELF header",
			EI_CLASS, "not a 64-bit object; only objects of "
			"x86-64 are read");
	if (ident[EI_DATA] != ELFDATA2LSB)
		return rp_diag_set_at(diag, RP_DIAG_MACHINE, "ELF header",
			EI_DATA, "not a little-endian object; only objects "
			"of x86-64 are read");
	uint16_t machine;
	memcpy(&machine, ident + offsetof(Elf64_Ehdr, e_machine), 2);
	if (le16toh(machine) != EM_X86_64)
		return rp_diag_set_at(diag, RP_DIAG_MACHINE, "ELF header",
			offsetof(Elf64_Ehdr, e_machine),
			"machine %u is not x86-64; only objects of x86-64 "
			"are read", le16toh(machine));
	return 0;
}

/* @linked: are linked files taken? */
static int refuse_type(uint16_t type, bool linked, struct rp_diag *diag)
{
	const char *taken = linked ?
		"relocatable objects, programs and shared objects are" :
		"only relocatable objects are";
	size_t at = offsetof(Elf64_Ehdr, e_type);

	if (type == ET_CORE)
		return rp_diag_set_at(diag, RP_DIAG_NOT_REL, "ELF header", at,
				      "a core file; %s read", taken);
	return rp_diag_set_at(diag, RP_DIAG_NOT_REL, "ELF header", at,
			      "ELF type %u; %s read", type, taken);
}

static int check_type(struct rp_relobj *obj, bool linked, struct rp_diag *diag)
{
	const uint8_t *ident = obj->image;
	uint16_t type;

	memcpy(&type, ident + offsetof(Elf64_Ehdr, e_type), 2);
	type = le16toh(type);
	if (type == ET_REL)
		return 0;
	obj->linked = type == ET_EXEC || type == ET_DYN;
	if (obj->linked && linked)
		return 0;
	if (obj->linked)
		return rp_diag_set_at(diag, RP_DIAG_NOT_REL, "ELF header",
			offsetof(Elf64_Ehdr, e_type),
			"already linked; name the object files that it was "
			"linked from (to annotate: or link with "
			"-Wl,--emit-relocs)");
	return refuse_type(type, linked, diag);
}

static int check_magic(struct rp_relobj *obj, bool linked, struct rp_diag *diag)
{
	if (starts_with(obj, "!<arch>\n", 8) || starts_with(obj, "!<thin>\n", 8))
		return rp_diag_set(diag, RP_DIAG_ARCHIVE, NULL,
			"a static archive; name the object files that it is "
			"made of (ar x takes them out, ar r puts them back)");
	if (!starts_with(obj, ELFMAG, SELFMAG))
		return rp_diag_set(diag, RP_DIAG_NOT_ELF, NULL,
			"not an ELF file");
	if (obj->size < EI_NIDENT)
		return rp_diag_set_at(diag, RP_DIAG_TRUNCATED, "ELF header",
			obj->size, "the file ends inside the ELF header");
	// The class decides how long the header is: a short one of another
	// machine is better called by its name than truncated.
	if (obj->image[EI_CLASS] == ELFCLASS64 &&
	    obj->size < sizeof(Elf64_Ehdr))
		return rp_diag_set_at(diag, RP_DIAG_TRUNCATED, "ELF header",
			obj->size, "the file ends inside the ELF header");
	int rc = check_machine(obj->image, diag);
	return rc ? rc : check_type(obj, linked, diag);
}

static uint64_t read_le(const uint8_t *p, size_t size)
{
	uint64_t v = 0;

	while (size--)
		v = v << 8 | p[size];
	return v;
}

#define READ_EHDR(obj, field)						\
	read_le((obj)->image + offsetof(Elf64_Ehdr, field),		\
		sizeof(((Elf64_Ehdr *)0)->field))

/*
 * How many section headers there are. Counted before libelf sees the file: of
 * an impossible number it only says that the file is invalid, or it makes it
 * an object without sections.
 */
static int count_sections(struct rp_relobj *obj, struct rp_diag *diag)
{
	uint64_t shoff = READ_EHDR(obj, e_shoff);
	unsigned int size = READ_EHDR(obj, e_shentsize);
	uint64_t room, n = READ_EHDR(obj, e_shnum);

	if (!shoff || shoff > obj->size ||
	    obj->size - shoff < sizeof(Elf64_Shdr))
		return rp_diag_set_at(diag, RP_DIAG_TRUNCATED, "ELF header",
			offsetof(Elf64_Ehdr, e_shoff),
			"section headers at 0x%llx, but the file has 0x%zx "
			"bytes", (unsigned long long)shoff, obj->size);
	if (size != sizeof(Elf64_Shdr))
		return rp_diag_set_at(diag, RP_DIAG_ENTSIZE, "ELF header",
			offsetof(Elf64_Ehdr, e_shentsize),
			"section headers of %u bytes", size);
	if (!n)		// more than fit into 16 bits: see section 0
		n = read_le(obj->image + shoff + offsetof(Elf64_Shdr, sh_size),
			    sizeof(uint64_t));
	room = (obj->size - shoff) / sizeof(Elf64_Shdr);
	if (!n || n > room || n > UINT32_MAX / 2)
		return rp_diag_set_at(diag, RP_DIAG_TRUNCATED, "ELF header",
			offsetof(Elf64_Ehdr, e_shnum),
			"%llu section headers, but there is room for %llu",
			(unsigned long long)n, (unsigned long long)room);
	obj->nsections = n;
	return 0;
}

static int open_elf(struct rp_relobj *obj, struct rp_diag *diag)
{
	size_t n;

	int rc = count_sections(obj, diag);
	if (rc)
		return rc;
	elf_version(EV_CURRENT);
	errno = 0;
	// libelf does not write to an image that it opens this way.
	obj->elf = elf_memory((char *)obj->image, obj->size);
	if (!obj->elf && errno == ENOMEM)
		return rp_diag_nomem(diag);
	if (!obj->elf || !gelf_getehdr(obj->elf, &obj->ehdr))
		return rp_diag_libelf(diag, "ELF header");
	if (elf_getshdrnum(obj->elf, &n) || n != obj->nsections)
		return rp_diag_set(diag, RP_DIAG_TRUNCATED, "ELF header",
			"libelf disagrees about the number of sections");
	return 0;
}

static int check_section(const struct rp_relobj *obj, size_t i,
			 struct rp_diag *diag)
{
	const GElf_Shdr *hdr = &obj->sections[i].hdr;
	struct rp_where where;

	rp_where_section(&where, obj, i);
	if (hdr->sh_addralign & (hdr->sh_addralign - 1))
		return rp_diag_set(diag, RP_DIAG_ALIGNMENT, where.text,
			"alignment 0x%llx is not a power of two",
			(unsigned long long)hdr->sh_addralign);
	if (hdr->sh_type == SHT_NOBITS || hdr->sh_type == SHT_NULL)
		return 0;
	if (hdr->sh_offset > obj->size ||
	    hdr->sh_size > obj->size - hdr->sh_offset)
		return rp_diag_set_at(diag, RP_DIAG_SECTION_BOUNDS, where.text,
			hdr->sh_offset, "0x%llx bytes at file offset 0x%llx "
			"do not fit into the file's 0x%zx bytes",
			(unsigned long long)hdr->sh_size,
			(unsigned long long)hdr->sh_offset, obj->size);
	return 0;
}

static int read_headers(struct rp_relobj *obj, struct rp_diag *diag)
{
	obj->sections = calloc(obj->nsections, sizeof(*obj->sections));
	if (!obj->sections)
		return rp_diag_nomem(diag);
	for (size_t i = 0; i < obj->nsections; i++) {
		struct rp_section *section = &obj->sections[i];

		section->name = "";
		section->scn = elf_getscn(obj->elf, i);
		if (!section->scn || !gelf_getshdr(section->scn, &section->hdr))
			return rp_diag_libelf(diag, "section headers");
		int rc = i ? check_section(obj, i, diag) : 0;
		if (rc)
			return rc;
	}
	return 0;
}

struct extent {
	uint64_t start;
	uint64_t end;
	uint32_t section;
};

// Stand-ins for what is not a section.
#define EXTENT_EHDR	UINT32_MAX
#define EXTENT_SHDRS	(UINT32_MAX - 1)

static int by_start(const void *a, const void *b)
{
	const struct extent *x = a, *y = b;

	return (x->start > y->start) - (x->start < y->start);
}

static void where_extent(struct rp_where *where, const struct rp_relobj *obj,
			 const struct extent *extent)
{
	if (extent->section == EXTENT_EHDR)
		rp_where_text(where, "the ELF header");
	else if (extent->section == EXTENT_SHDRS)
		rp_where_text(where, "the section headers");
	else
		rp_where_section(where, obj, extent->section);
}

static size_t list_extents(const struct rp_relobj *obj, struct extent *v)
{
	uint64_t shoff = obj->ehdr.e_shoff;
	size_t n = 0;

	v[n++] = (struct extent){ 0, sizeof(Elf64_Ehdr), EXTENT_EHDR };
	v[n++] = (struct extent){ shoff,
		shoff + obj->nsections * sizeof(Elf64_Shdr), EXTENT_SHDRS };
	for (size_t i = 1; i < obj->nsections; i++) {
		const GElf_Shdr *hdr = &obj->sections[i].hdr;

		if (rp_section_data(obj, i) && hdr->sh_size)
			v[n++] = (struct extent){ hdr->sh_offset,
				hdr->sh_offset + hdr->sh_size, i };
	}
	return n;
}

/*
 * Sections that share bytes would let a small file ask for much work, and
 * no assembler or linker writes them.
 */
static int check_overlap(const struct rp_relobj *obj, struct rp_diag *diag)
{
	struct extent *v = calloc(obj->nsections + 2, sizeof(*v));
	int rc = 0;

	if (!v)
		return rp_diag_nomem(diag);
	size_t n = list_extents(obj, v);
	qsort(v, n, sizeof(*v), by_start);
	for (size_t i = 1; i < n && !rc; i++) {
		struct rp_where a, b;

		if (v[i].start >= v[i - 1].end)
			continue;
		where_extent(&a, obj, &v[i - 1]);
		where_extent(&b, obj, &v[i]);
		rc = rp_diag_set_at(diag, RP_DIAG_OVERLAP, b.text, v[i].start,
			"shares bytes of the file with %s", a.text);
	}
	free(v);
	return rc;
}

static int name_sections(struct rp_relobj *obj, struct rp_diag *diag)
{
	size_t shstrndx;

	if (elf_getshdrstrndx(obj->elf, &shstrndx))
		return rp_diag_libelf(diag, "ELF header");
	if (shstrndx >= obj->nsections)
		return rp_diag_set_at(diag, RP_DIAG_STRING, "ELF header",
			offsetof(Elf64_Ehdr, e_shstrndx),
			"section names in section %zu of %zu", shstrndx,
			obj->nsections);
	if (!shstrndx)
		return rp_diag_set_at(diag, RP_DIAG_STRING, "ELF header",
			offsetof(Elf64_Ehdr, e_shstrndx),
			"the sections have no names");
	int rc = rp_relobj_check_strtab(obj, shstrndx, diag);
	for (size_t i = 1; i < obj->nsections && !rc; i++)
		rc = rp_relobj_string(obj, shstrndx, obj->sections[i].hdr.sh_name,
				      &obj->sections[i].name, diag);
	obj->shstrtab = shstrndx;
	return rc;
}

// Bytecode of GCC has its own header, whose fifth byte says "nothing else".
static void find_lto(struct rp_relobj *obj)
{
	static const char gcc[] = ".gnu.lto_", gcc_header[] = ".gnu.lto_.lto.";

	for (size_t i = 1; i < obj->nsections; i++) {
		const struct rp_section *section = &obj->sections[i];
		const uint8_t *data = rp_section_data(obj, i);

		if (!strcmp(section->name, ".llvm.lto") && !obj->lto)
			obj->lto = RP_LTO_FAT;
		if (strncmp(section->name, gcc, sizeof(gcc) - 1))
			continue;
		if (!obj->lto)
			obj->lto = RP_LTO_FAT;
		if (!strncmp(section->name, gcc_header, sizeof(gcc_header) - 1) &&
		    data && section->hdr.sh_size > 4 && data[4])
			obj->lto = RP_LTO_SLIM;
	}
}

static int open_image(struct rp_relobj *obj, const void *image, size_t size,
		      bool linked, struct rp_diag *diag)
{
	int rc;

	memset(obj, 0, sizeof(*obj));
	obj->image = image;
	obj->size = size;
	if (is_bitcode(obj)) {
		obj->lto = RP_LTO_SLIM;
		return 0;
	}
	rc = check_magic(obj, linked, diag);
	if (!rc)
		rc = open_elf(obj, diag);
	if (!rc)
		rc = read_headers(obj, diag);
	if (!rc)
		rc = check_overlap(obj, diag);
	if (!rc)
		rc = name_sections(obj, diag);
	if (!rc)
		rc = rp_relobj_read_symbols(obj, diag);
	if (!rc && obj->linked)
		rc = rp_relobj_sort_sections(obj, diag);
	if (!rc)
		rc = rp_relobj_read_links(obj, diag);
	if (!rc)
		find_lto(obj);
	return rc;
}

int rp_relobj_open(struct rp_relobj *obj, const void *image, size_t size,
		   struct rp_diag *diag)
{
	return open_image(obj, image, size, false, diag);
}

int rp_relobj_open_linked(struct rp_relobj *obj, const void *image, size_t size,
			  struct rp_diag *diag)
{
	return open_image(obj, image, size, true, diag);
}

void rp_relobj_close(struct rp_relobj *obj)
{
	free(obj->symbols);
	free(obj->sections);
	free(obj->by_address);
	if (obj->elf)
		elf_end(obj->elf);
	memset(obj, 0, sizeof(*obj));
}

int rp_relobj_refuse_debug_file(const struct rp_relobj *obj,
				struct rp_diag *diag)
{
	bool emptied = false, split = false;

	for (size_t i = 1; i < obj->nsections; i++) {
		const struct rp_section *section = &obj->sections[i];

		if (rp_section_is_text(section))
			return 0;
		emptied |= obj->linked && section->hdr.sh_type == SHT_NOBITS &&
			   section->hdr.sh_flags & SHF_EXECINSTR;
		split |= !strcmp(section->name, ".debug_info.dwo");
	}
	if (!emptied && !split)
		return 0;
	return rp_diag_set(diag, RP_DIAG_DEBUG_FILE, NULL, "holds debug "
		"information alone: name the file that has the code");
}
