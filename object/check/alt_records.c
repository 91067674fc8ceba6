/* SPDX-License-Identifier: MIT */
/*
 * Records of alternatives: can each be read, and do their sites fit together?
 *
 * Repoint's sites may be nested: the records of an inner one precede that of the
 * outer one, and several at one address are each as long as those before, or
 * longer. The kernel's begin at one address or are apart.
 */
#include "../grow.h"
#include "../printable.h"
#include "alternatives.h"
#include "place.h"

#include <repoint/abi.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Records of one group: the library takes more for garbage. */
#define GROUP_MAX		64
/* RP_FEATURE_NR of <repoint/cpu.h>, which is for programs. */
#define REPOINT_FEATURES	(20 * 32)
/* cpuid of the kernel: 32 words are more than it has. */
#define KERNEL_FEATURES		1024

/* Fields of a record. */
#define FIELD_SITE		0
#define FIELD_NEW		4

static uint32_t features(const struct rp_check *check)
{
	return check->options.abi->kernel ? KERNEL_FEATURES :
						   REPOINT_FEATURES;
}

__attribute__((format(printf, 5, 6)))
static void bad(struct rp_check *check, enum rp_severity severity,
		uint32_t table, uint64_t at, const char *fmt, ...)
{
	char text[300];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	rp_findings_add(&check->findings, RP_DIAG_CHECK_ALT_RECORD, severity,
			table, at, "%s", text);
}

/* Are @len bytes of code at a place? */
static bool is_code(const struct rp_check *check, struct rp_spot spot,
		    uint32_t len)
{
	if (!rp_section_is_text(&check->obj.sections[spot.section]))
		return false;
	uint64_t size = check->obj.sections[spot.section].hdr.sh_size;
	return spot.offset <= size && len <= size - spot.offset;
}

/* Is the site, or the replacement, code? @field: of the record */
static bool is_place(struct rp_check *check, const struct rp_records *table,
		     uint64_t field, const char *what, struct rp_spot spot,
		     uint32_t len)
{
	struct rp_check_place place;

	if (is_code(check, spot, len))
		return true;
	uint64_t at = field - field % check->options.abi->alternative_size;
	if (!rp_check_place(table, field, &place))
		bad(check, RP_ERROR, table->section, at, "the record names no %s: "
		    "write it with RP_ALTERNATIVE()", what);
	else
		bad(check, RP_ERROR, table->section, at, "its %s, %u byte%s at "
		    "%s+0x%llx, is not in code", what, len, rp_s(len),
		    check->obj.sections[place.section].name,
		    (unsigned long long)place.offset);
	return false;
}

static bool has_bad_flags(const struct rp_check *check,
			  const struct rp_alt_record *r)
{
	return !check->options.abi->kernel && r->flags & ~RP_ALTERNATIVE_NOT;
}

/* Are the two places, and what is said about them, fit for use? */
static bool check_record(struct rp_check *check, const struct rp_records *table,
			 const struct rp_alt_record *r)
{
	uint32_t t = r->table;
	uint64_t at = r->at;

	if (!is_place(check, table, at + FIELD_SITE, "site", r->site,
		      r->length) ||
	    (r->replacement_length &&
	     !is_place(check, table, at + FIELD_NEW, "replacement",
		       r->replacement, r->replacement_length)))
		return false;
	if (r->replacement_length > r->length)
		bad(check, RP_ERROR, t, at, "the replacement has %u byte%s and "
		    "the site %u: fill the site with NOPs, as the macros do",
		    r->replacement_length, rp_s(r->replacement_length),
		    r->length);
	else if (r->feature >= features(check))
		bad(check, RP_ERROR, t, at, "there is no processor feature %u",
		    r->feature);
	else if (has_bad_flags(check, r))
		bad(check, RP_ERROR, t, at, "flags of another version: compile "
		    "with the headers of this one");
	else
		return true;
	return false;
}

