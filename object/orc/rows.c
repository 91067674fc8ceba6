/* SPDX-License-Identifier: MIT */
/* ORC entries of what .eh_frame says. */
#include "orc.h"

/* The kernel's frame of a signal handler, from `struct ucontext` on: uc_mcontext
 * has r8 to r15, rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip. */
#define UC_GREGS	40
#define UC_RBP		(UC_GREGS + 10 * 8)
#define UC_RSP		(UC_GREGS + 15 * 8)
#define UC_RIP		(UC_GREGS + 16 * 8)

#define RETURN_SLOT	(-8)	/* from the CFA: what entries take for granted */
#define PLT_ENTRY	16u

static const uint8_t orc_regs[RP_REG_NR] = {
	[RP_RDX] = RP_ORC_DX, [RP_RDI] = RP_ORC_DI, [RP_RBP] = RP_ORC_BP,
	[RP_RSP] = RP_ORC_SP, [RP_R10] = RP_ORC_R10, [RP_R13] = RP_ORC_R13,
	[RP_RBX] = RP_ORC_BX, [RP_R12] = RP_ORC_R12, [RP_R14] = RP_ORC_R14,
	[RP_R15] = RP_ORC_R15, [RP_RAX] = RP_ORC_AX, [RP_RCX] = RP_ORC_CX,
	[RP_RSI] = RP_ORC_SI, [RP_R8] = RP_ORC_R8, [RP_R9] = RP_ORC_R9,
	[RP_R11] = RP_ORC_R11,
};

static bool is_at(const struct rp_frame_rule *rule, uint8_t reg, int64_t offset)
{
	return rule->rule == RP_RULE_AT_REG && rule->reg == reg &&
	       rule->offset == offset;
}

/* All is loaded from where rsp + X points to, X bytes before what the kernel has
 * pushed: the code that handlers return to. */
static bool signal_frame(const struct rp_frame_row *row,
			 struct rp_orc_entry *entry)
{
	int64_t at = (int64_t)row->cfa_offset - UC_RSP;

	if (row->cfa != RP_ROW_CFA_AT_REG || row->cfa_reg != RP_RSP ||
	    !is_at(&row->ra, RP_RSP, at + UC_RIP) ||
	    !is_at(&row->reg[RP_RBP], RP_RSP, at + UC_RBP) ||
	    at != (int32_t)at)
		return false;
	entry->type = RP_ORC_SIGNAL_FRAME;
	entry->sp_reg = RP_ORC_SP;
	entry->sp_offset = (int32_t)at;
	return true;
}

static void cfa_saved(const struct rp_frame_row *row,
		      struct rp_orc_entry *entry)
{
	if (row->cfa_reg == RP_RSP && !row->cfa_offset) {
		entry->sp_reg = RP_ORC_SP_INDIRECT;
		entry->sp_offset = row->cfa_plus;
	} else if (row->cfa_plus == RP_ORC_SAVED_PLUS) {
		entry->sp_reg = row->cfa_reg == RP_RSP ? RP_ORC_SP_SAVED :
				row->cfa_reg == RP_RBP ? RP_ORC_BP_SAVED :
							 RP_ORC_NONE;
	}
}

static bool cfa(const struct rp_frame_row *row, struct rp_orc_entry *entry)
{
	bool known = row->cfa_reg < RP_REG_NR;

	entry->sp_offset = row->cfa_offset;
	switch (row->cfa) {
	case RP_ROW_CFA_REG:
	case RP_ROW_CFA_PLT:	/* its second half: see split_plt() */
		entry->sp_reg = known ? orc_regs[row->cfa_reg] : RP_ORC_NONE;
		break;
	case RP_ROW_CFA_AT_REG:
		if (row->cfa_reg == RP_RBP)
			entry->sp_reg = RP_ORC_BP_INDIRECT;
		else if (row->cfa_reg == RP_RSP && !row->cfa_offset)
			entry->sp_reg = RP_ORC_SP_INDIRECT;
		break;
	case RP_ROW_CFA_AT_REG_PLUS:
		cfa_saved(row, entry);
		break;
	default:
		break;
	}
	return entry->sp_reg != RP_ORC_NONE;
}

static bool frame_pointer(const struct rp_frame_rule *rule,
			  struct rp_orc_entry *entry)
{
	switch (rule->rule) {
	case RP_RULE_UNSPECIFIED:
	case RP_RULE_SAME:
		return true;
	case RP_RULE_OFFSET:
		entry->bp_reg = RP_ORC_PREV_SP;
		entry->bp_offset = rule->offset;
		return true;
	case RP_RULE_AT_REG:
		entry->bp_reg = RP_ORC_BP;
		entry->bp_offset = rule->offset;
		return rule->reg == RP_RBP;
	default:
		return false;
	}
}

