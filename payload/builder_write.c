/* SPDX-License-Identifier: MIT */
/*
 * Writing a payload, through libelf. Its sections: those of the builder under
 * their own numbers, their relocations, the records, the tables of names.
 */
#define _GNU_SOURCE
#include "builder_internal.h"
#include "identity.h"
#include "payload.h"
#include "../object/bytes.h"

#include <errno.h>
#include <gelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Records, note and tables of names, beside two for each of the builder's. */
#define MORE_SECTIONS	16

struct out_section {
	Elf64_Shdr header;
	const void *bytes;
};

/**
 * struct writer - one run of rp_payload_builder_write().
 * @sections: of the file; number 0 is not used
 * @offset:   where the next one goes
 * @numbers:  the file's number of each symbol of the builder
 * @symbols:  in the file's order
 */
struct writer {
	struct rp_payload_builder *builder;
	struct rp_diag *diag;
	struct out_section *sections;
	size_t nsections;
	uint64_t offset;
	uint32_t *numbers;
	Elf64_Sym *symbols;
	uint32_t nlocals;
	uint32_t symtab;
	struct rp_payload_note note;
	uint64_t id_offset;
	Elf *elf;
};

static bool is_local(const Elf64_Sym *symbol)
{
	return ELF64_ST_BIND(symbol->st_info) == STB_LOCAL;
}

static int order_symbols(struct writer *w)
{
	const struct rp_payload_builder *b = w->builder;
	uint32_t next = 1;

	w->numbers = calloc(b->nsymbols + 1, sizeof(*w->numbers));
	w->symbols = calloc(b->nsymbols + 1, sizeof(*w->symbols));
	if (!w->numbers || !w->symbols)
		return rp_diag_nomem(w->diag);
	for (int global = 0; global < 2; global++) {
		for (size_t i = 0; i < b->nsymbols; i++) {
			if (is_local(&b->symbols[i]) == global)
				continue;
			w->symbols[next] = b->symbols[i];
			w->numbers[i + 1] = next++;
		}
		if (!global)
			w->nlocals = next;
	}
	return 0;
}

static int renumber(struct writer *w, uint32_t *symbol, const char *where)
{
	if (*symbol > w->builder->nsymbols)
		return rp_diag_set(w->diag, RP_DIAG_PAYLOAD_SYMBOL, where,
			"names symbol %u of %zu", *symbol,
			w->builder->nsymbols);
	*symbol = w->numbers[*symbol];
	return 0;
}

// Adds a section behind the others. Returns its number.
static uint32_t put(struct writer *w, const Elf64_Shdr *header,
		    const void *bytes)
{
	struct out_section *section = &w->sections[w->nsections];

	section->header = *header;
	section->bytes = bytes;
	w->offset = rp_align_in_file(w->offset, header->sh_addralign);
	section->header.sh_offset = w->offset;
	if (header->sh_type != SHT_NOBITS)
		w->offset += header->sh_size;
	return w->nsections++;
}

static int name_section(struct writer *w, const char *name, uint32_t *ret)
{
	if (rp_strings_add(&w->builder->section_names, name, ret))
		return rp_diag_nomem(w->diag);
	return 0;
}

static int put_named(struct writer *w, const char *name, Elf64_Shdr header,
		     const void *bytes, uint32_t *ret)
{
	int rc = name_section(w, name, &header.sh_name);

	if (rc)
		return rc;
	uint32_t number = put(w, &header, bytes);
	if (ret)
		*ret = number;
	return 0;
}

