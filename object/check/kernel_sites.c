/* SPDX-License-Identifier: MIT */
/*
 * The kernel's tables of static calls, of jump labels (struct static_call_site,
 * struct jump_entry) and of branches through thunks; and keys of static calls,
 * also ours.
 */
#include "../code/kernel_tables.h"
#include "sites.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct rp_code_insn *insn_of(const struct rp_site_check *site)
{
	return &site->check->code.insns[site->insn];
}

/* ---- jump labels ---- */

#define JUMP_TARGET	4

static bool is_jump_label(const struct rp_code_insn *i)
{
	return i->flow == RP_FLOW_JMP ||
	       (i->flow == RP_FLOW_NOP && (i->length == 2 || i->length == 5));
}

static void check_jump(struct rp_site_check *site)
{
	struct rp_check_place to;

	if (!rp_site_open(site))
		return;
	if (insn_of(site)->offset != site->offset ||
	    !is_jump_label(insn_of(site)))
		rp_site_bad_code(site, "a jump or a NOP of 2 or 5 bytes");
	if (!rp_check_place(site->table, site->at + JUMP_TARGET, &to) ||
	    !to.section ||
	    !rp_code_at(&site->check->code, to.section, to.offset))
		rp_site_bad_record(site, "where the jump is to go is no "
				   "instruction");
}

/* ---- static calls ---- */

static bool is_call(const struct rp_code *code, uint32_t insn)
{
	const struct rp_code_insn *i = &code->insns[insn];
	const char *prefix = code->abi->tramp_prefix;

	if (i->flow != RP_FLOW_CALL && i->flow != RP_FLOW_JMP &&
	    i->flow != RP_FLOW_JCC)
		return false;
	uint32_t symbol = rp_code_symbol(code, insn);
	return symbol && !strncmp(code->obj->symbols[symbol].name, prefix,
				  strlen(prefix));
}

static void check_call(struct rp_site_check *site)
{
	if (!rp_site_open(site))
		return;
	if (insn_of(site)->offset != site->offset ||
	    !is_call(&site->check->code, site->insn))
		rp_site_bad_code(site, "a call or jump of a static call's "
				 "trampoline");
}

// Of a missing key it is said elsewhere: as for a module it may be missing.
static int check_stale(struct rp_check *check)
{
	const struct rp_abi *abi = check->options.abi;
	struct rp_sites sites = { 0 };
	bool matches = true;

	int rc = rp_kernel_sites_find(&check->obj, abi, true, &sites,
				      check->diag);
	if (!rc)
		rc = rp_kernel_sites_match(&check->obj, &sites, &matches,
					   check->diag);
	if (!rc && !matches)
		rp_findings_add(&check->findings, RP_DIAG_CHECK_STALE,
			RP_WARNING, 0, 0, "%s is out of date: the code has %zu "
			"sites, and the table's %zu are others; run repoint "
			"object annotate --abi %s", abi->call_sites, sites.n,
			check->stats.call_sites, abi->name);
	rp_sites_deinit(&sites);
	return rc;
}

/* ---- branches through thunks ---- */

static int compare_thunks(struct rp_check *check, enum rp_thunk_table table,
			  const struct rp_sites *sites)
{
	bool matches = true;

	if (!rp_thunk_table_exists(&check->obj, table)) {
		if (sites->n)
			rp_findings_add(&check->findings, RP_DIAG_CHECK_STALE,
				RP_NOTE, 0, 0, "no %s: %zu branch%s to thunks "
				"cannot be patched; run repoint object annotate "
				"--abi %s", rp_thunk_table_name(table), sites->n,
				sites->n == 1 ? "" : "es",
				check->options.abi->name);
		return 0;
	}
	int rc = rp_kernel_thunks_match(&check->obj, table, sites, &matches,
					check->diag);
	if (!rc && !matches)
		rp_findings_add(&check->findings, RP_DIAG_CHECK_STALE,
			RP_WARNING, 0, 0, "%s is out of date: the code has %zu "
			"sites, and the table's are others; run repoint object "
			"annotate --abi %s", rp_thunk_table_name(table),
			sites->n, check->options.abi->name);
	return rc;
}

static int check_thunks(struct rp_check *check)
{
	struct rp_sites thunks[RP_THUNKS_NR];
	int rc = rp_kernel_thunks_find(&check->code, thunks, check->diag);

	for (unsigned int i = 0; i < RP_THUNKS_NR; i++) {
		if (!rc)
			rc = compare_thunks(check, i, &thunks[i]);
		rp_sites_deinit(&thunks[i]);
	}
	return rc;
}

int rp_check_kernel_sites(struct rp_check *check)
{
	const struct rp_site_format calls = {
		check->options.abi->call_sites, 8, check_call,
		offsetof(struct rp_check_stats, call_sites) };
	const struct rp_site_format jumps = {
		check->options.abi->key_sites, 16, check_jump,
		offsetof(struct rp_check_stats, key_sites) };
	bool annotated = false, labels = false;

	int rc = rp_check_site_table(check, &calls, &annotated);
	if (!rc)
		rc = rp_check_site_table(check, &jumps, &labels);
	// A linker relaxes and drops; only what it was given can be compared.
	if (rc || rp_check_is_linked(check))
		return rc;
	if (annotated)
		rc = check_stale(check);
	return rc ? rc : check_thunks(check);
}

/* ---- keys of static calls ---- */

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static const char *behind(const char *name, const char *prefix)
{
	size_t n = strlen(prefix);

	return strncmp(name, prefix, n) ? NULL : name + n;
}

/* Names of keys. The kernel's may be another file's, ours belong to the
 * trampoline. */
static size_t list_keys(const struct rp_check *check, const char **ret)
{
	const struct rp_abi *abi = check->options.abi;
	size_t n = 0;

	for (size_t i = 1; i < check->obj.nsymbols; i++) {
		const struct rp_symbol *s = &check->obj.symbols[i];
		const char *name = behind(s->name, abi->key_prefix);

		if (name && (s->section || abi->kernel))
			ret[n++] = name;
	}
	if (n)
		qsort(ret, n, sizeof(*ret), by_name);
	return n;
}

static void check_tramp(struct rp_check *check, const struct rp_symbol *s,
			const char *const *keys, size_t n)
{
	const struct rp_abi *abi = check->options.abi;
	const char *name = behind(s->name, abi->tramp_prefix);

	if (!name || (!s->section && (!abi->kernel || check->options.module)) ||
	    s->section == RP_SECTION_NONE ||
	    (n && bsearch(&name, keys, n, sizeof(*keys), by_name)))
		return;
	if (!s->section)
		rp_findings_add(&check->findings, RP_DIAG_CHECK_KEY, RP_WARNING,
			0, 0, "static call %.100s is used, but its key %s%.100s "
			"is not known here: its calls cannot be patched", name,
			abi->key_prefix, name);
	else
		rp_findings_add(&check->findings, RP_DIAG_CHECK_KEY, RP_ERROR,
			s->section, s->value, "static call %.100s has a "
			"trampoline here, but no key %s%.100s", name,
			abi->key_prefix, name);
}

int rp_check_call_keys(struct rp_check *check)
{
	const char **keys = calloc(check->obj.nsymbols + 1, sizeof(*keys));
	size_t n;

	if (!keys)
		return rp_diag_nomem(check->diag);
	n = list_keys(check, keys);
	for (size_t i = 1; i < check->obj.nsymbols; i++)
		check_tramp(check, &check->obj.symbols[i], keys, n);
	free(keys);
	return 0;
}
