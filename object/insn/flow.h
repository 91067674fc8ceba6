/* SPDX-License-Identifier: MIT */
/* What one instruction of x86-64 does to the flow of control and to the stack. */
#ifndef REPOINT_OBJECT_INSN_FLOW_H
#define REPOINT_OBJECT_INSN_FLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** enum rp_flow - where an instruction goes. */
enum rp_flow {
	RP_FLOW_NEXT,		/**< to the next one */
	RP_FLOW_NOP,		/**< the same: it does nothing */
	RP_FLOW_TRAP,		/**< int3 */
	RP_FLOW_ENDBR,		/**< endbr64 */
	RP_FLOW_CALL,		/**< call rel32 */
	RP_FLOW_CALL_INDIRECT,	/**< call of a register or of memory */
	RP_FLOW_JMP,		/**< jmp rel8, rel32 */
	RP_FLOW_JCC,		/**< jcc, jrcxz, loop, xbegin: jump or next */
	RP_FLOW_JMP_INDIRECT,	/**< jmp of a register or of memory */
	RP_FLOW_RET,
	RP_FLOW_UD,		/**< ud0, ud1, ud2: never goes on, or by a handler */
	RP_FLOW_HLT,
	RP_FLOW_SWITCH,		/**< syscall, sysenter, sysret, iret, ...: see kind
				     of program */
	RP_FLOW_STAC, RP_FLOW_CLAC, RP_FLOW_STD, RP_FLOW_CLD,
};

/** Registers have the numbers that instructions give them; rsp is 4, rbp 5. */
enum rp_reg {
	RP_RAX, RP_RCX, RP_RDX, RP_RBX, RP_RSP, RP_RBP, RP_RSI, RP_RDI,
	RP_R8, RP_R9, RP_R10, RP_R11, RP_R12, RP_R13, RP_R14, RP_R15,
	RP_REG_NR,
	RP_REG_NONE = 0xff,
};

/** The registers that functions keep for their callers, 1 << enum rp_reg each, but
 *  for rsp (psABI, Register Usage). */
#define RP_REGS_KEPT	(1u << RP_RBX | 1u << RP_RBP | 1u << RP_R12 | \
			 1u << RP_R13 | 1u << RP_R14 | 1u << RP_R15)

/** rp_reg_is_kept() - is it one of these? */
static inline bool rp_reg_is_kept(uint8_t reg)
{
	return reg < RP_REG_NR && (RP_REGS_KEPT >> reg & 1);
}

/** rp_reg_name() - as assemblers write it, or "?". */
const char *rp_reg_name(uint8_t reg);

/** enum rp_stack_op - one step that concerns the stack pointer, or a register
 *  that is derived from it, or a place on the stack. 64 bits wide each. */
enum rp_stack_op_kind {
	RP_OP_NONE,
	RP_OP_MOVE,		/**< @dest = @src */
	RP_OP_ADD,		/**< @dest = @src + @offset (add, sub, lea) */
	RP_OP_AND,		/**< @dest = @dest & @offset */
	RP_OP_LOAD,		/**< @dest = [@src + @offset] */
	RP_OP_STORE,		/**< [@dest + @offset] = @src; RP_REG_NONE: a
				     constant, or another width */
	RP_OP_PUSH,		/**< push @src; RP_REG_NONE: constant, memory,
				     flags (@flags) or segment */
	RP_OP_POP,		/**< pop @dest; RP_REG_NONE: memory, flags, segment */
	RP_OP_LEAVE,		/**< rsp = rbp; pop rbp */
	RP_OP_ENTER,		/**< push rbp; rbp = rsp; rsp -= @offset */
	RP_OP_CLOBBER,		/**< @dest gets a value that is not derived from
				     the stack (any other write to it). @src: what is
				     added to or subtracted from it; else RP_REG_NONE */
	RP_OP_EXCHANGE,		/**< xchg @dest, @src */
};

#define RP_OP_FLAGS	0x01u	/**< pushf, popf */
#define RP_OP_STRAY	0x02u	/**< rsp itself is written in a way that is not
				     understood: @kind is RP_OP_CLOBBER */
#define RP_OP_LEA	0x04u	/**< it is a lea */

struct rp_stack_op {
	uint8_t kind;
	uint8_t dest;
	uint8_t src;
	uint8_t flags;
	int32_t offset;
};

/**
 * struct rp_insn_flow - one decoded instruction.
 * @length:    its bytes
 * @flow:      enum rp_flow
 * @target:    offset of its relative operand, if it has one (branches), else 0
 * @target_size: 1 or 4
 * @disp:      offset of its displacement, @disp_size bytes, 0 if none
 * @rip:       the displacement is relative to the end of the instruction
 * @imm:       offset of an immediate that is not @target, @imm_size bytes
 * @base, @index: registers of its memory operand, or RP_REG_NONE; @scale
 * @reg:       CALL_INDIRECT, JMP_INDIRECT through a register: which; else
 *             RP_REG_NONE. Other instructions: the register that their operands
 *             say they write, if it is one alone (not rax of mul)
 * @memory:    it has a memory operand that is not only an address (lea)
 * @notrack:   3e prefix of an indirect branch
 * @op:        what it does to the stack
 *
 * The push of call, the pop of ret are not listed; iret has an ADD of the 40
 * bytes that it pops. Of registers other than rsp and rbp are listed: pushes and
 * pops; moves from, to and relative to those two; 64 bits of those that callees
 * keep, of r10 and of rsp itself, loaded and stored relative to them; and [any
 * register] = rsp. rp_insn_flow_every() lists more.
 */
struct rp_insn_flow {
	uint8_t length;
	uint8_t flow;
	uint8_t target, target_size;
	uint8_t disp, disp_size;
	uint8_t imm, imm_size;
	uint8_t base, index, scale;
	uint8_t reg;
	bool rip;
	bool memory;
	bool notrack;
	struct rp_stack_op op;
};

/**
 * rp_insn_flow() - decode the instruction at @code.
 * @code: its first byte
 * @size: bytes that may be read
 * @ret:  filled in
 *
 * Return: 0, or -EILSEQ if there is none within @size bytes.
 */
int rp_insn_flow(const uint8_t *code, size_t size, struct rp_insn_flow *ret);

/**
 * rp_insn_flow_every() - the same, slowly: @op tells moves and additions of any
 * registers, and loads relative to any.
 * @writes: the general registers that are written: 1 << enum rp_reg each
 */
int rp_insn_flow_every(const uint8_t *code, size_t size,
		       struct rp_insn_flow *ret, uint16_t *writes);

#endif /* REPOINT_OBJECT_INSN_FLOW_H */
