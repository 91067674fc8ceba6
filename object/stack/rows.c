/* SPDX-License-Identifier: MIT */
/*
 * The stack as the code makes it, compared with what .eh_frame says.
 *
 * .eh_frame is believed where the code cannot be understood: where it counts from
 * a register that is not known to lead to the stack, or says the place of the CFA
 * by an expression. Where both say something they must say the same.
 */
#include "internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct rp_stack_state state_t;
typedef struct rp_frame_row row_t;

const row_t *rp_walk_row(struct rp_walker *w, uint32_t insn)
{
	uint64_t offset = w->code->insns[insn].offset;
	const row_t *row = w->row;

	if (row && row->section == rp_code_section(w->code, insn) &&
	    offset >= row->start && offset < row->end)
		return row;
	row = rp_frame_row_at(w->frames, rp_code_section(w->code, insn),
			      offset);
	if (row)
		w->row = row;
	return row;
}

/* An entry of the lazy PLT pushes 11 bytes behind its start. */
static int32_t plt_offset(const struct rp_walker *w, uint32_t insn,
			  const row_t *row)
{
	const struct rp_section *section =
		&w->code->obj->sections[row->section];
	uint64_t address = section->hdr.sh_addr + w->code->insns[insn].offset;

	return (int32_t)(address & 15) >= row->cfa_plus ? 16 : 8;
}

static bool cfa_of(const struct rp_walker *w, uint32_t insn, const row_t *row,
		   uint8_t *reg, int32_t *offset)
{
	if (row->cfa == RP_ROW_CFA_PLT) {
		*reg = RP_RSP;
		*offset = plt_offset(w, insn, row);
		return true;
	}
	*reg = row->cfa_reg;
	*offset = row->cfa_offset;
	return row->cfa == RP_ROW_CFA_REG && row->cfa_reg < RP_REG_NR &&
	       row->cfa_offset > -RP_STACK_MAX &&
	       row->cfa_offset < RP_STACK_MAX;
}

bool rp_walk_row_outermost(struct rp_walker *w, uint32_t insn)
{
	const row_t *row = rp_walk_row(w, insn);

	return row && row->ra.rule == RP_RULE_UNDEFINED;
}

bool rp_walk_row_stays(struct rp_walker *w, uint32_t insn, uint32_t next)
{
	const row_t *a = rp_walk_row(w, insn), *b = rp_walk_row(w, next);

	return a && b && a->cfa == RP_ROW_CFA_REG && b->cfa == a->cfa &&
	       a->cfa_reg == RP_RSP && b->cfa_reg == RP_RSP &&
	       a->cfa_offset == b->cfa_offset;
}

static void take_rules(state_t *state, const row_t *row)
{
	for (unsigned int i = 0; i < RP_REG_NR; i++) {
		const struct rp_frame_rule *rule = &row->reg[i];

		if (!rp_reg_is_kept(i) || rule->rule != RP_RULE_OFFSET ||
		    rule->offset <= -RP_STACK_MAX ||
		    rule->offset >= RP_STACK_MAX)
			continue;
		state->saved[i].how = RP_SAVED_CFA;
		state->saved[i].offset = rule->offset;
	}
}

bool rp_walk_row_state(struct rp_walker *w, uint32_t insn, state_t *ret)
{
	const row_t *row = rp_walk_row(w, insn);
	int32_t offset;
	uint8_t reg;

	if (!row || row->ra.rule == RP_RULE_UNDEFINED)
		return false;
	rp_stack_state_entry(ret);
	if (!cfa_of(w, insn, row, &reg, &offset)) {
		ret->base = RP_CFA_UNKNOWN;
		ret->reg = 0;
		ret->offset = 0;
		ret->height = INT32_MIN;
		take_rules(ret, row);
		return true;
	}
	ret->reg = reg;
	ret->offset = offset;
	ret->height = reg == RP_RSP ? offset : INT32_MIN;
	take_rules(ret, row);
	if (reg != RP_RSP) {
		ret->value[reg].how = RP_SAVED_CFA;
		ret->value[reg].offset = -offset;
	}
	return true;
}

static void count_from(state_t *state, uint8_t reg, int32_t offset)
{
	state->base = RP_CFA_REG;
	state->reg = reg;
	state->offset = offset;
}

