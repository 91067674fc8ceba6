/* SPDX-License-Identifier: MIT */
/* Running the programs of CIEs and FDEs: rows. */
#include "../grow.h"
#include "internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define STATES_MAX	64	/* remembered; compilers need one or two */
#define DWARF_RIP	16
#define DWARF_REGS	16	/* that have a number in instructions */

static const uint8_t insn_reg[DWARF_REGS] = {
	RP_RAX, RP_RDX, RP_RCX, RP_RBX, RP_RSI, RP_RDI, RP_RBP, RP_RSP,
	RP_R8, RP_R9, RP_R10, RP_R11, RP_R12, RP_R13, RP_R14, RP_R15,
};

/**
 * struct state - what is remembered.
 * @by_expr: an expression says where the CFA is, of whatever form
 * @offset:  the CFA's from a register, before that
 */
struct state {
	struct rp_frame_row row;
	bool by_expr;
	int32_t offset;
};

/**
 * struct machine - @now holds from its row's start on.
 * @entry:   rules that `restore` goes back to; a CIE has none
 * @states:  remembered ones, room for STATES_MAX
 * @fault:   what makes no sense; the instruction at @fault_at
 */
struct machine {
	const struct rp_eh_section *section;
	const struct rp_cie_record *cie;
	struct state now;
	struct rp_frame_row entry;
	bool has_entry;
	struct state *states;
	size_t nstates;
	const char *fault;
	uint64_t fault_at;
};

uint8_t rp_frame_reg_number(uint64_t dwarf)
{
	return dwarf < DWARF_REGS ? insn_reg[dwarf] : RP_REG_NONE;
}

/* Where a register's rule is; NULL: nobody asks for it. */
static struct rp_frame_rule *rule_of(struct rp_frame_row *row, uint64_t dwarf)
{
	if (dwarf == DWARF_RIP)
		return &row->ra;
	return dwarf < DWARF_REGS ? &row->reg[insn_reg[dwarf]] : NULL;
}

static bool fits(int64_t v)
{
	return v == (int32_t)v;
}

static bool set_cfa(struct machine *m, uint64_t reg, int64_t offset)
{
	m->now.row.cfa = RP_ROW_CFA_REG;
	m->now.row.cfa_reg = rp_frame_reg_number(reg);
	m->now.row.cfa_offset = (int32_t)offset;
	m->now.row.cfa_plus = 0;
	m->now.offset = (int32_t)offset;
	m->now.by_expr = false;
	return fits(offset);
}

static bool set_cfa_expr(struct machine *m, const struct rp_cfi_insn *insn)
{
	static const uint8_t kinds[] = {
		[RP_CFI_FORM_OTHER] = RP_ROW_CFA_EXPRESSION,
		[RP_CFI_FORM_REG] = RP_ROW_CFA_REG,
		[RP_CFI_FORM_AT_REG] = RP_ROW_CFA_AT_REG,
		[RP_CFI_FORM_PLT] = RP_ROW_CFA_PLT,
	};
	struct rp_cfi_expr expr = rp_cfi_expr(insn->expr, insn->size);

	if (expr.form == RP_CFI_FORM_OTHER)
		expr.offset = insn->expr - m->section->data;
	m->now.row.cfa = expr.form == RP_CFI_FORM_AT_REG && expr.plus ?
		     RP_ROW_CFA_AT_REG_PLUS : kinds[expr.form];
	m->now.row.cfa_reg = expr.form == RP_CFI_FORM_OTHER ? RP_REG_NONE :
			 rp_frame_reg_number(expr.reg);
	m->now.row.cfa_offset = (int32_t)expr.offset;
	m->now.row.cfa_plus = (int32_t)expr.plus;
	m->now.by_expr = true;
	return fits(expr.offset) && fits(expr.plus);
}

static bool set_rule(struct machine *m, uint64_t reg, uint8_t kind,
		     int64_t offset)
{
	struct rp_frame_rule *rule = rule_of(&m->now.row, reg);

	if (rule)
		*rule = (struct rp_frame_rule){
			.rule = kind, .offset = (int32_t)offset,
		};
	return fits(offset);
}

static bool set_rule_expr(struct machine *m, const struct rp_cfi_insn *insn)
{
	struct rp_cfi_expr expr = rp_cfi_expr(insn->expr, insn->size);
	struct rp_frame_rule *rule = rule_of(&m->now.row, insn->reg);

	if (insn->op == RP_CFI_VAL_EXPRESSION || expr.form != RP_CFI_FORM_REG)
		return set_rule(m, insn->reg, insn->op == RP_CFI_EXPRESSION ?
				RP_RULE_EXPRESSION : RP_RULE_VAL_EXPRESSION,
				insn->expr - m->section->data);
	if (rule)
		*rule = (struct rp_frame_rule){
			RP_RULE_AT_REG, rp_frame_reg_number(expr.reg),
			(int32_t)expr.offset,
		};
	return fits(expr.offset);
}

