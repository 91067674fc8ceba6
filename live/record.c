// SPDX-License-Identifier: MIT
/* Records of payloads in a process: found, checked, changed. */
#define _GNU_SOURCE
#include "record.h"

#include "../object/grow.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static int damaged(struct rp_diag *diag, uint64_t base, const char *what)
{
	return rp_diag_set(diag, RP_DIAG_LIVE_RECORD, NULL,
		"the record of a live patch at %#lx is damaged (%s): the process overwrote it; nothing is done, restart the process to get rid of its patches",
		(unsigned long)base, what);
}

static bool table_fits(struct rp_record_table table, size_t entry, size_t size)
{
	return table.offset <= size &&
	       (uint64_t)table.n * entry <= size - table.offset &&
	       table.offset % 8 == 0;
}

static bool string_fits(const struct rp_record *r, uint32_t offset)
{
	return offset < r->strings.n;
}

static bool tables_fit(const struct rp_record *r, size_t size)
{
	return table_fits(r->functions, sizeof(struct rp_record_function),
			  size) &&
	       table_fits(r->data, sizeof(struct rp_record_data), size) &&
	       table_fits(r->hooks, sizeof(struct rp_record_hook), size) &&
	       table_fits(r->exports, sizeof(struct rp_record_export), size) &&
	       table_fits(r->depends, sizeof(struct rp_record_depend), size) &&
	       table_fits(r->strings, 1, size) &&
	       table_fits(r->symbol_file, 1, size);
}

static bool strings_fit(const struct rp_record *r)
{
	const char *strings = rp_record_table(r, r->strings);
	const uint32_t plain[] = { r->name, r->patch_version, r->description,
				   r->tool, r->target };

	if (!r->strings.n || strings[r->strings.n - 1])
		return false;
	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
		if (!string_fits(r, plain[i]))
			return false;
	}
	for (uint32_t i = 0; i < r->functions.n; i++) {
		if (!string_fits(r, rp_record_functions(r)[i].name))
			return false;
	}
	for (uint32_t i = 0; i < r->hooks.n; i++) {
		if (!string_fits(r, rp_record_hooks(r)[i].name))
			return false;
	}
	for (uint32_t i = 0; i < r->exports.n; i++) {
		if (!string_fits(r, rp_record_exports(r)[i].name))
			return false;
	}
	return true;
}

static bool data_fits(const struct rp_record *r, size_t size)
{
	for (uint32_t i = 0; i < r->data.n; i++) {
		const struct rp_record_data *d = &rp_record_data(r)[i];

		if (d->was > size || d->size > size - d->was ||
		    d->value > size || d->size > size - d->value ||
		    !string_fits(r, d->name))
			return false;
	}
	return true;
}

static bool part_fits(const struct rp_record *r, struct rp_record_part part)
{
	const struct rp_region *region = &r->region;

	return !part.size ||
	       (part.address >= region->base &&
		part.address - region->base <= region->size &&
		part.size <= region->size - (part.address - region->base));
}

static bool parts_fit(const struct rp_record *r)
{
	for (size_t i = 0; i < 4; i++) {
		if (!part_fits(r, r->parts[i]))
			return false;
	}
	return part_fits(r, r->eh_frame) && r->build_id_size &&
	       r->build_id_size <= sizeof(r->build_id);
}

static bool functions_fit(const struct rp_record *r)
{
	for (uint32_t i = 0; i < r->functions.n; i++) {
		const struct rp_record_function *f = &rp_record_functions(r)[i];
		const struct rp_record_part new = { f->new, f->new_size };

		if (f->detour < f->old || f->detour - f->old > 4 ||
		    f->old_size < f->detour - f->old + sizeof(f->jump) ||
		    !new.size || !part_fits(r, new))
			return false;
	}
	return true;
}

static int check_region(const struct rp_region *region, size_t size,
			uint64_t base, struct rp_diag *diag)
{
	if (size < sizeof(*region) ||
	    memcmp(region->magic, RP_REGION_MAGIC, sizeof(region->magic)))
		return damaged(diag, base, "magic");
	if (region->version != RP_REGION_VERSION)
		return rp_diag_set(diag, RP_DIAG_LIVE_RECORD, NULL,
			"the live patch at %#lx was applied by a tool that writes records of version %u; this one knows %u: use that tool",
			(unsigned long)base, region->version,
			RP_REGION_VERSION);
	if (region->base != base || region->size % RP_PAGE ||
	    region->size < RP_PAGE || region->size > INT32_MAX)
		return damaged(diag, base, "extent");
	if (!region->kind || region->kind >= RP_REGION_NR ||
	    !region->state || region->state >= RP_STATE_NR)
		return damaged(diag, base, "kind or state");
	if (region->record_size > region->size ||
	    region->record_size > RP_RECORD_MAX)
		return damaged(diag, base, "size");
	return 0;
}

