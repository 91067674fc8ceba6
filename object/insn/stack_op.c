/* SPDX-License-Identifier: MIT */
/* What an instruction does to the stack, or to registers that lead to it. */
#include "flow_internal.h"

/* Those that may hold something of the caller's, or lead to it. */
static bool is_kept(uint8_t reg)
{
	const unsigned int kept = 1u << RP_RBX | 1u << RP_RSP | 1u << RP_RBP |
		1u << RP_R10 | 1u << RP_R12 | 1u << RP_R13 | 1u << RP_R14 |
		1u << RP_R15;

	return kept >> reg & 1;
}

#define OP(kind, dest, src, offset) \
	((struct rp_stack_op){ kind, dest, src, 0, offset })
#define NO_OP	OP(RP_OP_NONE, RP_REG_NONE, RP_REG_NONE, 0)

static struct rp_stack_op move_op(uint8_t dest, uint8_t src, bool every)
{
	if (!every && !rp_insn_is_frame(dest) && !rp_insn_is_frame(src))
		return NO_OP;
	return OP(RP_OP_MOVE, dest, src, 0);
}

/* With another segment, or 32 bits of address, it is not the stack. */
static bool is_elsewhere(const rp_zydis_insn *insn)
{
	return rp_insn_has_prefix(insn, 0x64) ||
	       rp_insn_has_prefix(insn, 0x65) || rp_insn_has_prefix(insn, 0x67);
}

static bool is_simple(const rp_zydis_insn *insn,
		      const struct rp_insn_flow *flow)
{
	return !flow->rip && flow->index == RP_REG_NONE &&
	       flow->base != RP_REG_NONE && !is_elsewhere(insn);
}

static struct rp_stack_op load_op(const rp_zydis_insn *insn,
				  struct rp_insn_extension e,
				  const struct rp_insn_flow *flow, bool every)
{
	uint8_t dest = insn->raw.modrm.reg + e.r;

	if (!is_simple(insn, flow) || !is_kept(dest) ||
	    !(every || rp_insn_is_frame(flow->base) || rp_insn_is_frame(dest)))
		return NO_OP;
	return OP(RP_OP_LOAD, dest, flow->base, insn->raw.disp.value);
}

static struct rp_stack_op store_op(const rp_zydis_insn *insn,
				   struct rp_insn_extension e,
				   const struct rp_insn_flow *flow)
{
	uint8_t src = insn->raw.modrm.reg + e.r;

	if (!is_simple(insn, flow) || !is_kept(src) ||
	    !(rp_insn_is_frame(flow->base) || src == RP_RSP))
		return NO_OP;
	return OP(RP_OP_STORE, flow->base, src, insn->raw.disp.value);
}

static struct rp_stack_op lea_op(const rp_zydis_insn *insn,
				 struct rp_insn_extension e,
				 const struct rp_insn_flow *flow, bool every)
{
	uint8_t dest = insn->raw.modrm.reg + e.r;
	struct rp_stack_op op;

	if (!is_simple(insn, flow) || (!every && !rp_insn_is_frame(dest) &&
				       !rp_insn_is_frame(flow->base)))
		return NO_OP;
	op = OP(insn->raw.disp.value ? RP_OP_ADD : RP_OP_MOVE, dest, flow->base,
		insn->raw.disp.value);
	op.flags = RP_OP_LEA;
	return op;
}

/* 81, 83: add, or, adc, sbb, and, sub, xor, cmp with an immediate. */
static struct rp_stack_op arithmetic_op(const rp_zydis_insn *insn,
					struct rp_insn_extension e, bool every)
{
	uint8_t reg = rp_insn_rm(insn, e);
	int64_t value = insn->raw.imm[0].value.s;

	if (reg == RP_REG_NONE || (!every && !rp_insn_is_frame(reg)))
		return NO_OP;
	if (insn->raw.imm[0].size == 8)	// Zydis does not extend all of them
		value = (int8_t)value;
	else
		value = (int32_t)value;
	switch (insn->raw.modrm.reg) {
	case 0:
		return OP(RP_OP_ADD, reg, reg, value);
	case 4:
		return OP(RP_OP_AND, reg, reg, value);
	case 5:
		if (value == INT32_MIN)
			return NO_OP;
		return OP(RP_OP_ADD, reg, reg, -value);
	default:
		return NO_OP;
	}
}

/* add and sub of a register: by how much is not known. */
static struct rp_stack_op shift_op(uint8_t dest, uint8_t src)
{
	if (!rp_insn_is_frame(dest))
		return NO_OP;
	return OP(RP_OP_CLOBBER, dest, src, 0);
}

static struct rp_stack_op exchange_op(uint8_t a, uint8_t b, bool every)
{
	if (a == RP_REG_NONE ||
	    (!every && !rp_insn_is_frame(a) && !rp_insn_is_frame(b)))
		return NO_OP;
	return OP(RP_OP_EXCHANGE, a, b, 0);
}

/* xchg of 32 bits or less: what was in the frame's register is lost. */
static struct rp_stack_op narrow_exchange_op(const rp_zydis_insn *insn,
					     struct rp_insn_extension e)
{
	bool short_form = insn->opcode >= 0x91 && insn->opcode <= 0x97;
	uint8_t a, b = RP_RAX;

