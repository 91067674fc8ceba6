/* SPDX-License-Identifier: MIT */
/*
 * Rules by following code that has no unwind information.
 *
 * From the pc on, all ways through the code are followed to a `ret`, with what
 * each register holds in terms of the registers at the pc: a register of then
 * plus a number, what is in memory there, a constant, or nothing known. At the
 * `ret`, the stack pointer says where the return address is, and a register that
 * was popped on the way, where the caller's value is.
 *
 *   - a call comes back with the stack pointer and the registers rbx, rbp,
 *     r12-r15 as they were; unless none of the callee's ways comes back
 *   - a jump is followed; through memory at a fixed address (a PLT, a tail call)
 *     it is as good as a `ret`; through a register it tells nothing
 *   - a way that ends in hlt, ud2, or the system call exit() tells nothing, but
 *     that it ends
 *
 * Where a call does not come back and this is not seen, the way goes on in the
 * code behind, which is another function's: what it tells is wrong. So ways may
 * disagree; each result is kept, and the stack says which one is plausible. Those
 * of ways on which every call is seen to come back come before the others.
 */
#define _GNU_SOURCE
#include "unwind_internal.h"

#include "../object/grow.h"

#include <Zydis/Zydis.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#define INSNS_MAX	2000	/* that are looked at for one rule */
#define CALLEE_INSNS_MAX 600	/* to see whether a function comes back */
#define CALLEE_DEPTH_MAX 6
#define SLOTS_MAX	24	/* stack slots that are written on one way */
#define BRANCHES_MAX	64	/* ways that are not followed yet */
#define VISITED_ROOM	4096u	/* power of 2, more than INSNS_MAX */

/* Values of the hash of functions; never NULL. */
#define RETURNS_YES	((void *)1)
#define RETURNS_MAYBE	((void *)5)
#define RETURNS_NO	((void *)2)	/* and does not end the thread either */
#define RETURNS_EXITS	((void *)3)
#define RETURNS_ASKED	((void *)4)	/* being looked at: recursion */

enum kind { UNKNOWN, REG, MEM, CONST };

/** struct value - REG: register @base at the pc, + @offset. MEM: the eight bytes
 *  in memory there. CONST: @offset. */
struct value {
	uint8_t kind;
	uint8_t base;
	int64_t offset;
};

/** struct slot - what was written at register @base + @offset. */
struct slot {
	uint8_t base;
	int64_t offset;
	struct value value;
};

/** struct way - a place in the code, and how it was reached. */
struct way {
	uint64_t pc;
	struct value reg[RP_DWARF_REG_NR - 1];
	struct slot slots[SLOTS_MAX];
	size_t nslots;
	bool pushed_memory;	/* the last instruction pushed [rip + x] */
	bool doubtful;		/* a call on it may not come back */
};

/** struct follow - one search. */
struct follow {
	struct rp_unwinder *unwinder;
	ZydisDecoder decoder;
	struct way branches[BRANCHES_MAX];
	size_t nbranches;
	uint64_t visited[VISITED_ROOM];
	unsigned int insns, insns_max;
	unsigned int depth;
	bool any_ret;		/* for a callee: stop at the first one */
	bool returned;		/* on a way that is not doubtful */
	bool maybe_returned, exited, incomplete;
	struct rp_row rows[RP_RULE_ROWS_MAX];
	size_t nrows;
	uint8_t sure;		/* bit per row */
};

static const uint8_t dwarf_reg[16] = {	/* by number in instructions */
	RP_REG_RAX, RP_REG_RCX, RP_REG_RDX, RP_REG_RBX,
	RP_REG_RSP, RP_REG_RBP, RP_REG_RSI, RP_REG_RDI,
	RP_REG_R8, RP_REG_R9, RP_REG_R10, RP_REG_R11,
	RP_REG_R12, RP_REG_R13, RP_REG_R14, RP_REG_R15,
};

