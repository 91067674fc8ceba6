/* SPDX-License-Identifier: MIT */
/* Instructions of x86-64, as far as the tools ask about them. */
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
 * @length:   its bytes, prefixes included
 * @branch:   what it is
 * @field:    offset of the rel32 or disp32, if @branch is not RP_INSN_OTHER
 * @prefixed: it has prefixes, so its opcode is not its first byte
 * @only_cs:  all its prefixes, if any, are CS: they have no effect
 */
struct rp_insn {
	uint8_t length;
	uint8_t field;
	bool prefixed;
	bool only_cs;
	enum rp_insn_branch branch;
};

/**
 * rp_insn_decode() - decode the instruction at @code.
 * @code: its first byte
 * @size: bytes that may be read
 * @ret:  the instruction
 *
 * Return: 0, or -EILSEQ if there is none.
 */
int rp_insn_decode(const uint8_t *code, size_t size, struct rp_insn *ret);

/** rp_insn_decoder_version() - version of the decoder, as text. */
const char *rp_insn_decoder_version(void);

#endif /* REPOINT_OBJECT_INSN_INSN_H */
