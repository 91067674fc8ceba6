/* SPDX-License-Identifier: MIT */
/* Whose names and formats an object speaks. */
#include "abi.h"

#include <repoint/abi.h>

#include <stddef.h>
#include <string.h>

static const struct rp_abi abis[RP_ABI_NR] = {
	[RP_ABI_REPOINT] = {
		.name = "repoint",
		.kind = RP_ABI_REPOINT,
		.tramp_prefix = RP_TRAMP_PREFIX,
		.key_prefix = RP_KEY_PREFIX,
		.call_sites = RP_STATIC_CALL_SITES_SECTION,
		.key_sites = RP_STATIC_KEY_SITES_SECTION,
		.alternatives = RP_ALTERNATIVES_SECTION,
		.replacements = RP_ALTERNATIVE_CODE_SECTION,
		.alternative_size = sizeof(struct rp_alternative),
		.orc_type_bits = 3,
	},
	[RP_ABI_LINUX_6_1] = {
		.name = "linux-6.1",
		.kind = RP_ABI_LINUX_6_1,
		.tramp_prefix = "__SCT__",
		.key_prefix = "__SCK__",
		.call_sites = ".static_call_sites",
		.key_sites = "__jump_table",
		.alternatives = ".altinstructions",
		.replacements = ".altinstr_replacement",
		.alternative_size = 12,
		.orc_type_bits = 2,
		.kernel = true,
	},
	[RP_ABI_LINUX_6_12] = {
		.name = "linux-6.12",
		.kind = RP_ABI_LINUX_6_12,
		.tramp_prefix = "__SCT__",
		.key_prefix = "__SCK__",
		.call_sites = ".static_call_sites",
		.key_sites = "__jump_table",
		.alternatives = ".altinstructions",
		.replacements = ".altinstr_replacement",
		.alternative_size = 14,
		.orc_type_bits = 3,
		.kernel = true,
	},
};

const struct rp_abi *rp_abi(enum rp_abi_kind kind)
{
	return &abis[kind];
}

const struct rp_abi *rp_abi_by_name(const char *name)
{
	for (size_t i = 0; i < RP_ABI_NR; i++) {
		if (!strcmp(name, abis[i].name))
			return &abis[i];
	}
	return NULL;
}