static const struct value unknown = { .kind = UNKNOWN };

static struct value constant(int64_t v)
{
	return (struct value){ .kind = CONST, .offset = v };
}

static struct value plus(struct value v, int64_t n)
{
	if (v.kind != REG && v.kind != CONST)
		return unknown;
	v.offset = (int64_t)((uint64_t)v.offset + (uint64_t)n);
	return v;
}

/* DWARF number of a general register of any width, -1: another one. */
static int reg_number(ZydisRegister reg)
{
	ZydisRegister whole = ZydisRegisterGetLargestEnclosing(
		ZYDIS_MACHINE_MODE_LONG_64, reg);

	if (whole < ZYDIS_REGISTER_RAX || whole > ZYDIS_REGISTER_R15)
		return -1;
	return dwarf_reg[whole - ZYDIS_REGISTER_RAX];
}

/* Slots. */

static struct slot *find_slot(struct way *way, struct value at)
{
	for (size_t i = 0; i < way->nslots; i++) {
		if (way->slots[i].base == at.base &&
		    way->slots[i].offset == at.offset)
			return &way->slots[i];
	}
	return NULL;
}

static struct value load(struct way *way, struct value at)
{
	if (at.kind != REG)
		return unknown;
	const struct slot *slot = find_slot(way, at);
	if (slot)
		return slot->value;
	return (struct value){ .kind = MEM, .base = at.base,
			       .offset = at.offset };
}

static void store(struct way *way, struct value at, struct value v)
{
	if (at.kind != REG)
		return;
	struct slot *slot = find_slot(way, at);
	if (!slot && way->nslots < SLOTS_MAX)
		slot = &way->slots[way->nslots++];
	/* What is pushed comes first; those that find no room are variables. */
	if (slot)
		*slot = (struct slot){ at.base, at.offset, v };
}

/* A store that is not of a whole slot spoils those that it touches. */
static void spoil(struct way *way, struct value at, unsigned int size)
{
	if (at.kind != REG)
		return;
	for (int64_t i = -7; i < (int64_t)size; i++) {
		struct value here = plus(at, i);
		struct slot *slot = find_slot(way, here);

		if (slot)
			slot->value = unknown;
		else if (here.offset % 8 == 0 && i >= 0)
			store(way, here, unknown);
	}
}

static void push(struct way *way, struct value v)
{
	way->reg[RP_REG_RSP] = plus(way->reg[RP_REG_RSP], -8);
	store(way, way->reg[RP_REG_RSP], v);
}

static struct value pop(struct way *way)
{
	struct value v = load(way, way->reg[RP_REG_RSP]);

	way->reg[RP_REG_RSP] = plus(way->reg[RP_REG_RSP], 8);
	return v;
}

/* Whoever was called has used the stack below. */
static void forget_below(struct way *way)
{
	struct value sp = way->reg[RP_REG_RSP];
	size_t kept = 0;

	for (size_t i = 0; i < way->nslots; i++) {
		if (sp.kind != REG || way->slots[i].base != sp.base ||
		    way->slots[i].offset >= sp.offset)
			way->slots[kept++] = way->slots[i];
	}
	way->nslots = kept;
}

/* Results. */

static struct rp_value caller_value(struct value v)
{
	switch (v.kind) {
	case REG:
		return (struct rp_value){ .kind = RP_VALUE_REG, .reg = v.base,
					  .offset = v.offset };
	case MEM:
		return (struct rp_value){ .kind = RP_VALUE_AT_REG,
					  .reg = v.base, .offset = v.offset };
	default:
		return (struct rp_value){ .kind = RP_VALUE_UNKNOWN };
	}
}

static bool same_value(const struct rp_value *a, const struct rp_value *b)
{
	return a->kind == b->kind && a->reg == b->reg && a->offset == b->offset;
}

/* Ways that agree on the return address but not on another register: that one
 * is not known. */