static int check_record(const void *bytes, size_t size, uint64_t base,
			struct rp_diag *diag)
{
	const struct rp_record *r = bytes;
	int ret = check_region(bytes, size, base, diag);

	if (ret || r->region.kind != RP_REGION_PAYLOAD)
		return ret;
	/* The tool died before it wrote more than that. */
	if (r->region.state == RP_STATE_REVERTED && size == sizeof(r->region))
		return 0;
	if (size < sizeof(*r) || r->region.record_size != size)
		return damaged(diag, base, "size");
	if (!tables_fit(r, size))
		return damaged(diag, base, "tables");
	if (!strings_fit(r))
		return damaged(diag, base, "strings");
	if (!data_fits(r, size))
		return damaged(diag, base, "data");
	if (!parts_fit(r) || !functions_fit(r))
		return damaged(diag, base, "addresses");
	return 0;
}

static int keep(struct rp_records *records, uint64_t base, void *bytes)
{
	if (rp_grow(&records->v, &records->capacity, records->n + 1,
		    sizeof(*records->v)))
		return -ENOMEM;
	records->v[records->n].base = base;
	records->v[records->n].record = bytes;
	records->n++;
	return 0;
}

/* The whole record behind its first 64 bytes. */
static int read_record(struct rp_records *records,
		       const struct rp_target *target,
		       const struct rp_region *region, uint64_t base,
		       struct rp_diag *diag)
{
	size_t size = region->record_size;
	char *bytes;
	int ret = check_region(region, sizeof(*region), base, diag);

	if (ret)
		return ret;
	if (size < sizeof(*region))
		size = sizeof(*region);
	bytes = calloc(1, size > sizeof(struct rp_record) ? size :
		       sizeof(struct rp_record));
	if (!bytes)
		return rp_diag_nomem(diag);
	ret = rp_target_read(target, base, bytes, size);
	if (ret)
		ret = damaged(diag, base, "it ends too soon");
	else
		ret = check_record(bytes, size, base, diag);
	if (!ret)
		ret = keep(records, base, bytes);
	if (ret)
		free(bytes);
	return ret;
}

#define READ_TRIES	8

/*
 * Another tool may be at it: what is found damaged, or not to be read, is so if its
 * first bytes are still what they were.
 */
static int read_steady(struct rp_records *records,
		       const struct rp_target *target, struct rp_region *region,
		       uint64_t base, struct rp_diag *diag)
{
	for (int i = 0; i < READ_TRIES; i++) {
		struct rp_region now;
		int ret = read_record(records, target, region, base, diag);

		if (!ret || ret == -ENOMEM)
			return ret;
		if (rp_target_read(target, base, &now, sizeof(now)) ||
		    memcmp(now.magic, RP_REGION_MAGIC, sizeof(now.magic)))
			return 0;
		if (!memcmp(&now, region, sizeof(now)))
			return ret;
		*region = now;
	}
	return damaged(diag, base, "it changes all the time");
}

/* Not reserved, as smaps says. Only read for the rare candidate. */
static bool is_noreserve(const struct rp_target *target, uint64_t base)
{
	char *smaps = rp_target_file(target, "smaps", NULL);
	char start[32];
	const char *at, *flags;
	bool ret = false;

	snprintf(start, sizeof(start), "\n%lx-", (unsigned long)base);
	/* The first line has none before it. */
	at = !smaps ? NULL : !strncmp(smaps, start + 1, strlen(start + 1)) ?
	     smaps : strstr(smaps, start);
	flags = at ? strstr(at, "VmFlags:") : NULL;
	if (flags) {
		const char *end = strchr(flags, '\n');
		const char *nr = strstr(flags, " nr ");

		ret = nr && (!end || nr < end);
	}
	free(smaps);
	return ret;
}

