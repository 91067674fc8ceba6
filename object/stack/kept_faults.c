/* SPDX-License-Identifier: MIT */
/* Instructions that overwrite what the caller needs at its only place. */
#include "../grow.h"
#include "../insn/kept.h"
#include "kept.h"

#include <string.h>

/* The first instruction of the site that a replacement is for. */
static uint32_t site_of(const struct rp_code *code, uint32_t insn)
{
	uint32_t group = rp_code_group_at(code, insn);
	uint32_t site = group ? code->groups[group].site : 0;

	return site ? code->groups[site].first : 0;
}

/* The function with a symbol that an instruction is run in, or 0. */
uint32_t rp_kept_home(const struct rp_walker *w, uint32_t insn)
{
	uint32_t site = w->code->insns[insn].flags & RP_CODE_GROUP ?
			site_of(w->code, insn) : 0;

	return rp_walk_named(w, site ? site : insn);
}

static bool begins(const char *name, const char *prefix)
{
	return !strncmp(name, prefix, strlen(prefix));
}

/* Other conventions: what gcc's prologues call to save and restore registers, and
 * OCaml's code (its names are those of modules). */
static bool is_special(const char *name)
{
	return begins(name, "__savms64") || begins(name, "__resms64") ||
	       begins(name, "__x86_indirect_thunk") ||
	       begins(name, "__x86_return_thunk") ||
	       begins(name, "__llvm_retpoline") ||
	       (begins(name, "caml") && name[4] >= 'A' && name[4] <= 'Z');
}

/* A function that is called as the ABI says, and of which nothing is missing. */
static bool is_fine(struct rp_walker *w, uint32_t function)
{
	const struct rp_function *f = &w->code->functions[function];

	if (!function || w->troubled[function] || f->first >= f->end ||
	    (f->flags & (RP_FUNCTION_NORETURN | RP_FUNCTION_IGNORE)) ||
	    is_special(rp_function_name(w->code, function)))
		return false;
	// Assembly that tells unwinders nothing says nothing of its rules.
	return !w->frames || rp_walk_row(w, f->first);
}

static bool is_in_fine(struct rp_kept *k, uint32_t insn)
{
	const struct rp_code_insn *at = &k->w->code->insns[insn];

	if (at->function != k->function || (at->flags & RP_CODE_GROUP)) {
		k->function = at->flags & RP_CODE_GROUP ? 0 : at->function;
		k->home = rp_kept_home(k->w, insn);
		k->fine = is_fine(k->w, k->home);
	}
	return k->fine;
}

/* Jumps and fill do nothing to registers. */
static bool is_looked_at(struct rp_kept *k, uint32_t insn)
{
	const struct rp_code_insn *at = &k->w->code->insns[insn];

	return (at->flow == RP_FLOW_NEXT || at->flow == RP_FLOW_CALL ||
		at->flow == RP_FLOW_CALL_INDIRECT) &&
	       at->state && (at->flags & RP_CODE_VISITED) &&
	       is_in_fine(k, insn);
}

static bool is_saved(const struct rp_stack_state *s, unsigned int reg)
{
	return s->saved[reg].how == (s->drap ? RP_SAVED_RBP : RP_SAVED_CFA);
}

static void see_slot(struct rp_kept_seen *seen, const struct rp_stack_state *s,
		     unsigned int reg)
{
	int32_t offset = s->saved[reg].offset;

	seen->slots |= RP_KEPT_BIT(reg);
	if (reg != RP_RSP && !s->drap && s->height != INT32_MIN &&
	    offset < -s->height)
		seen->below |= RP_KEPT_BIT(reg);
}

const struct rp_stack_state *rp_kept_see(struct rp_kept *k, uint32_t index)
{
	const struct rp_stack_state *s = rp_walk_state(k->w, index);
	struct rp_kept_seen *seen = &k->seen;

	if (seen->state == index)
		return s;
	*seen = (struct rp_kept_seen){ .state = index };
	if (s->base == RP_CFA_UNKNOWN || s->type != RP_FRAME_CALL)
		return s;
	for (unsigned int i = 0; i < RP_REG_NR; i++) {
		if (!rp_reg_is_kept(i) && i != RP_RSP)
			continue;
		if (s->saved[i].how == RP_SAVED_SAME)
			seen->same |= RP_KEPT_BIT(i);
		else if (is_saved(s, i))
			see_slot(seen, s, i);
	}
	return s;
}