static int read_record(struct rp_alt_records *records, struct rp_check *check,
		       const struct rp_records *table, uint64_t at)
{
	struct rp_alt_record r;

	rp_alt_record_read(table, check->options.abi, at, &r);
	check->stats.alternatives++;
	if (!check_record(check, table, &r))
		return 0;
	// It does nothing: the kernel's macros make none, nor do ours.
	if (!r.length) {
		bad(check, RP_WARNING, r.table, at, "the site is empty");
		return 0;
	}
	if (rp_grow(&records->v, &records->room, records->n + 1,
		    sizeof(*records->v)))
		return rp_diag_nomem(check->diag);
	records->v[records->n++] = r;
	return 0;
}

static int read_table(struct rp_alt_records *records, struct rp_check *check,
		      uint32_t section)
{
	unsigned int size = check->options.abi->alternative_size;
	struct rp_records table;

	int rc = rp_records_init(&table, &check->obj, section, check->diag);
	if (!rc && table.size % size)
		bad(check, RP_ERROR, section, 0, "the table has %llu byte%s, and "
		    "its records should have %u each: is it of another version? "
		    "(--abi)", (unsigned long long)table.size,
		    rp_s(table.size), size);
	else
		for (uint64_t at = 0; !rc && at < table.size; at += size)
			rc = read_record(records, check, &table, at);
	rp_records_deinit(&table);
	return rc;
}

static bool is_table(const struct rp_check *check,
		     const struct rp_section *section)
{
	return section->hdr.sh_type == SHT_PROGBITS &&
	       !(section->hdr.sh_flags & (SHF_EXECINSTR | SHF_COMPRESSED)) &&
	       !strcmp(section->name, check->options.abi->alternatives);
}

/* ---- sites that overlap ---- */

/* struct grouped - a record. @group: the first of those whose sites overlap, and
 * that follow each other. */
struct grouped {
	const struct rp_alt_record *record;
	size_t group;
};

static uint64_t end_of(const struct rp_alt_record *r)
{
	return r->site.offset + r->length;
}

static bool have_one_start(const struct rp_alt_record *a,
			   const struct rp_alt_record *b)
{
	return a->site.section == b->site.section &&
	       a->site.offset == b->site.offset;
}

static bool overlap(const struct rp_alt_record *a,
		    const struct rp_alt_record *b)
{
	return a->site.section == b->site.section &&
	       a->site.offset < end_of(b) && b->site.offset < end_of(a);
}

/* Linux from 6.3 on takes the longest of those that follow each other. */
static void make_equal(struct rp_alt_records *records)
{
	for (size_t i = 1; i < records->n; i++) {
		struct rp_alt_record *a = &records->v[i - 1], *b = a + 1;

		if (have_one_start(a, b))
			a->length = b->length = a->length > b->length ?
						a->length : b->length;
	}
	for (size_t i = records->n; i-- > 1;) {
		struct rp_alt_record *a = &records->v[i - 1];

		if (have_one_start(a, a + 1))
			a->length = a[1].length;
	}
}

static bool may_precede(const struct rp_check *check,
			const struct rp_alt_record *a,
			const struct rp_alt_record *b)
{
	if (!overlap(a, b))
		return true;
	if (check->options.abi->kernel)
		return have_one_start(a, b) && a->length == b->length;
	return b->site.offset <= a->site.offset && end_of(b) >= end_of(a);
}

static void say_overlap(struct rp_check *check, const struct rp_alt_record *a,
			const struct rp_alt_record *b)
{
	char place[160];

	rp_code_place(&check->code, a->site.section, a->site.offset, place,
		      sizeof(place));
	bad(check, RP_ERROR, b->table, b->at, "its site overlaps that of another "
	    "record (%u byte%s at %s) and is not around it: %s", a->length,
	    rp_s(a->length), place, check->options.abi->kernel ?
	    "sites have one start and one length, or are apart" :
	    "sites are apart or nested, the inner one's record first");
}

/* Within [@first, @end): groups are small. */
static void check_group(struct rp_check *check, const struct rp_alt_record *v,
			size_t n)
{
	if (n > GROUP_MAX) {
		bad(check, RP_ERROR, v->table, v->at, "more than %u records for "
		    "one place", GROUP_MAX);
		return;
	}
	for (size_t i = 1; i < n; i++)
		for (size_t j = 0; j < i; j++)
			if (!may_precede(check, &v[j], &v[i])) {
				say_overlap(check, &v[j], &v[i]);
				break;
			}
}

