// SPDX-License-Identifier: MIT
/*
 * From records to sites: what an object registers of static calls and keys.
 *
 * Each record is read once, its key found, the sites counted; then the sites
 * of each key are laid out one after the other, so that an update walks an
 * array. The tables themselves stay untouched, shared and on disk.
 */
#include <errno.h>
#include <string.h>

#include "alternative.h"
#include "arch.h"
#include "collect.h"
#include "log.h"
#include "op_sites.h"
#include "relocs.h"
#include "static_call.h"
#include "static_key.h"

static struct rp_site_range *new_range(struct rp__object *object)
{
	struct rp__range_chunk *chunk = object->ranges;

	if (!chunk || chunk->used == RP__CHUNK_RANGES) {
		chunk = rp__map(sizeof(*chunk));
		if (!chunk)
			return NULL;
		chunk->next = object->ranges;
		object->ranges = chunk;
	}
	return &chunk->ranges[chunk->used++];
}

/*
 * The range of a key in this object. Ranges of the object being registered are
 * at the head of the key's list, so this looks at two at most.
 */
static struct rp_site_range *get_range(struct rp__object *object, void *key,
				       struct rp_site_range **list,
				       enum rp__range_type type)
{
	struct rp_site_range *range;

	for (range = *list; range && range->object == object;
	     range = range->next)
		if (range->type == type)
			return range;
	range = new_range(object);
	if (!range)
		return NULL;
	range->object = object;
	range->key = key;
	range->type = type;
	range->next = *list;
	*list = range;
	return range;
}

static int push_found(struct rp__vec *found, struct rp_site_range *range,
		      struct rp__site site)
{
	struct rp__found *entry = range ? rp__vec_push(found, sizeof(*entry))
				    : NULL;

	if (!entry)
		return -ENOMEM;
	entry->range = range;
	entry->site = site;
	range->count++;
	return 0;
}

static void bad_record(const struct rp__object *object, const void *record,
		       const char *why)
{
	rp__log(RP_LOG_WARN, "object", "%s: site record at %p: %s: ignored",
		object->path, record, why);
}

/* An alternative took its place: there is nothing to patch, nor to say. */
static bool is_gone(const struct rp__object *object, uintptr_t code)
{
	return object->replaced.used &&
	       rp__alternatives_replaced(object, code);
}

static bool may_go(const struct rp__object *object, uintptr_t code)
{
	return object->live.used && rp__alternatives_may_change(object, code);
}

static void warn_of_change(const struct rp__object *object, uintptr_t code)
{
	if (may_go(object, code))
		rp__log(RP_LOG_WARN, "alternative",
			"a static branch lies in an alternative that may change again, and will not follow its key then (site +0x%zx of %s)",
			(size_t)(code - object->base), object->path);
}

static int collect_call(struct rp__object *object, struct rp__vec *found,
			uintptr_t code, enum rp_site_kind kind, uintptr_t tramp,
			const void *record)
{
	struct rp__site site = { .kind = kind };
	struct rp_static_call_key *key;

	if (!rp__object_is_text(object, code, rp__site_len(kind))) {
		bad_record(object, record, "it points outside the text");
		return 0;
	}
	/* It stays with its trampoline, which is right whatever happens. */
	if (is_gone(object, code) || may_go(object, code))
		return 0;
	key = rp__static_call_key_of(tramp);
	if (!key) {
		bad_record(object, record, "it names no trampoline");
		return 0;
	}
	site.code = (int32_t)(code - object->text_start);
	return push_found(found,
			  get_range(object, key, &key->ranges, RP__RANGE_CALL),
			  site);
}

static int collect_calls(struct rp__object *object, struct rp__vec *found)
{
	const struct rp_static_call_site *record = object->tables.call_sites;
	const struct rp_static_call_site *end = object->tables.call_sites_end;
	int error = 0;

	for (; record < end && !error; record++) {
		uintptr_t code = rp__field_target(&record->code);
		uintptr_t got = rp__field_target(&record->tramp);

		if (record->kind == 0 || record->kind >= RP_SITE_KIND_NR ||
		    record->flags)
			bad_record(object, record, "unknown kind or flags");
		else
			error = collect_call(object, found, code, record->kind,
					     *(const uintptr_t *)got, record);
	}
	return error;
}

/*
 * struct reloc_walk - for collect_reloc().
 * @known: sites that records gave, in ascending order
 */
struct reloc_walk {
	struct rp__object *object;
	struct rp__vec *found;
	size_t known;
};

/*
 * True if a record has the site already, perhaps at another byte: GNU ld makes
 * `67 e8` of a call through the GOT and keeps a relocation of the `e8`.
 */
static bool is_known(const struct reloc_walk *walk, int32_t code,
		     unsigned int len)
{
	const struct rp__found *found = walk->found->data;
	size_t low = 0, high = walk->known;

	/* The first one that ends behind the start of this one. */
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct rp__site *site = &found[middle].site;

		if (site->code + (int32_t)rp__site_len(site->kind) <= code)
			low = middle + 1;
		else
			high = middle;
	}
	return low < walk->known &&
	       found[low].site.code < code + (int32_t)len;
}

static bool in_order(const struct rp__vec *vec)
{
	const struct rp__found *found = vec->data;
	size_t nr = vec->used / sizeof(*found);

	for (size_t i = 1; i < nr; i++)
		if (found[i - 1].site.code > found[i].site.code)
			return false;
	return true;
}