/* Does .eh_frame have the caller's value elsewhere? Not where it was before it
 * came back from there: that is said until the function's end. */
static bool row_has(const struct rp_frame_row *row,
		    const struct rp_stack_state *s, unsigned int reg)
{
	if (!row || row->reg[reg].rule == RP_RULE_UNSPECIFIED ||
	    row->reg[reg].rule == RP_RULE_SAME)
		return false;
	return row->reg[reg].rule != RP_RULE_OFFSET ||
	       row->reg[reg].offset != s->saved[reg].offset;
}

static uint16_t said_elsewhere(struct rp_kept *k, uint32_t insn, uint16_t mask,
			       const struct rp_stack_state *s)
{
	uint32_t next = rp_walk_next(k->w, insn);
	uint16_t ret = 0;

	for (unsigned int i = 0; i < RP_REG_NR && k->w->frames; i++) {
		if ((mask >> i & 1) &&
		    (row_has(rp_walk_row(k->w, insn), s, i) ||
		     (next && row_has(rp_walk_row(k->w, next), s, i))))
			ret |= RP_KEPT_BIT(i);
	}
	return ret;
}

static void add_fault(struct rp_kept *k, struct rp_kept_fault fault)
{
	if (!fault.writes && !fault.slots)
		return;
	if (rp_grow(&k->faults, &k->room, k->nfaults + 1,
		    sizeof(*k->faults))) {
		k->w->nomem = true;
		return;
	}
	k->faults[k->nfaults++] = fault;
}

/* Where it stores, from what states count slots from. */
static bool place_of(const struct rp_stack_state *s, uint8_t base, int64_t disp,
		     int64_t *ret)
{
	if (s->drap) {
		*ret = disp;
		return base == RP_RBP;
	}
	if (base == RP_RSP) {
		*ret = disp - s->height;
		return s->height != INT32_MIN;
	}
	if (s->base == RP_CFA_REG && s->reg == RP_RBP)
		*ret = disp - s->offset;
	else if (s->value[RP_RBP].how == RP_SAVED_CFA)
		*ret = disp + s->value[RP_RBP].offset;
	else
		return false;
	return true;
}

static uint16_t hits(const struct rp_stack_state *s, uint16_t slots, int64_t at,
		     uint32_t bytes)
{
	uint16_t ret = 0;

	for (unsigned int i = 0; i < RP_REG_NR; i++) {
		int64_t slot = s->saved[i].offset;

		if ((slots >> i & 1) && at < slot + 8 && slot < at + bytes)
			ret |= RP_KEPT_BIT(i);
	}
	return ret;
}

/* A register that is stored where it is saved already. */
static uint16_t saved_again(const struct rp_kept *k, uint32_t insn)
{
	const struct rp_code_insn *at = &k->w->code->insns[insn];
	const struct rp_stack_op *op = &k->w->code->ops[at->op];

	return at->op && op->kind == RP_OP_STORE && op->src < RP_REG_NR ?
	       RP_KEPT_BIT(op->src) : 0;
}

static uint16_t slots_hit(struct rp_kept *k, uint32_t insn,
			  const struct rp_stack_state *s,
			  const struct rp_insn_glance *glance)
{
	struct rp_insn_values values;
	int64_t at;

	if (glance->width) {
		if (!place_of(s, glance->base, glance->disp, &at) ||
		    !hits(s, k->seen.slots, at, glance->width))
			return 0;
	}
	if (rp_insn_values(rp_code_bytes(k->w->code, insn),
			   k->w->code->insns[insn].length, &values) ||
	    !values.stored || !place_of(s, glance->base, values.disp, &at))
		return 0;
	return hits(s, k->seen.slots, at, values.stored) &
	       ~saved_again(k, insn);
}

/* Behind pushes and calls nothing is left below the stack pointer. */
static uint16_t slots_below(const struct rp_kept *k, uint32_t insn)
{
	const struct rp_code_insn *at = &k->w->code->insns[insn];

	if (at->flow == RP_FLOW_CALL || at->flow == RP_FLOW_CALL_INDIRECT)
		return k->seen.below;
	return 0;
}

static bool may_take_return(const struct rp_walker *w, uint32_t insn)
{
	const struct rp_code_insn *at = &w->code->insns[insn];
	struct rp_insn_flow flow;

	if (!at->state || rp_insn_flow(rp_code_bytes(w->code, insn), at->length,
				       &flow))
		return false;
	return flow.base == RP_RSP || flow.base == RP_RBP ||
	       (flow.op.kind == RP_OP_POP &&
		rp_walk_state(w, at->state)->height <= 8);
}