static int put_relocs(struct writer *w, uint32_t number)
{
	struct rp_builder_section *section = &w->builder->sections[number - 1];
	const char *target = w->builder->section_names.bytes +
			     section->header.sh_name;
	Elf64_Rela *copy;
	char *name;

	if (asprintf(&name, ".rela%s", target) < 0)
		return rp_diag_nomem(w->diag);
	// A copy, so that the builder keeps its own numbers.
	copy = malloc(section->nrelocs * sizeof(*copy));
	int rc = copy ? 0 : rp_diag_nomem(w->diag);
	for (size_t i = 0; i < section->nrelocs && !rc; i++) {
		uint32_t symbol = ELF64_R_SYM(section->relocs[i].r_info);

		rc = renumber(w, &symbol, name);
		copy[i] = section->relocs[i];
		copy[i].r_info = ELF64_R_INFO((uint64_t)symbol,
				ELF64_R_TYPE(section->relocs[i].r_info));
	}
	if (!rc)
		rc = put_named(w, name, (Elf64_Shdr){
			.sh_type = SHT_RELA,
			.sh_flags = SHF_INFO_LINK,
			.sh_info = number,
			.sh_link = w->symtab,
			.sh_size = section->nrelocs * sizeof(*copy),
			.sh_entsize = sizeof(*copy),
			.sh_addralign = 8,
		}, copy, NULL);
	if (rc)
		free(copy);
	free(name);
	return rc;
}

static int put_own_sections(struct writer *w)
{
	struct rp_payload_builder *b = w->builder;
	int rc = 0;

	for (size_t i = 0; i < b->nsections; i++)
		put(w, &b->sections[i].header, b->sections[i].bytes);
	for (size_t i = 0; i < b->nsections && !rc; i++) {
		if (b->sections[i].nrelocs)
			rc = put_relocs(w, i + 1);
	}
	return rc;
}

/* Records of @size bytes; @symbols: where their symbols are, up to SIZE_MAX. */
static int put_records(struct writer *w, const char *name,
		       const struct rp_builder_records *records, size_t size,
		       const size_t *symbols)
{
	char *copy;
	int rc = 0;

	if (!records->n)
		return 0;
	copy = malloc(records->n * size);
	if (!copy)
		return rp_diag_nomem(w->diag);
	memcpy(copy, records->v, records->n * size);
	for (size_t i = 0; i < records->n; i++) {
		for (const size_t *at = symbols; at && *at != SIZE_MAX && !rc;
		     at++)
			rc = renumber(w, (uint32_t *)(copy + i * size + *at),
				      name);
	}
	if (!rc)
		rc = put_named(w, name, (Elf64_Shdr){
			.sh_type = SHT_PROGBITS,
			.sh_size = records->n * size,
			.sh_entsize = size,
			.sh_addralign = 8,
		}, copy, NULL);
	if (rc)
		free(copy);
	return rc;
}

#define SYMBOL_AT(type)							\
	(const size_t[]){ offsetof(struct type, symbol), SIZE_MAX }

static int put_all_records(struct writer *w)
{
	static const size_t data_symbols[] = {
		offsetof(struct rp_payload_data, target),
		offsetof(struct rp_payload_data, value),
		offsetof(struct rp_payload_data, expected),
		SIZE_MAX
	};
	const struct rp_payload_builder *b = w->builder;

	return put_records(w, RP_PAYLOAD_SECTION_FUNCTIONS, &b->functions,
			   sizeof(struct rp_payload_function),
			   SYMBOL_AT(rp_payload_function)) ?:
	       put_records(w, RP_PAYLOAD_SECTION_BINDINGS, &b->bindings,
			   sizeof(struct rp_payload_binding),
			   SYMBOL_AT(rp_payload_binding)) ?:
	       put_records(w, RP_PAYLOAD_SECTION_HOOKS, &b->hooks,
			   sizeof(struct rp_payload_hook),
			   SYMBOL_AT(rp_payload_hook)) ?:
	       put_records(w, RP_PAYLOAD_SECTION_DATA, &b->data,
			   sizeof(struct rp_payload_data), data_symbols) ?:
	       put_records(w, RP_PAYLOAD_SECTION_MASKS, &b->masks,
			   sizeof(struct rp_payload_range), NULL) ?:
	       put_records(w, RP_PAYLOAD_SECTION_DEPENDS, &b->depends,
			   sizeof(struct rp_payload_depend), NULL);
}

