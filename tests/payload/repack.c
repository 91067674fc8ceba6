/* SPDX-License-Identifier: MIT */
/*
 * Makes a payload of an object file as it is: every section of it but the
 * thread-local ones, and each undefined symbol bound to the binary, or else
 * imported.
 *
 *   repack BINARY OBJECT OUTPUT FUNCTION...	these are replaced
 */
#define _GNU_SOURCE
#include "sample.h"

#include "../../object/elf/relobj.h"
#include "../../patch/binary.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct repack {
	struct rp_relobj obj;
	void *image;
	struct rp_binary *binary;
	struct rp_payload_builder *builder;
	struct rp_diag diag;
	uint32_t *sections;
	uint32_t *symbols;
};

static void must(const struct repack *r, int rc)
{
	if (!rc)
		return;
	fprintf(stderr, "repack: %s: %s\n", r->diag.where, r->diag.text);
	exit(1);
}

static void read_object(struct repack *r, const char *path)
{
	FILE *f = fopen(path, "rb");
	struct stat st;

	if (!f || fstat(fileno(f), &st)) {
		perror(path);
		exit(1);
	}
	size_t size = st.st_size;
	r->image = malloc(size);
	if (!r->image || fread(r->image, 1, size, f) != size)
		exit(1);
	fclose(f);
	must(r, rp_relobj_open(&r->obj, r->image, size, &r->diag));
	r->sections = calloc(r->obj.nsections, sizeof(uint32_t));
	r->symbols = calloc(r->obj.nsymbols, sizeof(uint32_t));
}

static void start(struct repack *r)
{
	size_t size;
	const uint8_t *id = rp_binary_build_id(r->binary, &size);
	const struct rp_payload_info info = {
		.name = "repacked",
		.tool = "repack",
		.target = "program",
		.build_id = id,
		.build_id_size = size,
	};

	must(r, rp_payload_builder_new(&r->builder, &info, &r->diag));
}

static void add_sections(struct repack *r)
{
	for (size_t i = 1; i < r->obj.nsections; i++) {
		const struct rp_section *s = &r->obj.sections[i];
		const struct rp_payload_section_in in = {
			s->name, s->hdr.sh_type, s->hdr.sh_flags,
			s->hdr.sh_addralign, s->hdr.sh_entsize,
			rp_section_data(&r->obj, i), s->hdr.sh_size,
		};

		if ((s->hdr.sh_flags & SHF_ALLOC) && s->hdr.sh_size &&
		    !(s->hdr.sh_flags & SHF_TLS))
			must(r, rp_payload_add_section(r->builder, &in,
						&r->sections[i], &r->diag));
	}
}

static void bind(struct repack *r, const char *name, uint32_t symbol)
{
	const struct rp_binary_symbol *found = NULL;
	struct rp_payload_binding_in in = { .symbol = symbol, .name = name };
	size_t n;
	const uint32_t *all = rp_binary_by_name(r->binary, name, &n);

	if (n)
		found = rp_binary_symbol(r->binary, all[0]);
	in.kind = !found ? RP_BIND_IMPORT :
		  found->type == STT_TLS ? RP_BIND_TLS : RP_BIND_TARGET;
	in.value = found ? found->value : 0;
	in.position = found ? 1 : 0;
	in.flags = RP_BIND_FUNCTION;
	must(r, rp_payload_add_binding(r->builder, &in, &r->diag));
}

static void add_symbols(struct repack *r)
{
	for (size_t i = 1; i < r->obj.nsymbols; i++) {
		const struct rp_symbol *s = &r->obj.symbols[i];
		// Thread-local variables stay in the binary.
		bool here = s->section && s->section != RP_SECTION_NONE &&
			    s->type != STT_TLS;
		const struct rp_payload_symbol_in in = {
			s->name, s->bind, s->type,
			here ? r->sections[s->section] : 0, s->value, s->size,
		};

		if ((here && !in.section) || s->section == RP_SECTION_NONE)
			continue;
		must(r, rp_payload_add_symbol(r->builder, &in, &r->symbols[i],
					      &r->diag));
		if (!here)
			bind(r, s->name, r->symbols[i]);
	}
}

static void add_relocs(struct repack *r)
{
	for (size_t i = 1; i < r->obj.nsections; i++) {
		const GElf_Shdr *hdr = &r->obj.sections[i].hdr;
		struct rp_relocs relocs;

		if (hdr->sh_type != SHT_RELA || !r->sections[hdr->sh_info])
			continue;
		must(r, rp_relobj_relocs(&r->obj, i, &relocs, &r->diag));
		for (size_t k = 0; k < relocs.n; k++) {
			const struct rp_payload_reloc_in in = {
				relocs.v[k].offset, relocs.v[k].type,
				r->symbols[relocs.v[k].symbol],
				relocs.v[k].addend,
			};

			must(r, rp_payload_add_reloc(r->builder,
				r->sections[hdr->sh_info], &in, &r->diag));
		}
		rp_relocs_deinit(&relocs);
	}
}

static void replace(struct repack *r, const char *name)
{
	struct rp_payload_function_in in = { .name = name, .position = 1 };
	size_t n;
	const uint32_t *all = rp_binary_by_name(r->binary, name, &n);

	for (size_t i = 1; i < r->obj.nsymbols; i++) {
		if (!strcmp(r->obj.symbols[i].name, name))
			in.symbol = r->symbols[i];
	}
	if (!n || !in.symbol) {
		fprintf(stderr, "repack: no %s\n", name);
		exit(1);
	}
	in.address = rp_binary_symbol(r->binary, all[0])->value;
	in.old_size = rp_binary_symbol(r->binary, all[0])->size;
	must(r, rp_payload_add_function(r->builder, &in, &r->diag));
}

int main(int argc, char **argv)
{
	struct repack r = { .binary = NULL };

	if (argc < 5)
		return 64;
	must(&r, rp_binary_open(&r.binary, argv[1], NULL, &r.diag));
	read_object(&r, argv[2]);
	start(&r);
	add_sections(&r);
	add_symbols(&r);
	add_relocs(&r);
	for (int i = 4; i < argc; i++)
		replace(&r, argv[i]);
	int fd = open(argv[3], O_RDWR | O_CREAT | O_TRUNC, 0644);
	if (fd < 0) {
		perror(argv[3]);
		return 1;
	}
	must(&r, rp_payload_builder_write(r.builder, fd, &r.diag));
	rp_payload_builder_free(r.builder);
	rp_relobj_close(&r.obj);
	rp_binary_close(r.binary);
	close(fd);
	free(r.image);
	free(r.sections);
	free(r.symbols);
	return 0;
}
