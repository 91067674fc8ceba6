/* SPDX-License-Identifier: MIT */
/*
 * Whose names and formats an object speaks: Repoint's own, or those of a kernel
 * (arch/x86/include/asm/alternative.h, orc_types.h, linux/static_call_types.h,
 * linux/objtool.h of Linux 6.1 and 6.12).
 */
#ifndef REPOINT_OBJECT_ABI_H
#define REPOINT_OBJECT_ABI_H

#include <stdbool.h>
#include <stdint.h>

enum rp_abi_kind { RP_ABI_REPOINT, RP_ABI_LINUX_6_1, RP_ABI_LINUX_6_12, RP_ABI_NR };

/**
 * struct rp_abi - names and formats.
 * @name:          "repoint", "linux-6.1", "linux-6.12": the option's word
 * @tramp_prefix:  of static calls' trampolines
 * @key_prefix:    of static calls' keys
 * @call_sites:    section of static call sites
 * @key_sites:     section of static keys' sites
 * @alternatives:  section of alternatives
 * @replacements:  section of their code
 * @alternative_size: bytes of a record: 16, 12, 14
 * @orc_type_bits: in an ORC entry: 2 (6.1, with an end bit), 3 (6.12, with a
 *                 signal bit)
 * @kernel:        annotations of the kernel (.discard.*, __ex_table) are read;
 *                 no .eh_frame is expected
 */
struct rp_abi {
	const char *name;
	enum rp_abi_kind kind;
	const char *tramp_prefix;
	const char *key_prefix;
	const char *call_sites;
	const char *key_sites;
	const char *alternatives;
	const char *replacements;
	uint8_t alternative_size;
	uint8_t orc_type_bits;
	bool kernel;
};

/** rp_abi() - the one of a kind. */
const struct rp_abi *rp_abi(enum rp_abi_kind kind);

/** rp_abi_by_name() - by the option's word; NULL if there is none. */
const struct rp_abi *rp_abi_by_name(const char *name);

#endif /* REPOINT_OBJECT_ABI_H */
