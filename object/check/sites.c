/* SPDX-License-Identifier: MIT */
/*
 * Repoint's own tables of sites: is each instruction what its record says, and
 * are the tables those that `repoint object annotate` would write now?
 */
#include "../annotate/site_table.h"
#include "../printable.h"
#include "sites.h"

#include <repoint/abi.h>

#include <string.h>

static const struct rp_code_insn *insn_of(const struct rp_site_check *site)
{
	return &site->check->code.insns[site->insn];
}

static bool begins_here(const struct rp_site_check *site)
{
	return insn_of(site)->offset == site->offset;
}

/* The symbol that an instruction's own relocation names, or 0. */
static uint32_t referred(const struct rp_site_check *site)
{
	uint32_t reloc = insn_of(site)->reloc;

	return reloc ? site->check->code.relocs[reloc].symbol : 0;
}

/* ---- static calls ---- */

static const char *const call_names[RP_SITE_KIND_NR] = {
	[RP_SITE_CALL] = "a call (e8)",
	[RP_SITE_JMP] = "a jump (e9)",
	[RP_SITE_JCC] = "a conditional jump (0f 8x)",
	[RP_SITE_CALL_GOT] = "a call through the GOT (ff 15)",
	[RP_SITE_JMP_GOT] = "a jump through the GOT (ff 25)",
};

/* Linkers relax what goes through the GOT. */
static bool is_call(const uint8_t *b, uint64_t room, unsigned int kind)
{
	if (room < 5)
		return false;
	switch (kind) {
	case RP_SITE_CALL:
		return b[0] == 0xe8;
	case RP_SITE_JMP:
		return b[0] == 0xe9;
	case RP_SITE_JCC:
		return b[0] == 0x0f && (b[1] & 0xf0) == 0x80;
	case RP_SITE_CALL_GOT:
		return (b[0] == 0xff && b[1] == 0x15) ||
		       (b[0] == 0x67 && b[1] == 0xe8);
	default:
		return (b[0] == 0xff && b[1] == 0x25) ||
		       (b[0] == 0xe9 && room > 5 && b[5] == 0x90);
	}
}

/* Offset in the instruction of the bytes that change. */
static unsigned int call_field(unsigned int kind)
{
	return kind == RP_SITE_CALL || kind == RP_SITE_JMP ? 1 : 2;
}

/* The record's trampoline, and the one that the instruction goes to. */
static void check_tramp(const struct rp_site_check *site)
{
	const struct rp_relobj *obj = &site->check->obj;
	struct rp_check_place tramp;
	uint64_t at = site->at + offsetof(struct rp_static_call_site, tramp);

	if (!rp_check_place(site->table, at, &tramp)) {
		rp_site_bad_record(site, "the record names no trampoline");
		return;
	}
	if (rp_check_is_linked(site->check))
		return;
	if (tramp.type != R_X86_64_GOTPCREL ||
	    strncmp(obj->symbols[tramp.symbol].name, RP_TRAMP_PREFIX,
		    strlen(RP_TRAMP_PREFIX)))
		rp_site_bad_record(site, "the record refers to %.80s, which is "
			"no trampoline",
			rp_check_symbol_name(obj, tramp.symbol));
	else if (!tramp.section && referred(site) &&
		 referred(site) != tramp.symbol)
		rp_site_bad_code(site, "a call of that trampoline");
}

static void check_call(struct rp_site_check *site)
{
	uint64_t plain = site->at + offsetof(struct rp_static_call_site, kind);
	unsigned int kind = rp_records_field(site->table, plain, 2);
	unsigned int flags = rp_records_field(site->table, plain + 2, 2);

	if (!kind || kind >= RP_SITE_KIND_NR || flags) {
		rp_site_bad_record(site, "no record of this version: kind %u, "
			"flags 0x%x", kind, flags);
		return;
	}
	if (!rp_site_open(site))
		return;
	if (!begins_here(site) || !is_call(site->bytes, site->room, kind))
		rp_site_bad_code(site, call_names[kind]);
	else {
		check_tramp(site);
		rp_site_crosses(site, site->offset + call_field(kind), 4);
	}
}

/* ---- static keys ---- */

