// SPDX-License-Identifier: MIT
/*
 * Registered objects: executables and shared objects that came and went.
 *
 * In this order, in the first constructor of an object:
 *
 *   1. its synthetic features are asked for (feature.c)
 *   2. its alternatives are applied (alternative.c)
 *   3. its sites are collected by key (collect.c, ops.c)
 *   4. all sites and trampolines are brought to the present state of their
 *      keys, in one batch
 *
 * Where text cannot be written, alternatives keep their original code, static
 * calls stay with their trampolines, which go through memory, and everything
 * works, only slower.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "alternative.h"
#include "arch.h"
#include "collect.h"
#include "feature.h"
#include "island.h"
#include "log.h"
#include "op_sites.h"
#include "ops.h"
#include "patchlet.h"
#include "poke.h"
#include "static_call.h"
#include "static_key.h"

/* What the first version of the headers had. */
#define SIZE_MIN	offsetof(struct rp_object, alternatives)

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

bool rp__object_is_text(const struct rp__object *object, uintptr_t addr,
			size_t len)
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

/* ---- the first patch ---- */

static struct rp_static_call_key *own_key(const int32_t *record)
{
	struct rp_static_call_key *key =
		(void *)rp__field_target(record);

	return rp__static_call_key_valid(key) ? key : NULL;
}

static int poke_tramps(struct rp_text_poke_batch *batch,
		       const struct rp__object *object)
{
	const int32_t *record = object->tables.call_keys;
	int error = 0;

	for (; record < object->tables.call_keys_end && !error; record++) {
		struct rp_static_call_key *key = own_key(record);

		if (key)
			error = rp__static_call_poke_tramp(batch, key,
							   key->func);
	}
	return error;
}

static void tramps_patched(const struct rp__object *object)
{
	const int32_t *record = object->tables.call_keys;

	for (; record < object->tables.call_keys_end; record++) {
		struct rp_static_call_key *key = own_key(record);

		if (key)
			key->flags |= RP__KEY_PATCHED;
	}
}

static int poke_found(struct rp_text_poke_batch *batch,
		      struct rp__object *object, const struct rp__found *found,
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
	const struct rp__found *found = vec->data;
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

static void forget_text(struct rp__object *object)
{
	rp__alternatives_forget(object);
	rp__ops_forget(object);
}

/* What may be run, or has to be known if the object registers again. */
static bool leaves_traces(const struct rp__object *object)
{
	return object->islands || object->alternatives_applied ||
	       object->op_bounds.used;
}

/*
 * Free what unregistered objects left, once they are unmapped. Only where an
 * object registers: the loader's lock, which this takes, may be held for ever
 * in a child of fork.
 */
static void sweep(void)
{
	struct rp__object **at = &leaving, *object;

	while ((object = *at) != NULL) {
		if (leaves_traces(object) &&
		    dl_iterate_phdr(is_mapped_one, object)) {
			at = &object->next;
			continue;
		}
		*at = object->next;
		rp__islands_free(object);
		forget_text(object);
		rp__unmap(object, sizeof(*object));
	}
}

static bool has_flags(const struct rp_object *public)
{
	return public->size >= offsetof(struct rp_object, text);
}

/*
 * An object that registers again, or another one at its address: the islands
 * that are near serve it as well. Without this, an object that is loaded and
 * unloaded over and over would leave a block each time, since what it left is
 * freed only when nothing is mapped there.
 */
static void adopt(struct rp__object *object)
{
	struct rp__object **at = &leaving, *old;

	while ((old = *at) != NULL) {
		if (old->text_start != object->text_start ||
		    old->text_end != object->text_end || object->islands) {
			at = &old->next;
			continue;
		}
		object->islands = old->islands;
		/* Another one at this address comes with flags of its own. */
		if (has_flags(object->public) && old->public == object->public &&
		    object->public->flags & RP__OBJECT_KNOWN) {
			rp__alternatives_adopt(object, old);
			rp__ops_adopt(object, old);
		}
		*at = old->next;
		forget_text(old);
		rp__unmap(old, sizeof(*old));
	}
}

static void destroy(struct rp__object *object)
{
	forget_sites(object);
	object->next = leaving;
	leaving = object;
}

/* Objects built with older headers have fewer tables. */
static void copy_tables(struct rp__object *object,
			const struct rp_object *public)
{
	size_t size = public->size < sizeof(*public) ? public->size
						     : sizeof(*public);

	memcpy(&object->tables, public, size);
}

/* Live patches bring their code in memory of their own. */
static void locate_unfiled(struct rp__object *object)
{
	const struct rp_object *public = object->public;

	if (public->size < sizeof(*public) || !public->text)
		return;
	object->unfiled = (ElfW(Phdr)){
		.p_type = PT_LOAD, .p_flags = PF_R | PF_X,
		.p_vaddr = (uintptr_t)public->text,
		.p_memsz = (uintptr_t)public->text_end -
			   (uintptr_t)public->text,
	};
	object->phdr = &object->unfiled;
	object->phnum = 1;
	object->path = "a live patch";
	note_text(object, &object->unfiled);
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
	copy_tables(object, public);
	if (!dl_iterate_phdr(locate_one, object))
		locate_unfiled(object);
	adopt(object);
	/* From here on the text is not as it was linked. */
	if (has_flags(public))
		__atomic_fetch_or(&public->flags, RP__OBJECT_KNOWN,
				  __ATOMIC_SEQ_CST);
	rp__alternatives_apply_first(object);
	error = rp__collect(object, found);
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

	sweep();
	error = create(public, &object, &found);
	if (!error) {
		__atomic_store_n(&public->state, object, __ATOMIC_RELEASE);
		object->next = objects;
		objects = object;
		first_patch(object, &found);
		rp__patchlets_check(object);
		rp__log(RP_LOG_DEBUG, "object",
			"%s: %zu sites of keys registered, %zu of ops tables",
			object->path, object->sites_nr, rp__ops_nr(object));
	}
	rp__vec_deinit(&found);
	return error;
}

static bool is_readable(const struct rp_object *public)
{
	return public->version == RP_ABI_VERSION && public->size >= SIZE_MIN;
}

static int register_locked(struct rp_object *public)
{
	if (!is_readable(public)) {
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
	if (is_readable(public)) {
		if (__atomic_load_n(&public->state, __ATOMIC_ACQUIRE))
			return 0;
		if (!rp__features_detect(public))
			return -EDEADLK;
	}
	error = rp__engine_lock();
	if (error < 0)
		return error;
	error = register_locked(public);
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
	if (!public || !is_readable(public) || rp__engine_lock() < 0)
		return;
	unregister_locked(public);
	rp__engine_unlock();
}
