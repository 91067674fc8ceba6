/* SPDX-License-Identifier: MIT */
/*
 * The large code model: functions may be too far away for a branch, so each call
 * and each jump in place of one goes through a register.
 *
 *	movabs $f, %r; jmp *%r		absolute
 *	movabs $f@GOTOFF, %r; add %g, %r; jmp *%r
 *	movabs $f@GOT, %r; jmp *(%g,%r)	position independent: %g is the GOT
 *
 * The address of that is made of one of the code's, and of the distance from there:
 *
 *	1: lea 1b(%rip), %g; movabs $_GLOBAL_OFFSET_TABLE_ - 1b, %r; add %r, %g
 */
#include "switches.h"

#include <elf.h>

// So far back it is looked for what a register was loaded with.
#define FAR_BACK	64

bool rp_large_is_got_base(const struct rp_code *code, const struct rp_ref *ref)
{
	uint32_t at = rp_code_at(code, ref->place.section, ref->place.offset);

	return at && (at == ref->insn ||
		      (code->insns[at].reloc &&
		       code->relocs[code->insns[at].reloc].type ==
		       R_X86_64_GOTPC64));
}

static bool is_add(const uint8_t *bytes)
{
	return (bytes[0] & 0xf8) == 0x48 &&
	       (bytes[1] == 0x01 || bytes[1] == 0x03) && bytes[2] >= 0xc0;
}

/* The instruction before that made the value of a register, but for what is added
 * to it; or 0. */
static uint32_t maker_of(const struct rp_code *code, uint32_t from, uint8_t reg)
{
	struct rp_insn_flow flow;
	uint16_t writes;
	uint32_t i = from;

	for (unsigned int n = 0; n < FAR_BACK && reg < RP_REG_NR && i-- > 1;
	     n++) {
		const uint8_t *bytes = rp_code_bytes(code, i);

		if (code->insns[i].function != code->insns[from].function ||
		    !rp_code_goes_on(&code->insns[i]) ||
		    rp_code_is_lost_at(&code->insns[i], reg) ||
		    rp_insn_flow_every(bytes, code->insns[i].length, &flow,
				       &writes))
			return 0;
		if ((writes >> reg & 1) && !is_add(bytes))
			return i;
	}
	return 0;
}

static bool is_function(const struct rp_code *code, const struct rp_reloc *r)
{
	struct rp_spot spot = rp_relobj_spot(code->obj, r->symbol, r->addend);
	uint32_t to = spot.section ?
		rp_code_at(code, spot.section, spot.offset) : 0;

	return !code->obj->symbols[r->symbol].section ||
	       (to && (code->insns[to].flags & RP_CODE_ENTRY));
}

static bool loads_function(const struct rp_code *code, uint32_t insn)
{
	const struct rp_reloc *r = &code->relocs[code->insns[insn].reloc];

	return code->insns[insn].reloc &&
	       (r->type == R_X86_64_64 || r->type == R_X86_64_GOTOFF64 ||
		r->type == R_X86_64_PLTOFF64) && is_function(code, r);
}

static bool is_slot(const struct rp_code *code, uint32_t from, uint8_t reg)
{
	uint32_t reloc = code->insns[maker_of(code, from, reg)].reloc;

	return reloc && code->relocs[reloc].type == R_X86_64_GOT64;
}

// Does its memory operand name a slot of the GOT?
static bool has_slot(const struct rp_code *code, uint32_t insn)
{
	struct rp_insn_flow flow;

	return !rp_insn_flow(rp_code_bytes(code, insn),
			     code->insns[insn].length, &flow) &&
	       flow.memory && flow.index != RP_REG_NONE && flow.scale <= 1 &&
	       (is_slot(code, insn, flow.index) ||
		is_slot(code, insn, flow.base));
}

bool rp_large_goes_to_function(const struct rp_code *code, uint32_t jump)
{
	struct rp_insn_flow flow;
	uint32_t maker;

	if (code->obj->linked ||
	    rp_insn_flow(rp_code_bytes(code, jump), code->insns[jump].length,
			 &flow))
		return false;
	if (flow.reg == RP_REG_NONE)
		return has_slot(code, jump);
	maker = maker_of(code, jump, flow.reg);
	return maker && (loads_function(code, maker) || has_slot(code, maker));
}
