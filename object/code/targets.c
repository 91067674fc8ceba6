/* SPDX-License-Identifier: MIT */
/* Where direct branches go, and which of them leave their function. */
#include "../bytes.h"
#include "../grow.h"
#include "internal.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

/* struct target - what a branch says. @symbol: named by its relocation. */
struct target {
	struct rp_spot spot;
	uint32_t symbol;
	bool by_section;
};

static bool is_section_symbol(const struct rp_code *code, uint32_t symbol)
{
	return code->obj->symbols[symbol].type == STT_SECTION;
}

// The field of a branch is its last four bytes: what it says counts from there.
static void reloc_target(const struct rp_code *code,
			 const struct rp_code_insn *insn, struct target *ret)
{
	const struct rp_reloc *reloc = &code->relocs[insn->reloc];
	int64_t rest = insn->offset + insn->length - (int64_t)reloc->offset;

	ret->spot = rp_relobj_spot(code->obj, reloc->symbol,
				   (uint64_t)reloc->addend + rest);
	ret->by_section = is_section_symbol(code, reloc->symbol);
	if (!ret->by_section)
		ret->symbol = reloc->symbol;
}

// Linked code branches from section to section without a relocation.
static struct rp_spot linked_target(const struct rp_code *code, uint32_t i)
{
	const struct rp_code_insn *insn = &code->insns[i];
	const uint8_t *bytes = rp_code_bytes(code, i);
	struct rp_spot spot = { 0 };
	struct rp_insn_flow flow;

	if (rp_insn_flow(bytes, insn->length, &flow) || flow.target_size != 4)
		return spot;
	uint64_t address = rp_relobj_address(code->obj, rp_code_section(code, i),
					     insn->offset + insn->length) +
			   rp_load_sle32(bytes + flow.target);
	spot.section = rp_relobj_section_at(code->obj, address, &spot.offset);
	return spot;
}

struct rp_spot rp_code_written_target(const struct rp_code *code, uint32_t i)
{
	struct rp_spot spot = { rp_code_section(code, i), code->insns[i].dest };

	if (spot.offset < code->obj->sections[spot.section].hdr.sh_size)
		return spot;
	return code->obj->linked ? linked_target(code, i) :
				   (struct rp_spot){ 0 };
}

static struct target target_of(const struct rp_code *code, uint32_t i)
{
	const struct rp_code_insn *insn = &code->insns[i];
	struct target ret = { 0 };

	if (insn->reloc) {
		reloc_target(code, insn, &ret);
		return ret;
	}
	ret.spot = rp_code_written_target(code, i);
	return ret;
}

static bool in_kernel_6_1(const struct rp_code *code)
{
	return code->abi->kind == RP_ABI_LINUX_6_1;
}

// Is the instruction's function one that has a type?
static bool in_typed(const struct rp_code *code, const struct rp_code_insn *insn)
{
	return insn->function && !(code->functions[insn->function].flags &
				   RP_FUNCTION_UNTYPED);
}

static bool is_entry(const struct rp_code *code, uint32_t insn)
{
	uint32_t f = code->insns[insn].function;

	return f && code->insns[insn].offset == code->functions[f].offset;
}

static bool is_cold(const struct rp_code *code, uint32_t function)
{
	return code->functions[function].flags & RP_FUNCTION_COLD;
}

/*
 * A jump into a part that was split off shows whose part it is. That is better
 * than its name: several functions of one name may be in one object.
 */
static void adopt(struct rp_code_build *b, uint32_t from, uint32_t to)
{
	struct rp_code *code = b->code;

	if (!from || !to || from == to || is_cold(code, from) ||
	    !is_cold(code, to))
		return;
	code->functions[to].parent = from;
	b->child[from] = to;
}

/*
 * Does a jump to an instruction of this object leave its function for good?
 * Only if it goes to where another one begins; of what has no type the kernel's
 * versions think differently.
 */
static bool leaves(const struct rp_code *code, uint32_t from, uint32_t to)
{
	const struct rp_code_insn *a = &code->insns[from], *z = &code->insns[to];

	if (!a->function || !z->function ||
	    rp_function_whole(code, a->function) ==
	    rp_function_whole(code, z->function))
		return false;
	if (rp_code_is_kernel(code) &&
	    (!in_typed(code, z) || (in_kernel_6_1(code) && !in_typed(code, a))))
		return false;
	return is_entry(code, to);
}

/* What is named by a symbol, from a function: a tail call, even of itself. */
static bool leaves_by_name(const struct rp_code *code, uint32_t from,
			   const struct target *target)
{
	if (!target->symbol)
		return false;
	if (rp_code_is_kernel(code))
		return in_typed(code, &code->insns[from]);
	return !target->spot.section ||
	       rp_function_at(code, target->spot.section, target->spot.offset);
}

