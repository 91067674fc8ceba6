/* SPDX-License-Identifier: MIT */
/* What an instruction of x86-64 changes, and where it goes. */
#ifndef REPOINT_OBJECT_INSN_EFFECTS_H
#define REPOINT_OBJECT_INSN_EFFECTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Where the next instruction is. */
enum rp_effect_flow {
	RP_EFFECT_NEXT,		/**< behind this one */
	RP_EFFECT_BRANCH,	/**< there, or at @displacement behind it */
	RP_EFFECT_CALL,		/**< there, after a call */
	RP_EFFECT_AWAY,		/**< nobody knows: ret, jmp *%rax, int, ... */
};

/**
 * struct rp_effects - one instruction.
 * @length:       its bytes
 * @field:        offset of the displacement of RP_EFFECT_BRANCH, and of a direct
 *                RP_EFFECT_CALL; else 0
 * @flow:         see enum rp_effect_flow
 * @displacement: of RP_EFFECT_BRANCH, from the end of the instruction
 * @clobbers:     RP_CLOBBER_* bits: what it writes, wholly or in part, always
 *                or on a condition
 * @stack:        it changes %rsp; of RP_EFFECT_CALL this is not said
 * @frame:        an operand in memory is addressed by %rsp; those that are
 *                implied, as by a call, do not count
 * @beyond:       it changes what the psABI makes callees keep and no bit stands
 *                for: DF, the x87 and SSE modes, segments, ...
 */
struct rp_effects {
	uint8_t length;
	uint8_t field;
	enum rp_effect_flow flow;
	int64_t displacement;
	uint32_t clobbers;
	bool stack;
	bool frame;
	bool beyond;
};

/**
 * rp_effects_decode() - decode the instruction at @code.
 * @code: its first byte
 * @size: bytes that may be read
 * @ret:  the instruction
 *
 * Return: 0, or -EILSEQ if there is none.
 */
int rp_effects_decode(const uint8_t *code, size_t size,
		      struct rp_effects *ret);

/** rp_effects_text() - the instruction at @code in words, for messages. */
void rp_effects_text(const uint8_t *code, size_t size, char *text,
		     size_t text_size);

#endif /* REPOINT_OBJECT_INSN_EFFECTS_H */