	if (insn->opcode != 0x87 && !short_form)
		return NO_OP;
	a = short_form ? (insn->opcode & 7) + e.b : rp_insn_rm(insn, e);
	if (!short_form)
		b = insn->raw.modrm.reg + e.r;
	if (rp_insn_is_frame(a))
		return OP(RP_OP_CLOBBER, a, RP_REG_NONE, 0);
	return rp_insn_is_frame(b) ? OP(RP_OP_CLOBBER, b, RP_REG_NONE, 0) :
				     NO_OP;
}

/* Instructions of 64 bits that move or calculate. */
static struct rp_stack_op wide_op(const rp_zydis_insn *insn,
				  struct rp_insn_extension e,
				  const struct rp_insn_flow *flow, bool every)
{
	uint8_t rm = rp_insn_rm(insn, e);
	uint8_t reg = insn->raw.modrm.reg + e.r;

	switch (insn->opcode) {
	case 0x01:
	case 0x29:
		return shift_op(rm, reg);
	case 0x81:
	case 0x83:
		return arithmetic_op(insn, e, every);
	case 0x87:
		return exchange_op(rm, reg, every);
	case 0x89:
		return rm == RP_REG_NONE ? store_op(insn, e, flow) :
					   move_op(rm, reg, every);
	case 0x8b:
		return rm == RP_REG_NONE ? load_op(insn, e, flow, every) :
					   move_op(reg, rm, every);
	case 0x8d:
		return lea_op(insn, e, flow, every);
	case 0x91 ... 0x97:
		return exchange_op((insn->opcode & 7) + e.b, RP_RAX, every);
	default:
		return NO_OP;
	}
}

static struct rp_stack_op push_flags(uint8_t kind)
{
	struct rp_stack_op op = OP(kind, RP_REG_NONE, RP_REG_NONE, 0);

	op.flags = RP_OP_FLAGS;
	return op;
}

/* Instructions that push and pop, 64 bits whatever their prefixes. */
static struct rp_stack_op plain_op(const rp_zydis_insn *insn,
				   struct rp_insn_extension e)
{
	switch (insn->opcode) {
	case 0x50 ... 0x57:
		return OP(RP_OP_PUSH, RP_REG_NONE, (insn->opcode & 7) + e.b, 0);
	case 0x58 ... 0x5f:
		return OP(RP_OP_POP, (insn->opcode & 7) + e.b, RP_REG_NONE, 0);
	case 0x68:
	case 0x6a:
		return OP(RP_OP_PUSH, RP_REG_NONE, RP_REG_NONE, 0);
	case 0x8f:
		return OP(RP_OP_POP, rp_insn_rm(insn, e), RP_REG_NONE, 0);
	case 0x9c:
		return push_flags(RP_OP_PUSH);
	case 0x9d:
		return push_flags(RP_OP_POP);
	case 0xc8:
		return OP(RP_OP_ENTER, RP_RBP, RP_RBP,
			  insn->raw.imm[0].value.u & 0xffff);
	case 0xc9:
		return OP(RP_OP_LEAVE, RP_RBP, RP_RBP, 0);
	case 0xcf:
		return OP(RP_OP_ADD, RP_RSP, RP_RSP, 40);
	case 0xff:
		if (insn->raw.modrm.reg == 6)
			return OP(RP_OP_PUSH, RP_REG_NONE, rp_insn_rm(insn, e),
				  0);
		return NO_OP;
	default:
		return NO_OP;
	}
}

static struct rp_stack_op op_0f(const rp_zydis_insn *insn)
{
	switch (insn->opcode) {
	case 0xa0:
	case 0xa8:
		return OP(RP_OP_PUSH, RP_REG_NONE, RP_REG_NONE, 0);
	case 0xa1:
	case 0xa9:
		return OP(RP_OP_POP, RP_REG_NONE, RP_REG_NONE, 0);
	default:
		return NO_OP;
	}
}

/* Pushes and pops of 16 bits shift the stack by 2. */
static struct rp_stack_op halved(struct rp_stack_op op)
{
	switch (op.kind) {
	case RP_OP_PUSH:
		return OP(RP_OP_ADD, RP_RSP, RP_RSP, -2);
	case RP_OP_POP:
		return OP(RP_OP_ADD, RP_RSP, RP_RSP, 2);
	default:
		return op;
	}
}

struct rp_stack_op rp_insn_stack_op(const rp_zydis_insn *insn,
				    struct rp_insn_extension e,
				    const struct rp_insn_flow *flow, bool every)
{
	struct rp_stack_op op = NO_OP;

	if (rp_insn_is_plain(insn)) {
		op = plain_op(insn, e);
		if (op.kind == RP_OP_NONE)
			op = e.w ? wide_op(insn, e, flow, every) :
				   narrow_exchange_op(insn, e);
	} else if (rp_insn_is_0f(insn)) {
		op = op_0f(insn);
	}
	if (op.kind != RP_OP_NONE && !e.w && rp_insn_has_prefix(insn, 0x66))
		op = halved(op);
	return op;
}
