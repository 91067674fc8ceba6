/* SPDX-License-Identifier: MIT */
/*
 * Registers that callees keep, but for rbp, which the walk looks after: does a
 * function return although it has overwritten one, or the place where it is saved,
 * or its own return address?
 *
 * The walk has said where the caller's value of each register is. What is left is
 * to look for instructions that overwrite it there. Hardly any code has such, so
 * they are looked for first, and only from there is the code followed once more,
 * to see whether it returns:
 *
 *   1. faults: instructions that overwrite a value at its only known place
 *   2. clean:  where the register still has the caller's value, on some way
 *   3. copied: behind places that copy it from there in ways that the walk takes no
 *              notice of (to another register, to memory elsewhere)
 *   4. held:   for each register, where such copies of it may be
 *   5. lost:   behind faults, until it comes back from a copy
 *
 * Each is a set of registers for each instruction, to which ways only add, so all
 * is done after as many visits as there are registers.
 */
#include "../insn/kept.h"
#include "kept.h"

#include <stdlib.h>

static void report(struct rp_kept *k, uint32_t end, unsigned int reg)
{
	const struct rp_code *code = k->w->code;
	const struct rp_kept_fault *fault = k->fault;
	char place[200];

	rp_code_place(code, rp_code_section(code, end), code->insns[end].offset,
		      place, sizeof(place));
	if (reg == RP_RSP)
		rp_walk_find(k->w, RP_DIAG_CHECK_SLOT, RP_ERROR, fault->insn,
			"overwrites the return address that %s returns to",
			place);
	else if (fault->slots >> reg & 1)
		rp_walk_find(k->w, RP_DIAG_CHECK_SLOT, RP_ERROR, fault->insn,
			"overwrites the caller's %s on the stack; %s returns"
			" with another value in it", rp_reg_name(reg), place);
	else
		rp_walk_find(k->w, RP_DIAG_CHECK_KEPT, RP_ERROR, fault->insn,
			"overwrites %s, and has not saved the caller's value; %s"
			" returns with another one in it", rp_reg_name(reg), place);
}

/* A return, or a jump to another function, which will. */
void rp_kept_end(struct rp_kept *k, uint32_t insn, uint16_t bits)
{
	uint32_t function = rp_kept_home(k->w, insn);
	uint32_t dest = k->w->code->insns[insn].dest;

	if (k->set != RP_KEPT_LOST || rp_walk_thunk_start(k->w, insn) ||
	    (k->w->frames && rp_walk_row_outermost(k->w, insn)))
		return;
	if (dest && (k->w->code->functions[k->w->code->insns[dest].function]
		     .flags & RP_FUNCTION_NORETURN))
		return;
	bits &= ~k->functions[function].found;
	if (bits)
		bits &= ~rp_walk_global(k->w);
	k->functions[function].found |= bits;
	for (unsigned int i = 0; i < RP_REG_NR; i++) {
		if (bits >> i & 1)
			report(k, insn, i);
	}
}

static void find_clean(struct rp_kept *k)
{
	const struct rp_code *code = k->w->code;

	k->set = RP_KEPT_CLEAN;
	for (size_t i = 0; i < k->nfaults && !k->w->nomem; i++) {
		uint32_t function = rp_kept_home(k->w, k->faults[i].insn);
		uint32_t first = code->functions[function].first;

		k->functions[function].writes |= k->faults[i].writes;
		if (!code->insns[first].state)
			continue;
		rp_kept_arrive(k, first, RP_REGS_KEPT);
		rp_kept_follow(k);
	}
}

/* Registers that are copied here, and not to where the walk has them. */
static uint16_t copied_at(struct rp_kept *k, uint32_t insn, uint16_t copies)
{
	const struct rp_code *code = k->w->code;
	uint32_t next = rp_kept_next(k, insn);

	if (!copies || !next || !code->insns[next].state)
		return copies;
	rp_kept_see(k, code->insns[next].state);
	return copies & k->seen.same;
}

/*
 * Who uses what the caller left in registers that callees keep was given it there:
 * then it has a convention of its own, and may return results in others of them.
 * So has who copies it for another reason than to overwrite the register. But who
 * uses it only in the instruction that overwrites it, and overwrites no other one,
 * may just not have saved it.
 */
static void look_at_clean(struct rp_kept *k, uint32_t insn, uint16_t clean)
{
	const struct rp_code *code = k->w->code;
	struct rp_kept_function *f =
		&k->functions[rp_kept_home(k->w, insn)];
	struct rp_insn_values values;
	uint16_t copies, reads;

	if (rp_insn_values(rp_code_bytes(code, insn), code->insns[insn].length,
			   &values))
		return;
	rp_kept_see(k, code->insns[insn].state);
	clean &= k->seen.same;
	copies = copied_at(k, insn, values.copies & clean);
	reads = values.reads & clean;
	if ((reads & ~values.writes) || (reads && (f->writes & ~reads)) ||
	    (copies & ~f->writes & ~RP_KEPT_BIT(RP_RBP)))
		f->strange = true;
	if (copies)
		rp_kept_spread(k, insn, copies);
	rp_kept_follow(k);
}

static void find_copied(struct rp_kept *k)
{
	k->set = RP_KEPT_COPIED;
	for (uint32_t i = 1; i < k->w->code->ninsns && !k->w->nomem; i++) {
		if (k->sets[i].v[RP_KEPT_CLEAN])
			look_at_clean(k, i, k->sets[i].v[RP_KEPT_CLEAN]);
	}
}

/* In the order of the code: so the first one is found guilty. */
static void find_lost(struct rp_kept *k)
{
	k->set = RP_KEPT_LOST;
	for (size_t i = 0; i < k->nfaults && !k->w->nomem; i++) {
		const struct rp_kept_fault *f = &k->faults[i];
		uint16_t back = f->loads & k->sets[f->insn].v[RP_KEPT_COPIED];
		uint16_t bits = (f->writes & ~back) | f->slots;

		if (!bits || k->functions[rp_kept_home(k->w, f->insn)].strange)
			continue;
		k->fault = f;
		rp_kept_spread(k, f->insn, bits);
		rp_kept_follow(k);
	}
}

static void follow_faults(struct rp_kept *k)
{
	k->sets = calloc(k->w->code->ninsns, sizeof(*k->sets));
	if (!k->sets) {
		k->w->nomem = true;
		return;
	}
	find_clean(k);
	find_copied(k);
	rp_kept_settle_loads(k);
	find_lost(k);
}

void rp_walk_kept(struct rp_walker *w)
{
	struct rp_kept k = { .w = w };

	k.functions = calloc(w->code->nfunctions + 1, sizeof(*k.functions));
	if (k.functions)
		rp_kept_find_faults(&k);
	else
		w->nomem = true;
	if (k.nfaults && !w->nomem)
		follow_faults(&k);
	free(k.functions);
	free(k.faults);
	free(k.sets);
	free(k.todo);
}