static int put_header(struct writer *w)
{
	const struct rp_payload_builder *b = w->builder;

	return put_named(w, RP_PAYLOAD_SECTION_HEADER, (Elf64_Shdr){
			.sh_type = SHT_PROGBITS,
			.sh_size = sizeof(b->header),
			.sh_addralign = 8,
		}, &b->header, NULL) ?:
	       put_named(w, RP_PAYLOAD_SECTION_STRINGS, (Elf64_Shdr){
			.sh_type = SHT_PROGBITS,
			.sh_size = b->strings.size,
			.sh_addralign = 1,
		}, b->strings.bytes, NULL);
}

static int put_note(struct writer *w)
{
	uint32_t number;

	rp_payload_note_init(&w->note);
	int rc = put_named(w, RP_PAYLOAD_NOTE_NAME, (Elf64_Shdr){
			.sh_type = SHT_NOTE,
			.sh_size = sizeof(w->note),
			.sh_addralign = 4,
		}, &w->note, &number);
	if (!rc)
		w->id_offset = w->sections[number].header.sh_offset +
			       offsetof(struct rp_payload_note, id);
	return rc;
}

// @w->symtab was used before it is known: its links are set here.
static int put_symbols(struct writer *w)
{
	const struct rp_payload_builder *b = w->builder;

	int rc = put_named(w, ".symtab", (Elf64_Shdr){
			.sh_type = SHT_SYMTAB,
			.sh_info = w->nlocals,
			.sh_link = w->nsections + 1,
			.sh_size = (b->nsymbols + 1) * sizeof(*w->symbols),
			.sh_entsize = sizeof(*w->symbols),
			.sh_addralign = 8,
		}, w->symbols, &w->symtab);
	for (size_t i = 1; i < w->nsections; i++) {
		if (w->sections[i].header.sh_type == SHT_RELA)
			w->sections[i].header.sh_link = w->symtab;
	}
	return rc ?: put_named(w, ".strtab", (Elf64_Shdr){
			.sh_type = SHT_STRTAB,
			.sh_size = b->symbol_names.size,
			.sh_addralign = 1,
		}, b->symbol_names.bytes, NULL);
}

static int put_section_names(struct writer *w)
{
	struct rp_strings *names = &w->builder->section_names;
	Elf64_Shdr header = { .sh_type = SHT_STRTAB, .sh_addralign = 1 };

	int rc = name_section(w, ".shstrtab", &header.sh_name);
	header.sh_size = names->size;
	if (!rc)
		put(w, &header, names->bytes);
	return rc;
}

static int collect(struct writer *w)
{
	struct rp_payload_builder *b = w->builder;
	size_t room = 2 * b->nsections + MORE_SECTIONS;
	uint32_t empty;

	if (room >= SHN_LORESERVE)
		return rp_diag_set(w->diag, RP_DIAG_PAYLOAD_SECTION, NULL,
			"%zu sections are more than a payload can have",
			b->nsections);
	w->sections = calloc(room, sizeof(*w->sections));
	if (!w->sections || rp_strings_add(&b->strings, "", &empty) ||
	    rp_strings_add(&b->symbol_names, "", &empty))
		return rp_diag_nomem(w->diag);
	w->nsections = 1;
	w->offset = sizeof(Elf64_Ehdr);
	return order_symbols(w) ?: put_own_sections(w) ?: put_header(w) ?:
	       put_all_records(w) ?: put_note(w) ?: put_symbols(w) ?:
	       put_section_names(w);
}

/* Where memory runs out, elf_newscn() may return a section without a header, which
 * must not be touched; but it has set an error. */
static bool give_section(Elf *elf, const struct out_section *section)
{
	elf_errno();	// forgets the last one
	Elf_Scn *scn = elf_newscn(elf);
	Elf_Data *data = scn && !elf_errno() ? elf_newdata(scn) : NULL;
	GElf_Shdr header = section->header;

	if (!data)
		return false;
	data->d_buf = (void *)section->bytes;
	data->d_size = header.sh_size;
	data->d_type = ELF_T_BYTE;
	data->d_align = 1;
	data->d_version = EV_CURRENT;
	return gelf_update_shdr(scn, &header);
}

