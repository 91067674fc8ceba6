/* SPDX-License-Identifier: MIT */
/* Rules by .eh_frame: the instructions of a function's record. */
#define _GNU_SOURCE
#include "unwind_fde.h"

#include <dwarf.h>
#include <stdlib.h>
#include <string.h>

#define STATES_MAX	16

/** struct machine - @row is built up to @pc. */
struct machine {
	const struct rp_cfi_cie *cie;
	struct rp_row row, initial;
	struct rp_row states[STATES_MAX];
	size_t nstates;
	uint64_t location, pc;
	bool undefined[RP_REG_NR];
};

static void set(struct machine *m, uint64_t reg, uint8_t kind, int64_t offset)
{
	if (reg < RP_REG_NR)
		m->row.reg[reg] = (struct rp_value){ .kind = kind,
						     .offset = offset };
}

static void set_register(struct machine *m, uint64_t reg, uint64_t other)
{
	if (reg < RP_REG_NR)
		m->row.reg[reg] = (struct rp_value){
			.kind = other < RP_REG_NR ? RP_VALUE_REG :
						    RP_VALUE_UNKNOWN,
			.reg = (uint8_t)other,
		};
}

static struct rp_value expression(struct rp_cfi_reader *reader, uint8_t kind)
{
	uint64_t size = rp_read_uleb(reader);
	struct rp_value value = {
		.kind = kind, .size = (uint16_t)size, .expr = reader->at,
	};

	rp_read_skip(reader, size);
	return value;
}

static void set_expression(struct machine *m, struct rp_cfi_reader *reader,
			   uint8_t kind)
{
	uint64_t reg = rp_read_uleb(reader);
	struct rp_value value = expression(reader, kind);

	if (reg < RP_REG_NR)
		m->row.reg[reg] = value;
}

static void set_cfa(struct machine *m, struct rp_cfi_reader *reader, uint64_t reg,
		    int64_t offset)
{
	if (reg >= RP_REG_NR)
		reader->bad = true;
	m->row.cfa = (struct rp_value){ .kind = RP_VALUE_REG,
					.reg = (uint8_t)reg, .offset = offset };
}

static void change_cfa(struct machine *m, struct rp_cfi_reader *reader,
		       uint64_t reg, int64_t offset)
{
	if (m->row.cfa.kind != RP_VALUE_REG)
		reader->bad = true;
	else
		set_cfa(m, reader, reg, offset);
}

static void restore(struct machine *m, uint64_t reg)
{
	if (reg < RP_REG_NR)
		m->row.reg[reg] = m->initial.reg[reg];
}

static void remember_state(struct machine *m, struct rp_cfi_reader *reader)
{
	if (m->nstates == STATES_MAX)
		reader->bad = true;
	else
		m->states[m->nstates++] = m->row;
}

static void restore_state(struct machine *m, struct rp_cfi_reader *reader)
{
	if (m->nstates == 0)
		reader->bad = true;
	else
		m->row = m->states[--m->nstates];
}

/* Operands are evaluated in their order. */
static int64_t factored(struct machine *m, struct rp_cfi_reader *reader,
			bool is_signed)
{
	return (int64_t)(rp_read_leb(reader, is_signed) *
			 (uint64_t)m->cie->data_align);
}

static void about_cfa(struct machine *m, struct rp_cfi_reader *reader, uint8_t op)
{
	uint64_t reg;

	switch (op) {
	case DW_CFA_def_cfa:
		reg = rp_read_uleb(reader);
		set_cfa(m, reader, reg, (int64_t)rp_read_uleb(reader));
		break;
	case DW_CFA_def_cfa_sf:
		reg = rp_read_uleb(reader);
		set_cfa(m, reader, reg, factored(m, reader, true));
		break;
	case DW_CFA_def_cfa_register:
		change_cfa(m, reader, rp_read_uleb(reader), m->row.cfa.offset);
		break;
	case DW_CFA_def_cfa_offset:
		change_cfa(m, reader, m->row.cfa.reg,
			   (int64_t)rp_read_uleb(reader));
		break;
	case DW_CFA_def_cfa_offset_sf:
		change_cfa(m, reader, m->row.cfa.reg, factored(m, reader, true));
		break;
	case DW_CFA_def_cfa_expression:
		m->row.cfa = expression(reader, RP_VALUE_EXPR);
		break;
	case DW_CFA_GNU_args_size:
		rp_read_uleb(reader);
		break;
	case DW_CFA_nop:
		break;
	default:
		reader->bad = true;
	}
}

