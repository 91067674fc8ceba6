/* SPDX-License-Identifier: MIT */
/* The fields of an instruction of x86-64: what a relocation may stand in. */
#ifndef REPOINT_OBJECT_INSN_FIELDS_H
#define REPOINT_OBJECT_INSN_FIELDS_H

#include "insn.h"

/**
 * struct rp_insn_fields - one instruction, by its encoding alone.
 * @length:    its bytes
 * @disp:      offset of its displacement; @disp_size bytes, 0 if it has none
 * @imm:       offset of its (first) immediate, @imm_size bytes
 * @relative:  the immediate is the distance to where it branches
 * @rip:       the displacement is a distance from the instruction's end
 * @nop:       does nothing: fill
 * @trap:      int3
 * @ends:      what follows is not reached through it
 * @branch:    enum rp_insn_branch
 */
struct rp_insn_fields {
	uint8_t length;
	uint8_t disp, disp_size;
	uint8_t imm, imm_size;
	bool relative;
	bool rip;
	bool nop;
	bool trap;
	bool ends;
	uint8_t branch;
};

/**
 * rp_insn_fields() - decode the instruction at @code.
 *
 * Return: 0, or -EILSEQ if there is none within @size bytes.
 */
int rp_insn_fields(const uint8_t *code, size_t size,
		   struct rp_insn_fields *ret);

/** rp_insn_field_target() - what a field counts to, from the instruction's end. */
static inline int64_t rp_insn_field_target(const uint8_t *code, uint64_t offset,
					   const struct rp_insn_fields *insn,
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
				     const struct rp_insn_fields *insn)
{
	return rp_insn_field_target(code, offset, insn, insn->imm,
				    insn->imm_size);
}

/** rp_insn_rip_target() - what an instruction at @offset refers to by @rip. */
static inline int64_t rp_insn_rip_target(const uint8_t *code, uint64_t offset,
					 const struct rp_insn_fields *insn)
{
	return rp_insn_field_target(code, offset, insn, insn->disp,
				    insn->disp_size);
}

#endif /* REPOINT_OBJECT_INSN_FIELDS_H */