/* The caller's stack pointer is the CFA. */
static bool stack_pointer(const struct rp_frame_rule *rule)
{
	return rule->rule == RP_RULE_UNSPECIFIED ||
	       (rule->rule == RP_RULE_VAL_OFFSET && !rule->offset);
}

/* Return: false if the format cannot say it. */
static bool say(const struct rp_frame_row *row, bool signal,
		struct rp_orc_entry *entry)
{
	if (row->ra.rule == RP_RULE_UNDEFINED) {
		entry->type = RP_FRAME_END;
		return true;
	}
	if (signal && signal_frame(row, entry))
		return true;
	entry->type = RP_FRAME_CALL;
	entry->signal_or_end = signal;
	return row->ra.rule == RP_RULE_OFFSET && row->ra.offset == RETURN_SLOT &&
	       stack_pointer(&row->reg[RP_RSP]) &&
	       frame_pointer(&row->reg[RP_RBP], entry) && cfa(row, entry);
}

bool rp_orc_row_alone(const struct rp_frame_rows *rows,
		      const struct rp_frame_row *row,
		      struct rp_orc_entry *entry)
{
	bool signal = rows->fdes[row->fde].signal;

	return (row->ra.rule == RP_RULE_UNDEFINED || signal) &&
	       say(row, signal, entry);
}

/* Nothing is added that goes on saying what was said before. */
static int add(struct rp_orc *orc, const struct rp_orc_entry *entry,
	       struct rp_diag *diag)
{
	const struct rp_orc_entry *last = orc->n ? &orc->v[orc->n - 1] : NULL;

	if (last && last->section == entry->section && rp_orc_same(last, entry))
		return 0;
	return rp_orc_add(orc, entry, diag);
}

/* A lazy PLT's entry has pushed a word when only its last bytes are left. */
static int split_plt(struct rp_orc *orc, const struct rp_relobj *obj,
		     const struct rp_frame_row *row,
		     const struct rp_orc_entry *entry, struct rp_diag *diag)
{
	uint64_t base = obj->sections[row->section].hdr.sh_addr;
	uint64_t from = (uint64_t)row->cfa_plus;
	int rc = 0;

	for (uint64_t at = row->start, next; at < row->end && !rc; at = next) {
		struct rp_orc_entry part = *entry;
		uint64_t inside = (base + at) % PLT_ENTRY;

		part.offset = at;
		part.sp_offset += inside >= from ? 8 : 0;
		next = at + (inside >= from ? PLT_ENTRY : from) - inside;
		rc = add(orc, &part, diag);
	}
	return rc;
}

static void note_unsaid(struct rp_orc *orc, uint32_t section, uint64_t offset)
{
	if (!orc->unsaid++) {
		orc->unsaid_section = section;
		orc->unsaid_offset = offset;
	}
}

static int add_row(struct rp_orc *orc, const struct rp_relobj *obj,
		   const struct rp_frame_row *row, bool signal,
		   struct rp_diag *diag)
{
	const struct rp_orc_entry none = {
		.section = row->section, .offset = row->start,
	};
	struct rp_orc_entry entry = none;
	/* Of what has no bytes, nobody knows how much there is. */
	bool split = row->cfa == RP_ROW_CFA_PLT;

	if (!say(row, signal, &entry) ||
	    (split && !rp_section_data(obj, row->section))) {
		note_unsaid(orc, row->section, row->start);
		return add(orc, &none, diag);
	}
	if (split && entry.type == RP_FRAME_CALL)
		return split_plt(orc, obj, row, &entry, diag);
	return add(orc, &entry, diag);
}

int rp_orc_from_rows(struct rp_orc *orc, const struct rp_relobj *obj,
		     const struct rp_frame_rows *rows, size_t *unsaid,
		     struct rp_diag *diag)
{
	int rc = 0;

	*orc = (struct rp_orc){ 0 };
	for (size_t i = 0; i < rows->n && !rc; i++) {
		const struct rp_frame_row *row = &rows->v[i], *next = row + 1;
		const struct rp_orc_entry none = {
			.section = row->section, .offset = row->end,
		};

		rc = add_row(orc, obj, row, rows->fdes[row->fde].signal, diag);
		if (!rc && (i + 1 == rows->n || next->section != row->section ||
			    next->start != row->end))
			rc = add(orc, &none, diag);
	}
	/* Their code has no rows, so it is a gap already. */
	for (size_t i = 0; i < rows->nfaults; i++)
		note_unsaid(orc, rows->faults[i].section,
			    rows->faults[i].start);
	*unsaid = orc->unsaid;
	return rc;
}
