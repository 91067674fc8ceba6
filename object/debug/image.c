// SPDX-License-Identifier: MIT
/*
 * The debug sections of a relocatable object, as libdw wants them.
 *
 *   1. collect     the sections that are read, decompressed
 *   2. place       sections of one name follow each other; those that are
 *                  loaded get addresses of their own, far from each other
 *   3. copy        into a new file; that of the user stays as it is
 *   4. relocate    against those places
 */
#include "../elf/relobj_internal.h"
#include "internal.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* What is read of them; the rest need not be relocated either. */
static const char *const names[] = {
	".debug_info", ".debug_types",		// see INFO, TYPES
	".debug_abbrev", ".debug_line", ".debug_str",
	".debug_line_str", ".debug_str_offsets", ".debug_addr",
	".debug_ranges", ".debug_rnglists",
};

#define INFO		0
#define TYPES		1
#define NNAMES		(sizeof(names) / sizeof(names[0]))

/* Behind each section, so that a string without an end ends there. */
#define PADDING		16

/* Between addresses of sections: the end of one is not the start of another. */
#define GAP		64

struct piece {
	uint32_t section;
	uint32_t name;		// index in names[]
	const uint8_t *data;
	size_t size;
	size_t at;		// in the image
};

struct maker {
	const struct rp_relobj *obj;
	struct rp_debug_image *image;
	struct rp_diag *diag;
	struct piece *pieces;
	size_t npieces;
	size_t starts[NNAMES], ends[NNAMES];	// in the image
	size_t strings, headers;
	Elf *inflated;		// NULL if nothing is compressed
	void *copy;		// what @inflated is made of
};

static bool is_gnu_compressed(const char *name)
{
	return !strncmp(name, ".zdebug_", 8);
}

static int find_name(const char *name)
{
	bool z = is_gnu_compressed(name);

	for (size_t i = 0; i < NNAMES; i++)
		if (!strcmp(name + (z ? 2 : 1), names[i] + 1))
			return (int)i;
	return -1;
}

static int piece_damaged(struct maker *m, uint32_t section, const char *what)
{
	struct rp_where where;

	rp_where_section(&where, m->obj, section);
	return rp_diag_set(m->diag, RP_DIAG_DEBUG_INFO, where.text, "%s", what);
}

/* To inflate a section, libelf writes its header, in the image: take another. */
static int open_copy(struct maker *m)
{
	if (m->inflated)
		return 0;
	m->copy = malloc(m->obj->size);
	if (!m->copy)
		return rp_diag_nomem(m->diag);
	memcpy(m->copy, m->obj->image, m->obj->size);
	m->inflated = elf_memory(m->copy, m->obj->size);
	return m->inflated ? 0 : rp_diag_libelf(m->diag, NULL);
}

static int inflate_piece(struct maker *m, struct piece *piece)
{
	const struct rp_relobj *obj = m->obj;
	Elf_Data *data = NULL;
	Elf_Scn *scn;
	int rc = open_copy(m);

	if (rc)
		return rc;
	rc = -1;
	scn = elf_getscn(m->inflated, piece->section);
	if (scn && is_gnu_compressed(obj->sections[piece->section].name))
		rc = elf_compress_gnu(scn, 0, 0);
	else if (scn)
		rc = elf_compress(scn, 0, 0);
	if (rc >= 0)
		data = elf_getdata(scn, NULL);
	if (!data || (data->d_size && !data->d_buf))
		return piece_damaged(m, piece->section,
				     "cannot be decompressed; compile again");
	piece->data = data->d_buf;
	piece->size = data->d_size;
	return 0;
}

static int collect_piece(struct maker *m, uint32_t i, uint32_t name)
{
	const struct rp_section *section = &m->obj->sections[i];
	struct piece *piece = &m->pieces[m->npieces++];

	piece->section = i;
	piece->name = name;
	piece->data = rp_section_data(m->obj, i);
	piece->size = section->hdr.sh_size;
	if (section->hdr.sh_flags & SHF_COMPRESSED ||
	    is_gnu_compressed(section->name))
		return inflate_piece(m, piece);
	return 0;
}

static bool is_debug_section(const struct rp_section *section)
{
	return section->hdr.sh_type != SHT_NOBITS &&
	       section->hdr.sh_type != SHT_NULL &&
	       !(section->hdr.sh_flags & SHF_ALLOC) && section->name &&
	       (section->name[0] == '.' &&
		(section->name[1] == 'd' || section->name[1] == 'z'));
}