static void become_indirect(struct rp_code_insn *insn)
{
	insn->flags |= RP_CODE_THUNK;
	insn->dest = 0;
	if (insn->flow == RP_FLOW_CALL)
		insn->flow = RP_FLOW_CALL_INDIRECT;
	else if (insn->flow == RP_FLOW_JMP)
		insn->flow = RP_FLOW_JMP_INDIRECT;
	else
		insn->flags |= RP_CODE_TAIL;
}

static void become_return(struct rp_code_insn *insn)
{
	insn->flags |= RP_CODE_THUNK;
	insn->dest = 0;
	insn->flow = RP_FLOW_RET;
}

// A thunk's name is what the jump is about. Without a relocation, newer
// versions look at where it goes.
static bool is_thunk(struct rp_code_build *b, struct rp_code_insn *insn,
		     uint32_t symbol)
{
	if (rp_symbol_is_retpoline(b->code, symbol))
		become_indirect(insn);
	else if (insn->flow != RP_FLOW_CALL &&
		 rp_symbol_is_rethunk(b->code, symbol))
		become_return(insn);
	else
		return false;
	return true;
}

/*
 * The instruction that begins at a place. Ordinary programs also jump over the
 * prefix of one, to have it without: "je 1f; lock; 1: cmpxchg".
 */
static uint32_t insn_at(const struct rp_code *code, struct rp_spot spot)
{
	uint32_t insn = rp_code_at(code, spot.section, spot.offset);

	if (insn || rp_code_is_kernel(code))
		return insn;
	insn = rp_code_around(code, spot.section, spot.offset);
	return insn && *rp_code_bytes(code, insn) == 0xf0 &&
	       spot.offset == code->insns[insn].offset + 1u ? insn : 0;
}

// To the kernel's rules a symbol without a size is nowhere.
static uint32_t name_there(const struct rp_code *code, struct rp_spot spot)
{
	uint32_t symbol = spot.section ?
		rp_code_symbol_at(code, spot.section, spot.offset) : 0;

	return rp_code_is_kernel(code) && !code->obj->symbols[symbol].size ?
		0 : symbol;
}

/*
 * What a linker makes of a weak function that is not there: a call of address 0,
 * which code goes around. Absolute addresses are in no section either.
 */
static bool goes_nowhere(struct rp_code *code, uint32_t i,
			 const struct target *target)
{
	struct rp_code_insn *insn = &code->insns[i];

	if (!code->obj->linked || target->spot.section)
		return false;
	if (insn->flow != RP_FLOW_CALL)
		insn->flags |= RP_CODE_TAIL;
	return true;
}

static int lose(struct rp_code_build *b, uint32_t i, const struct target *target)
{
	if (goes_nowhere(b->code, i, target))
		return 0;
	if (rp_grow(&b->lost, &b->lost_room, b->nlost + 1, sizeof(*b->lost)))
		return rp_diag_nomem(b->diag);
	b->lost[b->nlost++] = (struct rp_lost){ i, target->spot };
	return 0;
}

static bool is_noinstr(const struct rp_code *code, uint32_t section)
{
	const char *name = code->obj->sections[section].name;

	return !strcmp(name, ".noinstr.text") || !strcmp(name, ".entry.text") ||
	       !strncmp(name, ".text..__x86.", 13) ||
	       (!in_kernel_6_1(code) && !strcmp(name, ".cpuidle.text"));
}

// The kernel's objtool takes instrumentation out of code that must not have it.
static bool is_taken_out(const struct rp_code *code, uint32_t i, uint32_t symbol)
{
	return rp_code_is_kernel(code) && symbol &&
	       rp_symbol_is_profiling(code, symbol) &&
	       is_noinstr(code, rp_code_section(code, i));
}

static int connect_jump(struct rp_code_build *b, uint32_t i)
{
	struct rp_code *code = b->code;
	struct rp_code_insn *insn = &code->insns[i];
	struct target target = target_of(code, i);
	bool no_name = !insn->reloc || target.by_section;

	insn->dest = 0;
	if (is_thunk(b, insn, target.symbol))
		return 0;
	if (is_taken_out(code, i, target.symbol)) {
		insn->flow = RP_FLOW_RET;
		return 0;
	}
	if (leaves_by_name(code, i, &target))
		insn->flags |= RP_CODE_TAIL;
	if (!target.spot.section && target.symbol)
		return 0;
	if (target.spot.section)
		insn->dest = insn_at(code, target.spot);
	uint32_t there = name_there(code, target.spot);
	if (!insn->dest) {
		if (!there || !rp_symbol_is_embedded(code, there))
			return lose(b, i, &target);
		/* To a return inside another instruction: a thunk's own code. */
		insn->flow = RP_FLOW_RET;
		insn->flags |= RP_CODE_RETPOLINE_SAFE;
		return 0;
	}
	if (no_name && !in_kernel_6_1(code) && is_entry(code, insn->dest) &&
	    is_thunk(b, insn, there))
		return 0;
	adopt(b, insn->function, code->insns[insn->dest].function);
	if (leaves(code, i, insn->dest))
		insn->flags |= RP_CODE_TAIL;
	return 0;
}

