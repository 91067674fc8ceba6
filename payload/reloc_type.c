/* SPDX-License-Identifier: MIT */
/* The relocation types that a payload may have. */
#include "reloc_type.h"

#include <elf.h>
#include <stddef.h>

#define TYPE(n, ...)	[R_X86_64_##n] = { .name = #n, __VA_ARGS__ }

// Columns are aligned by hand.
// clang-format off
static const struct rp_reloc_type types[] = {
	TYPE(64,             .width = 8),
	TYPE(PC64,           .width = 8, .pc_relative = true),
	TYPE(32,             .width = 4),
	TYPE(32S,            .width = 4, .is_signed = true),
	TYPE(PC32,           .width = 4, .is_signed = true, .pc_relative = true),
	TYPE(PLT32,          .width = 4, .is_signed = true, .pc_relative = true),
	TYPE(GOTPCREL,       .width = 4, .is_signed = true, .pc_relative = true,
	     .value = RP_VALUE_GOT, .got = RP_GOT_ADDRESS),
	TYPE(GOTPCRELX,      .width = 4, .is_signed = true, .pc_relative = true,
	     .value = RP_VALUE_GOT, .got = RP_GOT_ADDRESS),
	TYPE(REX_GOTPCRELX,  .width = 4, .is_signed = true, .pc_relative = true,
	     .value = RP_VALUE_GOT, .got = RP_GOT_ADDRESS),
	TYPE(GOTTPOFF,       .width = 4, .is_signed = true, .pc_relative = true,
	     .value = RP_VALUE_GOT, .got = RP_GOT_TP_OFFSET, .is_tls = true),
	TYPE(TLSGD,          .width = 4, .is_signed = true, .pc_relative = true,
	     .value = RP_VALUE_GOT, .got = RP_GOT_TLS_GENERAL, .is_tls = true),
	TYPE(TLSLD,          .width = 4, .is_signed = true, .pc_relative = true,
	     .value = RP_VALUE_GOT, .got = RP_GOT_TLS_LOCAL, .is_tls = true),
	TYPE(TPOFF32,        .width = 4, .is_signed = true,
	     .value = RP_VALUE_TP_OFFSET, .is_tls = true),
	TYPE(TPOFF64,        .width = 8,
	     .value = RP_VALUE_TP_OFFSET, .is_tls = true),
	TYPE(DTPOFF32,       .width = 4, .is_signed = true,
	     .value = RP_VALUE_TLS_OFFSET, .is_tls = true),
	TYPE(DTPOFF64,       .width = 8,
	     .value = RP_VALUE_TLS_OFFSET, .is_tls = true),
};
// clang-format on

const struct rp_reloc_type *rp_reloc_type(uint32_t type)
{
	if (type >= sizeof(types) / sizeof(types[0]) || !types[type].name)
		return NULL;
	return &types[type];
}
