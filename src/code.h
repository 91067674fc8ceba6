/* SPDX-License-Identifier: MIT */
/*
 * Sequences of any instructions that are copied to another place: where each
 * of them ends, what in it depends on its address, and what its NOPs cost.
 *
 * Pure functions: they keep nothing, allocate nothing and take no lock. A port
 * supplies them in src/arch/ARCH/code.c.
 */
#ifndef RP_SRC_CODE_H
#define RP_SRC_CODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The longest sequence: lengths in records are of 16 bits. */
#define RP__CODE_MAX	65535

/*
 * struct rp__code_insn - what copying needs to know of an instruction.
 * @len:      bytes, prefixes included
 * @rel:      offset of a relative branch's displacement, 0 if there is none
 * @rel_size: its bytes, 1 or 4
 * @rip:      offset of an operand's 32-bit displacement that counts from the
 *            end of the instruction, 0 if there is none
 * @nop:      does nothing, on every processor
 * @stops:    a near jump or return: what lies behind is not reached by it
 */
struct rp__code_insn {
	unsigned int len;
	unsigned int rel;
	unsigned int rel_size;
	unsigned int rip;
	bool nop;
	bool stops;
};

/*
 * Decode the instruction at @bytes, of which @len may be read. Returns 0, or
 * -EILSEQ if it is none, is none that may be copied, or ends behind @len; @ret
 * is of no use then.
 */
int rp__code_decode(const uint8_t *bytes, size_t len,
		    struct rp__code_insn *ret);

/*
 * Check that the @len bytes of @code, at @addr, are whole instructions, and
 * that no relative branch among them goes into the middle of one. Returns 0,
 * or with the offset of the culprit in @at: -EILSEQ no instruction, -EINVAL
 * such a branch, -E2BIG (at RP__CODE_MAX) more than can be checked.
 */
int rp__code_check(const uint8_t *code, size_t len, uintptr_t addr, size_t *at);

/*
 * Change @code, a copy of @len bytes that were made for address @from, so that
 * it does the same at @to. What refers to [@from, @from + @len], the end
 * included, goes along. A jump that then fits into two bytes becomes that,
 * with int3 behind. Returns 0, or with the offset of the instruction in @at:
 * -ERANGE a displacement does not fit into its field, -EILSEQ no instruction.
 * After an error @code is of no use.
 */
int rp__code_relocate(uint8_t *code, size_t len, uintptr_t from, uintptr_t to,
		      size_t *at);

/*
 * Replace runs of NOPs in @code, at @addr, by what costs least: one NOP, or a
 * jump over the run if it is longer than the longest NOP; int3 behind a jump or
 * return, where nothing gets. Where something in @code refers to, an
 * instruction still begins. What may be the NOP of a static branch stays; so do
 * bytes from the first on that are no instruction, and all of @code beyond
 * RP__CODE_MAX bytes.
 */
void rp__code_optimize_nops(uint8_t *code, size_t len, uintptr_t addr);

/* rp__code_check(), and if nothing is wrong rp__code_optimize_nops(). */
int rp__code_finish(uint8_t *code, size_t len, uintptr_t addr, size_t *at);

/*
 * True if @code is one instruction of @len bytes, or a jump or return with
 * nothing but int3 behind it, and a thread is before it or behind it: not a
 * repeated string instruction, a gather, or a system call.
 */
bool rp__code_is_single(const uint8_t *code, size_t len);

#endif