static bool is_zero(const struct rp_target *target, const struct rp_map *map)
{
	static const char zeros[RP_PAGE];
	char page[RP_PAGE];

	for (uint64_t at = map->start; at < map->end; at += RP_PAGE) {
		if (rp_target_read(target, at, page, sizeof(page)) ||
		    memcmp(page, zeros, sizeof(page)))
			return false;
	}
	return true;
}

static bool stands_alone(const struct rp_maps *maps, size_t i)
{
	return (!i || maps->v[i - 1].end < maps->v[i].start) &&
	       (i + 1 == maps->n || maps->v[i].end < maps->v[i + 1].start);
}

/*
 * A tool can die between mmap() and its first write. Nobody else has use for
 * memory that can only be executed, and holds zeros.
 */
static int take_unwritten(struct rp_records *records,
			  const struct rp_target *target,
			  const struct rp_maps *maps, size_t i)
{
	const struct rp_map *map = &maps->v[i];
	struct rp_record *record;

	if (map->access != PROT_EXEC || !stands_alone(maps, i) ||
	    map->end - map->start > RP_RECORD_MAX || !is_noreserve(target, map->start) || !is_zero(target, map))
		return 0;
	record = calloc(1, sizeof(*record));
	if (!record)
		return -ENOMEM;
	record->region.kind = RP_REGION_NR;
	record->region.state = RP_STATE_REVERTED;
	record->region.base = map->start;
	record->region.size = map->end - map->start;
	return keep(records, map->start, record);
}

static bool is_candidate(const struct rp_map *map)
{
	return (map->access == PROT_READ || map->access == PROT_EXEC) &&
	       !map->shared && !map->inode && !*map->name;
}

static int by_sequence(const void *a, const void *b)
{
	const struct rp_live_record *x = a, *y = b;
	bool p = x->record->region.kind == RP_REGION_PAYLOAD;
	bool q = y->record->region.kind == RP_REGION_PAYLOAD;

	if (p != q)
		return p ? -1 : 1;
	if (!p || x->record->sequence == y->record->sequence)
		return x->base < y->base ? -1 : 1;
	return x->record->sequence < y->record->sequence ? -1 : 1;
}

int rp_records_read(struct rp_records *records, const struct rp_target *target,
		    const struct rp_maps *maps, struct rp_diag *diag)
{
	int ret = 0;

	*records = (struct rp_records){ 0 };
	for (size_t i = 0; i < maps->n && !ret; i++) {
		struct rp_region region;

		if (!is_candidate(&maps->v[i]) ||
		    rp_target_read(target, maps->v[i].start, &region,
				   sizeof(region)))
			continue;
		if (!memcmp(region.magic, RP_REGION_MAGIC,
			    sizeof(region.magic)))
			ret = read_steady(records, target, &region,
					  maps->v[i].start, diag);
		else if (!region.base && !region.size)
			ret = take_unwritten(records, target, maps, i);
	}
	if (ret == -ENOMEM)
		rp_diag_nomem(diag);
	if (records->n)
		qsort(records->v, records->n, sizeof(*records->v), by_sequence);
	return ret;
}

void rp_records_free(struct rp_records *records)
{
	for (size_t i = 0; i < records->n; i++)
		free(records->v[i].record);
	free(records->v);
	*records = (struct rp_records){ 0 };
}

struct rp_record *rp_records_find(const struct rp_records *records,
				  const char *name)
{
	for (size_t i = records->n; i-- > 0;) {
		struct rp_record *r = records->v[i].record;

		if (r->region.kind == RP_REGION_PAYLOAD &&
		    rp_record_is_live(r) &&
		    !strcmp(rp_record_string(r, r->name), name))
			return r;
	}
	return NULL;
}

int rp_record_set_state(const struct rp_target *target,
			struct rp_region *region, enum rp_region_state state)
{
	uint32_t word = state;

	region->state = state;
	return rp_target_write(target, region->base +
			       offsetof(struct rp_region, state), &word,
			       sizeof(word));
}

bool rp_record_in_place(const struct rp_target *target,
			const struct rp_record *r)
{
	for (uint32_t i = 0; i < r->functions.n; i++) {
		const struct rp_record_function *f = &rp_record_functions(r)[i];
		uint8_t now[sizeof(f->jump)];

		/* Its own bytes: nobody else would have put these there. */
		if (rp_target_read(target, f->detour, now, sizeof(now)) ||
		    !memcmp(now, f->was, sizeof(now)))
			return false;
	}
	return true;
}
