/* SPDX-License-Identifier: MIT */
/* Data that code refers to, and pointers in it to code. */
#include "../bytes.h"
#include "internal.h"

#include <stdlib.h>

int rp_code_data(struct rp_code_build *b, uint32_t section,
		 struct rp_data **ret)
{
	struct rp_data *data;

	if (!b->tables) {
		b->tables = calloc(b->obj->nsections, sizeof(struct rp_data *));
		if (!b->tables)
			return rp_diag_nomem(b->diag);
	}
	*ret = b->tables[section];
	if (*ret)
		return 0;
	data = calloc(1, sizeof(*data));
	if (!data)
		return rp_diag_nomem(b->diag);
	*ret = b->tables[section] = data;
	int rc = rp_records_init(&data->records, b->obj, section, b->diag);
	if (rc)
		return rc;
	data->starts = calloc(data->records.relocs.n + 1, 1);
	return data->starts ? 0 : rp_diag_nomem(b->diag);
}

void rp_code_free_data(struct rp_code_build *b)
{
	for (size_t i = 0; b->tables && i < b->obj->nsections; i++) {
		if (!b->tables[i])
			continue;
		rp_records_deinit(&b->tables[i]->records);
		free(b->tables[i]->starts);
		free(b->tables[i]);
	}
	free(b->tables);
	b->tables = NULL;
}

// In the large code model the GOT's address is added to a distance from there.
static bool is_absolute(uint32_t type)
{
	return type == R_X86_64_32 || type == R_X86_64_32S ||
	       type == R_X86_64_64 || type == R_X86_64_GOTOFF64;
}

static bool is_relative(uint32_t type)
{
	return type == R_X86_64_PC32 || type == R_X86_64_PLT32;
}

static struct rp_spot reloc_reference(const struct rp_code *code,
				      const struct rp_code_insn *insn)
{
	const struct rp_reloc *r = &code->relocs[insn->reloc];
	int64_t rest = insn->offset + insn->length - (int64_t)r->offset;
	struct rp_spot none = { 0 };

	if (is_absolute(r->type))
		return rp_relobj_spot(code->obj, r->symbol, r->addend);
	if (is_relative(r->type))
		return rp_relobj_spot(code->obj, r->symbol,
				      (uint64_t)r->addend + rest);
	return none;
}

static struct rp_spot linked_reference(const struct rp_code *code, uint32_t i,
				       const struct rp_insn_flow *flow)
{
	const struct rp_relobj *obj = code->obj;
	const uint8_t *bytes = rp_code_bytes(code, i);
	struct rp_spot spot = { 0 };
	uint64_t address;

	if (flow->rip)
		address = rp_relobj_address(obj, rp_code_section(code, i),
			code->insns[i].offset + flow->length) +
			rp_load_sle32(bytes + flow->disp);
	else if (obj->ehdr.e_type != ET_EXEC)
		return spot;	// No address is known before it is loaded.
	else if (flow->disp_size == 4)
		address = rp_load_sle32(bytes + flow->disp);
	else if (flow->imm_size == 4)
		address = rp_load_sle32(bytes + flow->imm);
	else
		return spot;
	spot.section = rp_relobj_section_at(obj, address, &spot.offset);
	return spot;
}

// What the assembler resolved itself, because it is in the same section.
static struct rp_spot near_reference(const struct rp_code *code, uint32_t i,
				     const struct rp_insn_flow *flow)
{
	uint32_t section = rp_code_section(code, i);
	struct rp_spot spot = { 0 };

	if (!flow->rip)
		return spot;
	uint64_t offset = code->insns[i].offset + flow->length +
			  rp_load_sle32(rp_code_bytes(code, i) + flow->disp);
	if (offset < code->obj->sections[section].hdr.sh_size)
		spot = (struct rp_spot){ section, offset };
	return spot;
}

struct rp_spot rp_code_reference(const struct rp_code *code, uint32_t i,
				 const struct rp_insn_flow *flow)
{
	const struct rp_code_insn *insn = &code->insns[i];

	if (code->obj->linked)
		return linked_reference(code, i, flow);
	return insn->reloc ? reloc_reference(code, insn) :
			     near_reference(code, i, flow);
}