#define KEY_SITE_SIZE	5
#define MAX_PREFIXES	4

static bool is_static_branch(const struct rp_site_check *site)
{
	static const uint8_t nop[] = { 0x0f, 0x1f, 0x44, 0x00, 0x00 };
	const struct rp_code_insn *insn = insn_of(site);
	uint64_t prefixes = site->offset - insn->offset;

	if (site->room < KEY_SITE_SIZE || prefixes > MAX_PREFIXES ||
	    insn->length != prefixes + KEY_SITE_SIZE)
		return false;
	for (uint64_t i = 1; i <= prefixes; i++) {
		if (site->bytes[-(int64_t)i] != 0x2e)
			return false;
	}
	return site->bytes[0] == 0xe9 || !memcmp(site->bytes, nop, sizeof(nop));
}

static void check_target(const struct rp_site_check *site)
{
	const struct rp_code *code = &site->check->code;
	struct rp_check_place to;
	uint64_t at = site->at + offsetof(struct rp_static_key_site, target);
	uint32_t insn = 0;

	if (rp_check_place(site->table, at, &to) && to.section &&
	    rp_section_is_text(&site->check->obj.sections[to.section]))
		insn = rp_code_at(code, to.section, to.offset);
	if (!insn)
		rp_site_bad_record(site, "where the branch is to go is no "
				   "instruction");
	else if (insn_of(site)->dest && insn_of(site)->dest != insn)
		rp_site_bad_code(site, "a jump to where the record says");
}

static bool has_magic(const struct rp_relobj *obj,
		      const struct rp_check_place *key)
{
	const uint8_t *data = rp_section_data(obj, key->section);
	uint64_t size = obj->sections[key->section].hdr.sh_size;
	struct rp_static_key value;

	if (!data || key->offset > size || size - key->offset < sizeof(value))
		return false;
	memcpy(&value, data + key->offset, sizeof(value));
	return value.magic == RP_STATIC_KEY_MAGIC;
}

static void check_key(const struct rp_site_check *site)
{
	const struct rp_relobj *obj = &site->check->obj;
	struct rp_check_place key;
	uint64_t at = site->at + offsetof(struct rp_static_key_site, key);

	if (!rp_check_place(site->table, at, &key))
		rp_site_bad_record(site, "the record names no key");
	else if (key.section && !has_magic(obj, &key))
		rp_findings_add(&site->check->findings, RP_DIAG_CHECK_KEY,
			RP_ERROR, site->section, site->offset, "the key of this "
			"branch, %.60s+0x%llx, is no static key: define it with "
			"RP_DEFINE_STATIC_KEY_TRUE() or _FALSE()",
			obj->sections[key.section].name,
			(unsigned long long)key.offset);
}

static void check_branch(struct rp_site_check *site)
{
	uint64_t plain = site->at + offsetof(struct rp_static_key_site, flags);
	uint32_t flags = rp_records_field(site->table, plain, 4);

	if (flags & ~RP_STATIC_KEY_SITE_LIKELY) {
		rp_site_bad_record(site, "no record of this version: flags 0x%x",
				   flags);
		return;
	}
	if (!rp_site_open(site))
		return;
	if (!is_static_branch(site))
		rp_site_bad_code(site, "the NOP or jump of a static branch");
	else {
		check_target(site);
		rp_site_crosses(site, site->offset, KEY_SITE_SIZE);
	}
	check_key(site);
}

/* ---- uses of ops tables ---- */

#define OP_SIZE		6

static bool is_op(const struct rp_site_check *site, unsigned int kind,
		  unsigned int len)
{
	const struct rp_code_insn *insn = insn_of(site);

	if (len < OP_SIZE || len > site->room ||
	    insn->offset + insn->length != site->offset + len)
		return false;
	for (unsigned int i = 0; i < len - OP_SIZE; i++) {
		if (site->bytes[i] != 0x2e)
			return false;
	}
	return site->bytes[len - OP_SIZE] == 0xff &&
	       site->bytes[len - OP_SIZE + 1] ==
	       (kind == RP_OP_SITE_CALL ? 0x15 : 0x25);
}

