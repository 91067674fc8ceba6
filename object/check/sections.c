/* SPDX-License-Identifier: MIT */
/*
 * Names, types and sections: what makers of payloads, profilers and debuggers go
 * by. References to labels are labels.c.
 */
#define _GNU_SOURCE
#include "internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct rp_section *section_at(const struct rp_relobj *obj,
					   uint32_t index)
{
	return &obj->sections[index];
}

/* ---- symbols ---- */

static void report_unsized(struct rp_check *check,
			   const struct rp_symbol *symbol,
			   enum rp_severity severity)
{
	rp_findings_add(&check->findings, RP_DIAG_CHECK_UNSIZED, severity,
		symbol->section, symbol->value, "the symbol %.100s has no size: "
		"add .size %.100s, . - %.100s behind its code, or end it with "
		"RP_END of <repoint/linkage.h>", symbol->name, symbol->name,
		symbol->name);
}

static void check_untyped(struct rp_check *check, const struct rp_function *f)
{
	const struct rp_symbol *symbol = &check->obj.symbols[f->symbol];
	enum rp_severity severity = RP_WARNING;

	// SYM_CODE_START() of the kernel: code that is no C function.
	if (check->options.abi->kernel && symbol->size)
		severity = RP_NOTE;
	// The C library's startup code is in every program.
	if (rp_check_is_linked(check))
		severity = RP_NOTE;
	if (symbol->type == STT_NOTYPE)
		rp_findings_add(&check->findings, RP_DIAG_CHECK_UNTYPED,
			severity, f->section, f->offset, "the symbol %.100s has "
			"no type: add .type %.100s, @function, or begin with "
			"RP_FUNC of <repoint/linkage.h>", symbol->name,
			symbol->name);
	if (!symbol->size)
		report_unsized(check, symbol, severity);
}

/* What is a function by its type alone is none to the kernel's rules. */
static void check_unsized(struct rp_check *check)
{
	for (size_t i = 1; i < check->obj.nsymbols; i++) {
		const struct rp_symbol *symbol = &check->obj.symbols[i];

		if (symbol->type == STT_FUNC && !symbol->size &&
		    symbol->section && symbol->section != RP_SECTION_NONE &&
		    rp_section_is_text(section_at(&check->obj,
						  symbol->section)))
			report_unsized(check, symbol, RP_WARNING);
	}
}

static void check_symbols(struct rp_check *check)
{
	for (uint32_t i = 1; i < check->code.nfunctions; i++) {
		const struct rp_function *f = &check->code.functions[i];

		if (f->symbol && f->flags & RP_FUNCTION_UNTYPED &&
		    check->obj.symbols[f->symbol].name[0] &&
		    !rp_check_is_borrowed(check, f->section))
			check_untyped(check, f);
	}
}

/* ---- sections ---- */

/* Flags that matter to a linker that puts sections of one name together. */
#define MERGED_FLAGS	(SHF_WRITE | SHF_ALLOC | SHF_EXECINSTR | SHF_TLS)

static int by_name(const void *a, const void *b, void *context)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	int rc = strcmp(section_at(context, x)->name,
			section_at(context, y)->name);

	return rc ? rc : (x > y) - (x < y);
}

/* Nothing tells two of these apart but their names. */
static bool is_plain(const struct rp_section *section)
{
	return section->hdr.sh_flags & SHF_ALLOC && !section->group &&
	       !(section->hdr.sh_flags & SHF_LINK_ORDER) &&
	       section->hdr.sh_type != SHT_NOTE &&
	       section->hdr.sh_type != SHT_GROUP;
}

static void check_pair(struct rp_check *check, uint32_t first, uint32_t second)
{
	const struct rp_section *a = section_at(&check->obj, first);
	const struct rp_section *b = section_at(&check->obj, second);
	bool differ = (a->hdr.sh_flags ^ b->hdr.sh_flags) & MERGED_FLAGS ||
		      (a->hdr.sh_type != b->hdr.sh_type &&
		       a->hdr.sh_type != SHT_NOBITS &&
		       b->hdr.sh_type != SHT_NOBITS);

	if (differ)
		rp_findings_add(&check->findings, RP_DIAG_CHECK_TWO_SECTIONS,
			RP_ERROR, second, 0, "sections %u and %u have one name, "
			"%.100s, but other flags or another type: linkers make "
			"one of them", first, second, a->name);
	else if (rp_section_is_text(a) && a->hdr.sh_size && b->hdr.sh_size)
		rp_findings_add(&check->findings, RP_DIAG_CHECK_TWO_SECTIONS,
			RP_WARNING, second, 0, "sections %u and %u have one "
			"name, %.100s: give each function's a name of its own, "
			"so that what changed can be told by it", first, second,
			a->name);
}

static int check_names(struct rp_check *check)
{
	const struct rp_relobj *obj = &check->obj;
	uint32_t *order = calloc(obj->nsections + 1, sizeof(*order));
	size_t n = 0;

	if (!order)
		return rp_diag_nomem(check->diag);
	for (size_t i = 1; i < obj->nsections; i++) {
		if (is_plain(&obj->sections[i]))
			order[n++] = i;
	}
	qsort_r(order, n, sizeof(*order), by_name, (void *)obj);
	for (size_t i = 1; i < n; i++) {
		if (!strcmp(section_at(obj, order[i - 1])->name,
			    section_at(obj, order[i])->name))
			check_pair(check, order[i - 1], order[i]);
	}
	free(order);
	return 0;
}

int rp_check_sections(struct rp_check *check)
{
	int rc = 0;

	check_symbols(check);
	if (check->options.abi->kernel)
		check_unsized(check);
	// Linkers give each output section a name of its own, or mean it.
	if (!rp_check_is_linked(check))
		rc = check_names(check);
	return rc ? rc : rp_check_labels(check);
}