/* Behind a loop that probes the stack until rsp is where another register is. */
static bool ends_probes(const struct rp_walker *w, uint32_t insn,
			const state_t *state, int32_t offset)
{
	const struct rp_code_insn *before = &w->code->insns[insn - 1];

	return state->base == RP_CFA_REG && state->reg != RP_RSP &&
	       state->reg != RP_RBP && state->offset == offset &&
	       before->flow == RP_FLOW_JCC &&
	       (before->flags & RP_CODE_VISITED);
}

/* The CFA is said to be rsp + @offset. */
static bool agrees_rsp(struct rp_walker *w, uint32_t insn, state_t *state,
		       int32_t offset)
{
	if (state->height != INT32_MIN && !state->drap &&
	    !ends_probes(w, insn, state, offset)) {
		if (state->height != offset)
			return false;
		if (state->base == RP_CFA_REG && state->reg != RP_RBP)
			count_from(state, RP_RSP, offset);
		return true;
	}
	// Only .eh_frame knows: behind loops that probe the stack, and the like.
	w->walk->unsaid++;
	if (!state->drap) {
		state->height = offset;
		count_from(state, RP_RSP, offset);
	}
	return true;
}

/* ... another register + @offset. */
static bool agrees_other(struct rp_walker *w, state_t *state, uint8_t reg,
			 int32_t offset)
{
	if (state->base == RP_CFA_REG && state->reg == reg)
		return state->offset == offset;
	if (state->value[reg].how == RP_SAVED_CFA) {
		if (state->value[reg].offset != -offset)
			return false;
		count_from(state, reg, offset);
		return true;
	}
	if (reg == RP_RBP && state->base == RP_CFA_REG && !state->drap)
		return false;
	w->walk->unsaid++;
	if (state->base == RP_CFA_UNKNOWN)
		count_from(state, reg, offset);
	if (reg != RP_RBP || (state->base == RP_CFA_REG && state->reg == reg)) {
		state->value[reg].how = RP_SAVED_CFA;
		state->value[reg].offset = -offset;
	}
	return true;
}

static bool agrees_cfa(struct rp_walker *w, uint32_t insn, const row_t *row,
		       state_t *state)
{
	int32_t offset;
	uint8_t reg;

	if (row->cfa == RP_ROW_CFA_AT_REG && state->base == RP_CFA_AT_REG)
		return row->cfa_reg == state->reg &&
		       row->cfa_offset == state->offset;
	if (!cfa_of(w, insn, row, &reg, &offset)) {
		w->walk->unsaid++;
		return true;
	}
	if (state->base == RP_CFA_UNKNOWN && reg == RP_RSP) {
		w->walk->unsaid++;
		state->height = offset;
		count_from(state, RP_RSP, offset);
		return true;
	}
	return reg == RP_RSP ? agrees_rsp(w, insn, state, offset) :
			       agrees_other(w, state, reg, offset);
}

/* A register that was restored is still in its slot, which says nothing wrong. */
static bool agrees_saved(const struct rp_frame_rule *rule,
			 struct rp_saved_reg saved)
{
	if (rule->rule == RP_RULE_OFFSET)
		return saved.how == RP_SAVED_RBP ||
		       saved.offset == rule->offset;
	if (rule->rule == RP_RULE_UNSPECIFIED || rule->rule == RP_RULE_SAME)
		return saved.how != RP_SAVED_LOST;
	return true;
}

/* It is saved, but .eh_frame does not say so, which is right as long as the
 * register has not been overwritten. */
static bool is_overwritten(struct rp_walker *w, uint32_t insn, uint8_t reg,
			   const row_t *row)
{
	uint32_t next = rp_walk_next(w, insn);
	struct rp_insn_flow flow;
	const row_t *behind;

	if (!next || row->reg[reg].rule == RP_RULE_OFFSET ||
	    rp_insn_flow(rp_code_bytes(w->code, insn),
			 w->code->insns[insn].length, &flow) ||
	    flow.reg != reg)
		return false;
	if (flow.op.kind == RP_OP_POP || flow.op.kind == RP_OP_LOAD)
		return false;
	behind = rp_frame_row_at(w->frames, row->section,
				 w->code->insns[next].offset);
	return behind && behind->fde == row->fde &&
	       (behind->reg[reg].rule == RP_RULE_UNSPECIFIED ||
		behind->reg[reg].rule == RP_RULE_SAME);
}

