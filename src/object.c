// SPDX-License-Identifier: MIT
/*
 * Registered objects: their sites, grouped by key.
 *
 * Registration reads each record once, finds the key, and counts; then the
 * sites of each key are laid out one after the other, so that an update walks
 * an array. The tables themselves stay untouched, shared and on disk.
 *
 * Then all sites and trampolines of the object are brought to the present
 * state of their keys, in one batch. If that is refused (no way to write text
 * here) static calls stay with their trampolines, which go through memory, and
 * everything works, only slower.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "arch.h"
#include "island.h"
#include "log.h"
#include "poke.h"
#include "registry.h"
#include "relocs.h"
#include "static_call.h"
#include "static_key.h"

#define CHUNK_RANGES	64

/* struct rp__range_chunk - ranges that never move. */
struct rp__range_chunk {
	struct rp__range_chunk *next;
	unsigned int used;
	struct rp_site_range ranges[CHUNK_RANGES];
};

/* struct found - a site on its way from a record to its place. */
struct found {
	struct rp_site_range *range;
	struct rp__site site;
};

/*
 * All registered objects, and those that unregistered but may be mapped still:
 * destructors run at exit, too, while other threads execute their islands.
 * Under the text lock.
 */
static struct rp__object *objects;
static struct rp__object *leaving;

/* ---- where the object is ---- */

static bool holds(const struct dl_phdr_info *info, uintptr_t addr)
{
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];

		if (p->p_type == PT_LOAD &&
		    addr - info->dlpi_addr - p->p_vaddr < p->p_memsz)
			return true;
	}
	return false;
}

static void note_text(struct rp__object *object, const ElfW(Phdr) *p)
{
	uintptr_t start = object->base + p->p_vaddr;

	if (p->p_type != PT_LOAD || !(p->p_flags & PF_X))
		return;
	if (!object->text_end || start < object->text_start)
		object->text_start = start;
	if (start + p->p_memsz > object->text_end)
		object->text_end = start + p->p_memsz;
}

static int locate_one(struct dl_phdr_info *info, size_t size, void *data)
{
	struct rp__object *object = data;

	(void)size;
	if (!holds(info, (uintptr_t)object->public))
		return 0;
	object->base = info->dlpi_addr;
	object->phdr = info->dlpi_phdr;
	object->phnum = info->dlpi_phnum;
	object->path = info->dlpi_name && *info->dlpi_name ?
		info->dlpi_name : "/proc/self/exe";
	for (int i = 0; i < object->phnum; i++)
		note_text(object, &object->phdr[i]);
	return 1;
}

/* True if all of @addr..@addr+len lie in one executable segment. */
static bool is_text(const struct rp__object *object, uintptr_t addr, size_t len)
{
	for (int i = 0; i < object->phnum; i++) {
		const ElfW(Phdr) *p = &object->phdr[i];
		uintptr_t start = object->base + p->p_vaddr;

		if (p->p_type == PT_LOAD && p->p_flags & PF_X &&
		    addr - start < p->p_memsz &&
		    len <= p->p_memsz - (addr - start))
			return true;
	}
	return false;
}

/* ---- collecting ---- */

static struct rp_site_range *new_range(struct rp__object *object)
{
	struct rp__range_chunk *chunk = object->ranges;