static void merge_row(struct rp_row *row, const struct rp_row *other)
{
	for (size_t i = 0; i < RP_REG_PC; i++) {
		if (!same_value(&row->reg[i], &other->reg[i]))
			row->reg[i] = (struct rp_value){
				.kind = RP_VALUE_UNKNOWN };
	}
}

/* The way has come to its end with the return address on top of the stack. */
static void way_returns(struct follow *f, struct way *way)
{
	struct rp_row row = { 0 };
	struct value address = pop(way);
	struct value sp = way->reg[RP_REG_RSP];

	f->returned |= !way->doubtful;
	f->maybe_returned = true;
	if (sp.kind != REG || (address.kind != MEM && address.kind != REG))
		return;
	row.cfa = caller_value(sp);
	for (size_t i = 0; i < RP_REG_PC; i++)
		row.reg[i] = caller_value(way->reg[i]);
	row.reg[RP_REG_RSP] = (struct rp_value){ .kind = RP_VALUE_SAME };
	row.reg[RP_REG_PC] = caller_value(address);
	for (size_t i = 0; i < f->nrows; i++) {
		if (same_value(&f->rows[i].cfa, &row.cfa) &&
		    same_value(&f->rows[i].reg[RP_REG_PC],
			       &row.reg[RP_REG_PC])) {
			merge_row(&f->rows[i], &row);
			f->sure |= (uint8_t)(!way->doubtful << i);
			return;
		}
	}
	if (f->nrows == RP_RULE_ROWS_MAX) {
		f->incomplete = true;
		return;
	}
	f->sure |= (uint8_t)(!way->doubtful << f->nrows);
	f->rows[f->nrows++] = row;
}

/* Instructions. */

/** struct insn - one of them, at @pc. */
struct insn {
	uint64_t pc, next;
	ZydisDecodedInstruction i;
	ZydisDecodedOperand op[ZYDIS_MAX_OPERAND_COUNT];
};

static bool is_reg64(const ZydisDecodedOperand *op)
{
	return op->type == ZYDIS_OPERAND_TYPE_REGISTER && op->size == 64 &&
	       reg_number(op->reg.value) >= 0;
}

/* Address of a memory operand, as far as it is known. */
static struct value address_of(const struct way *way, const struct insn *insn,
			       const ZydisDecodedOperand *op)
{
	int64_t disp = op->mem.disp.has_displacement ? op->mem.disp.value : 0;

	if (op->mem.segment == ZYDIS_REGISTER_FS ||
	    op->mem.segment == ZYDIS_REGISTER_GS ||
	    op->mem.index != ZYDIS_REGISTER_NONE)
		return unknown;
	if (op->mem.base == ZYDIS_REGISTER_RIP)
		return constant((int64_t)(insn->next + (uint64_t)disp));
	int reg = reg_number(op->mem.base);
	return reg < 0 ? unknown : plus(way->reg[reg], disp);
}

static struct value operand_value(struct way *way, const struct insn *insn,
				  const ZydisDecodedOperand *op)
{
	if (op->type == ZYDIS_OPERAND_TYPE_IMMEDIATE)
		return constant(op->imm.value.s);
	if (is_reg64(op))
		return way->reg[reg_number(op->reg.value)];
	if (op->type == ZYDIS_OPERAND_TYPE_MEMORY && op->size == 64)
		return load(way, address_of(way, insn, op));
	return unknown;
}

static void write_operand(struct way *way, const struct insn *insn,
			  const ZydisDecodedOperand *op, struct value v)
{
	if (op->type == ZYDIS_OPERAND_TYPE_REGISTER) {
		int reg = reg_number(op->reg.value);
		if (reg >= 0)
			way->reg[reg] = op->size == 64 ? v : unknown;
	} else if (op->type == ZYDIS_OPERAND_TYPE_MEMORY) {
		struct value at = address_of(way, insn, op);
		if (op->size == 64)
			store(way, at, v);
		else
			spoil(way, at, op->size / 8);
	}
}

