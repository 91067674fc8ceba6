/* SPDX-License-Identifier: MIT */
/*
 * Records of alternatives: can each be read, and do their sites fit together?
 *
 * Repoint's sites may be nested: the records of an inner one precede that of the
 * outer one, and several at one address are each as long as those before, or
 * longer. The kernel's begin at one address or are apart.
 */
#include "../grow.h"
#include "alternatives.h"
#include "table.h"

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
#define KERNEL_NOT		0x8000u

#define FIELD_SITE	0
#define FIELD_NEW	4
#define FIELD_REST	8

/* What a record says beside its two places. */
struct fields {
	uint32_t feature;
	uint32_t len, new_len;
	bool bad_flags;
};

static struct fields read_fields(const struct rp_check_table *table,
				 enum rp_abi_kind abi, uint64_t at)
{
	const uint8_t *rest = table->data + at + FIELD_REST;
	uint16_t first = rp_check_table_u16(table, at + FIELD_REST);

	switch (abi) {
	case RP_ABI_LINUX_6_1:
		return (struct fields){ .feature = first & ~KERNEL_NOT,
					.len = rest[2], .new_len = rest[3] };
	case RP_ABI_LINUX_6_12:
		return (struct fields){ .feature = first,
					.len = rest[4], .new_len = rest[5] };
	default:
		return (struct fields){
			.feature = first,
			.bad_flags = rp_check_table_u16(table, at + 10) &
				     ~RP_ALTERNATIVE_NOT,
			.len = rp_check_table_u16(table, at + 12),
			.new_len = rp_check_table_u16(table, at + 14) };
	}
}

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

/* Is [@start, @start + @len) code of @section? */
static bool is_code(const struct rp_check *check, uint32_t section,
		    uint64_t start, uint32_t len)
{
	if (!section || section >= check->obj.nsections ||
	    !rp_section_is_text(&check->obj.sections[section]))
		return false;
	uint64_t size = check->obj.sections[section].hdr.sh_size;
	return start <= size && len <= size - start;
}

static const char *section_name(const struct rp_check *check, uint32_t section)
{
	return section < check->obj.nsections ?
	       check->obj.sections[section].name : "";
}

/* Are the two places, and what is said about them, fit for use? */
static bool check_record(struct rp_check *check, const struct fields *f,
			 const struct rp_alt_record *r, bool has_site,
			 bool has_new)
{
	uint32_t t = r->table;
	uint64_t at = r->at;

	if (!has_site)
		bad(check, RP_ERROR, t, at, "the record names no site: write it "
		    "with RP_ALTERNATIVE()");
	else if (!is_code(check, r->section, r->start, r->len))
		bad(check, RP_ERROR, t, at, "its site, %u bytes at %s+0x%llx, is "
		    "not in code", r->len, section_name(check, r->section),
		    (unsigned long long)r->start);
	else if (r->new_len && !has_new)
		bad(check, RP_ERROR, t, at, "the record names no replacement");
	else if (r->new_len &&
		 !is_code(check, r->new_section, r->new_start, r->new_len))
		bad(check, RP_ERROR, t, at, "its replacement, %u bytes at "
		    "%s+0x%llx, is not in code", r->new_len,
		    section_name(check, r->new_section),
		    (unsigned long long)r->new_start);
	else if (r->new_len > r->len)
		bad(check, RP_ERROR, t, at, "the replacement has %u bytes and "
		    "the site %u: fill the site with NOPs, as the macros do",
		    r->new_len, r->len);
	else if (f->feature >= features(check))
		bad(check, RP_ERROR, t, at, "there is no processor feature %u",
		    f->feature);
	else if (f->bad_flags)
		bad(check, RP_ERROR, t, at, "flags of another version: compile "
		    "with the headers of this one");
	else
		return true;
	return false;
}