/* Return: the register that is said to be elsewhere, or RP_REG_NONE. */
static uint8_t other_register(struct rp_walker *w, uint32_t insn,
			      const row_t *row, const state_t *state)
{
	for (unsigned int i = 0; i < RP_REG_NR; i++) {
		if (!rp_reg_is_kept(i))
			continue;
		if (!agrees_saved(&row->reg[i], state->saved[i]))
			return i;
		if (state->saved[i].how == RP_SAVED_CFA &&
		    is_overwritten(w, insn, i, row))
			return i;
	}
	return RP_REG_NONE;
}

bool rp_walk_row_agrees(struct rp_walker *w, uint32_t insn, state_t *state)
{
	const row_t *row = rp_walk_row(w, insn);

	if (!row || row->ra.rule == RP_RULE_UNDEFINED)
		return true;
	if (!w->kernel && !rp_walk_named(w, insn))
		rp_walk_drop_untold(w, row, state);
	return agrees_cfa(w, insn, row, state) &&
	       other_register(w, insn, row, state) == RP_REG_NONE &&
	       (row->ra.rule != RP_RULE_OFFSET || row->ra.offset == -8);
}

static void rule_text(const row_t *row, uint8_t reg, char *ret, size_t size)
{
	const struct rp_frame_rule *rule = &row->reg[reg];

	if (rule->rule == RP_RULE_OFFSET)
		snprintf(ret, size, "at cfa%+d", rule->offset);
	else
		snprintf(ret, size, "unchanged");
}

static void report_late(struct rp_walker *w, uint32_t insn, const row_t *row)
{
	size_t index = row - w->frames->v;

	if (w->row_done[index / 8] >> index % 8 & 1)
		return;
	w->row_done[index / 8] |= 1u << index % 8;
	rp_walk_find(w, RP_DIAG_CHECK_CFI, RP_NOTE, insn,
		".eh_frame tells of what the instruction before does to the"
		" stack only some instructions later (compilers do so where"
		" nothing is called)");
}

/* A return that is shared by ways that have saved a register, and others: nothing
 * is called there, so no exception passes. */
static bool is_shared_return(const struct rp_walker *w, uint32_t insn,
			     const state_t *state, uint8_t reg)
{
	return w->code->insns[insn].flow == RP_FLOW_RET &&
	       state->saved[reg].how == RP_SAVED_SAME &&
	       !state->saved[reg].offset;
}

static void report(struct rp_walker *w, uint32_t insn, const row_t *row,
		   const state_t *state)
{
	size_t index = row - w->frames->v;
	state_t copy = *state;
	char text[200], rule[40];
	uint8_t reg;

	if (w->row_done[index / 8] >> index % 8 & 1)
		return;
	w->row_done[index / 8] |= 1u << index % 8;
	rp_stack_state_text(state, text, sizeof(text));
	reg = other_register(w, insn, row, state);
	if (!agrees_cfa(w, insn, row, &copy)) {
		rp_walk_find(w, RP_DIAG_CHECK_CFI, RP_ERROR, insn,
			".eh_frame has the cfa at %s%+d, but the code makes it:"
			" %s", rp_reg_name(row->cfa_reg), row->cfa_offset,
			text);
	} else if (reg != RP_REG_NONE) {
		rule_text(row, reg, rule, sizeof(rule));
		rp_walk_find(w, RP_DIAG_CHECK_CFI,
			is_shared_return(w, insn, state, reg) ? RP_NOTE :
								RP_ERROR, insn,
			".eh_frame has the caller's %s %s, but the code makes"
			" it: %s", rp_reg_name(reg), rule, text);
	} else {
		rp_walk_find(w, RP_DIAG_CHECK_CFI, RP_ERROR, insn,
			".eh_frame has the return address at cfa%+d, but it is"
			" at cfa-8", row->ra.offset);
	}
}

/* Need the next instructions in the same row be looked at? */
static bool is_settled(const row_t *row, const state_t *state)
{
	if (row->cfa == RP_ROW_CFA_PLT)
		return false;
	for (unsigned int i = 0; i < RP_REG_NR; i++) {
		if (state->saved[i].how == RP_SAVED_CFA && i != RP_RSP &&
		    row->reg[i].rule != RP_RULE_OFFSET)
			return false;
	}
	return true;
}

