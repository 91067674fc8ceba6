/* SPDX-License-Identifier: MIT */
/* ORC tables, made from the stack at every instruction. */
#include "../grow.h"
#include "orc.h"

#include <string.h>

#define NO_STATE	UINT32_MAX

/*
 * struct maker - work in progress.
 * @last:  the entry in force
 * @state: the state that it was made from; NO_STATE: none
 * @row:   of .eh_frame, where the last instruction was
 * @any:   the section in work has entries
 */
struct maker {
	struct rp_orc *orc;
	const struct rp_stack_walk *walk;
	const struct rp_frame_rows *rows;
	const struct rp_frame_row *row;
	const struct rp_code *code;
	struct rp_orc_entry last;
	uint32_t state;
	bool any;
	struct rp_diag *diag;
};

int rp_orc_add(struct rp_orc *orc, const struct rp_orc_entry *entry,
	       struct rp_diag *diag)
{
	if (rp_grow(&orc->v, &orc->room, orc->n + 1, sizeof(*orc->v)))
		return rp_diag_nomem(diag);
	orc->v[orc->n++] = *entry;
	return 0;
}

bool rp_orc_same(const struct rp_orc_entry *a, const struct rp_orc_entry *b)
{
	return a->sp_offset == b->sp_offset && a->bp_offset == b->bp_offset &&
	       a->sp_reg == b->sp_reg && a->bp_reg == b->bp_reg &&
	       a->type == b->type && a->signal_or_end == b->signal_or_end;
}

void rp_orc_deinit(struct rp_orc *orc)
{
	free(orc->v);
	memset(orc, 0, sizeof(*orc));
}

/* RP_ORC_NONE if the format has no word for it. */
static uint8_t cfa_register(const struct rp_stack_state *state, bool kernel)
{
	static const uint8_t words[RP_REG_NR] = {
		[RP_RDX] = RP_ORC_DX, [RP_RDI] = RP_ORC_DI,
		[RP_RBP] = RP_ORC_BP, [RP_RSP] = RP_ORC_SP,
		[RP_R10] = RP_ORC_R10, [RP_R13] = RP_ORC_R13,
		[RP_RBX] = RP_ORC_BX, [RP_R12] = RP_ORC_R12,
		[RP_R14] = RP_ORC_R14, [RP_R15] = RP_ORC_R15,
		[RP_RAX] = RP_ORC_AX, [RP_RCX] = RP_ORC_CX,
		[RP_RSI] = RP_ORC_SI, [RP_R8] = RP_ORC_R8,
		[RP_R9] = RP_ORC_R9, [RP_R11] = RP_ORC_R11,
	};

	if (state->base == RP_CFA_AT_REG)
		return state->reg == RP_RBP ? RP_ORC_BP_INDIRECT : RP_ORC_NONE;
	if (state->base == RP_CFA_AT_REG_PLUS)
		return state->reg == RP_RSP ? RP_ORC_SP_INDIRECT : RP_ORC_NONE;
	uint8_t word = state->reg < RP_REG_NR ? words[state->reg] : RP_ORC_NONE;
	return kernel && word >= RP_ORC_BX ? RP_ORC_NONE : word;
}

static bool fits(int32_t offset)
{
	return offset >= INT16_MIN && offset <= INT16_MAX;
}

static void set_rbp(const struct rp_stack_state *state,
		    struct rp_orc_entry *entry)
{
	const struct rp_saved_reg *rbp = &state->saved[RP_RBP];

	if (rbp->how != RP_SAVED_CFA && rbp->how != RP_SAVED_RBP)
		return;
	entry->bp_reg = rbp->how == RP_SAVED_CFA ? RP_ORC_PREV_SP : RP_ORC_BP;
	entry->bp_offset = rbp->offset;
}

static bool is_undefined(const struct rp_stack_state *state,
			 const struct rp_abi *abi)
{
	if (state->base == RP_CFA_UNKNOWN || state->type == RP_FRAME_UNDEFINED)
		return true;
	// With an end bit, the end of the stack is no type of its own.
	return state->type == RP_FRAME_END && abi->orc_type_bits > 2;
}

/* Return: can the format say it? */
static bool set_entry(const struct rp_stack_state *state,
		      const struct rp_abi *abi, struct rp_orc_entry *entry)
{
	const bool end_bit = abi->orc_type_bits == 2;

	if (end_bit)
		entry->signal_or_end = state->end;
	if (is_undefined(state, abi)) {
		if (!end_bit && state->type == RP_FRAME_END)
			entry->type = RP_FRAME_END;
		return true;
	}
	entry->sp_reg = cfa_register(state, abi->kernel);
	if (entry->sp_reg == RP_ORC_NONE)
		return false;
	entry->type = state->type == RP_FRAME_END ? RP_FRAME_CALL : state->type;
	entry->sp_offset = state->offset;
	if (!end_bit)
		entry->signal_or_end = state->signal;
	set_rbp(state, entry);
	return !abi->kernel ||
	       (fits(entry->sp_offset) && fits(entry->bp_offset));
}