/* Whatever an instruction writes is not known any more. */
static void write_unknown(struct way *way, const struct insn *insn)
{
	for (size_t i = 0; i < insn->i.operand_count; i++) {
		const ZydisDecodedOperand *op = &insn->op[i];

		if ((op->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE) &&
		    op->type != ZYDIS_OPERAND_TYPE_IMMEDIATE &&
		    !(op->type == ZYDIS_OPERAND_TYPE_MEMORY &&
		      op->mem.type != ZYDIS_MEMOP_TYPE_MEM))
			write_operand(way, insn, op, unknown);
	}
}

/* Numbers of system calls are loaded into eax, or into al of a zeroed one. */
static void move_narrow(struct way *way, const struct insn *insn)
{
	const ZydisDecodedOperand *to = &insn->op[0], *from = &insn->op[1];
	int reg = to->type == ZYDIS_OPERAND_TYPE_REGISTER ?
			  reg_number(to->reg.value) : -1;

	if (reg < 0 || from->type != ZYDIS_OPERAND_TYPE_IMMEDIATE) {
		write_unknown(way, insn);
		return;
	}
	struct value old = way->reg[reg];
	if (to->size == 32)
		way->reg[reg] = constant((uint32_t)from->imm.value.u);
	else if (to->size == 8 && old.kind == CONST &&
		 to->reg.value == ZYDIS_REGISTER_AL)
		way->reg[reg] = constant((old.offset & ~0xffll) |
					 (uint8_t)from->imm.value.u);
	else
		way->reg[reg] = unknown;
}

static void move(struct way *way, const struct insn *insn)
{
	if (insn->op[0].size == 64)
		write_operand(way, insn, &insn->op[0],
			      operand_value(way, insn, &insn->op[1]));
	else
		move_narrow(way, insn);
}

static void add(struct way *way, const struct insn *insn, int sign)
{
	const ZydisDecodedOperand *from = &insn->op[1];

	if (!is_reg64(&insn->op[0])) {
		write_unknown(way, insn);
		return;
	}
	struct value v = operand_value(way, insn, from);
	struct value old = operand_value(way, insn, &insn->op[0]);
	write_operand(way, insn, &insn->op[0],
		      v.kind == CONST ? plus(old, sign * v.offset) : unknown);
}

/* xor of a register with itself makes it 0. */
static void exclusive_or(struct way *way, const struct insn *insn)
{
	const ZydisDecodedOperand *a = &insn->op[0], *b = &insn->op[1];

	if (a->type == ZYDIS_OPERAND_TYPE_REGISTER && a->size >= 32 &&
	    b->type == ZYDIS_OPERAND_TYPE_REGISTER &&
	    a->reg.value == b->reg.value && reg_number(a->reg.value) >= 0)
		way->reg[reg_number(a->reg.value)] = constant(0);
	else
		write_unknown(way, insn);
}

static void leave(struct way *way)
{
	way->reg[RP_REG_RSP] = way->reg[RP_REG_RBP];
	way->reg[RP_REG_RBP] = pop(way);
}

static void exchange(struct way *way, const struct insn *insn)
{
	struct value a = operand_value(way, insn, &insn->op[0]);
	struct value b = operand_value(way, insn, &insn->op[1]);

	write_operand(way, insn, &insn->op[0], b);
	write_operand(way, insn, &insn->op[1], a);
}

static void push_operand(struct way *way, const struct insn *insn)
{
	const ZydisDecodedOperand *op = &insn->op[0];

	if (insn->i.operand_width == 16) {	/* nobody does */
		way->reg[RP_REG_RSP] = unknown;
		return;
	}
	way->pushed_memory = op->type == ZYDIS_OPERAND_TYPE_MEMORY &&
			     op->mem.base == ZYDIS_REGISTER_RIP;
	push(way, operand_value(way, insn, op));
}