// pop of a register, or add $8,%rsp: what follows a call that pushes only.
static bool takes_address(const struct rp_code *code, uint32_t insn)
{
	const struct rp_stack_op *op = &code->ops[code->insns[insn].op];

	return op->kind == RP_OP_POP;
}

/*
 * A call into its own function is there for the address that it pushes: the next
 * instruction takes it, or a return jumps through it.
 */
static bool pushes(const struct rp_code *code, uint32_t i)
{
	const struct rp_code_insn *insn = &code->insns[i];
	uint32_t dest = insn->dest;

	if (!dest || is_entry(code, dest) || rp_code_is_kernel(code))
		return false;
	if (insn->function && code->insns[dest].function == insn->function)
		return true;
	return rp_code_next(code, i) == dest && takes_address(code, dest);
}

/*
 * What the kernel lets code call by place, not by name: what begins with a symbol;
 * without a relocation, from a function, only functions.
 */
static void check_callee(struct rp_code_build *b, uint32_t i,
			 const struct target *target, uint32_t there)
{
	const struct rp_code *code = b->code;
	const struct rp_code_insn *insn = &code->insns[i];
	uint32_t section = rp_code_section(code, i);

	if (!rp_code_is_kernel(code) || insn->flags & RP_CODE_IGNORE ||
	    (insn->reloc && !target->by_section))
		return;
	if (!there)
		rp_code_say(b, CHECK_TARGET, section, insn->offset,
			    "call into a function, which is not annotated as "
			    "such (ANNOTATE_INTRA_FUNCTION_CALL)");
	else if (!insn->reloc && in_typed(code, insn) &&
		 code->obj->symbols[there].type != STT_FUNC)
		rp_code_say(b, CHECK_TARGET, section, insn->offset,
			    "call of %.100s, which is no function by its type",
			    code->obj->symbols[there].name);
}

static int connect_call(struct rp_code_build *b, uint32_t i)
{
	struct rp_code *code = b->code;
	struct rp_code_insn *insn = &code->insns[i];
	struct target target = target_of(code, i);
	uint32_t there;

	insn->dest = 0;
	if (is_thunk(b, insn, target.symbol))
		return 0;
	if (is_taken_out(code, i, target.symbol)) {
		insn->flow = RP_FLOW_NOP;
		return 0;
	}
	if (!target.spot.section && target.symbol)
		return 0;
	if (target.spot.section)
		insn->dest = insn_at(code, target.spot);
	there = name_there(code, target.spot);
	if (!insn->dest) {
		if (!there || !rp_symbol_is_embedded(code, there))
			return lose(b, i, &target);
		return 0;
	}
	if (insn->flags & RP_CODE_PUSHES)
		return 0;
	if (pushes(code, i))
		insn->flags |= RP_CODE_PUSHES;
	else
		check_callee(b, i, &target, there);
	return 0;
}

static int by_insn(const void *a, const void *b)
{
	const struct rp_fixup *x = a, *y = b;

	return (x->insn > y->insn) - (x->insn < y->insn);
}

// Jumps that mean another place than they say: out of replacements.
static int connect_jumps(struct rp_code_build *b)
{
	struct rp_code *code = b->code;
	size_t fixup = 0;
	int rc = 0;

	if (b->nfixups)
		qsort(b->fixups, b->nfixups, sizeof(*b->fixups), by_insn);
	for (uint32_t i = 1; i < code->ninsns && !rc; i++) {
		uint8_t flow = code->insns[i].flow;
		bool fixed = false;

		for (; fixup < b->nfixups && b->fixups[fixup].insn == i;
		     fixup++) {
			code->insns[i].dest = b->fixups[fixup].dest;
			fixed = true;
		}
		if (!fixed && (flow == RP_FLOW_JMP || flow == RP_FLOW_JCC))
			rc = connect_jump(b, i);
	}
	return rc;
}

