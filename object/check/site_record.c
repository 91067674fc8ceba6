/* SPDX-License-Identifier: MIT */
/* What the checks of all tables of sites share. */
#include "../printable.h"
#include "sites.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define PATCH_BLOCK	16	/* one store is one update inside such a block */

void rp_site_bad_record(const struct rp_site_check *site, const char *fmt, ...)
{
	char text[300];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	rp_findings_add(&site->check->findings, RP_DIAG_CHECK_SITE_RECORD,
			RP_ERROR, site->table->section, site->at, "%s", text);
}

void rp_site_bad_code(const struct rp_site_check *site, const char *want)
{
	const char *table =
		site->check->obj.sections[site->table->section].name;
	char bytes[3 * 6 + 1] = "";

	for (unsigned int i = 0; i < 6 && i < site->room; i++)
		snprintf(bytes + 3 * i, 4, " %02x", site->bytes[i]);
	rp_findings_add(&site->check->findings, RP_DIAG_CHECK_SITE, RP_ERROR,
			site->section, site->offset, "%.60s+0x%llx says that "
			"%s is here, but there is%s", table,
			(unsigned long long)site->at, want, bytes);
}

void rp_site_crosses(const struct rp_site_check *site, uint64_t offset,
		     unsigned int size)
{
	if (offset / PATCH_BLOCK == (offset + size - 1) / PATCH_BLOCK)
		return;
	rp_findings_add(&site->check->findings, RP_DIAG_CHECK_SITE_CROSSES,
			RP_NOTE, site->section, site->offset, "the bytes that "
			"change lie in two blocks of 16: one store cannot change "
			"them");
}

bool rp_site_open(struct rp_site_check *site)
{
	const struct rp_relobj *obj = &site->check->obj;
	struct rp_check_place place;

	if (!rp_check_place(site->table, site->at, &place) ||
	    !place.section) {
		rp_site_bad_record(site, "the record names no code in this "
				   "file");
		return false;
	}
	site->section = place.section;
	site->offset = place.offset;
	if (!rp_section_is_text(&obj->sections[place.section]) ||
	    place.offset >= obj->sections[place.section].hdr.sh_size) {
		rp_site_bad_record(site, "the record names a place that is not "
			"code (%.60s+0x%llx)", obj->sections[place.section].name,
			(unsigned long long)place.offset);
		return false;
	}
	site->bytes = rp_section_data(obj, place.section) + place.offset;
	site->room = obj->sections[place.section].hdr.sh_size - place.offset;
	site->insn = rp_code_around(&site->check->code, place.section,
				    place.offset);
	if (site->insn)
		return true;
	rp_site_bad_code(site, "an instruction");
	return false;
}

static bool is_table(const struct rp_section *section, const char *name)
{
	return section->hdr.sh_type == SHT_PROGBITS && section->hdr.sh_size &&
	       !(section->hdr.sh_flags & (SHF_EXECINSTR | SHF_COMPRESSED)) &&
	       !strcmp(section->name, name);
}

static void check_records(struct rp_check *check,
			  const struct rp_records *table,
			  const struct rp_site_format *format)
{
	size_t *counter = (size_t *)((char *)&check->stats + format->counter);
	struct rp_site_check site = { .check = check, .table = table };

	if (table->size % format->size)
		rp_site_bad_record(&site, "the table has %llu byte%s, and its "
			"records should have %u each: is it of another version? "
			"(--abi)", (unsigned long long)table->size,
			rp_s(table->size), format->size);
	for (uint64_t at = 0; table->size - at >= format->size;
	     at += format->size) {
		site = (struct rp_site_check){ .check = check, .table = table,
					       .at = at };
		format->record(&site);
		++*counter;
	}
}

int rp_check_site_table(struct rp_check *check,
			const struct rp_site_format *format, bool *found)
{
	int rc = 0;

	for (size_t i = 1; i < check->obj.nsections && !rc; i++) {
		struct rp_records table;

		if (!is_table(&check->obj.sections[i], format->section))
			continue;
		*found = true;
		rc = rp_records_init(&table, &check->obj, i, check->diag);
		if (!rc)
			check_records(check, &table, format);
		rp_records_deinit(&table);
	}
	return rc;
}
