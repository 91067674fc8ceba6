/* SPDX-License-Identifier: MIT */
/* The stack walk: where it begins, and what it needs. */
#include "internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int make_groups(struct rp_walker *w)
{
	const struct rp_code *code = w->code;
	size_t n = 0;

	w->walk->group_first = calloc(code->ngroups + 1, sizeof(uint32_t));
	if (!w->walk->group_first)
		return -ENOMEM;
	for (size_t i = 1; i < code->ngroups; i++) {
		w->walk->group_first[i] = n;
		if (!code->groups[i].site)
			n += code->groups[i].length;
	}
	w->walk->group_states = calloc(n + 1, sizeof(uint32_t));
	return w->walk->group_states ? 0 : -ENOMEM;
}

static int find_last(struct rp_walker *w)
{
	const struct rp_code *code = w->code;

	if (code->abi->kind != RP_ABI_LINUX_6_1)
		return 0;
	w->last = calloc(code->ngroups + 1, sizeof(*w->last));
	if (!w->last)
		return -ENOMEM;
	for (size_t i = 0; i < code->nalts; i++) {
		if (code->alts[i].kind == RP_ALT_CODE)
			w->last[code->alts[i].group] =
				code->alts[i].replacement;
	}
	return 0;
}

static int make_room(struct rp_walker *w)
{
	size_t functions = w->code->nfunctions + 1;

	w->states = w->walk->states = rp_stack_states_create();
	w->memory = calloc(RP_STEP_MEMORY, sizeof(*w->memory));
	w->traced = calloc(functions, 1);
	w->troubled = calloc(functions, 1);
	if (!w->states || !w->memory || !w->traced || !w->troubled)
		return -ENOMEM;
	if (w->frames) {
		w->row_done = calloc(w->frames->n / 8 + 1, 1);
		if (!w->row_done)
			return -ENOMEM;
	}
	return make_groups(w) ? -ENOMEM : find_last(w);
}

static void drop_room(struct rp_walker *w)
{
	free(w->memory);
	free(w->traced);
	free(w->troubled);
	free(w->row_done);
	free(w->last);
	free(w->falls);
	free(w->hints);
	free(w->spare);
	free(w->ways.v);
	free(w->calls.v);
}

/* Does rsp get its value from a register that was derived from it before? */
static bool leads_back(const struct rp_stack_op *op)
{
	switch (op->kind) {
	case RP_OP_MOVE:
		return op->dest == RP_RSP && op->src != RP_RBP;
	case RP_OP_ADD:
		return op->dest == RP_RSP && op->src != RP_RSP &&
		       op->src != RP_RBP;
	case RP_OP_AND:
	case RP_OP_EXCHANGE:
		return op->dest == RP_RSP || op->src == RP_RSP;
	default:
		return false;
	}
}

static void mark_traced(struct rp_walker *w, uint32_t insn)
{
	const struct rp_code *code = w->code;
	uint32_t group;

	if (code->insns[insn].flags & RP_CODE_GROUP) {
		group = rp_code_group_at(code, insn);
		if (group && code->groups[group].site)
			insn = code->groups[code->groups[group].site].first;
	}
	w->traced[code->insns[insn].function] = 1;
	w->traced[rp_function_whole(code, code->insns[insn].function)] = 1;
}

/* In few functions do other registers matter: there alone they are noted. */
static void find_traced(struct rp_walker *w)
{
	const struct rp_code *code = w->code;

	for (uint32_t i = 1; i < code->ninsns; i++) {
		if (code->insns[i].op && leads_back(&code->ops[code->insns[i].op]))
			mark_traced(w, i);
		else if (!w->kernel && rp_walk_probe_end(w, i) != RP_REG_NONE)
			mark_traced(w, i);
	}
	if (w->frames)
		rp_walk_row_trace(w);
	if (!w->kernel)
		rp_walk_trace_copies(w);
}

/* What was found about the code before: ways are missing there. */
static void find_troubled(struct rp_walker *w)
{
	const struct rp_code *code = w->code;

	for (size_t i = 0; i < w->findings->n; i++) {
		const struct rp_finding *f = &w->findings->v[i];
		uint32_t insn;

		if (f->id != RP_DIAG_CHECK_INDIRECT &&
		    f->id != RP_DIAG_CHECK_TARGET &&
		    f->id != RP_DIAG_CHECK_DECODE)
			continue;
		insn = rp_code_around(code, f->section, f->offset);
		w->troubled[code->insns[insn].function] = 1;
		w->troubled[rp_function_whole(code,
					      code->insns[insn].function)] = 1;
	}
}

static bool is_named(const struct rp_function *f)
{
	return !(f->flags & (RP_FUNCTION_UNNAMED | RP_FUNCTION_UNTYPED));
}

/* Functions that are called: not the parts split off, which are jumped to. */
static bool is_entry(const struct rp_walker *w, const struct rp_function *f)
{
	if (f->first >= f->end || f->parent || (w->kernel && !is_named(f)))
		return false;
	if (!w->kernel && rp_walk_is_spare(w, f->section))
		return false;
	// Parts that were split off may begin with fill.
	if (!is_named(f) && w->code->insns[f->first].flow == RP_FLOW_NOP)
		return false;
	return !(w->code->insns[f->first].flags &
		 (RP_CODE_VISITED | RP_CODE_IGNORE));
}

static bool is_signal_frame(struct rp_walker *w, uint32_t insn)
{
	const struct rp_frame_fde *fde =
		rp_frame_fde_at(w->frames, rp_code_section(w->code, insn),
				w->code->insns[insn].offset);

	return fde && fde->signal;
}

