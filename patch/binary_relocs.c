/* SPDX-License-Identifier: MIT */
/* Dynamic relocations of the binary, and what it imports through them. */
#define _GNU_SOURCE
#include "binary_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define WORD	8u	/* what SHT_RELR counts in */

static int grow(struct rp_binary *binary, size_t index, size_t *room,
		struct rp_diag *diag)
{
	size_t n = *room ? 2 * *room : 256;
	void *v;

	// A bit of SHT_RELR makes one, but each stands for a word in the file.
	if (binary->nrelocs > binary->image.size / 4)
		return rp_image_damaged(&binary->image, index,
					"more relocations than words", diag);
	if (binary->nrelocs < *room)
		return 0;
	v = reallocarray(binary->relocs, n, sizeof(*binary->relocs));
	if (!v)
		return rp_diag_nomem(diag);
	binary->relocs = v;
	*room = n;
	return 0;
}

static void set_reloc(struct rp_binary_reloc *reloc,
		      const struct rp_dynamic *dynamic, const Elf64_Rela *rela)
{
	uint32_t symbol = ELF64_R_SYM(rela->r_info);

	*reloc = (struct rp_binary_reloc){
		.address = rela->r_offset,
		.value = (uint64_t)rela->r_addend,
		.name = symbol ? dynamic->names[symbol] : "",
		.symbol = symbol,
		.type = ELF64_R_TYPE(rela->r_info),
	};
	if (symbol && dynamic->symbols[symbol].st_shndx != SHN_UNDEF)
		reloc->value += dynamic->symbols[symbol].st_value;
}

static int read_rela(struct rp_binary *binary, size_t index, size_t *room,
		     struct rp_diag *diag)
{
	const struct rp_dynamic *dynamic = &binary->dynamic;
	const void *table;
	size_t n;

	int rc = rp_image_table(&binary->image, index, sizeof(Elf64_Rela),
				&table, &n, diag);
	const Elf64_Rela *rela = table;
	for (size_t i = 0; !rc && i < n; i++) {
		uint32_t symbol = ELF64_R_SYM(rela[i].r_info);

		if (symbol && symbol >= dynamic->nsymbols)
			return rp_image_damaged(&binary->image, index,
				"a relocation's symbol does not exist", diag);
		rc = grow(binary, index, room, diag);
		if (!rc)
			set_reloc(&binary->relocs[binary->nrelocs++], dynamic,
				  &rela[i]);
	}
	return rc;
}

static int add_relative(struct rp_binary *binary, size_t index,
			uint64_t address, size_t *room, struct rp_diag *diag)
{
	const uint8_t *p = rp_binary_bytes(binary, address, WORD);
	int rc = grow(binary, index, room, diag);

	if (rc)
		return rc;
	struct rp_binary_reloc *reloc = &binary->relocs[binary->nrelocs++];
	*reloc = (struct rp_binary_reloc){
		.address = address,
		.name = "",
		.type = R_X86_64_RELATIVE,
	};
	if (p)
		memcpy(&reloc->value, p, WORD);
	return 0;
}

/*
 * SHT_RELR (gABI): an even word is an address; an odd one says for each of the
 * 63 words behind the last address whether it is relocated as well.
 */
static int read_relr(struct rp_binary *binary, size_t index, size_t *room,
		     struct rp_diag *diag)
{
	uint64_t base = 0;
	const void *table;
	size_t n;

	int rc = rp_image_table(&binary->image, index, sizeof(uint64_t),
				&table, &n, diag);
	const uint64_t *word = table;
	for (size_t i = 0; !rc && i < n; i++) {
		if (!(word[i] & 1)) {
			rc = add_relative(binary, index, word[i], room,
					  diag);
			base = word[i] + WORD;
			continue;
		}
		for (unsigned int bit = 1; bit < 64 && !rc; bit++) {
			if (word[i] >> bit & 1)
				rc = add_relative(binary, index,
						  base + (bit - 1) * WORD,
						  room, diag);
		}
		base += 63 * WORD;
	}
	return rc;
}

static int compare_relocs(const void *a, const void *b)
{
	const struct rp_binary_reloc *x = a, *y = b;

	if (x->address != y->address)
		return x->address < y->address ? -1 : 1;
	return (x->type > y->type) - (x->type < y->type);
}

int rp_binary_read_relocs(struct rp_binary *binary, struct rp_diag *diag)
{
	size_t room = 0;
	int rc = 0;

	for (size_t i = 1; i < binary->image.nsections && !rc; i++) {
		const Elf64_Shdr *hdr = rp_image_header(&binary->image, i);

		// Linked with --emit-relocs there are others.
		if (!hdr || !(hdr->sh_flags & SHF_ALLOC))
			continue;
		if (hdr->sh_type == SHT_RELA)
			rc = read_rela(binary, i, &room, diag);
		else if (hdr->sh_type == SHT_RELR)
			rc = read_relr(binary, i, &room, diag);
	}
	if (!rc && binary->nrelocs)
		qsort(binary->relocs, binary->nrelocs, sizeof(*binary->relocs),
		      compare_relocs);
	return rc;
}

const struct rp_binary_reloc *
rp_binary_reloc_at(const struct rp_binary *binary, uint64_t address)
{
	size_t low = 0, high = binary->nrelocs;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (binary->relocs[mid].address < address)
			low = mid + 1;
		else
			high = mid;
	}
	if (low == binary->nrelocs || binary->relocs[low].address != address)
		return NULL;
	return &binary->relocs[low];
}

// What others define is imported, and so is what others may replace: it is
// referred to in the same way.
static bool makes_import(const struct rp_binary_reloc *reloc)
{
	switch (reloc->type) {
	case R_X86_64_GLOB_DAT:
	case R_X86_64_JUMP_SLOT:
	case R_X86_64_COPY:
		return reloc->symbol != 0;
	default:
		return false;
	}
}

