/* SPDX-License-Identifier: MIT */
/* A payload that is being made: what it consists of. */
#define _GNU_SOURCE
#include "builder_internal.h"
#include "../object/grow.h"

#include <errno.h>
#include <string.h>

static int fill_header(struct rp_payload_builder *builder,
		       const struct rp_payload_info *info)
{
	struct rp_payload_header *header = &builder->header;
	struct rp_strings *strings = &builder->strings;

	memcpy(header->magic, RP_PAYLOAD_MAGIC, sizeof(header->magic));
	header->version = RP_PAYLOAD_VERSION;
	header->size = sizeof(*header);
	header->build_id_size = info->build_id_size;
	memcpy(header->build_id, info->build_id, info->build_id_size);
	return rp_strings_add(strings, info->name, &header->name) ?:
	       rp_strings_add(strings, info->patch_version,
			      &header->patch_version) ?:
	       rp_strings_add(strings, info->description,
			      &header->description) ?:
	       rp_strings_add(strings, info->tool, &header->tool) ?:
	       rp_strings_add(strings, info->target, &header->target);
}

int rp_payload_builder_new(struct rp_payload_builder **ret,
			   const struct rp_payload_info *info,
			   struct rp_diag *diag)
{
	struct rp_payload_builder *builder;

	if (!info->build_id || info->build_id_size > RP_PAYLOAD_BUILD_ID_MAX)
		return rp_diag_set(diag, RP_DIAG_PAYLOAD_RECORD, NULL,
			"the target's build-id has %zu bytes, at most %u fit",
			info->build_id ? info->build_id_size : 0,
			RP_PAYLOAD_BUILD_ID_MAX);
	builder = calloc(1, sizeof(*builder));
	if (!builder)
		return rp_diag_nomem(diag);
	if (fill_header(builder, info)) {
		rp_payload_builder_free(builder);
		return rp_diag_nomem(diag);
	}
	*ret = builder;
	return 0;
}

void rp_payload_builder_free(struct rp_payload_builder *builder)
{
	if (!builder)
		return;
	for (size_t i = 0; i < builder->nsections; i++) {
		free(builder->sections[i].bytes);
		free(builder->sections[i].relocs);
	}
	free(builder->sections);
	free(builder->symbols);
	free(builder->functions.v);
	free(builder->bindings.v);
	free(builder->hooks.v);
	free(builder->data.v);
	free(builder->masks.v);
	free(builder->depends.v);
	rp_strings_deinit(&builder->strings);
	rp_strings_deinit(&builder->symbol_names);
	rp_strings_deinit(&builder->section_names);
	free(builder);
}

static int copy_bytes(struct rp_builder_section *ret,
		      const struct rp_payload_section_in *section)
{
	if (section->type == SHT_NOBITS || !section->size)
		return 0;
	ret->bytes = malloc(section->size);
	if (!ret->bytes)
		return -ENOMEM;
	memcpy(ret->bytes, section->bytes, section->size);
	return 0;
}

int rp_payload_add_section(struct rp_payload_builder *builder,
			   const struct rp_payload_section_in *section,
			   uint32_t *ret, struct rp_diag *diag)
{
	struct rp_builder_section new = {
		.header = {
			.sh_type = section->type,
			.sh_flags = section->flags,
			.sh_addralign = section->align,
			.sh_entsize = section->entsize,
			.sh_size = section->size,
		},
	};
	struct rp_builder_section *v;

	if (rp_grow(&builder->sections, &builder->sections_capacity,
		    builder->nsections + 1, sizeof(*v)))
		return rp_diag_nomem(diag);
	v = builder->sections;
	if (rp_strings_add(&builder->section_names, section->name,
			   &new.header.sh_name) || copy_bytes(&new, section))
		return rp_diag_nomem(diag);
	v[builder->nsections++] = new;
	*ret = builder->nsections;
	return 0;
}

int rp_payload_add_symbol(struct rp_payload_builder *builder,
			  const struct rp_payload_symbol_in *symbol,
			  uint32_t *ret, struct rp_diag *diag)
{
	Elf64_Sym new = {
		.st_info = ELF64_ST_INFO(symbol->bind, symbol->type),
		.st_value = symbol->value,
		.st_size = symbol->size,
	};
	Elf64_Sym *v;

	// Files belong to no section, and are not undefined.
	new.st_shndx = symbol->type == STT_FILE ? SHN_ABS : symbol->section;
	if (symbol->section > builder->nsections ||
	    symbol->section >= SHN_LORESERVE)
		return rp_diag_set(diag, RP_DIAG_PAYLOAD_SYMBOL, NULL,
			"the symbol %s is in section %u of %zu",
			symbol->name ? symbol->name : "", symbol->section,
			builder->nsections);
	if (rp_grow(&builder->symbols, &builder->symbols_capacity,
		    builder->nsymbols + 1, sizeof(*v)))
		return rp_diag_nomem(diag);
	v = builder->symbols;
	if (rp_strings_add(&builder->symbol_names, symbol->name,
			   &new.st_name))
		return rp_diag_nomem(diag);
	v[builder->nsymbols++] = new;
	*ret = builder->nsymbols;
	return 0;
}