static int cannot_say(struct maker *m, uint32_t section, uint64_t offset,
		      const struct rp_stack_state *state)
{
	struct rp_orc *orc = m->orc;
	char place[160], text[128];

	if (!m->code->abi->kernel) {
		if (!orc->unsaid++) {
			orc->unsaid_section = section;
			orc->unsaid_offset = offset;
		}
		return 0;
	}
	rp_code_place(m->code, section, offset, place, sizeof(place));
	rp_stack_state_text(state, text, sizeof(text));
	return rp_diag_set(m->diag, RP_DIAG_ORC_RANGE, place,
		"the format of %s has no words for a stack like this: %s",
		m->code->abi->name, text);
}

static int put_entry(struct maker *m, const struct rp_orc_entry *entry)
{
	if (rp_orc_same(entry, &m->last))
		return 0;
	m->last = *entry;
	m->any = true;
	return rp_orc_add(m->orc, entry, m->diag);
}

static int put_state(struct maker *m, uint32_t section, uint64_t offset,
		     uint32_t index)
{
	struct rp_orc_entry entry = { .section = section, .offset = offset };
	int rc = 0;

	if (index == m->state)
		return 0;
	m->state = index;
	if (index) {
		const struct rp_stack_state *state =
			rp_stack_state(m->walk->states, index);

		if (!set_entry(state, m->code->abi, &entry)) {
			entry = (struct rp_orc_entry){ .section = section,
						       .offset = offset };
			rc = cannot_say(m, section, offset, state);
		}
	}
	return rc ? rc : put_entry(m, &entry);
}

static const struct rp_frame_row *row_at(struct maker *m, uint32_t section,
					 uint64_t offset)
{
	if (!m->rows)
		return NULL;
	if (!m->row || m->row->section != section || offset < m->row->start ||
	    offset >= m->row->end)
		m->row = rp_frame_row_at(m->rows, section, offset);
	return m->row;
}

static int put_insn(struct maker *m, uint32_t section,
		    const struct rp_code_insn *insn)
{
	struct rp_orc_entry entry = { .section = section,
				      .offset = insn->offset };
	const struct rp_frame_row *row = row_at(m, section, insn->offset);

	if (!row || !rp_orc_row_alone(m->rows, row, &entry))
		return put_state(m, section, insn->offset, insn->state);
	m->state = NO_STATE;
	return put_entry(m, &entry);
}

/* The states of all variants of an alternative, at the offsets of its site. */
static int put_site(struct maker *m, uint32_t group)
{
	const struct rp_group *site = &m->code->groups[group];
	const struct rp_stack_walk *walk = m->walk;
	const struct rp_code_insn *first = &m->code->insns[site->first];
	const struct rp_code_insn *last = &m->code->insns[site->end - 1];
	uint32_t section = rp_code_section(m->code, site->first);
	uint32_t length = last->offset + last->length - first->offset;
	int rc = 0;

	if (length > site->length)
		length = site->length;
	for (uint32_t i = 0; i < length && !rc; i++) {
		uint32_t state = walk->group_states[walk->group_first[group] +
						    i];

		if (state)
			rc = put_state(m, section, first->offset + i, state);
	}
	return rc;
}

/* The site that the instruction belongs to, if it is its first; else 0. */
static uint32_t site_that_begins(const struct rp_code *code, uint32_t insn)
{
	if (!(code->insns[insn].flags & RP_CODE_GROUP))
		return 0;
	uint32_t group = rp_code_group_at(code, insn);
	if (!group)
		return 0;
	const struct rp_group *g = &code->groups[group];
	return !g->site && g->first == insn && g->end > g->first ? group : 0;
}

static int put_section(struct maker *m, uint32_t section)
{
	const struct rp_code *code = m->code;
	uint32_t end = code->section_first[section + 1];
	int rc = 0;

	for (uint32_t i = code->section_first[section]; i < end && !rc;) {
		const struct rp_code_insn *insn = &code->insns[i];
		uint32_t site = site_that_begins(code, i);

		if (site) {
			rc = put_site(m, site);
			i = code->groups[site].end;
		} else {
			rc = put_insn(m, section, insn);
			i++;
		}
	}
	return rc;
}

/* Code that is a template of code elsewhere, or is thrown away. */
static bool is_left_out(const struct rp_section *section,
			const struct rp_abi *abi)
{
	if (!strcmp(section->name, abi->replacements))
		return true;
	return abi->kernel && (!strcmp(section->name, ".altinstr_aux") ||
			       !strncmp(section->name, ".discard.", 9));
}

int rp_orc_from_walk(struct rp_orc *orc, const struct rp_stack_walk *walk,
		     const struct rp_frame_rows *rows, struct rp_diag *diag)
{
	struct maker m = { .orc = orc, .walk = walk, .code = walk->code,
			   .rows = rows, .diag = diag };
	const struct rp_relobj *obj = walk->code->obj;
	int rc = 0;

	memset(orc, 0, sizeof(*orc));
	for (uint32_t i = 1; i < obj->nsections && !rc; i++) {
		if (is_left_out(&obj->sections[i], walk->code->abi))
			continue;
		m.last = (struct rp_orc_entry){ .section = i };
		m.state = 0;
		m.any = false;
		rc = put_section(&m, i);
		if (rc || !m.any)
			continue;
		m.last = (struct rp_orc_entry){
			.section = i, .offset = obj->sections[i].hdr.sh_size };
		rc = rp_orc_add(orc, &m.last, diag);
	}
	return rc;
}
