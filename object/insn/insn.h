/* SPDX-License-Identifier: MIT */
/* Instructions of x86-64 by their encoding: lengths, fields, branches. */
#ifndef REPOINT_OBJECT_INSN_INSN_H
#define REPOINT_OBJECT_INSN_INSN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** What an instruction does with its 32-bit field. */
enum rp_insn_branch {
	RP_INSN_OTHER,
	RP_INSN_CALL,		/**< e8 rel32 */
	RP_INSN_JMP,		/**< e9 rel32 */
	RP_INSN_JCC,		/**< 0f 80..8f rel32 */
	RP_INSN_CALL_MEM,	/**< ff /2, [rip + disp32] */
	RP_INSN_JMP_MEM,	/**< ff /4, [rip + disp32] */
};

/**
 * struct rp_insn - one decoded instruction.
 * @length:    its bytes, prefixes included
 * @disp:      offset of its displacement; @disp_size bytes, 0 if it has none
 * @imm:       offset of its (first) immediate, @imm_size bytes
 * @relative:  the immediate is the distance to where it branches
 * @rip:       the displacement is a distance from the instruction's end
 * @nop:       does nothing: fill
 * @trap:      int3
 * @ends:      what follows is not reached through it
 * @prefixed:  it has prefixes, so its opcode is not its first byte
 * @only_cs:   all its prefixes, if any, are CS: they have no effect
 * @branch:    enum rp_insn_branch
 */
struct rp_insn {
	uint8_t length;
	uint8_t disp, disp_size;
	uint8_t imm, imm_size;
	bool relative;
	bool rip;
	bool nop;
	bool trap;
	bool ends;
	bool prefixed;
	bool only_cs;
	uint8_t branch;
};

/**
 * rp_insn_decode() - decode the instruction at @code.
 * @code: its first byte
 * @size: bytes that may be read
 * @ret:  the instruction
 *
 * Return: 0, or -EILSEQ if there is none within @size bytes.
 */
int rp_insn_decode(const uint8_t *code, size_t size, struct rp_insn *ret);

/** rp_insn_field() - offset of the rel32 or disp32 of a branch, 0 of others. */
static inline uint8_t rp_insn_field(const struct rp_insn *insn)
{
	if (insn->branch == RP_INSN_OTHER)
		return 0;
	return insn->branch == RP_INSN_CALL_MEM ||
	       insn->branch == RP_INSN_JMP_MEM ? insn->disp : insn->imm;
}

/** rp_insn_field_target() - what a field counts to, from the instruction's end. */
static inline int64_t rp_insn_field_target(const uint8_t *code, uint64_t offset,
					   const struct rp_insn *insn,
					   unsigned int at, unsigned int size)
{
	uint32_t v = 0;

	for (unsigned int i = 0; i < size; i++)
		v |= (uint32_t)code[at + i] << 8 * i;
	int64_t distance = size == 1 ? (int8_t)v :
			   size == 2 ? (int16_t)v : (int32_t)v;
	return (int64_t)offset + insn->length + distance;
}

/** rp_insn_target() - where a relative branch at @offset goes. */
static inline int64_t rp_insn_target(const uint8_t *code, uint64_t offset,
				     const struct rp_insn *insn)
{
	return rp_insn_field_target(code, offset, insn, insn->imm,
				    insn->imm_size);
}

/** rp_insn_rip_target() - what an instruction at @offset refers to by @rip. */
static inline int64_t rp_insn_rip_target(const uint8_t *code, uint64_t offset,
					 const struct rp_insn *insn)
{
	return rp_insn_field_target(code, offset, insn, insn->disp,
				    insn->disp_size);
}

/** rp_insn_decoder_version() - version of the decoder, as text. */
const char *rp_insn_decoder_version(void);

#endif /* REPOINT_OBJECT_INSN_INSN_H */