uint32_t rp_walk_row_check(struct rp_walker *w, uint32_t insn, uint32_t index)
{
	const row_t *row = rp_walk_row(w, insn);
	state_t state;

	if (!row || (row == w->fine_row && index == w->fine_state))
		return index;
	state = *rp_stack_state(w->states, index);
	if (!rp_walk_row_agrees(w, insn, &state)) {
		state = *rp_stack_state(w->states, index);
		if (rp_walk_drop_global(w, &state) &&
		    rp_walk_row_agrees(w, insn, &state))
			return rp_walk_add(w, &state);
		state = *rp_stack_state(w->states, index);
		// Compilers say nothing, or half of it, about what is in there.
		if (rp_walk_thunk_start(w, insn) || rp_walk_in_stub(w, insn) ||
		    rp_walk_leaps(w, insn))
			return index;
		if (rp_walk_row_is_late(w, insn, row, &state))
			report_late(w, insn, row);
		else
			report(w, insn, row, &state);
		return index;
	}
	if (memcmp(&state, rp_stack_state(w->states, index), sizeof(state)))
		return rp_walk_add(w, &state);
	if (is_settled(row, &state)) {
		w->fine_row = row;
		w->fine_state = index;
	}
	return index;
}

/* Unwinders look one byte before the return address: what signal handlers return
 * to may begin with that byte of the fill before it. */
static bool is_before_signal(struct rp_walker *w, uint32_t insn,
			     const row_t *row)
{
	const struct rp_code_insn *at = &w->code->insns[insn];
	const struct rp_frame_fde *fde =
		rp_frame_fde_at(w->frames, row->section, row->start);

	return fde && fde->signal && fde->start == row->start &&
	       at->flow == RP_FLOW_NOP &&
	       (uint64_t)at->offset + at->length == row->start + 1;
}

/* Rules change between instructions, not within one. */
static void check_start(struct rp_walker *w, const row_t *row)
{
	uint32_t insn = rp_code_around(w->code, row->section, row->start);

	if (insn && w->code->insns[insn].offset != row->start &&
	    !is_before_signal(w, insn, row))
		rp_walk_find(w, RP_DIAG_CHECK_CFI, RP_ERROR, insn,
			".eh_frame has other rules from %u bytes into this"
			" instruction on", (unsigned int)(row->start -
			w->code->insns[insn].offset));
}

/* Functions whose CFA is counted from other registers. */
void rp_walk_row_trace(struct rp_walker *w)
{
	for (size_t i = 0; i < w->frames->n; i++) {
		const row_t *row = &w->frames->v[i];

		check_start(w, row);
		if (row->cfa == RP_ROW_CFA_PLT ||
		    (row->cfa == RP_ROW_CFA_REG &&
		     (row->cfa_reg == RP_RSP || row->cfa_reg == RP_RBP)))
			continue;
		uint32_t insn = rp_code_around(w->code, row->section,
					       row->start);
		w->traced[w->code->insns[insn].function] = 1;
	}
}

/* The first instruction that a function is left without rules at, or 0. */
static uint32_t find_gap(struct rp_walker *w, const struct rp_function *f)
{
	for (uint32_t i = f->first; i < f->end; i++) {
		const struct rp_code_insn *at = &w->code->insns[i];

		if ((at->flags & RP_CODE_VISITED) && !rp_code_is_fill(at) &&
		    !rp_walk_row(w, i))
			return i;
	}
	return 0;
}

void rp_walk_row_gaps(struct rp_walker *w)
{
	for (uint32_t i = 1; i < w->code->nfunctions; i++) {
		const struct rp_function *f = &w->code->functions[i];
		uint32_t gap;

		if (f->first >= f->end || (f->flags & RP_FUNCTION_IGNORE) ||
		    !rp_walk_named(w, f->first) || !rp_walk_row(w, f->first))
			continue;
		gap = find_gap(w, f);
		// Some end it on purpose where a system call makes a child, with
		// another stack.
		if (gap)
			rp_walk_find(w, RP_DIAG_CHECK_CFI,
				w->code->insns[gap].flow == RP_FLOW_SWITCH ?
				RP_NOTE : RP_WARNING, gap,
				".eh_frame tells of the start of this function,"
				" but says nothing about what is here");
	}
}

void rp_walk_row_faults(struct rp_walker *w, const struct rp_frame_rows *frames)
{
	for (size_t i = 0; i < frames->nfaults; i++) {
		const struct rp_frame_fault *f = &frames->faults[i];

		rp_findings_add(w->findings, RP_DIAG_CHECK_CFI, RP_ERROR,
			f->section, f->start,
			"what .eh_frame says about this code cannot be followed:"
			" %s (.eh_frame+0x%" PRIx64 ")", f->what, f->place);
	}
}