static int collect(struct maker *m)
{
	int rc = 0;

	m->pieces = calloc(m->obj->nsections + 1, sizeof(*m->pieces));
	if (!m->pieces)
		return rp_diag_nomem(m->diag);
	for (uint32_t i = 1; i < m->obj->nsections && !rc; i++) {
		if (!is_debug_section(&m->obj->sections[i]))
			continue;
		int name = find_name(m->obj->sections[i].name);
		if (name >= 0)
			rc = collect_piece(m, i, (uint32_t)name);
	}
	return rc;
}

static bool has_info(const struct maker *m)
{
	for (size_t i = 0; i < m->npieces; i++)
		if (m->pieces[i].name == INFO && m->pieces[i].size)
			return true;
	return false;
}

static size_t aligned(size_t at)
{
	return (at + 7) & ~(size_t)7;
}

/* Offsets in DWARF of 32 bits, which is what compilers write, end there. */
static int place_pieces(struct maker *m)
{
	size_t at = aligned(sizeof(Elf64_Ehdr));

	for (uint32_t name = 0; name < NNAMES; name++) {
		m->starts[name] = at;
		for (size_t i = 0; i < m->npieces; i++) {
			struct piece *piece = &m->pieces[i];

			if (piece->name != name)
				continue;
			if (piece->size > UINT32_MAX - at)
				return piece_damaged(m, piece->section,
					"debug sections of more than 4 GiB");
			piece->at = at;
			at += piece->size;
			m->image->bases[piece->section] =
				piece->at - m->starts[name];
		}
		m->ends[name] = at;
		at = aligned(at + PADDING);
	}
	m->image->has_types = m->starts[TYPES] != m->ends[TYPES];
	m->strings = at;
	for (size_t i = 0; i < NNAMES; i++)
		at += strlen(names[i]) + 1;
	m->headers = aligned(at + strlen(".shstrtab") + 2);
	m->image->size = m->headers + (NNAMES + 2) * sizeof(Elf64_Shdr);
	return 0;
}

#define MAX_BSS		(UINT64_C(1) << 40)

static void place_loaded(struct maker *m)
{
	uint64_t address = 0x10000;

	for (size_t i = 1; i < m->obj->nsections; i++) {
		const GElf_Shdr *hdr = &m->obj->sections[i].hdr;

		// A size without bytes in the file is anybody's claim.
		if (!(hdr->sh_flags & SHF_ALLOC) ||
		    (hdr->sh_type == SHT_NOBITS && hdr->sh_size > MAX_BSS))
			continue;
		m->image->bases[i] = address;
		address += (hdr->sh_size + GAP) & ~(uint64_t)15;
	}
}

static void header_init(Elf64_Shdr *hdr, uint32_t name, uint32_t type,
			size_t start, size_t end)
{
	hdr->sh_name = htole32(name);
	hdr->sh_type = htole32(type);
	hdr->sh_offset = htole64(start);
	hdr->sh_size = htole64(end - start);
	hdr->sh_addralign = htole64(1);
}

static void write_headers(struct maker *m)
{
	uint8_t *out = m->image->data;
	Elf64_Ehdr ehdr = {
		.e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB,
			     EV_CURRENT },
		.e_type = htole16(ET_EXEC),
		.e_machine = htole16(EM_X86_64),
		.e_version = htole32(EV_CURRENT),
		.e_shoff = htole64(m->headers),
		.e_ehsize = htole16(sizeof(Elf64_Ehdr)),
		.e_shentsize = htole16(sizeof(Elf64_Shdr)),
		.e_shnum = htole16(NNAMES + 2),
		.e_shstrndx = htole16(NNAMES + 1),
	};
	Elf64_Shdr hdrs[NNAMES + 2] = { 0 };
	size_t at = 1;		// name 0 is the empty one

	for (size_t i = 0; i < NNAMES; i++) {
		// Without a section, an empty one would count as damaged.
		if (m->starts[i] != m->ends[i])
			header_init(&hdrs[i + 1], (uint32_t)at, SHT_PROGBITS,
				    m->starts[i], m->ends[i]);
		strcpy((char *)out + m->strings + at, names[i]);
		at += strlen(names[i]) + 1;
	}
	strcpy((char *)out + m->strings + at, ".shstrtab");
	header_init(&hdrs[NNAMES + 1], (uint32_t)at, SHT_STRTAB, m->strings,
		    m->strings + at + strlen(".shstrtab") + 1);
	memcpy(out, &ehdr, sizeof(ehdr));
	memcpy(out + m->headers, hdrs, sizeof(hdrs));
}