/* Who takes the return address may push it again; who reads anything from the
 * stack may have done so. */
static bool takes_return(struct rp_kept *k)
{
	const struct rp_function *at = &k->w->code->functions[k->home];
	struct rp_kept_function *f = &k->functions[k->home];

	for (uint32_t i = at->first; i < at->end && !f->asked && !f->takes; i++)
		f->takes = may_take_return(k->w, i);
	f->asked = true;
	return f->takes;
}

static uint16_t push_hits(struct rp_kept *k, uint32_t insn,
			  const struct rp_stack_state *s)
{
	const struct rp_code_insn *at = &k->w->code->insns[insn];
	uint16_t ret;

	if (!at->op || k->w->code->ops[at->op].kind != RP_OP_PUSH ||
	    s->height == INT32_MIN)
		return 0;
	ret = hits(s, k->seen.below | (k->seen.slots & RP_KEPT_BIT(RP_RSP)),
		   -(int64_t)s->height - 8, 8);
	if ((ret >> RP_RSP & 1) && takes_return(k))
		ret &= ~RP_KEPT_BIT(RP_RSP);
	return ret;
}

/* A pop without a known height may well be the one that restores. */
static bool is_blind_pop(const struct rp_kept *k, uint32_t insn,
			 const struct rp_stack_state *s)
{
	const struct rp_code_insn *at = &k->w->code->insns[insn];

	return at->op && k->w->code->ops[at->op].kind == RP_OP_POP &&
	       s->height == INT32_MIN;
}

static void look_at_writes(struct rp_kept *k, uint32_t insn,
			   const struct rp_stack_state *s, uint16_t mask,
			   struct rp_kept_fault *fault)
{
	const struct rp_code *code = k->w->code;
	struct rp_insn_values values;

	if (is_blind_pop(k, insn, s) ||
	    rp_insn_values(rp_code_bytes(code, insn), code->insns[insn].length,
			   &values))
		return;
	mask &= values.writes;
	if (mask)
		mask &= ~said_elsewhere(k, insn, mask, s);
	fault->writes = mask;
	fault->loads = mask & values.loads;
}

/* rsp gets a value that is not understood: another stack, with others' registers. */
static bool switches_stack(struct rp_kept *k, uint32_t insn,
			   const struct rp_stack_state *s)
{
	const struct rp_code_insn *at = &k->w->code->insns[insn];
	struct rp_stack_rules rules = k->w->rules;
	struct rp_stack_state copy = *s;

	if (k->w->code->ops[at->op].dest != RP_RSP &&
	    k->w->code->ops[at->op].kind != RP_OP_EXCHANGE)
		return false;
	rules.named = rules.values = true;
	return rp_stack_step(&rules, &copy, &k->w->code->ops[at->op]) !=
	       RP_STACK_FINE;
}

static void look_at(struct rp_kept *k, uint32_t insn, const uint8_t *bytes)
{
	const struct rp_code_insn *at = &k->w->code->insns[insn];
	const struct rp_stack_state *s = rp_kept_see(k, at->state);
	struct rp_kept_fault fault = { .insn = insn };
	struct rp_insn_glance glance;

	if (at->op && switches_stack(k, insn, s))
		k->functions[k->home].strange = true;
	rp_insn_glance(bytes, at->length, &glance);
	glance.writes &= k->seen.same & ~RP_KEPT_BIT(RP_RBP);
	if (glance.writes)
		look_at_writes(k, insn, s, glance.writes, &fault);
	if (glance.base != RP_REG_NONE && k->seen.slots)
		fault.slots = slots_hit(k, insn, s, &glance);
	fault.slots |= slots_below(k, insn) | push_hits(k, insn, s);
	add_fault(k, fault);
}

static void look_at_section(struct rp_kept *k, uint32_t section)
{
	const struct rp_code *code = k->w->code;
	const uint8_t *data = rp_section_data(code->obj, section);
	uint32_t i = code->section_first[section];

	for (; i < code->section_first[section + 1] && !k->w->nomem; i++) {
		if (is_looked_at(k, i))
			look_at(k, i, data + code->insns[i].offset);
	}
}

void rp_kept_find_faults(struct rp_kept *k)
{
	for (uint32_t i = 1; i < k->w->code->obj->nsections; i++)
		look_at_section(k, i);
}
