/* SPDX-License-Identifier: MIT */
/* Where exceptions continue: calls and their landing pads. */
#include "internal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static bool may_throw(const struct rp_code_insn *insn)
{
	return (insn->flow == RP_FLOW_CALL &&
		!(insn->flags & RP_CODE_PUSHES)) ||
	       insn->flow == RP_FLOW_CALL_INDIRECT;
}

// A pad in a part that nothing jumps to shows whose part it is.
static void adopt(struct rp_code_build *b, uint32_t from, uint32_t to)
{
	struct rp_code *code = b->code;
	struct rp_function *part = &code->functions[to];

	if (!from || !to || from == to || part->parent ||
	    !(part->flags & RP_FUNCTION_COLD) ||
	    (code->functions[from].flags & RP_FUNCTION_COLD))
		return;
	part->parent = from;
	b->child[from] = to;
}

/*
 * Of what is no call (-fnon-call-exceptions): accesses to memory, divisions, and
 * arithmetic of floating point. Not push, pop and such: their frame is another one.
 */
static bool may_trap(const struct rp_code *code, uint32_t i)
{
	const struct rp_code_insn *insn = &code->insns[i];
	const uint8_t *bytes = rp_code_bytes(code, i);
	struct rp_insn_flow flow;
	size_t at = 0;

	if (insn->flow == RP_FLOW_UD)
		return true;
	if (insn->flow != RP_FLOW_NEXT || code->ops[insn->op].kind == RP_OP_PUSH ||
	    code->ops[insn->op].kind == RP_OP_POP ||
	    rp_insn_flow(bytes, insn->length, &flow))
		return false;
	if (flow.memory)
		return true;
	while (at + 1u < insn->length &&
	       (bytes[at] == 0x66 || bytes[at] == 0xf2 || bytes[at] == 0xf3 ||
		(bytes[at] & 0xf0) == 0x40))
		at++;
	return bytes[at] == 0xf6 || bytes[at] == 0xf7 ||	// div, idiv
	       bytes[at] == 0x0f || bytes[at] == 0xc5 ||	// SSE, AVX
	       (bytes[at] & 0xf8) == 0xd8;			// x87
}

static bool has_call(const struct rp_code *code, uint32_t first, uint32_t end)
{
	for (uint32_t i = first; i < end; i++) {
		if (may_throw(&code->insns[i]))
			return true;
	}
	return false;
}

static int connect_pad(struct rp_code_build *b, const struct rp_landing *l,
		       uint32_t first, uint32_t pad)
{
	struct rp_code *code = b->code;
	uint32_t end = rp_code_lower(code, l->section, l->end);
	bool calls = has_call(code, first, end);
	int rc = 0;

	// What is between calls is in the range because nobody looks there.
	for (uint32_t i = first; i < end && !rc; i++) {
		if (calls ? !may_throw(&code->insns[i]) : !may_trap(code, i))
			continue;
		code->insns[i].flags |= RP_CODE_THROWS;
		code->insns[pad].flags |= RP_CODE_LANDING;
		adopt(b, code->insns[i].function, code->insns[pad].function);
		rc = rp_code_add_edge(b, i, pad, RP_EDGE_LANDING);
	}
	return rc;
}

static int connect_all(struct rp_code_build *b, const struct rp_landing *v,
		       size_t n)
{
	const struct rp_code *code = b->code;
	uint32_t section = 0, done = 0;
	int rc = 0;

	for (size_t i = 0; i < n && !rc; i++) {
		uint32_t first, pad;

		if (!rp_code_has(code, v[i].section))
			continue;
		if (v[i].section != section)
			done = code->section_first[v[i].section];
		section = v[i].section;
		// Ranges that overlap would take time without end.
		first = rp_code_lower(code, section, v[i].start);
		if (first < done)
			first = done;
		pad = rp_code_at(code, v[i].pad_section, v[i].pad);
		if (!pad) {
			rp_code_say(b, CHECK_TARGET, section, v[i].start,
				    "exceptions continue where no instruction "
				    "begins");
			continue;
		}
		rc = connect_pad(b, &v[i], first, pad);
		done = rp_code_lower(code, section, v[i].end);
	}
	return rc;
}

// The pads that are not known are not reached: that says nothing.
static void say_faults(struct rp_code_build *b, const struct rp_landings *l)
{
	for (size_t i = 0; i < l->nfaults; i++) {
		const struct rp_frame_fault *f = &l->faults[i];

		rp_code_say(b, CHECK_TARGET, f->section, f->start,
			    "where exceptions continue is not all known: %s "
			    "(%s+0x%" PRIx64 ")", f->what,
			    b->obj->sections[f->eh_frame].name, f->place);
	}
}

int rp_code_connect_landings(struct rp_code_build *b)
{
	struct rp_landings landings;

	if (!b->rows)
		return 0;
	int rc = rp_landings_init(&landings, b->rows, b->obj, b->diag);
	if (!rc)
		rc = connect_all(b, landings.v, landings.n);
	if (!rc)
		say_faults(b, &landings);
	rp_landings_deinit(&landings);
	return rc;
}