static void pop_operand(struct way *way, const struct insn *insn)
{
	if (insn->op[0].size == 64)
		write_operand(way, insn, &insn->op[0], pop(way));
	else
		way->reg[RP_REG_RSP] = unknown;
}

/* What does not branch. */
static void straight(struct way *way, const struct insn *insn)
{
	switch (insn->i.mnemonic) {
	case ZYDIS_MNEMONIC_PUSH:
		push_operand(way, insn);
		break;
	case ZYDIS_MNEMONIC_POP:
		pop_operand(way, insn);
		break;
	case ZYDIS_MNEMONIC_PUSHFQ:
		push(way, unknown);
		break;
	case ZYDIS_MNEMONIC_POPFQ:
		pop(way);
		break;
	case ZYDIS_MNEMONIC_MOV:
		move(way, insn);
		break;
	case ZYDIS_MNEMONIC_LEA:
		write_operand(way, insn, &insn->op[0],
			      address_of(way, insn, &insn->op[1]));
		break;
	case ZYDIS_MNEMONIC_ADD:
		add(way, insn, 1);
		break;
	case ZYDIS_MNEMONIC_SUB:
		add(way, insn, -1);
		break;
	case ZYDIS_MNEMONIC_XOR:
		exclusive_or(way, insn);
		break;
	case ZYDIS_MNEMONIC_XCHG:
		exchange(way, insn);
		break;
	case ZYDIS_MNEMONIC_LEAVE:
		leave(way);
		break;
	default:
		write_unknown(way, insn);
	}
}

/* Ways. */

static void forget_scratch(struct way *way)
{
	static const uint8_t scratch[] = {
		RP_REG_RAX, RP_REG_RCX, RP_REG_RDX, RP_REG_RSI, RP_REG_RDI,
		RP_REG_R8, RP_REG_R9, RP_REG_R10, RP_REG_R11,
	};

	for (size_t i = 0; i < sizeof(scratch); i++)
		way->reg[scratch[i]] = unknown;
}

/* false: it ends here. */
static bool system_call(struct follow *f, struct way *way)
{
	struct value number = way->reg[RP_REG_RAX];

	if (number.kind == CONST && (number.offset == SYS_exit ||
				     number.offset == SYS_exit_group)) {
		f->exited = true;
		return false;
	}
	way->reg[RP_REG_RAX] = unknown;
	way->reg[RP_REG_RCX] = unknown;
	way->reg[RP_REG_R11] = unknown;
	return true;
}

/* A pointer in memory at a fixed address, 0: none. */
static uint64_t fixed_pointer(struct rp_unwinder *unwinder,
			      const struct insn *insn)
{
	const ZydisDecodedOperand *op = &insn->op[0];
	uint64_t v = 0;

	if (op->type != ZYDIS_OPERAND_TYPE_MEMORY ||
	    op->mem.base != ZYDIS_REGISTER_RIP ||
	    op->mem.segment == ZYDIS_REGISTER_FS)
		return 0;
	uint64_t at = insn->next + (uint64_t)op->mem.disp.value;
	if (rp_unwind_text(unwinder, at, &v, sizeof(v)) != sizeof(v) ||
	    !rp_unwind_is_executable(unwinder, v))
		return 0;
	return v;
}

static uint64_t relative_target(const struct insn *insn)
{
	return insn->next + (uint64_t)insn->op[0].imm.value.s;
}

static void *function_returns(struct follow *f, uint64_t function);

