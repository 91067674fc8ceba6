/* SPDX-License-Identifier: MIT */
/* The NOPs before functions that are kept for code to come. */
#include "orc.h"

static bool is_typed(const struct rp_code *code, const struct rp_function *f)
{
	return f->symbol && code->obj->symbols[f->symbol].type == STT_FUNC;
}

/* The NOP that is exactly so far before an instruction, with nothing but NOPs
 * between them; 0 if there is none. */
static uint32_t first_nop(const struct rp_code *code, uint32_t section,
			  uint32_t insn, uint32_t bytes)
{
	uint32_t first = code->section_first[section];
	uint32_t offset = code->insns[insn].offset;

	for (uint32_t i = insn; i-- > first;) {
		const struct rp_code_insn *nop = &code->insns[i];
		uint32_t before = offset - nop->offset;

		if (nop->flow != RP_FLOW_NOP || before > bytes)
			return 0;
		if (before == bytes)
			return i;
	}
	return 0;
}

void rp_orc_set_prefix(struct rp_code *code, uint8_t bytes)
{
	for (size_t i = 1; i < code->nfunctions; i++) {
		const struct rp_function *f = &code->functions[i];
		uint32_t entry = rp_code_at(code, f->section, f->offset);
		uint32_t nop = 0;

		if (entry && code->insns[entry].state && is_typed(code, f))
			nop = first_nop(code, f->section, entry, bytes);
		if (!nop)
			continue;
		for (; nop < entry; nop++)
			code->insns[nop].state = code->insns[entry].state;
	}
}
