/* SPDX-License-Identifier: MIT */
/* Rules by .eh_frame: the instructions of a function's record. */
#define _GNU_SOURCE
#include "unwind_fde.h"

#include <stdlib.h>
#include <string.h>

#define STATES_MAX	16

/** struct state - @cfa_offset: the CFA's from a register; it stays while an
 *  expression says where the CFA is. */
struct state {
	struct rp_row row;
	int64_t cfa_offset;
};

/** struct machine - @now is built up to @pc. @initial: what `restore` goes back
 *  to. */
struct machine {
	const struct rp_cfi_cie *cie;
	struct state now;
	struct rp_row initial;
	struct state states[STATES_MAX];
	size_t nstates;
	uint64_t location, pc;
};

static void set(struct machine *m, uint64_t reg, struct rp_value value)
{
	if (reg < RP_DWARF_REG_NR)
		m->now.row.reg[reg] = value;
}

static void set_kind(struct machine *m, const struct rp_cfi_insn *insn,
		     uint8_t kind)
{
	set(m, insn->reg, (struct rp_value){ .kind = kind,
					     .offset = insn->value });
}

static void set_register(struct machine *m, const struct rp_cfi_insn *insn)
{
	uint64_t other = (uint64_t)insn->value;

	set(m, insn->reg, (struct rp_value){
		.kind = other < RP_DWARF_REG_NR ? RP_VALUE_REG :
						  RP_VALUE_UNKNOWN,
		.reg = (uint8_t)other,
	});
}

static struct rp_value expression(const struct rp_cfi_insn *insn, uint8_t kind)
{
	return (struct rp_value){
		.kind = kind, .size = (uint16_t)insn->size, .expr = insn->expr,
	};
}

static bool set_cfa(struct machine *m, uint64_t reg, int64_t offset)
{
	m->now.row.cfa = (struct rp_value){
		.kind = RP_VALUE_REG, .reg = (uint8_t)reg, .offset = offset,
	};
	m->now.cfa_offset = offset;
	return reg < RP_DWARF_REG_NR;
}

static void restore(struct machine *m, uint64_t reg)
{
	if (reg < RP_DWARF_REG_NR)
		m->now.row.reg[reg] = m->initial.reg[reg];
}

static bool remember_state(struct machine *m)
{
	if (m->nstates == STATES_MAX)
		return false;
	m->states[m->nstates++] = m->now;
	return true;
}

static bool restore_state(struct machine *m)
{
	if (m->nstates == 0)
		return false;
	m->now = m->states[--m->nstates];
	return true;
}

/* Return: false if the instruction makes no sense here. */
static bool about_cfa(struct machine *m, const struct rp_cfi_insn *insn)
{
	struct rp_value *cfa = &m->now.row.cfa;

	switch (insn->op) {
	case RP_CFI_CFA:
		return set_cfa(m, insn->reg, insn->value);
	case RP_CFI_CFA_REGISTER:
		/* After an expression, it is the offset before that counts, as
		 * for libgcc: assembly relies on it. */
		return cfa->kind != RP_VALUE_UNKNOWN &&
		       set_cfa(m, insn->reg, m->now.cfa_offset);
	case RP_CFI_CFA_OFFSET:
		return cfa->kind == RP_VALUE_REG &&
		       set_cfa(m, cfa->reg, insn->value);
	case RP_CFI_CFA_EXPRESSION:
		*cfa = expression(insn, RP_VALUE_EXPR);
		return true;
	case RP_CFI_REMEMBER_STATE:
		return remember_state(m);
	case RP_CFI_RESTORE_STATE:
		return restore_state(m);
	default:
		return insn->op == RP_CFI_NOP;
	}
}

static bool apply(struct machine *m, const struct rp_cfi_insn *insn)
{
	switch (insn->op) {
	case RP_CFI_UNDEFINED:
		set_kind(m, insn, RP_VALUE_UNKNOWN);
		break;
	case RP_CFI_SAME:
		set_kind(m, insn, RP_VALUE_SAME);
		break;
	case RP_CFI_OFFSET:
		set_kind(m, insn, RP_VALUE_AT_CFA);
		break;
	case RP_CFI_VAL_OFFSET:
		set_kind(m, insn, RP_VALUE_CFA);
		break;
	case RP_CFI_REGISTER:
		set_register(m, insn);
		break;
	case RP_CFI_EXPRESSION:
		set(m, insn->reg, expression(insn, RP_VALUE_AT_EXPR));
		break;
	case RP_CFI_VAL_EXPRESSION:
		set(m, insn->reg, expression(insn, RP_VALUE_EXPR));
		break;
	case RP_CFI_RESTORE:
		restore(m, insn->reg);
		break;
	default:
		return about_cfa(m, insn);
	}
	return true;
}

/* Up to the row that holds at the pc. Return: false if it is not sound. */
static bool run(struct machine *m, struct rp_cfi_reader reader)
{
	struct rp_eh_reader *eh = &reader.eh;

	while (rp_eh_left(eh)) {
		struct rp_cfi_insn insn;
		uint64_t location = m->location;

		if (!rp_cfi_insn(eh, &m->cie->factors, &insn))
			return false;
		if (insn.op == RP_CFI_SET_LOC)
			location = rp_cfi_pointer(&reader, m->cie->encoding);
		else if (insn.op == RP_CFI_ADVANCE)
			location += (uint64_t)insn.value;
		else if (!apply(m, &insn))
			return false;
		if (location > m->pc)
			break;
		m->location = location;
	}
	return !eh->bad;
}

static bool keep_expr(struct rp_value *value)
{
	if (value->kind != RP_VALUE_EXPR && value->kind != RP_VALUE_AT_EXPR)
		return true;
	uint8_t *copy = malloc(value->size + 1u);
	if (copy)
		memcpy(copy, value->expr, value->size);
	else
		value->kind = RP_VALUE_UNKNOWN;
	value->expr = copy;
	return copy;
}

/* The row outlives the record that it was read from. */
static bool keep_row(struct rp_pc_rule *rule, const struct rp_row *row)
{
	bool kept;

	rule->rows = malloc(sizeof(*row));
	if (!rule->rows)
		return false;
	*rule->rows = *row;
	rule->nrows = 1;
	rule->sure = 1;
	kept = keep_expr(&rule->rows->cfa);
	for (size_t i = 0; i < RP_DWARF_REG_NR; i++)
		kept &= keep_expr(&rule->rows->reg[i]);
	return kept;
}

static bool fde_rule(struct rp_pc_rule *rule, const struct rp_cfi_fde *fde,
		     uint64_t pc)
{
	struct machine m = { .cie = &fde->cie, .location = fde->start };

	m.now.row.cfa.kind = RP_VALUE_UNKNOWN;
	m.pc = UINT64_MAX;
	if (!run(&m, fde->cie.program))
		return false;
	m.initial = m.now.row;
	m.location = fde->start;
	m.pc = pc;
	if (!run(&m, fde->program))
		return false;
	if (m.now.row.reg[RP_REG_PC].kind == RP_VALUE_UNKNOWN) {
		rule->kind = RP_RULE_END;
		return true;
	}
	rule->caller_exact = fde->cie.signal;
	rule->kind = RP_RULE_ROWS;
	return keep_row(rule, &m.now.row);
}

bool rp_unwind_cfi(struct rp_unwinder *unwinder, struct rp_pc_rule *rule)
{
	uint64_t pc = rule->exact ? rule->address : rule->address - 1;
	struct rp_cfi_fde fde;

	return rp_fde_find(unwinder, pc, &fde) && fde_rule(rule, &fde, pc);
}
