/* SPDX-License-Identifier: MIT */
/*
 * The code of alternatives: sites and replacements are whole instructions, and
 * what is relative in a replacement can be made relative to the site.
 *
 * Repoint's library, and Linux from 6.12 on, correct every displacement of 32
 * bits when a replacement is copied. Linux 6.1 does that for a call or jump that
 * comes first.
 */
#include "../bytes.h"
#include "../elf/reloc_form.h"
#include "alternatives.h"

/* ---- whole instructions ---- */

/* Do whole instructions fill @len bytes at a place? @what: for the text. */
static bool is_whole(struct rp_check *check, struct rp_spot spot, uint32_t len,
		     const char *what)
{
	const struct rp_code *code = &check->code;
	uint64_t end = spot.offset + len, at = spot.offset;
	uint32_t insn = rp_code_at(code, spot.section, at);

	if (!insn) {
		rp_findings_add(&check->findings, RP_DIAG_CHECK_ALT_CODE,
			RP_ERROR, spot.section, at, "%s of an alternative begins "
			"where no instruction begins", what);
		return false;
	}
	while (insn && code->insns[insn].offset == at && at < end) {
		at += code->insns[insn].length;
		insn = rp_code_next(code, insn);
	}
	if (at == end)
		return true;
	rp_findings_add(&check->findings, RP_DIAG_CHECK_ALT_CODE, RP_ERROR,
		spot.section, at < end ? at : end, at < end ?
		"%s of an alternative holds bytes that are no instruction" :
		"%s of an alternative ends inside an instruction", what);
	return false;
}

/* ---- what a replacement refers to ---- */

static bool is_inside(const struct rp_alt_record *r, uint64_t offset)
{
	return offset >= r->replacement.offset &&
	       offset - r->replacement.offset < r->replacement_length;
}

static bool is_branch(uint8_t flow)
{
	return flow == RP_FLOW_CALL || flow == RP_FLOW_JMP || flow == RP_FLOW_JCC;
}

static void unsupported(struct rp_check *check, const struct rp_alt_record *r,
			uint64_t offset, const char *why)
{
	rp_findings_add(&check->findings, RP_DIAG_CHECK_ALT_RELOC, RP_ERROR,
			r->replacement.section, offset, "unsupported in a "
			"replacement, which is copied to its site: %s", why);
}

/* The kernel's code of Linux 6.1. A thunk's branch is one by its opcode. */
static bool linux_6_1_can(const struct rp_check *check,
			  const struct rp_alt_record *r, uint32_t insn,
			  const struct rp_insn_flow *flow)
{
	const struct rp_code_insn *i = &check->code.insns[insn];

	return i->offset == r->replacement.offset &&
	       (is_branch(i->flow) || is_branch(flow->flow));
}

static void check_reloc(struct rp_check *check, const struct rp_alt_record *r,
			uint32_t insn, const struct rp_insn_flow *flow)
{
	const struct rp_code_insn *i = &check->code.insns[insn];
	const struct rp_reloc *reloc = &check->code.relocs[i->reloc];
	uint64_t field = reloc->offset - i->offset;

	if (!rp_reloc_is_relative(reloc->type))
		return;
	if (check->options.abi->kind == RP_ABI_LINUX_6_1) {
		if (!linux_6_1_can(check, r, insn, flow))
			unsupported(check, r, i->offset, "Linux 6.1 corrects "
				    "the displacement of a call or jump alone, "
				    "and only of the first instruction");
		return;
	}
	if (flow->target && field == flow->target && flow->target_size == 1)
		unsupported(check, r, i->offset, "a branch of 8 bits to a place "
			    "outside of it; use one of 32 bits");
	else if (!(flow->target && field == flow->target) &&
		 !(flow->rip && field == flow->disp))
		unsupported(check, r, i->offset, "a relative relocation that is "
			    "neither a branch nor an operand relative to %rip");
}

/* A distance that the assembler knew. */
static void check_distance(struct rp_check *check,
			   const struct rp_alt_record *r, uint32_t insn,
			   const struct rp_insn_flow *flow)
{
	const struct rp_code_insn *i = &check->code.insns[insn];
	const uint8_t *bytes = rp_code_bytes(&check->code, insn);
	int64_t distance = (int8_t)bytes[flow->target];

	if (flow->target_size == 4)
		distance = rp_load_sle32(bytes + flow->target);
	uint64_t to = i->offset + i->length + (uint64_t)distance;

	if (to == r->replacement.offset + r->replacement_length)
		return;
	if (is_inside(r, to)) {
		if (!rp_code_at(&check->code, r->replacement.section, to))
			rp_findings_add(&check->findings, RP_DIAG_CHECK_ALT_CODE,
				RP_ERROR, r->replacement.section, i->offset,
				"branches into the middle of an instruction");
	} else if (flow->target_size == 1) {
		unsupported(check, r, i->offset, "a branch of 8 bits to a place "
			    "outside of it; use one of 32 bits");
	} else if (check->options.abi->kind == RP_ABI_LINUX_6_1 &&
		   !linux_6_1_can(check, r, insn, flow)) {
		unsupported(check, r, i->offset, "a branch to a place outside "
			    "of it that is not its first instruction");
	}
}

static void check_replacement(struct rp_check *check,
			      const struct rp_alt_record *r)
{
	const struct rp_code *code = &check->code;
	uint32_t insn = rp_code_at(code, r->replacement.section,
				   r->replacement.offset);

	for (; insn && is_inside(r, code->insns[insn].offset);
	     insn = rp_code_next(code, insn)) {
		struct rp_insn_flow flow;

		if (!code->insns[insn].reloc &&
		    !is_branch(code->insns[insn].flow))
			continue;
		if (rp_insn_flow(rp_code_bytes(code, insn),
				 code->insns[insn].length, &flow))
			continue;
		if (code->insns[insn].reloc)
			check_reloc(check, r, insn, &flow);
		else if (flow.target)
			check_distance(check, r, insn, &flow);
	}
}

void rp_check_alt_code(struct rp_check *check,
		       const struct rp_alt_records *records)
{
	for (size_t i = 0; i < records->n; i++) {
		const struct rp_alt_record *r = &records->v[i];

		is_whole(check, r->site, r->length, "the site");
		if (r->replacement_length &&
		    is_whole(check, r->replacement, r->replacement_length,
			     "a replacement"))
			check_replacement(check, r);
	}
}