static int read_record(struct rp_alt_records *records, struct rp_check *check,
		       const struct rp_check_table *table, uint64_t at)
{
	struct fields f = read_fields(table, check->options.abi->kind, at);
	struct rp_table_place site, new;
	bool has_site = rp_check_table_place(table, at + FIELD_SITE, 4, &site);
	bool has_new = rp_check_table_place(table, at + FIELD_NEW, 4, &new);
	struct rp_alt_record r = {
		.table = table->section, .at = at,
		.section = site.section, .start = site.offset, .len = f.len,
		.new_section = new.section, .new_start = new.offset,
		.new_len = f.new_len };

	check->stats.alternatives++;
	if (!check_record(check, &f, &r, has_site, has_new))
		return 0;
	// It does nothing: the kernel's macros make none, nor do ours.
	if (!r.len) {
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
	struct rp_check_table table;

	int rc = rp_check_table_init(&table, &check->obj, section, check->diag);
	if (!rc && table.size % size)
		bad(check, RP_ERROR, section, 0, "the table has %llu bytes, and "
		    "its records should have %u each: is it of another version? "
		    "(--abi)", (unsigned long long)table.size, size);
	else
		for (uint64_t at = 0; !rc && at < table.size; at += size)
			rc = read_record(records, check, &table, at);
	rp_check_table_deinit(&table);
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

static uint64_t end_of(const struct rp_alt_record *r)
{
	return r->start + r->len;
}

static bool overlap(const struct rp_alt_record *a,
		    const struct rp_alt_record *b)
{
	return a->section == b->section && a->start < end_of(b) &&
	       b->start < end_of(a);
}

/* Linux from 6.3 on takes the longest of those that follow each other. */
static void make_equal(struct rp_alt_records *records)
{
	for (size_t i = 1; i < records->n; i++) {
		struct rp_alt_record *a = &records->v[i - 1], *b = a + 1;

		if (a->section == b->section && a->start == b->start) {
			uint32_t len = a->len > b->len ? a->len : b->len;

			a->len = b->len = len;
		}
	}
	for (size_t i = records->n; i-- > 1;) {
		struct rp_alt_record *a = &records->v[i - 1];

		if (a->section == a[1].section && a->start == a[1].start)
			a->len = a[1].len;
	}
}

static bool may_precede(const struct rp_check *check,
			const struct rp_alt_record *a,
			const struct rp_alt_record *b)
{
	if (!overlap(a, b))
		return true;
	if (check->options.abi->kernel)
		return a->start == b->start && a->len == b->len;
	return b->start <= a->start && end_of(b) >= end_of(a);
}

static void say_overlap(struct rp_check *check, const struct rp_alt_record *a,
			const struct rp_alt_record *b)
{
	char place[160];

	rp_code_place(&check->code, a->section, a->start, place, sizeof(place));
	bad(check, RP_ERROR, b->table, b->at, "its site overlaps that of another "
	    "record (%u bytes at %s) and is not around it: %s", a->len, place,
	    check->options.abi->kernel ?
	    "sites have one start and one length, or are apart" :
	    "sites are apart or nested, the inner one's record first");
}

/* Within [@first, @end): groups are small. */
static void check_group(struct rp_check *check, struct rp_alt_record *v,
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

/* Groups are found from the end, where outer sites are, as the library does. */
static void make_groups(struct rp_check *check, struct rp_alt_records *records)
{
	for (size_t end = records->n; end > 0;) {
		struct rp_alt_record around = records->v[end - 1];
		size_t first = end - 1;

		while (first > 0 && overlap(&records->v[first - 1], &around) &&
		       records->v[first - 1].table == around.table) {
			const struct rp_alt_record *r = &records->v[--first];
			uint64_t to = end_of(r) > end_of(&around) ?
				      end_of(r) : end_of(&around);

			if (r->start < around.start)
				around.start = r->start;
			around.len = to - around.start;
		}
		for (size_t i = first; i < end; i++)
			records->v[i].group = first;
		check_group(check, &records->v[first], end - first);
		end = first;
	}
}

static int by_place(const void *a, const void *b)
{
	const struct rp_alt_record *x = a, *y = b;

	if (x->section != y->section)
		return x->section < y->section ? -1 : 1;
	return (x->start > y->start) - (x->start < y->start);
}

/* Sites of two groups must be apart; what overlaps becomes one site. */
static void merge_sites(struct rp_check *check, struct rp_alt_records *records,
			const struct rp_alt_record *sorted)
{
	const struct rp_alt_record *longest = NULL;

	for (size_t i = 0; i < records->n; i++) {
		const struct rp_alt_record *r = &sorted[i];
		struct rp_alt_site *last = records->sites + records->nsites;

		if (records->nsites && last[-1].section == r->section &&
		    r->start < last[-1].end) {
			if (longest->group != r->group)
				bad(check, RP_ERROR, r->table, r->at, "its site "
				    "is that of an earlier record too, but the "
				    "records do not follow each other");
			if (end_of(r) > last[-1].end) {
				last[-1].end = end_of(r);
				longest = r;
			}
			continue;
		}
		*last = (struct rp_alt_site){ r->section, r->start, end_of(r) };
		records->nsites++;
		longest = r;
	}
}

static int find_sites(struct rp_check *check, struct rp_alt_records *records)
{
	struct rp_alt_record *sorted;

	if (!records->n)
		return 0;
	sorted = malloc(records->n * sizeof(*sorted));
	records->sites = calloc(records->n, sizeof(*records->sites));
	if (!sorted || !records->sites) {
		free(sorted);
		return rp_diag_nomem(check->diag);
	}
	memcpy(sorted, records->v, records->n * sizeof(*sorted));
	qsort(sorted, records->n, sizeof(*sorted), by_place);
	merge_sites(check, records, sorted);
	free(sorted);
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
	make_groups(check, records);
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