static int collect_op_reloc(void *data, uintptr_t site)
{
	const struct reloc_walk *walk = data;

	return rp__ops_collect_site(walk->object, site);
}

static int collect_reloc(void *data, uintptr_t site, enum rp_site_kind kind)
{
	struct reloc_walk *walk = data;
	struct rp__insn insn;
	uintptr_t target;

	/* Up to a byte behind the text may be missing. */
	if (rp__insn_decode((const uint8_t *)site, rp__site_len(kind), site,
			    &insn) < 0 ||
	    is_known(walk, (int32_t)(site - walk->object->text_start),
		     rp__site_len(kind)))
		return 0;
	target = insn.type == RP__INSN_CALL_MEM || insn.type == RP__INSN_JMP_MEM
		? *(const uintptr_t *)insn.target : insn.target;
	return collect_call(walk->object, walk->found, site, kind, target,
			    (const void *)site);
}

/*
 * Files that nobody annotated, because LTO had not made code of them yet, may
 * have been linked with --emit-relocs.
 */
static int collect_relocs(struct rp__object *object, struct rp__vec *found)
{
	struct reloc_walk walk = {
		object, found, found->used / sizeof(struct rp__found)
	};
	const struct rp__relocs_object file = {
		.path = object->path, .base = object->base,
		.phdr = object->phdr, .phnum = object->phnum,
		.found_op = collect_op_reloc,
	};
	const char *wanted = rp__getenv("RP_EMIT_RELOCS");
	int nr;

	/* Linkers keep the order of the text; without it nothing is merged. */
	if ((wanted && !strcmp(wanted, "0")) || !in_order(found))
		return 0;
	nr = rp__relocs_read(&file, collect_reloc, &walk);
	if (nr < 0 && nr != -ENOMEM)
		rp__log(RP_LOG_INFO, "object",
			"%s: its relocations cannot be read to the end (%s): other calls stay out of line",
			object->path, strerror(-nr));
	return nr == -ENOMEM ? nr : 0;
}

static int collect_branch(struct rp__object *object, struct rp__vec *found,
			  const struct rp_static_key_site *record)
{
	uintptr_t code = rp__field_target(&record->code);
	uintptr_t target = rp__field_target(&record->target);
	struct rp_static_key *key = rp__static_key_origin(
		(void *)rp__field_target(&record->key));
	enum rp__range_type type = record->flags & RP_STATIC_KEY_SITE_LIKELY ?
		RP__RANGE_LIKELY : RP__RANGE_BRANCH;
	struct rp__site site = {
		.code = (int32_t)(code - object->text_start),
		.target = (int32_t)(target - object->text_start),
	};

	if (!rp__object_is_text(object, code, 5) ||
	    !rp__object_is_text(object, target, 1) ||
	    !rp__static_key_valid(key)) {
		bad_record(object, record, "no static branch");
		return 0;
	}
	warn_of_change(object, code);
	if (is_gone(object, code))
		return 0;
	return push_found(found, get_range(object, key, &key->ranges, type),
			  site);
}

static int collect_branches(struct rp__object *object, struct rp__vec *found)
{
	const struct rp_static_key_site *record = object->tables.key_sites;
	int error = 0;

	for (; record < object->tables.key_sites_end && !error; record++)
		error = collect_branch(object, found, record);
	return error;
}

/* Put the sites of each range together, in the order in which they came. */
static int lay_out(struct rp__object *object, const struct rp__vec *vec)
{
	const struct rp__found *found = vec->data;
	struct rp__range_chunk *chunk;
	uint32_t next = 0;

	object->sites_nr = vec->used / sizeof(*found);
	if (!object->sites_nr)
		return 0;
	object->sites = rp__map(object->sites_nr * sizeof(*object->sites));
	if (!object->sites)
		return -ENOMEM;
	for (chunk = object->ranges; chunk; chunk = chunk->next)
		for (unsigned int i = 0; i < chunk->used; i++) {
			chunk->ranges[i].first = next;
			next += chunk->ranges[i].count;
			chunk->ranges[i].count = 0;
		}
	for (size_t i = 0; i < object->sites_nr; i++) {
		struct rp_site_range *range = found[i].range;

		object->sites[range->first + range->count++] = found[i].site;
	}
	return 0;
}

int rp__collect(struct rp__object *object, struct rp__vec *found)
{
	int error = collect_calls(object, found);

	if (!error)
		error = rp__ops_collect(object);
	if (!error)
		error = collect_relocs(object, found);
	rp__ops_collected(object);
	if (!error)
		error = collect_branches(object, found);
	return error ? error : lay_out(object, found);
}

static void prune_range(struct rp__object *object, struct rp_site_range *range)
{
	struct rp__site *site = object->sites + range->first;
	uint32_t kept = 0;

	for (uint32_t i = 0; i < range->count; i++)
		if (!is_gone(object, (uintptr_t)rp__site_code(object,
							      &site[i])))
			site[kept++] = site[i];
	range->count = kept;
}

void rp__collect_prune(struct rp__object *object)
{
	struct rp__range_chunk *chunk;

	for (chunk = object->ranges; chunk; chunk = chunk->next)
		for (unsigned int i = 0; i < chunk->used; i++)
			prune_range(object, &chunk->ranges[i]);
	rp__ops_prune(object);
}