static bool give_header(struct writer *w)
{
	GElf_Ehdr header;

	if (!gelf_newehdr(w->elf, ELFCLASS64) ||
	    !gelf_getehdr(w->elf, &header))
		return false;
	header.e_ident[EI_DATA] = ELFDATA2LSB;
	header.e_type = ET_REL;
	header.e_machine = EM_X86_64;
	header.e_version = EV_CURRENT;
	header.e_shoff = rp_align_in_file(w->offset, 8);
	header.e_shstrndx = w->nsections - 1;
	return gelf_update_ehdr(w->elf, &header);
}

static int write_elf(struct writer *w, int fd)
{
	elf_version(EV_CURRENT);
	w->elf = elf_begin(fd, ELF_C_WRITE, NULL);
	bool done = w->elf && give_header(w);
	if (done)
		elf_flagelf(w->elf, ELF_C_SET, ELF_F_LAYOUT);
	for (size_t i = 1; i < w->nsections && done; i++)
		done = give_section(w->elf, &w->sections[i]);
	if (done && elf_update(w->elf, ELF_C_WRITE) >= 0)
		return 0;
	const char *why = elf_errmsg(-1);
	return rp_diag_set(w->diag, RP_DIAG_WRITE, NULL,
		"cannot write the payload: %s", why ? why : "unknown error");
}

static int diag_errno(struct rp_diag *diag, const char *what)
{
	return rp_diag_set(diag, RP_DIAG_WRITE, NULL, "%s: %s", what,
			   strerror(errno));
}

static int read_back(int fd, uint8_t **ret, size_t *size, struct rp_diag *diag)
{
	struct stat st;

	if (fstat(fd, &st))
		return diag_errno(diag, "cannot read the payload back");
	uint8_t *image = malloc(st.st_size + 1);
	if (!image)
		return rp_diag_nomem(diag);
	for (off_t at = 0; at < st.st_size;) {
		ssize_t n = pread(fd, image + at, st.st_size - at, at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			free(image);
			return diag_errno(diag, "cannot read the payload back");
		}
		at += n;
	}
	*ret = image;
	*size = st.st_size;
	return 0;
}

static int write_identity(struct writer *w, int fd)
{
	uint8_t id[RP_PAYLOAD_ID_SIZE], *image;
	size_t size;

	int rc = read_back(fd, &image, &size, w->diag);
	if (rc)
		return rc;
	rp_payload_identity(image, size, w->id_offset, id);
	free(image);
	if (pwrite(fd, id, sizeof(id), w->id_offset) == sizeof(id))
		return 0;
	return diag_errno(w->diag, "cannot write the payload");
}

static int check(int fd, struct rp_diag *diag)
{
	struct rp_payload payload;
	uint8_t *image;
	size_t size;

	int rc = read_back(fd, &image, &size, diag);
	if (rc)
		return rc;
	rc = rp_payload_open(&payload, image, size, diag);
	rp_payload_close(&payload);
	free(image);
	return rc;
}

// Relocations and records are copies that belong to the writer.
static void writer_deinit(struct writer *w)
{
	const struct rp_payload_builder *b = w->builder;

	for (size_t i = b->nsections + 1; i < w->nsections; i++) {
		const Elf64_Shdr *header = &w->sections[i].header;

		if (header->sh_type == SHT_RELA ||
		    (header->sh_type == SHT_PROGBITS && header->sh_entsize))
			free((void *)w->sections[i].bytes);
	}
	if (w->elf)
		elf_end(w->elf);
	free(w->sections);
	free(w->numbers);
	free(w->symbols);
}

int rp_payload_builder_write(struct rp_payload_builder *builder, int fd,
			     struct rp_diag *diag)
{
	struct writer w = { .builder = builder, .diag = diag };

	int rc = collect(&w);
	if (!rc)
		rc = write_elf(&w, fd);
	if (!rc)
		rc = write_identity(&w, fd);
	writer_deinit(&w);
	if (!rc)
		rc = check(fd, diag);
	// What cannot be read is not written.
	if (rc && ftruncate(fd, 0))
		return rc;
	return rc;
}