/*
 * -fsplit-stack: __morestack calls what is behind the `ret` that follows its call,
 * with a frame as it was at the call; the `ret` is for when that is done.
 */
static void pass_return(struct rp_code *code, uint32_t i)
{
	uint32_t next = rp_code_next(code, i), symbol;

	if (!next || code->insns[next].flow != RP_FLOW_RET ||
	    rp_code_is_kernel(code))
		return;
	symbol = rp_code_symbol(code, i);
	if (!strcmp(code->obj->symbols[symbol].name, "__morestack") ||
	    !strcmp(code->obj->symbols[symbol].name, "__morestack_non_split"))
		code->insns[next].flow = RP_FLOW_NOP;
}

int rp_code_connect(struct rp_code_build *b)
{
	struct rp_code *code = b->code;

	// All jumps first: they show which parts belong together.
	int rc = connect_jumps(b);
	for (uint32_t i = 1; i < code->ninsns && !rc; i++) {
		if (code->insns[i].flow != RP_FLOW_CALL)
			continue;
		rc = connect_call(b, i);
		pass_return(code, i);
	}
	return rc;
}

/* What nothing describes, or nothing leads to, may be data: strings behind a
 * function, in its symbol's size. */
static bool may_be_data(const struct rp_code_build *b, uint32_t i)
{
	return rp_code_is_undescribed(b->code, i) ||
	       (!rp_code_is_kernel(b->code) && b->reached && !b->reached[i]);
}

static void say_lost(struct rp_code_build *b, uint32_t i, struct rp_spot to)
{
	const struct rp_code_insn *insn = &b->code->insns[i];
	uint32_t section = rp_code_section(b->code, i);
	const char *what = insn->flow == RP_FLOW_CALL ? "call" : "jump";
	enum rp_severity severity = may_be_data(b, i) ? RP_NOTE : RP_ERROR;
	char place[200];

	if (!to.section) {
		rp_findings_add(b->findings, RP_DIAG_CHECK_TARGET, severity,
				section, insn->offset, "%s out of its section",
				what);
		return;
	}
	rp_code_place(b->code, to.section, to.offset, place, sizeof(place));
	rp_findings_add(b->findings, RP_DIAG_CHECK_TARGET, severity, section,
			insn->offset, "%s to %s, where no instruction begins",
			what, place);
}

/*
 * Clang, without optimization, puts a jump to what would come next behind calls
 * that do not return: to another function, or behind the section's end.
 */
static bool is_left_over(struct rp_code_build *b, uint32_t i)
{
	const struct rp_code_insn *insns = b->code->insns;

	return b->reached && !b->reached[i] && insns[i].flow == RP_FLOW_JMP &&
	       rp_code_next(b->code, i - 1) == i &&
	       (insns[i - 1].flags & RP_CODE_DEAD_END);
}

/* Is it among what nothing describes, and is said not to be looked at? */
static bool is_unseen(const struct rp_code_build *b, struct rp_spot spot)
{
	size_t low = 0, high = b->ndata;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (b->data[mid].section < spot.section ||
		    (b->data[mid].section == spot.section &&
		     b->data[mid].start <= spot.offset))
			low = mid + 1;
		else
			high = mid;
	}
	return low && b->data[low - 1].guessed &&
	       b->data[low - 1].section == spot.section &&
	       spot.offset < b->data[low - 1].end;
}

int rp_code_say_lost(struct rp_code_build *b)
{
	int rc = rp_code_leave_out(b);

	if (rc)
		return rc;
	for (size_t i = 0; i < b->nlost; i++) {
		if (!is_left_over(b, b->lost[i].insn) &&
		    !is_unseen(b, b->lost[i].to))
			say_lost(b, b->lost[i].insn, b->lost[i].to);
	}
	return rp_code_say_computed(b);
}

uint32_t rp_code_symbol(const struct rp_code *code, uint32_t insn)
{
	const struct rp_code_insn *i = &code->insns[insn];
	uint32_t symbol = i->reloc ? code->relocs[i->reloc].symbol : 0;
	const struct rp_code_insn *dest = &code->insns[i->dest];

	if (i->flow == RP_FLOW_CALL_INDIRECT || i->flow == RP_FLOW_JMP_INDIRECT)
		return rp_code_pointer_symbol(code, insn);
	if (symbol && !is_section_symbol(code, symbol))
		return symbol;
	if (!i->dest)
		return 0;
	symbol = rp_code_stub_symbol(code, i->dest);
	if (symbol)
		return symbol;
	if (dest->function && is_entry(code, i->dest))
		return code->functions[dest->function].symbol;
	return rp_code_symbol_at(code, rp_code_section(code, i->dest),
				 dest->offset);
}