int rp_payload_add_reloc(struct rp_payload_builder *builder, uint32_t section,
			 const struct rp_payload_reloc_in *reloc,
			 struct rp_diag *diag)
{
	struct rp_builder_section *s;

	if (!section || section > builder->nsections)
		return rp_diag_set(diag, RP_DIAG_PAYLOAD_RELOC, NULL,
			"a relocation of section %u of %zu", section,
			builder->nsections);
	s = &builder->sections[section - 1];
	if (rp_grow(&s->relocs, &s->relocs_capacity, s->nrelocs + 1,
		    sizeof(*s->relocs)))
		return rp_diag_nomem(diag);
	s->relocs[s->nrelocs++] = (Elf64_Rela){
		.r_offset = reloc->offset,
		.r_info = ELF64_R_INFO((uint64_t)reloc->symbol, reloc->type),
		.r_addend = reloc->addend,
	};
	return 0;
}

static int add_record(struct rp_builder_records *records, const void *record,
		      size_t size, struct rp_diag *diag)
{
	if (rp_grow(&records->v, &records->capacity, records->n + 1, size))
		return rp_diag_nomem(diag);
	memcpy((char *)records->v + records->n++ * size, record, size);
	return 0;
}

int rp_payload_add_function(struct rp_payload_builder *builder,
			    const struct rp_payload_function_in *function,
			    struct rp_diag *diag)
{
	struct rp_payload_function new = {
		.address = function->address,
		.old_size = function->old_size,
		.symbol = function->symbol,
		.position = function->position,
		.detour = function->detour,
		.first_mask = builder->masks.n,
		.nmasks = function->nmasks,
		.flags = function->flags,
		.cold = function->cold,
		.cold_size = function->cold_size,
	};
	int rc = 0;

	memcpy(new.hash, function->hash, sizeof(new.hash));
	if (rp_strings_add(&builder->strings, function->name, &new.name) ||
	    rp_strings_add(&builder->strings, function->file, &new.file))
		return rp_diag_nomem(diag);
	for (uint32_t i = 0; i < function->nmasks && !rc; i++)
		rc = add_record(&builder->masks, &function->masks[i],
				sizeof(function->masks[i]), diag);
	return rc ?: add_record(&builder->functions, &new, sizeof(new), diag);
}

int rp_payload_add_binding(struct rp_payload_builder *builder,
			   const struct rp_payload_binding_in *binding,
			   struct rp_diag *diag)
{
	struct rp_payload_binding new = {
		.value = binding->value,
		.slot = binding->slot,
		.size = binding->size,
		.symbol = binding->symbol,
		.kind = binding->kind,
		.flags = binding->flags,
		.position = binding->position,
		.depend = binding->depend,
	};
	struct rp_strings *strings = &builder->strings;

	if (rp_strings_add(strings, binding->name, &new.name) ||
	    rp_strings_add(strings, binding->file, &new.file) ||
	    rp_strings_add(strings, binding->version, &new.version))
		return rp_diag_nomem(diag);
	return add_record(&builder->bindings, &new, sizeof(new), diag);
}

int rp_payload_add_hook(struct rp_payload_builder *builder,
			enum rp_payload_hook_kind kind, uint32_t symbol,
			struct rp_diag *diag)
{
	const struct rp_payload_hook new = { .kind = kind, .symbol = symbol };

	return add_record(&builder->hooks, &new, sizeof(new), diag);
}

int rp_payload_add_data(struct rp_payload_builder *builder, uint64_t size,
			uint32_t target, uint32_t value, uint32_t expected,
			struct rp_diag *diag)
{
	const struct rp_payload_data new = {
		.size = size,
		.target = target,
		.value = value,
		.expected = expected,
	};

	return add_record(&builder->data, &new, sizeof(new), diag);
}

int rp_payload_add_depend(struct rp_payload_builder *builder,
			  const uint8_t id[RP_PAYLOAD_ID_SIZE],
			  const char *name, uint32_t *ret,
			  struct rp_diag *diag)
{
	struct rp_payload_depend new = { .reserved = 0 };

	memcpy(new.id, id, sizeof(new.id));
	if (rp_strings_add(&builder->strings, name, &new.name))
		return rp_diag_nomem(diag);
	int rc = add_record(&builder->depends, &new, sizeof(new), diag);
	if (!rc)
		*ret = builder->depends.n - 1;
	return rc;
}