static int add_imports(struct rp_binary *binary, uint32_t *number,
		       struct rp_diag *diag)
{
	const struct rp_dynamic *dynamic = &binary->dynamic;

	for (size_t i = 1; i < dynamic->nsymbols; i++)
		number[i] = dynamic->symbols[i].st_shndx == SHN_UNDEF &&
			    *dynamic->names[i];
	for (size_t i = 0; i < binary->nrelocs; i++) {
		if (makes_import(&binary->relocs[i]))
			number[binary->relocs[i].symbol] = 1;
	}
	binary->imports = calloc(dynamic->nsymbols + 1,
				 sizeof(*binary->imports));
	if (!binary->imports)
		return rp_diag_nomem(diag);
	for (size_t i = 1; i < dynamic->nsymbols; i++) {
		const Elf64_Sym *sym = &dynamic->symbols[i];

		if (!number[i])
			continue;
		number[i] = ++binary->nimports;
		binary->imports[number[i] - 1] = (struct rp_binary_import){
			.name = dynamic->names[i],
			.version = rp_dynamic_version(dynamic, i),
			.type = ELF64_ST_TYPE(sym->st_info),
			.weak = ELF64_ST_BIND(sym->st_info) == STB_WEAK,
			// Where a program takes the function's address.
			.plt = sym->st_shndx == SHN_UNDEF ? sym->st_value : 0,
			.canonical = sym->st_shndx == SHN_UNDEF && sym->st_value,
		};
	}
	return 0;
}

static void set_slot(struct rp_binary_import *import,
		     const struct rp_binary_reloc *reloc)
{
	switch (reloc->type) {
	case R_X86_64_GLOB_DAT:
		import->slot = reloc->address;
		break;
	case R_X86_64_JUMP_SLOT:
		import->jump_slot = reloc->address;
		break;
	case R_X86_64_COPY:
		import->copy = reloc->address;
		break;
	}
}

static int add_slots(struct rp_binary *binary, const uint32_t *number,
		     struct rp_diag *diag)
{
	size_t n = 0;

	for (size_t i = 0; i < binary->nrelocs; i++)
		n += binary->relocs[i].type == R_X86_64_IRELATIVE;
	binary->slots = calloc(n + 1, sizeof(*binary->slots));
	if (!binary->slots)
		return rp_diag_nomem(diag);
	for (size_t i = 0; i < binary->nrelocs; i++) {
		const struct rp_binary_reloc *reloc = &binary->relocs[i];

		if (reloc->type == R_X86_64_IRELATIVE)
			binary->slots[binary->nslots++] =
				(struct rp_binary_slot){
					.resolver = reloc->value,
					.slot = reloc->address,
				};
		else if (makes_import(reloc))
			set_slot(&binary->imports[number[reloc->symbol] - 1],
				 reloc);
	}
	return 0;
}

static int compare_imports(const void *a, const void *b)
{
	const struct rp_binary_import *x = a, *y = b;
	int ret = strcmp(x->name, y->name);

	return ret ? ret : strcmp(x->version, y->version);
}

static int compare_exports(const void *a, const void *b)
{
	const struct rp_export *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static int read_exports(struct rp_binary *binary, struct rp_diag *diag)
{
	const struct rp_dynamic *dynamic = &binary->dynamic;

	binary->exports = calloc(dynamic->nsymbols + 1,
				 sizeof(*binary->exports));
	if (!binary->exports)
		return rp_diag_nomem(diag);
	for (size_t i = 1; i < dynamic->nsymbols; i++) {
		if (rp_dynamic_is_defined(&dynamic->symbols[i]))
			binary->exports[binary->nexports++] =
				(struct rp_export){ dynamic->names[i], i };
	}
	qsort(binary->exports, binary->nexports, sizeof(*binary->exports),
	      compare_exports);
	return 0;
}

int rp_binary_read_imports(struct rp_binary *binary, struct rp_diag *diag)
{
	uint32_t *number = calloc(binary->dynamic.nsymbols + 1,
				  sizeof(*number));

	if (!number)
		return rp_diag_nomem(diag);
	int rc = add_imports(binary, number, diag);
	if (!rc)
		rc = add_slots(binary, number, diag);
	free(number);
	if (rc)
		return rc;
	qsort(binary->imports, binary->nimports, sizeof(*binary->imports),
	      compare_imports);
	return read_exports(binary, diag);
}

void rp_binary_free_imports(struct rp_binary *binary)
{
	free(binary->relocs);
	free(binary->imports);
	free(binary->import_at);
	free(binary->slots);
	free(binary->exports);
}

const struct rp_binary_import *rp_binary_import(const struct rp_binary *binary,
						const char *name)
{
	size_t low = 0, high = binary->nimports;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (strcmp(binary->imports[mid].name, name) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	if (low == binary->nimports || strcmp(binary->imports[low].name, name))
		return NULL;
	return &binary->imports[low];
}

static const Elf64_Sym *find_export(const struct rp_binary *binary,
				    const char *name)
{
	size_t low = 0, high = binary->nexports;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		const struct rp_export *export = &binary->exports[mid];
		int order = strcmp(export->name, name);

		if (!order)
			return &binary->dynamic.symbols[export->symbol];
		if (order < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}

bool rp_binary_exports(const struct rp_binary *binary, const char *name)
{
	return find_export(binary, name) != NULL;
}

bool rp_binary_is_preemptible(const struct rp_binary *binary, const char *name)
{
	const Elf64_Sym *sym = find_export(binary, name);

	return sym && binary->shared && !binary->dynamic.symbolic &&
	       ELF64_ST_VISIBILITY(sym->st_other) == STV_DEFAULT;
}