static bool restore(struct machine *m, uint64_t reg)
{
	struct rp_frame_rule *rule = rule_of(&m->now.row, reg);

	if (rule)
		*rule = *rule_of(&m->entry, reg);
	return m->has_entry;
}

/* Where it holds belongs to the machine, not to the state. */
static bool restore_state(struct machine *m)
{
	if (!m->nstates)
		return false;
	uint64_t start = m->now.row.start;
	m->now = m->states[--m->nstates];
	m->now.row.start = start;
	return true;
}

static bool remember_state(struct machine *m)
{
	if (m->nstates == STATES_MAX)
		return false;
	m->states[m->nstates++] = m->now;
	return true;
}

static bool moves(const struct rp_cfi_insn *insn)
{
	return insn->op == RP_CFI_ADVANCE || insn->op == RP_CFI_SET_LOC;
}

/* Return: false if the instruction makes no sense here. */
static bool apply(struct machine *m, const struct rp_cfi_insn *insn)
{
	struct rp_frame_row *row = &m->now.row;

	switch (insn->op) {
	case RP_CFI_NOP:
		return true;
	case RP_CFI_CFA:
		return set_cfa(m, insn->reg, insn->value);
	case RP_CFI_CFA_REGISTER:
		/* After an expression, it is the offset before that counts:
		 * assembly relies on it (libgcrypt). */
		return row->cfa != RP_ROW_CFA_NONE &&
		       set_cfa(m, insn->reg, m->now.offset);
	case RP_CFI_CFA_OFFSET:
		row->cfa_offset = m->now.offset = (int32_t)insn->value;
		return row->cfa == RP_ROW_CFA_REG && !m->now.by_expr &&
		       fits(insn->value);
	case RP_CFI_CFA_EXPRESSION:
		return set_cfa_expr(m, insn);
	case RP_CFI_UNDEFINED:
		return set_rule(m, insn->reg, RP_RULE_UNDEFINED, 0);
	case RP_CFI_SAME:
		return set_rule(m, insn->reg, RP_RULE_SAME, 0);
	case RP_CFI_OFFSET:
		return set_rule(m, insn->reg, RP_RULE_OFFSET, insn->value);
	case RP_CFI_VAL_OFFSET:
		return set_rule(m, insn->reg, RP_RULE_VAL_OFFSET, insn->value);
	case RP_CFI_REGISTER:
		return set_rule(m, insn->reg, RP_RULE_REGISTER,
				rp_frame_reg_number((uint64_t)insn->value));
	case RP_CFI_EXPRESSION:
	case RP_CFI_VAL_EXPRESSION:
		return set_rule_expr(m, insn);
	case RP_CFI_RESTORE:
		return restore(m, insn->reg);
	case RP_CFI_REMEMBER_STATE:
		return remember_state(m);
	case RP_CFI_RESTORE_STATE:
		return restore_state(m);
	default:
		return false;	/* it moves: not for here */
	}
}

/* Return: true; false: there is a fault. */
static bool step(struct machine *m, struct rp_eh_reader *reader,
		 struct rp_cfi_insn *insn)
{
	m->fault_at = (uint64_t)(reader->at - m->section->data);
	if (!rp_cfi_insn(reader, &m->cie->factors, insn))
		m->fault = "an instruction that is unknown, or cut off";
	else if (!moves(insn) && !apply(m, insn))
		m->fault = "an instruction that makes no sense where it is";
	return !m->fault;
}

int rp_cie_run(struct rp_cie_record *cie, const struct rp_eh_section *section,
	       struct rp_diag *diag)
{
	struct state states[STATES_MAX];
	struct machine m = { .section = section, .cie = cie, .states = states };
	struct rp_eh_reader reader = cie->program;
	struct rp_cfi_insn insn;

	while (rp_eh_left(&reader) && step(&m, &reader, &insn)) {
		if (moves(&insn))
			m.fault = "an instruction that goes on to other code, "
				  "in what all functions have in common";
		if (m.fault)
			break;
	}
	cie->initial = m.now.row;
	cie->by_expr = m.now.by_expr;
	cie->offset = m.now.offset;
	return m.fault ? rp_eh_bad(section, m.fault_at, m.fault, diag) : 0;
}

