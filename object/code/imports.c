/* SPDX-License-Identifier: MIT */
/*
 * What code of this object calls by name: through the GOT, or through stubs that
 * jump through it (PLT).
 */
#include "../bytes.h"
#include "internal.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

int rp_code_read_imports(struct rp_code_build *b)
{
	return rp_relobj_dynamic_relocs(b->obj, &b->code->index->dynamic,
					b->diag);
}

const struct rp_reloc *rp_dynamic_at(const struct rp_code *code,
				     uint64_t address)
{
	const struct rp_relocs *relocs = &code->index->dynamic;
	size_t low = 0, high = relocs->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (relocs->v[mid].offset < address)
			low = mid + 1;
		else
			high = mid;
	}
	return low < relocs->n && relocs->v[low].offset == address ?
		&relocs->v[low] : NULL;
}

// The symbol whose address the dynamic linker puts into the pointer.
static uint32_t slot_symbol(const struct rp_code *code, uint32_t insn)
{
	const uint8_t *bytes = rp_code_bytes(code, insn);
	const struct rp_reloc *r;
	struct rp_insn_flow flow;

	if (rp_insn_flow(bytes, code->insns[insn].length, &flow) || !flow.rip)
		return 0;
	r = rp_dynamic_at(code, rp_relobj_address(code->obj,
		rp_code_section(code, insn),
		code->insns[insn].offset + flow.length) +
		rp_load_sle32(bytes + flow.disp));
	return r ? r->symbol : 0;
}

static bool is_got_reloc(uint32_t type)
{
	return type == R_X86_64_GOTPCREL || type == R_X86_64_GOTPCRELX ||
	       type == R_X86_64_REX_GOTPCRELX;
}

uint32_t rp_code_pointer_symbol(const struct rp_code *code, uint32_t insn)
{
	const struct rp_code_insn *i = &code->insns[insn];

	if (i->flags & RP_CODE_THUNK)
		return i->reloc ? code->relocs[i->reloc].symbol : 0;
	if (code->obj->linked)
		return slot_symbol(code, insn);
	return i->reloc && is_got_reloc(code->relocs[i->reloc].type) ?
		code->relocs[i->reloc].symbol : 0;
}

bool rp_code_is_stub_section(const struct rp_code *code, uint32_t section)
{
	const char *name = code->obj->sections[section].name;

	return code->obj->linked &&
	       (!strncmp(name, ".plt", 4) || !strcmp(name, ".iplt"));
}

static uint32_t stub_symbol(const struct rp_code *code, uint32_t dest)
{
	if (code->insns[dest].flow == RP_FLOW_ENDBR)
		dest = rp_code_next(code, dest);
	return dest && code->insns[dest].flow == RP_FLOW_JMP_INDIRECT ?
		slot_symbol(code, dest) : 0;
}

/*
 * The half of a stub that the dynamic linker has to find the function: the pointer
 * that the first half jumps through leads there, until then.
 */
static void leave_lazy_half(struct rp_code *code, uint32_t push)
{
	struct rp_code_insn *insns = code->insns;

	if (insns[push].offset != insns[push - 1].offset + insns[push - 1].length ||
	    code->ops[insns[push].op].kind != RP_OP_PUSH ||
	    insns[push + 1].flow != RP_FLOW_JMP)
		return;
	insns[push].flags |= RP_CODE_IGNORE;
	insns[push + 1].flags |= RP_CODE_IGNORE;
}

// Some linkers (lld) write no .eh_frame for their stubs.
static void leave_lazy_halves(struct rp_code_build *b, uint32_t section)
{
	struct rp_code *code = b->code;
	uint32_t end = code->section_first[section + 1];

	for (uint32_t i = code->section_first[section]; i + 2 < end; i++) {
		if (code->insns[i].flow == RP_FLOW_JMP_INDIRECT &&
		    !rp_frame_row_at(b->rows, section, code->insns[i].offset))
			leave_lazy_half(code, i + 1);
	}
}

int rp_code_prepare_stubs(struct rp_code_build *b)
{
	size_t size = b->code->nfunctions * sizeof(*b->code->index->stubs);

	if (!b->obj->linked)
		return 0;
	b->code->index->stubs = malloc(size);
	if (!b->code->index->stubs)
		return rp_diag_nomem(b->diag);
	memset(b->code->index->stubs, 0xff, size);
	for (uint32_t i = 1; b->rows && i < b->obj->nsections; i++) {
		if (rp_code_is_stub_section(b->code, i))
			leave_lazy_halves(b, i);
	}
	return 0;
}

uint32_t rp_code_stub_symbol(const struct rp_code *code, uint32_t dest)
{
	if (!dest || !code->obj->linked ||
	    !rp_code_is_stub_section(code, rp_code_section(code, dest)))
		return 0;
	uint32_t *known = &code->index->stubs[code->insns[dest].function];
	if (code->insns[dest].flags & RP_CODE_ENTRY) {
		if (*known == UINT32_MAX)
			*known = stub_symbol(code, dest);
		return *known;
	}
	return stub_symbol(code, dest);
}