static void check_slot(const struct rp_site_check *site)
{
	struct rp_check_place slot;
	uint64_t at = site->at + offsetof(struct rp_op_site, slot);

	if (!rp_check_place(site->table, at, &slot))
		rp_site_bad_record(site, "the record names no member of an ops "
				   "table");
	else if (!slot.section && slot.symbol && referred(site) &&
		 referred(site) != slot.symbol)
		rp_site_bad_code(site, "a use of that member");
}

static void check_op(struct rp_site_check *site)
{
	uint64_t plain = site->at + offsetof(struct rp_op_site, kind);
	unsigned int kind = site->table->data[plain];
	unsigned int len = site->table->data[plain + 1];
	unsigned int flags = rp_records_field(site->table, plain + 2, 2);

	if (!kind || kind >= RP_OP_SITE_KIND_NR || flags) {
		rp_site_bad_record(site, "no record of this version: kind %u, "
			"flags 0x%x", kind, flags);
		return;
	}
	if (!rp_site_open(site))
		return;
	if (!is_op(site, kind, len))
		rp_site_bad_code(site, kind == RP_OP_SITE_CALL ?
				 "a call through an ops table (ff 15)" :
				 "a jump through an ops table (ff 25)");
	else {
		check_slot(site);
		rp_site_crosses(site, site->offset + len - OP_SIZE, OP_SIZE);
	}
}

/* ---- up to date? ---- */

static const struct rp_site_format formats[] = {
	{ RP_STATIC_CALL_SITES_SECTION, sizeof(struct rp_static_call_site),
	  check_call, offsetof(struct rp_check_stats, call_sites) },
	{ RP_OP_SITES_SECTION, sizeof(struct rp_op_site),
	  check_op, offsetof(struct rp_check_stats, op_sites) },
	{ RP_STATIC_KEY_SITES_SECTION, sizeof(struct rp_static_key_site),
	  check_branch, offsetof(struct rp_check_stats, key_sites) },
};

#define FORMAT_KEYS	2

static void compare(struct rp_check *check, const struct rp_sites *sites,
		    bool matches, bool annotated)
{
	size_t calls = sites[RP_TABLE_CALLS].n, ops = sites[RP_TABLE_OPS].n;

	if (matches)
		return;
	if (annotated)
		rp_findings_add(&check->findings, RP_DIAG_CHECK_STALE,
			RP_WARNING, 0, 0, "the tables of sites are out of date: "
			"the code has %zu call%s of static calls and %zu use%s "
			"of ops tables, and the tables say something else; run "
			"repoint object annotate", calls, rp_s(calls), ops,
			rp_s(ops));
	else
		rp_findings_add(&check->findings, RP_DIAG_CHECK_STALE, RP_NOTE,
			0, 0, "no table of sites: %zu call%s of static calls and "
			"%zu use%s of ops tables stay out of line; run repoint "
			"object annotate", calls, rp_s(calls), ops, rp_s(ops));
}

static int check_stale(struct rp_check *check, bool annotated)
{
	struct rp_sites sites[RP_TABLE_NR] = { 0 };
	bool matches = true;
	int rc = 0;

	for (unsigned int i = 0; i < RP_TABLE_NR && !rc; i++)
		rc = rp_sites_find(&check->obj, i, &sites[i], check->diag);
	if (!rc)
		rc = rp_site_table_matches(&check->obj, sites, &matches,
					   check->diag);
	if (!rc)
		compare(check, sites, matches, annotated);
	for (unsigned int i = 0; i < RP_TABLE_NR; i++)
		rp_sites_deinit(&sites[i]);
	return rc;
}

int rp_check_sites(struct rp_check *check)
{
	bool annotated = false, keys = false;
	int rc = rp_check_call_keys(check);

	if (rc || check->options.abi->kernel)
		return rc ? rc : rp_check_kernel_sites(check);
	for (size_t i = 0; i < FORMAT_KEYS && !rc; i++)
		rc = rp_check_site_table(check, &formats[i], &annotated);
	if (!rc)
		rc = rp_check_site_table(check, &formats[FORMAT_KEYS], &keys);
	if (!rc && !rp_check_is_linked(check))
		rc = check_stale(check, annotated);
	return rc;
}