static void about_register(struct machine *m, struct rp_cfi_reader *reader,
			   uint8_t op)
{
	uint64_t reg;

	switch (op) {
	case DW_CFA_offset_extended:
		reg = rp_read_uleb(reader);
		set(m, reg, RP_VALUE_AT_CFA, factored(m, reader, false));
		break;
	case DW_CFA_offset_extended_sf:
		reg = rp_read_uleb(reader);
		set(m, reg, RP_VALUE_AT_CFA, factored(m, reader, true));
		break;
	case DW_CFA_GNU_negative_offset_extended:
		reg = rp_read_uleb(reader);
		set(m, reg, RP_VALUE_AT_CFA, -factored(m, reader, false));
		break;
	case DW_CFA_val_offset:
		reg = rp_read_uleb(reader);
		set(m, reg, RP_VALUE_CFA, factored(m, reader, false));
		break;
	case DW_CFA_val_offset_sf:
		reg = rp_read_uleb(reader);
		set(m, reg, RP_VALUE_CFA, factored(m, reader, true));
		break;
	case DW_CFA_register:
		reg = rp_read_uleb(reader);
		set_register(m, reg, rp_read_uleb(reader));
		break;
	case DW_CFA_undefined:
		set(m, rp_read_uleb(reader), RP_VALUE_UNKNOWN, 0);
		break;
	case DW_CFA_same_value:
		set(m, rp_read_uleb(reader), RP_VALUE_SAME, 0);
		break;
	case DW_CFA_restore_extended:
		restore(m, rp_read_uleb(reader));
		break;
	case DW_CFA_expression:
		set_expression(m, reader, RP_VALUE_AT_EXPR);
		break;
	case DW_CFA_val_expression:
		set_expression(m, reader, RP_VALUE_EXPR);
		break;
	case DW_CFA_remember_state:
		remember_state(m, reader);
		break;
	case DW_CFA_restore_state:
		restore_state(m, reader);
		break;
	default:
		about_cfa(m, reader, op);
	}
}

/* The next instruction, if it is about the place: @ret is where that is. */
static bool moves(struct machine *m, struct rp_cfi_reader *reader, uint8_t op,
		  uint64_t *ret)
{
	switch (op) {
	case DW_CFA_set_loc:
		*ret = rp_read_pointer(reader, m->cie->encoding);
		return true;
	case DW_CFA_advance_loc1:
		*ret = m->location + rp_read_fixed(reader, 1) * m->cie->code_align;
		return true;
	case DW_CFA_advance_loc2:
		*ret = m->location + rp_read_fixed(reader, 2) * m->cie->code_align;
		return true;
	case DW_CFA_advance_loc4:
		*ret = m->location + rp_read_fixed(reader, 4) * m->cie->code_align;
		return true;
	default:
		*ret = m->location + (op & 0x3f) * m->cie->code_align;
		return (op & 0xc0) == DW_CFA_advance_loc;
	}
}

/* Up to the row that holds at the pc. Return: false if it is not sound. */
static bool run(struct machine *m, struct rp_cfi_reader reader)
{
	while (reader.at < reader.end && !reader.bad) {
		uint8_t op = (uint8_t)rp_read_fixed(&reader, 1);
		uint64_t location;

		if (moves(m, &reader, op, &location)) {
			if (location > m->pc)
				break;
			m->location = location;
		} else if ((op & 0xc0) == DW_CFA_offset) {
			set(m, op & 0x3f, RP_VALUE_AT_CFA,
			    factored(m, &reader, false));
		} else if ((op & 0xc0) == DW_CFA_restore) {
			restore(m, op & 0x3f);
		} else {
			about_register(m, &reader, op);
		}
	}
	return !reader.bad;
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
static bool keep_row(struct rp_rule *rule, const struct rp_row *row)
{
	bool kept;

	rule->rows = malloc(sizeof(*row));
	if (!rule->rows)
		return false;
	*rule->rows = *row;
	rule->nrows = 1;
	rule->sure = 1;
	kept = keep_expr(&rule->rows->cfa);
	for (size_t i = 0; i < RP_REG_NR; i++)
		kept &= keep_expr(&rule->rows->reg[i]);
	return kept;
}

static bool fde_rule(struct rp_rule *rule, const struct rp_cfi_fde *fde,
		     uint64_t pc)
{
	struct machine m = { .cie = &fde->cie, .location = fde->start };

	m.row.cfa.kind = RP_VALUE_UNKNOWN;
	m.pc = UINT64_MAX;
	if (!run(&m, fde->cie.program))
		return false;
	m.initial = m.row;
	m.location = fde->start;
	m.pc = pc;
	if (!run(&m, fde->program))
		return false;
	if (m.row.reg[RP_REG_PC].kind == RP_VALUE_UNKNOWN) {
		rule->kind = RP_RULE_END;
		return true;
	}
	rule->caller_exact = fde->cie.signal;
	rule->kind = RP_RULE_ROWS;
	return keep_row(rule, &m.row);
}

bool rp_unwind_cfi(struct rp_unwinder *unwinder, struct rp_rule *rule)
{
	uint64_t pc = rule->exact ? rule->address : rule->address - 1;
	struct rp_cfi_fde fde;

	return rp_fde_find(unwinder, pc, &fde) && fde_rule(rule, &fde, pc);
}