static int copy(struct maker *m)
{
	m->image->data = calloc(1, m->image->size);
	if (!m->image->data)
		return rp_diag_nomem(m->diag);
	write_headers(m);
	for (size_t i = 0; i < m->npieces; i++)
		if (m->pieces[i].size)
			memcpy(m->image->data + m->pieces[i].at,
			       m->pieces[i].data, m->pieces[i].size);
	return 0;
}

/* Bytes that it changes; 0: none that matter here; -1: it is not known. */
static int reloc_width(uint32_t type)
{
	switch (type) {
	case R_X86_64_64:
	case R_X86_64_PC64:
		return 8;
	case R_X86_64_32:
	case R_X86_64_32S:
	case R_X86_64_PC32:
		return 4;
	case R_X86_64_NONE:
	// Where variables of threads and of other modules are; not asked for.
	case R_X86_64_DTPOFF32:
	case R_X86_64_DTPOFF64:
	case R_X86_64_TPOFF32:
	case R_X86_64_TPOFF64:
	case R_X86_64_GOTOFF64:
	case R_X86_64_SIZE32:
	case R_X86_64_SIZE64:
		return 0;
	default:
		return -1;
	}
}

static int reloc_damaged(struct maker *m, uint32_t rela, size_t i,
			 const char *what)
{
	struct rp_where where;

	rp_where_section(&where, m->obj, rela);
	return rp_diag_set_at(m->diag, RP_DIAG_DEBUG_INFO, where.text,
			      i * sizeof(Elf64_Rela), "%s", what);
}

static uint64_t symbol_value(const struct maker *m, const struct rp_symbol *s)
{
	if (s->section == RP_SECTION_NONE)
		return s->value;
	// Undefined ones, and sections that are not loaded, are at 0.
	return s->section ? m->image->bases[s->section] + s->value : 0;
}

static int relocate_one(struct maker *m, const struct piece *piece,
			uint32_t rela, size_t i)
{
	const uint8_t *from = rp_section_data(m->obj, rela);
	Elf64_Rela r;

	memcpy(&r, from + i * sizeof(r), sizeof(r));
	uint64_t info = le64toh(r.r_info), offset = le64toh(r.r_offset);
	uint32_t symbol = GELF_R_SYM(info), type = GELF_R_TYPE(info);
	int width = reloc_width(type);

	if (width < 0)
		return reloc_damaged(m, rela, i, "a relocation that debug "
				     "information does not have");
	if (!width)
		return 0;
	if (symbol >= m->obj->nsymbols)
		return reloc_damaged(m, rela, i, "relocation against a symbol "
				     "that does not exist");
	if (offset > piece->size || piece->size - offset < (size_t)width)
		return reloc_damaged(m, rela, i, "relocation behind the end of "
				     "its section");
	uint64_t value = symbol_value(m, &m->obj->symbols[symbol]) +
			 le64toh(r.r_addend);
	if (type == R_X86_64_PC32 || type == R_X86_64_PC64)
		value -= m->image->bases[piece->section] + offset;
	value = htole64(value);
	memcpy(m->image->data + piece->at + offset, &value, (size_t)width);
	return 0;
}

static int relocate(struct maker *m)
{
	const struct rp_section *sections = m->obj->sections;
	int rc = 0;

	for (size_t i = 0; i < m->npieces; i++) {
		const struct piece *piece = &m->pieces[i];

		for (uint32_t rela = sections[piece->section].rela; rela && !rc;
		     rela = sections[rela].next_rela) {
			size_t n = sections[rela].hdr.sh_size /
				   sizeof(Elf64_Rela);

			for (size_t j = 0; j < n && !rc; j++)
				rc = relocate_one(m, piece, rela, j);
		}
	}
	return rc;
}

static int make(struct maker *m)
{
	int rc = collect(m);

	if (rc || !has_info(m))
		return rc;
	m->image->bases = calloc(m->obj->nsections, sizeof(uint64_t));
	if (!m->image->bases)
		return rp_diag_nomem(m->diag);
	rc = place_pieces(m);
	if (rc)
		return rc;
	place_loaded(m);
	rc = copy(m);
	return rc ? rc : relocate(m);
}

int rp_debug_image_init(struct rp_debug_image *ret,
			const struct rp_relobj *obj, struct rp_diag *diag)
{
	struct maker m = { .obj = obj, .image = ret, .diag = diag };

	memset(ret, 0, sizeof(*ret));
	int rc = make(&m);
	if (m.inflated)
		elf_end(m.inflated);
	free(m.copy);
	free(m.pieces);
	if (rc)
		rp_debug_image_deinit(ret);
	return rc;
}

void rp_debug_image_deinit(struct rp_debug_image *image)
{
	free(image->data);
	free(image->bases);
	memset(image, 0, sizeof(*image));
}