/* false: it does not come back. */
static bool call(struct follow *f, struct way *way, const struct insn *insn)
{
	bool relative = insn->op[0].type == ZYDIS_OPERAND_TYPE_IMMEDIATE;
	uint64_t to = relative ? relative_target(insn) :
				 fixed_pointer(f->unwinder, insn);
	void *returns = to ? function_returns(f, to) : RETURNS_MAYBE;

	way->doubtful |= returns == RETURNS_MAYBE;
	if (returns == RETURNS_EXITS)
		f->exited = true;
	if (returns == RETURNS_EXITS || returns == RETURNS_NO)
		return false;
	forget_scratch(way);
	forget_below(way);
	return true;
}

/* The first entry of a PLT: what it has pushed, and the entry before it, is
 * taken off by what it jumps to. */
static void leave_plt(struct way *way)
{
	pop(way);
	pop(way);
}

/* false: the way ends here. */
static bool jump(struct follow *f, struct way *way, const struct insn *insn)
{
	const ZydisDecodedOperand *op = &insn->op[0];

	if (op->type == ZYDIS_OPERAND_TYPE_IMMEDIATE) {
		way->pc = relative_target(insn);
		return true;
	}
	if (op->type == ZYDIS_OPERAND_TYPE_MEMORY &&
	    op->mem.base == ZYDIS_REGISTER_RIP) {
		uint64_t to = fixed_pointer(f->unwinder, insn);

		/* A callee that is a PLT entry: what is it? */
		if (f->any_ret && to && !way->pushed_memory) {
			way->pc = to;
			return true;
		}
		/* To be resolved when it is called: to what is not known. */
		way->doubtful |= f->any_ret;
		if (way->pushed_memory)
			leave_plt(way);
		way_returns(f, way);
		return false;
	}
	f->incomplete = true;
	return false;
}

static void branch(struct follow *f, const struct way *way,
		   const struct insn *insn)
{
	if (f->nbranches == BRANCHES_MAX) {
		f->incomplete = true;
		return;
	}
	struct way *other = &f->branches[f->nbranches++];
	*other = *way;
	other->pc = relative_target(insn);
}

/* One instruction. Return: false if the way ends with it. */
static bool follow_insn(struct follow *f, struct way *way,
			const struct insn *insn)
{
	way->pc = insn->next;
	switch (insn->i.meta.category) {
	case ZYDIS_CATEGORY_RET:
		way_returns(f, way);
		return false;
	case ZYDIS_CATEGORY_CALL:
		way->pushed_memory = false;
		return call(f, way, insn);
	case ZYDIS_CATEGORY_UNCOND_BR:
		return jump(f, way, insn);
	case ZYDIS_CATEGORY_COND_BR:
		branch(f, way, insn);
		return true;
	case ZYDIS_CATEGORY_INTERRUPT:
		return false;
	default:
		break;
	}
	switch (insn->i.mnemonic) {
	case ZYDIS_MNEMONIC_SYSCALL:
		return system_call(f, way);
	case ZYDIS_MNEMONIC_HLT:
	case ZYDIS_MNEMONIC_UD0:
	case ZYDIS_MNEMONIC_UD1:
	case ZYDIS_MNEMONIC_UD2:
		return false;
	default:
		break;
	}
	way->pushed_memory = false;
	straight(way, insn);
	return true;
}

static bool decode(struct follow *f, uint64_t pc, struct insn *insn)
{
	uint8_t code[ZYDIS_MAX_INSTRUCTION_LENGTH];
	size_t n = rp_unwind_text(f->unwinder, pc, code, sizeof(code));

	insn->pc = pc;
	if (!rp_unwind_is_executable(f->unwinder, pc) ||
	    ZYAN_FAILED(ZydisDecoderDecodeFull(&f->decoder, code, n, &insn->i,
					       insn->op)))
		return false;
	insn->next = pc + insn->i.length;
	return true;
}