/* FDEs. */

static bool same_rule(const struct rp_frame_rule *a,
		      const struct rp_frame_rule *b)
{
	return a->rule == b->rule && a->reg == b->reg && a->offset == b->offset;
}

static bool same_rules(const struct rp_frame_row *a, const struct rp_frame_row *b)
{
	if (a->cfa != b->cfa || a->cfa_reg != b->cfa_reg ||
	    a->cfa_offset != b->cfa_offset || a->cfa_plus != b->cfa_plus ||
	    !same_rule(&a->ra, &b->ra))
		return false;
	for (size_t i = 0; i < RP_REG_NR; i++) {
		if (!same_rule(&a->reg[i], &b->reg[i]))
			return false;
	}
	return true;
}

/* The row up to @end, as far as it is in the FDE's part that counts. */
static int emit(struct rp_rows_builder *builder, const struct rp_frame_row *row,
		uint64_t end)
{
	struct rp_frame_rows *rows = builder->rows;
	uint32_t index = (uint32_t)rows->nfdes - 1;
	const struct rp_frame_fde *fde = &rows->fdes[index];
	struct rp_frame_row *last = rows->n ? &rows->v[rows->n - 1] : NULL;
	uint64_t start = row->start > fde->start ? row->start : fde->start;

	if (start >= end)
		return 0;
	if (last && last->fde == index && same_rules(last, row)) {
		last->end = end;
		return 0;
	}
	if (rp_grow(&rows->v, &builder->room, rows->n + 1, sizeof(*rows->v)))
		return rp_diag_nomem(builder->diag);
	last = &rows->v[rows->n++];
	*last = *row;
	last->start = start;
	last->end = end;
	last->section = fde->section;
	last->fde = index;
	return 0;
}

static int add_fault(struct rp_rows_builder *builder, const struct machine *m)
{
	struct rp_frame_rows *rows = builder->rows;
	const struct rp_frame_fde *fde = &rows->fdes[rows->nfdes - 1];
	uint64_t start = m->now.row.start > fde->start ? m->now.row.start : fde->start;

	if (start >= fde->end)
		return 0;
	if (rp_grow(&rows->faults, &builder->faults_room, rows->nfaults + 1,
		    sizeof(*rows->faults)))
		return rp_diag_nomem(builder->diag);
	struct rp_frame_fault *fault = &rows->faults[rows->nfaults++];
	*fault = (struct rp_frame_fault){
		.section = fde->section, .start = start, .end = fde->end,
		.eh_frame = fde->eh_frame, .place = m->fault_at,
	};
	snprintf(fault->what, sizeof(fault->what), "%s", m->fault);
	return 0;
}

/* Where an instruction that moves goes to: forward, inside the FDE's code. */
static bool moved_to(struct machine *m, const struct rp_frame_fde *fde,
		     struct rp_eh_reader *reader,
		     const struct rp_cfi_insn *insn, uint64_t *ret)
{
	struct rp_eh_place to = {
		.section = fde->section,
		.offset = m->now.row.start + (uint64_t)insn->value,
	};
	struct rp_diag why;

	if (insn->op == RP_CFI_SET_LOC &&
	    rp_eh_pointer(m->section, reader, m->cie->encoding, &to, &why))
		to.section = 0;
	if (to.section != fde->section || to.offset < m->now.row.start ||
	    to.offset > fde->end)
		m->fault = "an instruction that goes back, or beyond the "
			   "function";
	*ret = to.offset;
	return !m->fault;
}

int rp_fde_run(struct rp_rows_builder *builder, const struct rp_cie_record *cie,
	       const struct rp_fde_record *fde,
	       const struct rp_eh_section *section)
{
	struct state states[STATES_MAX];
	struct machine m = {
		.section = section, .cie = cie, .states = states,
		.now = { cie->initial, cie->by_expr, cie->offset },
		.entry = cie->initial, .has_entry = true,
	};
	struct rp_eh_reader reader = fde->program;
	struct rp_cfi_insn insn;
	uint64_t to;
	int rc = 0;

	m.now.row.start = fde->fde.start;
	while (!rc && rp_eh_left(&reader) && step(&m, &reader, &insn)) {
		if (!moves(&insn))
			continue;
		if (!moved_to(&m, &fde->fde, &reader, &insn, &to))
			break;
		rc = emit(builder, &m.now.row, to);
		m.now.row.start = to;
	}
	if (rc)
		return rc;
	return m.fault ? add_fault(builder, &m) :
			 emit(builder, &m.now.row, fde->fde.end);
}