/* Code that is not called as the ABI says begins as .eh_frame says. */
static uint32_t entry_state(struct rp_walker *w, uint32_t insn, bool called)
{
	struct rp_stack_state state;

	rp_stack_state_entry(&state);
	if (w->frames && (!called || is_signal_frame(w, insn)))
		rp_walk_row_state(w, insn, &state);
	return rp_walk_add(w, &state);
}

static void begin_at(struct rp_walker *w, uint32_t insn, uint32_t function,
		     bool called)
{
	w->function = function;
	w->rules.named = function != 0;
	rp_walk_from(w, insn, entry_state(w, insn, called));
	w->function = 0;
}

static void report_no_cfi(struct rp_walker *w, const struct rp_function *f)
{
	if (w->frames && is_named(f) && !rp_walk_row(w, f->first))
		rp_walk_find(w, RP_DIAG_CHECK_NO_CFI, RP_NOTE, f->first,
			".eh_frame says nothing about this function");
}

static void follow_functions(struct rp_walker *w)
{
	for (uint32_t i = 1; i < w->code->nfunctions && !w->nomem; i++) {
		const struct rp_function *f = &w->code->functions[i];

		if (f->flags & RP_FUNCTION_IGNORE)
			w->walk->skipped++;
		if (!is_entry(w, f))
			continue;
		w->walk->functions++;
		report_no_cfi(w, f);
		begin_at(w, f->first, is_named(f) ? i : 0, is_named(f));
	}
}

static void follow_hints(struct rp_walker *w)
{
	for (size_t i = 0; i < w->nhints && !w->nomem; i++) {
		uint32_t insn = w->hints[i].insn;

		if (w->code->insns[insn].flags &
		    (RP_CODE_VISITED | RP_CODE_IGNORE) ||
		    !rp_walk_hint_at(w, insn))
			continue;
		w->function = rp_walk_named(w, insn);
		// Its own state takes the place of any other.
		rp_walk_from(w, insn, w->hints[i].state ? w->hints[i].state : 1);
		w->function = 0;
	}
}

/* What the compiler did not know to be never reached: it is behind a call of
 * what never returns. */
static bool follows_call(const struct rp_walker *w, uint32_t insn)
{
	const struct rp_code_insn *before = &w->code->insns[insn - 1];

	return (before->flags & RP_CODE_VISITED) &&
	       (before->flags & RP_CODE_DEAD_END) &&
	       before->flow == RP_FLOW_CALL &&
	       before->offset + before->length == w->code->insns[insn].offset;
}

/* Outside of a kernel: parts that nothing jumps to, and code without names (PLTs,
 * assembly), of which the entries are not known. */
static void follow_rest(struct rp_walker *w)
{
	struct rp_stack_state state;

	for (uint32_t i = 1; i < w->code->ninsns && !w->nomem; i++) {
		const struct rp_code_insn *at = &w->code->insns[i];
		const struct rp_function *f = &w->code->functions[at->function];

		if (at->flags & (RP_CODE_VISITED | RP_CODE_IGNORE) ||
		    rp_code_is_fill(at) || !at->function || rp_walk_is_spare(w, f->section))
			continue;
		w->dead = is_named(f) && follows_call(w, i);
		if ((!is_named(f) || w->dead) && w->frames &&
		    rp_walk_row_state(w, i, &state))
			begin_at(w, i, is_named(f) ? at->function : 0, false);
		else if (f->parent && f->first == i)
			begin_at(w, i, at->function, false);
		w->dead = false;
	}
}

static void follow_all(struct rp_walker *w)
{
	size_t before = w->findings->n;

	follow_functions(w);
	if (w->kernel)
		follow_hints(w);
	else
		follow_rest(w);
	// A kernel's tool looks for these only if nothing else is wrong.
	if (!w->kernel || w->findings->n == before)
		rp_walk_unreached(w);
}

static bool wants_stack(const struct rp_findings *findings)
{
	return !(findings->left_out & 1u << RP_CHECK_STACK);
}

int rp_stack_walk_init(struct rp_stack_walk *walk, struct rp_code *code,
		       const struct rp_frame_rows *frames,
		       struct rp_findings *findings, struct rp_diag *diag)
{
	struct rp_walker w = {
		.walk = walk,
		.code = code,
		.frames = frames && frames->n ? frames : NULL,
		.findings = findings,
		.kernel = code->abi->kernel,
		.rules.abi = code->abi,
	};
	int rc;

	memset(walk, 0, sizeof(*walk));
	walk->code = code;
	rc = make_room(&w);
	if (!rc && frames)
		rp_walk_row_faults(&w, frames);
	if (!rc) {
		find_traced(&w);
		find_troubled(&w);
		rc = rp_walk_read_hints(&w);
	}
	if (!rc && !w.kernel)
		rc = rp_walk_read_falls(&w, diag);
	if (!rc)
		follow_all(&w);
	if (!rc && !w.kernel && !w.nomem && wants_stack(findings))
		rp_walk_kept(&w);
	if (!rc && !w.kernel && w.frames)
		rp_walk_row_gaps(&w);
	drop_room(&w);
	if (rc && rc != -ENOMEM)
		return rc;
	return rc || w.nomem ? rp_diag_nomem(diag) : 0;
}

void rp_stack_walk_deinit(struct rp_stack_walk *walk)
{
	rp_stack_states_destroy(walk->states);
	free(walk->group_first);
	free(walk->group_states);
	memset(walk, 0, sizeof(*walk));
}
