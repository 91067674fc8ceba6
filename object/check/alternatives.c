/* SPDX-License-Identifier: MIT */
/*
 * Alternatives: their records, their code, who else uses it, and patchlets.
 * Whether one unwind table serves all variants is for the stack walk to say.
 */
#include "../annotate/patchlets.h"
#include "alternatives.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- branches into sites ---- */

static void check_way(struct rp_check *check, uint32_t from, uint32_t to,
		      void *context)
{
	const struct rp_alt_records *records = context;
	const struct rp_code *code = &check->code;
	uint32_t section = rp_code_section(code, to);
	uint64_t offset = code->insns[to].offset;
	uint64_t source = code->insns[from].offset;
	char place[160];

	const struct rp_alt_site *site = rp_alt_site_around(records, section,
							    offset);
	if (!site || offset == site->start)
		return;
	uint32_t from_section = rp_code_section(code, from);
	// What is replaced goes together with what it branches to.
	if (from_section == section && source >= site->start &&
	    source < site->end)
		return;
	rp_code_place(code, from_section, source, place, sizeof(place));
	rp_findings_add(&check->findings, RP_DIAG_CHECK_ALT_BRANCH, RP_ERROR,
		section, offset, "%s branches into the middle of an "
		"alternative's site, of %llu bytes at +0x%llx: what is there "
		"depends on the processor", place,
		(unsigned long long)(site->end - site->start),
		(unsigned long long)site->start);
}

static int check_records(struct rp_check *check)
{
	struct rp_alt_records records;

	int rc = rp_alt_records_read(&records, check);
	if (!rc && records.n) {
		rp_check_alt_code(check, &records);
		rp_check_each_way(check, check_way, &records);
	}
	rp_alt_records_deinit(&records);
	return rc;
}

/* ---- patchlets ---- */

/* "patchlet NAME": where its symbol is. */
static const struct rp_symbol *find_patchlet(const struct rp_relobj *obj,
					     const char *where)
{
	static const char words[] = "patchlet ", prefix[] = "rp_patchlet__";

	if (strncmp(where, words, strlen(words)))
		return NULL;
	for (size_t i = 1; i < obj->nsymbols; i++) {
		const struct rp_symbol *s = &obj->symbols[i];

		if (!strncmp(s->name, prefix, strlen(prefix)) &&
		    !strcmp(s->name + strlen(prefix), where + strlen(words)) &&
		    s->section && s->section != RP_SECTION_NONE)
			return s;
	}
	return NULL;
}

// Of the first that is not sound: the others wait until it is.
static int check_patchlets(struct rp_check *check)
{
	struct rp_diag diag;

	int rc = rp_patchlets_check(&check->obj, &diag);
	if (!rc)
		return 0;
	if (!rp_diag_is_patchlet(diag.id)) {
		*check->diag = diag;
		return rc;
	}
	const struct rp_symbol *s = find_patchlet(&check->obj, diag.where);
	rp_findings_add(&check->findings, diag.id, RP_ERROR,
			s ? s->section : 0, s ? s->value + diag.offset : 0,
			"%s: %s", diag.where, diag.text);
	return 0;
}

int rp_check_alternatives(struct rp_check *check)
{
	int rc = check_records(check);

	// Their records have no relocations left when they are linked.
	if (!rc && !rp_check_is_linked(check))
		rc = check_patchlets(check);
	return rc;
}
