/* SPDX-License-Identifier: MIT */
/* The relocation types that a payload may have. */
#ifndef REPOINT_PAYLOAD_RELOC_TYPE_H
#define REPOINT_PAYLOAD_RELOC_TYPE_H

#include <stdbool.h>
#include <stdint.h>

/** What is stored, in the terms of the psABI; P is subtracted if @pc_relative. */
enum rp_reloc_value {
	RP_VALUE_SYMBOL,	/**< S + A */
	RP_VALUE_GOT,		/**< address of the GOT entry + A */
	RP_VALUE_TP_OFFSET,	/**< offset from the thread pointer + A */
	RP_VALUE_TLS_OFFSET,	/**< offset in its module's TLS block + A */
};

/** What is in a GOT entry, and how many words that is. */
enum rp_got_kind {
	RP_GOT_NONE,
	RP_GOT_ADDRESS,		/**< of the symbol */
	RP_GOT_TP_OFFSET,	/**< offset from the thread pointer */
	RP_GOT_TLS_GENERAL,	/**< two: module, offset in its block */
	RP_GOT_TLS_LOCAL,	/**< two: module, 0 */
	RP_GOT_NR
};

/**
 * struct rp_reloc_type - one type.
 * @name:        without R_X86_64_
 * @width:       bytes
 * @pc_relative: see enum rp_reloc_value
 * @is_signed:   of a field of 4 bytes: sign-extended
 * @is_tls:      of a thread-local variable
 */
struct rp_reloc_type {
	const char *name;
	uint8_t width;
	bool pc_relative;
	bool is_signed;
	bool is_tls;
	enum rp_reloc_value value;
	enum rp_got_kind got;
};

/** rp_reloc_type() - by R_X86_64_* number; NULL if a payload cannot have it. */
const struct rp_reloc_type *rp_reloc_type(uint32_t type);

/** rp_got_size() - bytes of a GOT entry. */
static inline unsigned int rp_got_size(enum rp_got_kind kind)
{
	return kind == RP_GOT_TLS_GENERAL || kind == RP_GOT_TLS_LOCAL ? 16 : 8;
}

#endif /* REPOINT_PAYLOAD_RELOC_TYPE_H */