/* Was the place seen with this stack pointer? */
static bool visit(struct follow *f, const struct way *way)
{
	struct value sp = way->reg[RP_REG_RSP];
	uint64_t key = way->pc ^ (uint64_t)sp.offset << 48 ^
		       (uint64_t)(sp.base * 4 + sp.kind) << 42 ^
		       (uint64_t)way->doubtful << 40;
	size_t at = (key * 0x9e3779b97f4a7c15u >> 32) & (VISITED_ROOM - 1);

	key += !key;
	while (f->visited[at] && f->visited[at] != key)
		at = (at + 1) & (VISITED_ROOM - 1);
	if (f->visited[at])
		return false;
	f->visited[at] = key;
	return true;
}

static void follow_way(struct follow *f, struct way *way)
{
	struct insn insn;

	while (visit(f, way)) {
		if (++f->insns > f->insns_max) {
			f->incomplete = true;
			return;
		}
		if (!decode(f, way->pc, &insn)) {
			f->incomplete = true;
			return;
		}
		if (!follow_insn(f, way, &insn))
			return;
	}
}

static void follow_all(struct follow *f, uint64_t pc)
{
	struct way *way = &f->branches[f->nbranches++];

	*way = (struct way){ .pc = pc };
	for (uint8_t i = 0; i < RP_REG_PC; i++)
		way->reg[i] = (struct value){ .kind = REG, .base = i };
	while (f->nbranches && f->insns <= f->insns_max) {
		struct way next = f->branches[--f->nbranches];

		follow_way(f, &next);
		if (f->any_ret && f->returned)
			return;
	}
}

static struct follow *follow_create(struct rp_unwinder *unwinder)
{
	struct follow *f = calloc(1, sizeof(*f));

	if (f) {
		f->unwinder = unwinder;
		f->insns_max = INSNS_MAX;
		ZydisDecoderInit(&f->decoder, ZYDIS_MACHINE_MODE_LONG_64,
				 ZYDIS_STACK_WIDTH_64);
	}
	return f;
}

static void *look_at_function(struct follow *f, uint64_t function)
{
	struct follow *callee = follow_create(f->unwinder);

	if (!callee)
		return RETURNS_MAYBE;
	callee->any_ret = true;
	callee->depth = f->depth + 1;
	callee->insns_max = CALLEE_INSNS_MAX;
	follow_all(callee, function);
	void *returns = callee->returned ? RETURNS_YES :
			callee->maybe_returned || callee->incomplete ?
			RETURNS_MAYBE :
			callee->exited ? RETURNS_EXITS : RETURNS_NO;
	free(callee);
	return returns;
}

/* Does a function come back? RETURNS_* */
static void *function_returns(struct follow *f, uint64_t function)
{
	struct rp_hash *known = &f->unwinder->returns;
	void *returns = rp_hash_get(known, function);

	if (returns)
		return returns == RETURNS_ASKED ? RETURNS_MAYBE : returns;
	if (f->depth >= CALLEE_DEPTH_MAX ||
	    rp_hash_put(known, function, RETURNS_ASKED))
		return RETURNS_MAYBE;
	returns = look_at_function(f, function);
	/* There is room for it: it is in. */
	rp_hash_put(known, function, returns);
	return returns;
}

static bool keep_rows(struct rp_pc_rule *rule, const struct follow *f)
{
	rule->rows = calloc(f->nrows, sizeof(*rule->rows));
	if (!rule->rows)
		return false;
	memcpy(rule->rows, f->rows, f->nrows * sizeof(*rule->rows));
	rule->nrows = (uint8_t)f->nrows;
	rule->sure = f->sure;
	rule->kind = RP_RULE_ROWS;
	return true;
}

bool rp_unwind_code(struct rp_unwinder *unwinder, struct rp_pc_rule *rule)
{
	struct follow *f = follow_create(unwinder);
	bool found = false;

	if (!f)
		return false;
	follow_all(f, rule->address);
	if (f->nrows) {
		found = keep_rows(rule, f);
	} else if (!f->maybe_returned && !f->incomplete && f->exited) {
		rule->kind = RP_RULE_EXIT;
		found = true;
	}
	free(f);
	return found;
}
