/* SPDX-License-Identifier: MIT */
/* How the tables of sites differ. */
#include "site_type.h"

#include <endian.h>

_Static_assert(sizeof(struct rp_static_call_site) == RP_RECORD_SIZE &&
	       sizeof(struct rp_op_site) == RP_RECORD_SIZE, "record size");
_Static_assert(!offsetof(struct rp_static_call_site, code) &&
	       !offsetof(struct rp_op_site, code), "code comes first");

static bool is_got(uint32_t type)
{
	return type == R_X86_64_GOTPCREL || type == R_X86_64_GOTPCRELX ||
	       type == R_X86_64_REX_GOTPCRELX;
}

static bool is_direct(uint32_t type)
{
	return type == R_X86_64_PC32 || type == R_X86_64_PLT32;
}

static enum rp_reference call_reference(uint32_t type, int64_t addend)
{
	return !addend && (is_direct(type) || is_got(type)) ?
		RP_REFERENCE_FIELD : RP_REFERENCE_OTHER;
}

static unsigned int call_kind(const struct rp_insn *insn, uint32_t type)
{
	bool direct = is_direct(type);

	switch (insn->branch) {
	case RP_INSN_CALL:
		return direct ? RP_SITE_CALL : 0;
	case RP_INSN_JMP:
		return direct ? RP_SITE_JMP : 0;
	case RP_INSN_JCC:
		return direct ? RP_SITE_JCC : 0;
	case RP_INSN_CALL_MEM:
		return direct ? 0 : RP_SITE_CALL_GOT;
	case RP_INSN_JMP_MEM:
		return direct ? 0 : RP_SITE_JMP_GOT;
	default:
		return 0;
	}
}

// A kernel has no GOT.
static enum rp_reference kernel_reference(uint32_t type, int64_t addend)
{
	return !addend && is_direct(type) ? RP_REFERENCE_FIELD :
					    RP_REFERENCE_OTHER;
}

static void put_call(uint8_t *plain, const struct rp_site *site)
{
	uint16_t words[] = { htole16(site->kind), 0 };

	memcpy(plain, words, sizeof(words));
}

static enum rp_reference op_reference(uint32_t type, int64_t addend)
{
	(void)addend;
	if (type == R_X86_64_PC32)
		return RP_REFERENCE_FIELD;
	return is_got(type) ? RP_REFERENCE_GOT : RP_REFERENCE_OTHER;
}

static unsigned int op_kind(const struct rp_insn *insn, uint32_t type)
{
	(void)type;
	if (insn->branch == RP_INSN_CALL_MEM)
		return RP_OP_SITE_CALL;
	return insn->branch == RP_INSN_JMP_MEM ? RP_OP_SITE_JMP : 0;
}

static void put_op(uint8_t *plain, const struct rp_site *site)
{
	const uint8_t bytes[] = { site->kind, site->length, 0, 0 };

	memcpy(plain, bytes, sizeof(bytes));
}

const struct rp_site_type rp_site_types[RP_TABLE_NR + 1] = {
	[RP_TABLE_CALLS] = {
		.prefix = RP_TRAMP_PREFIX,
		.section = RP_STATIC_CALL_SITES_SECTION,
		.rela = ".rela" RP_STATIC_CALL_SITES_SECTION,
		.target = offsetof(struct rp_static_call_site, tramp),
		.target_type = R_X86_64_GOTPCREL,
		.plain = offsetof(struct rp_static_call_site, kind),
		.reference = call_reference,
		.kind = call_kind,
		.put_plain = put_call,
	},
	[RP_TABLE_OPS] = {
		.prefix = RP_OPS_PREFIX,
		.section = RP_OP_SITES_SECTION,
		.rela = ".rela" RP_OP_SITES_SECTION,
		.target = offsetof(struct rp_op_site, slot),
		.target_type = R_X86_64_PC32,
		.plain = offsetof(struct rp_op_site, kind),
		.members = true,
		.cs_prefixes = true,
		.by_assembler = true,
		.reference = op_reference,
		.kind = op_kind,
		.put_plain = put_op,
	},
	[RP_TABLE_KERNEL] = {
		.prefix = "__SCT__",
		.cs_prefixes = true,
		.reference = kernel_reference,
		.kind = call_kind,
	},
};

const char *rp_site_kind_name(enum rp_site_table table, unsigned int kind)
{
	static const char *const calls[RP_SITE_KIND_NR] = {
		[RP_SITE_CALL] = "call",
		[RP_SITE_JMP] = "jmp",
		[RP_SITE_JCC] = "jcc",
		[RP_SITE_CALL_GOT] = "call-got",
		[RP_SITE_JMP_GOT] = "jmp-got",
	};
	static const char *const ops[RP_OP_SITE_KIND_NR] = {
		[RP_OP_SITE_CALL] = "call",
		[RP_OP_SITE_JMP] = "jmp",
	};
	const char *name = NULL;

	if (table != RP_TABLE_OPS && kind < RP_SITE_KIND_NR)
		name = calls[kind];
	else if (table == RP_TABLE_OPS && kind < RP_OP_SITE_KIND_NR)
		name = ops[kind];
	return name ? name : "unknown";
}