/* The first record of the group that ends with @last: each one's site overlaps
 * those of all behind it, taken together. */
static size_t group_start(const struct rp_alt_record *v, size_t last)
{
	uint64_t start = v[last].site.offset, end = end_of(&v[last]);
	size_t first = last;

	while (first > 0 && v[first - 1].table == v[last].table &&
	       v[first - 1].site.section == v[last].site.section &&
	       v[first - 1].site.offset < end && start < end_of(&v[first - 1])) {
		const struct rp_alt_record *r = &v[--first];

		start = r->site.offset < start ? r->site.offset : start;
		end = end_of(r) > end ? end_of(r) : end;
	}
	return first;
}

/* Groups are found from the end, where outer sites are, as the library does. */
static void make_groups(struct rp_check *check,
			const struct rp_alt_records *records,
			struct grouped *ret)
{
	const struct rp_alt_record *v = records->v;

	for (size_t end = records->n; end > 0;) {
		size_t first = group_start(v, end - 1);

		for (size_t i = first; i < end; i++)
			ret[i] = (struct grouped){ &v[i], first };
		check_group(check, &v[first], end - first);
		end = first;
	}
}

static int by_place(const void *a, const void *b)
{
	return rp_spot_compare(&((const struct grouped *)a)->record->site,
			       &((const struct grouped *)b)->record->site);
}

/* Sites of two groups must be apart; what overlaps becomes one site. */
static void merge_sites(struct rp_check *check, struct rp_alt_records *records,
			const struct grouped *sorted)
{
	size_t longest = 0;

	for (size_t i = 0; i < records->n; i++) {
		const struct rp_alt_record *r = sorted[i].record;
		struct rp_alt_site *last = records->sites + records->nsites;

		if (records->nsites && last[-1].section == r->site.section &&
		    r->site.offset < last[-1].end) {
			if (sorted[longest].group != sorted[i].group)
				bad(check, RP_ERROR, r->table, r->at, "its site "
				    "is that of an earlier record too, but the "
				    "records do not follow each other");
			if (end_of(r) > last[-1].end) {
				last[-1].end = end_of(r);
				longest = i;
			}
			continue;
		}
		*last = (struct rp_alt_site){ r->site.section, r->site.offset,
					      end_of(r) };
		records->nsites++;
		longest = i;
	}
}

static int find_sites(struct rp_check *check, struct rp_alt_records *records)
{
	struct grouped *grouped;

	if (!records->n)
		return 0;
	grouped = calloc(records->n, sizeof(*grouped));
	records->sites = calloc(records->n, sizeof(*records->sites));
	if (!grouped || !records->sites) {
		free(grouped);
		return rp_diag_nomem(check->diag);
	}
	make_groups(check, records, grouped);
	qsort(grouped, records->n, sizeof(*grouped), by_place);
	merge_sites(check, records, grouped);
	free(grouped);
	return 0;
}

int rp_alt_records_read(struct rp_alt_records *records, struct rp_check *check)
{
	int rc = 0;

	memset(records, 0, sizeof(*records));
	for (size_t i = 1; i < check->obj.nsections && !rc; i++) {
		if (is_table(check, &check->obj.sections[i]))
			rc = read_table(records, check, i);
	}
	if (rc)
		return rc;
	if (check->options.abi->kind == RP_ABI_LINUX_6_12)
		make_equal(records);
	return find_sites(check, records);
}

void rp_alt_records_deinit(struct rp_alt_records *records)
{
	free(records->v);
	free(records->sites);
}

const struct rp_alt_site *
rp_alt_site_around(const struct rp_alt_records *records, uint32_t section,
		   uint64_t offset)
{
	size_t low = 0, high = records->nsites;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct rp_alt_site *s = &records->sites[middle];

		if (s->section < section ||
		    (s->section == section && s->start <= offset))
			low = middle + 1;
		else
			high = middle;
	}
	if (!low)
		return NULL;
	const struct rp_alt_site *s = &records->sites[low - 1];
	return s->section == section && offset < s->end ? s : NULL;
}