	if (!chunk || chunk->used == CHUNK_RANGES) {
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
	struct found *entry = range ? rp__vec_push(found, sizeof(*entry))
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

static int collect_call(struct rp__object *object, struct rp__vec *found,
			uintptr_t code, enum rp_site_kind kind, uintptr_t tramp,
			const void *record)
{
	struct rp__site site = { .kind = kind };
	struct rp_static_call_key *key;

	if (!is_text(object, code, rp__site_len(kind))) {
		bad_record(object, record, "it points outside the text");
		return 0;
	}
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
	const struct rp_static_call_site *record = object->public->call_sites;
	const struct rp_static_call_site *end = object->public->call_sites_end;
	int error = 0;

	for (; record < end && !error; record++) {
		uintptr_t code = (uintptr_t)&record->code +
				 (uintptr_t)(intptr_t)record->code;
		uintptr_t got = (uintptr_t)&record->tramp +
				(uintptr_t)(intptr_t)record->tramp;

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
	const struct found *found = walk->found->data;
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
	const struct found *found = vec->data;
	size_t nr = vec->used / sizeof(*found);

	for (size_t i = 1; i < nr; i++)
		if (found[i - 1].site.code > found[i].site.code)
			return false;
	return true;
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
		object, found, found->used / sizeof(struct found)
	};
	const struct rp__relocs_object file = {
		.path = object->path, .base = object->base,
		.phdr = object->phdr, .phnum = object->phnum,
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
	uintptr_t code = (uintptr_t)&record->code +
			 (uintptr_t)(intptr_t)record->code;
	uintptr_t target = (uintptr_t)&record->target +
			   (uintptr_t)(intptr_t)record->target;
	struct rp_static_key *key = rp__static_key_origin(
		(void *)((uintptr_t)&record->key +
			 (uintptr_t)(intptr_t)record->key));
	enum rp__range_type type = record->flags & RP_STATIC_KEY_SITE_LIKELY ?
		RP__RANGE_LIKELY : RP__RANGE_BRANCH;
	struct rp__site site = {
		.code = (int32_t)(code - object->text_start),
		.target = (int32_t)(target - object->text_start),
	};

	if (!is_text(object, code, 5) ||
	    !is_text(object, target, 1) ||
	    !rp__static_key_valid(key)) {
		bad_record(object, record, "no static branch");
		return 0;
	}
	return push_found(found, get_range(object, key, &key->ranges, type),
			  site);
}

static int collect_branches(struct rp__object *object, struct rp__vec *found)
{
	const struct rp_static_key_site *record = object->public->key_sites;
	int error = 0;

	for (; record < object->public->key_sites_end && !error; record++)
		error = collect_branch(object, found, record);
	return error;
}

/* Put the sites of each range together, in the order in which they came. */
static int lay_out(struct rp__object *object, const struct rp__vec *vec)
{
	const struct found *found = vec->data;
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

static int collect(struct rp__object *object, struct rp__vec *found)
{
	int error = collect_calls(object, found);

	if (!error)
		error = collect_relocs(object, found);
	if (!error)
		error = collect_branches(object, found);
	return error ? error : lay_out(object, found);
}

/* ---- the first patch ---- */

static struct rp_static_call_key *own_key(const int32_t *record)
{
	struct rp_static_call_key *key =
		(void *)((uintptr_t)record + (uintptr_t)(intptr_t)*record);

	return rp__static_call_key_valid(key) ? key : NULL;
}

static int poke_tramps(struct rp_text_poke_batch *batch,
		       const struct rp__object *object)
{
	const int32_t *record = object->public->call_keys;
	int error = 0;

	for (; record < object->public->call_keys_end && !error; record++) {
		struct rp_static_call_key *key = own_key(record);

		if (key)
			error = rp__static_call_poke_tramp(batch, key,
							   key->func);
	}
	return error;
}

static void tramps_patched(const struct rp__object *object)
{
	const int32_t *record = object->public->call_keys;

	for (; record < object->public->call_keys_end; record++) {
		struct rp_static_call_key *key = own_key(record);

		if (key)
			key->flags |= RP__KEY_PATCHED;
	}
}

static int poke_found(struct rp_text_poke_batch *batch,
		      struct rp__object *object, const struct found *found,
		      struct rp__call_dest *dest)
{
	uint8_t *code = rp__site_code(object, &found->site);
	const struct rp_static_key *key = found->range->key;

	if (found->range->type != RP__RANGE_CALL)
		return rp__static_key_poke_site(
			batch, code, object->text_start +
			(uintptr_t)(intptr_t)found->site.target,
			(key->count != 0) !=
			(found->range->type == RP__RANGE_LIKELY));
	if (dest->key != found->range->key)
		rp__call_dest_init(dest, object, found->range->key,
				   ((struct rp_static_call_key *)
				    found->range->key)->func);
	return rp__static_call_poke_site(batch, dest, code, found->site.kind);
}

/* In the order of the tables, which is that of the text: nothing to sort. */
static int poke_object(struct rp_text_poke_batch *batch,
		       struct rp__object *object, const struct rp__vec *vec)
{
	const struct found *found = vec->data;
	struct rp__call_dest dest = { .key = NULL };
	int error = rp__batch_reserve(batch, object->sites_nr);

	for (size_t i = 0; i < object->sites_nr && !error; i++)
		error = poke_found(batch, object, &found[i], &dest);
	return error ? error : poke_tramps(batch, object);
}

static void first_patch(struct rp__object *object, const struct rp__vec *found)
{
	struct rp_text_poke_batch *batch;
	struct rp_error error = { .code = 0 };
	struct rp_text_poke_opts opts = { .sz = sizeof(opts), .error = &error };
	int result = rp__batch_begin(&batch, &opts);

	if (!result) {
		result = poke_object(batch, object, found);
		if (!result)
			result = rp__batch_commit_locked(batch);
		rp_text_poke_batch_abort(batch);
	}
	object->patched = !result;
	if (!result)
		tramps_patched(object);
	else
		rp__log(RP_LOG_WARN, "object",
			"%s: its text cannot be patched: static calls go through memory, branches stay as built: %s",
			object->path, error.message);
}

/* ---- registration ---- */

static void unlink_range(struct rp_site_range *range)
{
	struct rp_site_range **at;

	if (!range->key)
		return;
	at = range->type == RP__RANGE_CALL ?
		&((struct rp_static_call_key *)range->key)->ranges :
		&((struct rp_static_key *)range->key)->ranges;
	while (*at && *at != range)
		at = &(*at)->next;
	if (*at)
		*at = range->next;
	range->key = NULL;
}

/* Everything but the islands, which threads may be on. */
static void forget_sites(struct rp__object *object)
{
	struct rp__range_chunk *chunk, *next;

	for (chunk = object->ranges; chunk; chunk = next) {
		next = chunk->next;
		for (unsigned int i = 0; i < chunk->used; i++)
			unlink_range(&chunk->ranges[i]);
		rp__unmap(chunk, sizeof(*chunk));
	}
	object->ranges = NULL;
	rp__unmap(object->sites, object->sites_nr * sizeof(*object->sites));
	object->sites = NULL;
	object->sites_nr = 0;
}

static int is_mapped_one(struct dl_phdr_info *info, size_t size, void *data)
{
	const struct rp__object *object = data;

	(void)size;
	return holds(info, object->text_start);
}

void rp__objects_sweep(void)
{
	struct rp__object **at = &leaving, *object;

	while ((object = *at) != NULL) {
		if (object->islands && dl_iterate_phdr(is_mapped_one, object)) {
			at = &object->next;
			continue;
		}
		*at = object->next;
		rp__islands_free(object);
		rp__unmap(object, sizeof(*object));
	}
}

/*
 * An object that registers again, or another one at its address: the islands
 * that are near serve it as well. Without this, an object that is loaded and
 * unloaded over and over would leave a block each time, since what it left is
 * freed only when nothing is mapped there.
 */
static void adopt_islands(struct rp__object *object)
{
	struct rp__object **at = &leaving, *old;

	while ((old = *at) != NULL) {
		if (old->text_start != object->text_start ||
		    old->text_end != object->text_end || object->islands) {
			at = &old->next;
			continue;
		}
		object->islands = old->islands;
		old->islands = NULL;
		*at = old->next;
		rp__unmap(old, sizeof(*old));
	}
}

static void destroy(struct rp__object *object)
{
	forget_sites(object);
	object->next = leaving;
	leaving = object;
}

static int create(struct rp_object *public, struct rp__object **ret,
		  struct rp__vec *found)
{
	struct rp__object *object = rp__map(sizeof(*object));
	int error;

	if (!object)
		return -ENOMEM;
	object->public = public;
	object->path = "?";
	dl_iterate_phdr(locate_one, object);
	adopt_islands(object);
	error = collect(object, found);
	if (error < 0) {
		destroy(object);
		return error;
	}
	*ret = object;
	return 0;
}

static int register_new(struct rp_object *public)
{
	struct rp__vec found = { .data = NULL };
	struct rp__object *object;
	int error;

	rp__objects_sweep();
	error = create(public, &object, &found);
	if (!error) {
		public->state = object;
		object->next = objects;
		objects = object;
		first_patch(object, &found);
		rp__log(RP_LOG_DEBUG, "object", "%s: %zu sites registered",
			object->path, object->sites_nr);
	}
	rp__vec_deinit(&found);
	return error;
}

int rp__object_register_locked(struct rp_object *public)
{
	if (public->version != RP_ABI_VERSION ||
	    public->size < sizeof(*public)) {
		rp__log(RP_LOG_WARN, "object",
			"an object has site tables of version %u, this library reads %u: not registered",
			public->version, RP_ABI_VERSION);
		return -EPROTONOSUPPORT;
	}
	return public->state ? 0 : register_new(public);
}

int rp_object_register(struct rp_object *public)
{
	int error;

	if (!public)
		return -EINVAL;
	error = rp__engine_lock();
	if (error < 0)
		return error;
	error = rp__object_register_locked(public);
	rp__engine_unlock();
	return error;
}

/* ---- unregistration ---- */

static bool defines(const struct rp_object *public,
		    const struct rp_site_range *range)
{
	if (!range->key)
		return false;
	return range->type == RP__RANGE_CALL ?
		((const struct rp_static_call_key *)range->key)->object ==
			public :
		((const struct rp_static_key *)range->key)->object == public;
}

/* Sites of others have keys in the object that goes: they lose them. */
static void orphan_ranges(const struct rp_object *public)
{
	struct rp__range_chunk *chunk;
	struct rp__object *object;

	for (object = objects; object; object = object->next)
		for (chunk = object->ranges; chunk; chunk = chunk->next)
			for (unsigned int i = 0; i < chunk->used; i++)
				if (defines(public, &chunk->ranges[i]))
					unlink_range(&chunk->ranges[i]);
}

static void unregister_locked(struct rp_object *public)
{
	struct rp__object *object = public->state, **at = &objects;

	if (!object)
		return;
	while (*at && *at != object)
		at = &(*at)->next;
	if (*at)
		*at = object->next;
	orphan_ranges(public);
	destroy(object);
	public->state = NULL;
	rp__log(RP_LOG_DEBUG, "object", "%s: unregistered", object->path);
}

void rp_object_unregister(struct rp_object *public)
{
	if (!public || rp__engine_lock() < 0)
		return;
	unregister_locked(public);
	rp__engine_unlock();
}
