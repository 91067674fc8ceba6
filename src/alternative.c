// SPDX-License-Identifier: MIT
/*
 * Alternatives: all of an object's, or none.
 *
 *   1. check   each record; records whose sites overlap form a group, in which
 *              inner sites come before outer ones
 *   2. compose a group's code in memory: the original, over it each replacement
 *              that applies, in order, relocated; then NOPs made long
 *   3. commit  what differs from the text, all groups in one batch
 *
 * The first two are alternative_group.c.
 *
 * The first time nobody runs the code yet. Later, only groups with a synthetic
 * feature can change: their original code is kept for that.
 */
#include <errno.h>
#include <string.h>

#include <repoint/alternative.h>

#include "alternative.h"
#include "alternative_group.h"
#include "arch.h"
#include "code.h"
#include "collect.h"
#include "log.h"
#include "poke.h"
#include "threads.h"

/*
 * struct live_group - one that can change again.
 * @first: index of its first record
 * @start: of what it covers, relative to the object's text_start
 * @bytes: offset in the object's live_bytes: the original code, what was
 *         written last, and what is being written, @end - @start bytes each
 */
struct live_group {
	uint32_t first;
	uint32_t nr;
	uint32_t start;
	uint32_t len;
	size_t bytes;
};

/*
 * struct work - one pass over an object's alternatives.
 * @code:   room for a group's code
 * @groups: uint32_t, behind the last record of each group, the last one first
 * @replaced: struct rp__replaced, what the object's will be
 * @shared: other threads may be in the sites
 */
struct work {
	struct rp__object *object;
	struct rp_text_poke_batch *batch;
	struct rp_error *error;
	uint8_t *code;
	struct rp__vec groups;
	struct rp__vec replaced;
	bool shared;
};

static size_t groups_nr(const struct work *work)
{
	return work->groups.used / sizeof(uint32_t);
}

static void get_group(const struct work *work, size_t index,
		      struct rp__alternative_group *ret)
{
	const uint32_t *end = work->groups.data;

	rp__alternative_group_find(work->object, end[index], ret);
}

static void log_all(const struct work *work)
{
	struct rp__alternative_group group;

	if (!rp__log_enabled(RP_LOG_DEBUG, "alternative"))
		return;
	for (size_t i = groups_nr(work); i-- > 0;) {
		get_group(work, i, &group);
		rp__alternative_group_log(work->object, &group);
	}
}

/* ---- into the batch ---- */

/* Sites longer than the engine takes, which only a promise lets it write. */
static int poke_pieces(const struct work *work, uint8_t *site,
		       const uint8_t *old, size_t len)
{
	int error = 0;

	for (size_t done = 0; done < len && !error;) {
		size_t n = len - done < RP_TEXT_POKE_MAX ? len - done :
							   RP_TEXT_POKE_MAX;

		if (memcmp(old + done, work->code + done, n))
			error = rp_text_poke_batch_add(work->batch, site + done,
						       old + done,
						       work->code + done, n);
		done += n;
	}
	return error;
}

static int poke_group(const struct work *work,
		      const struct rp__alternative_group *group,
		      const uint8_t *old)
{
	uint8_t *site = (uint8_t *)group->start;
	size_t len = group->end - group->start;

	if (!memcmp(old, work->code, len))
		return 0;
	if (work->shared && (!rp__code_is_single(old, len) ||
			     !rp__code_is_single(work->code, len)))
		return rp__fail(work->error, -ENOTSUP, site,
				"an alternative of more than one instruction, and threads were created, one of which may be in it: use RP_PROTOCOL_STOPPED when none can be, or a static key (site +0x%zx of %s)",
				group->start - work->object->base,
				work->object->path);
	if (old == site && len <= RP__POKE_INLINE)
		return rp__batch_add_fresh(work->batch, site,
					   rp__load(old, (unsigned int)len),
					   rp__load(work->code,
						    (unsigned int)len),
					   (unsigned int)len);
	return poke_pieces(work, site, old, len);
}

static int note_live(struct work *work,
		     const struct rp__alternative_group *group)
{
	struct rp__object *object = work->object;
	size_t len = group->end - group->start;
	struct live_group *live = rp__vec_reserve(&object->live, sizeof(*live));
	uint8_t *bytes = live ? rp__vec_push(&object->live_bytes, 3 * len)
			      : NULL;

	if (!bytes)
		return -ENOMEM;
	live->first = (uint32_t)(group->records - object->tables.alternatives);
	live->nr = (uint32_t)group->nr;
	live->start = (uint32_t)(group->start - object->text_start);
	live->len = (uint32_t)len;
	live->bytes = object->live_bytes.used - 3 * len;
	object->live.used += sizeof(*live);
	memcpy(bytes, (const void *)group->start, len);
	memcpy(bytes + len, (const void *)group->start, len);
	memcpy(bytes + 2 * len, work->code, len);
	return 0;
}

static int no_memory(const struct work *work)
{
	return rp__fail(work->error, -ENOMEM, NULL,
			"no memory for the alternatives of %s",
			work->object->path);
}

static int first_group(struct work *work,
		       const struct rp__alternative_group *group)
{
	const uint8_t *text = (const uint8_t *)group->start;
	int error = rp__alternative_group_check(work->object, group,
						work->error);

	if (!error)
		error = rp__alternative_group_compose(work->object, group,
						      text, work->code,
						      work->error);
	if (!error && rp__alternative_group_is_live(group) &&
	    note_live(work, group) < 0)
		error = no_memory(work);
	return error ? error : poke_group(work, group, text);
}

/* Take the group that ends with record @end - 1 into the list. */
static int add_group(struct work *work, size_t end,
		     struct rp__alternative_group *ret)
{
	uint32_t *room = rp__vec_push(&work->groups, sizeof(*room));

	if (!room)
		return no_memory(work);
	*room = (uint32_t)end;
	rp__alternative_group_find(work->object, end, ret);
	return 0;
}

/*
 * Groups are found from the end, and wanted in the order of the text, in which
 * there is nothing to sort.
 */
static int first_groups(struct work *work)
{
	const struct rp_object *tables = &work->object->tables;
	size_t left = (size_t)(tables->alternatives_end - tables->alternatives);
	struct rp__alternative_group group;
	int error = 0;

	while (left) {
		error = add_group(work, left, &group);
		if (error < 0)
			return error;
		left -= group.nr;
	}
	for (size_t i = groups_nr(work); i-- > 0 && !error;) {
		get_group(work, i, &group);
		error = first_group(work, &group);
	}
	return error;
}

/* ---- later ---- */

static int later_group(struct work *work, const struct live_group *live)
{
	uint8_t *bytes = (uint8_t *)work->object->live_bytes.data + live->bytes;
	struct rp__alternative_group group;
	int error = add_group(work, live->first + live->nr, &group);

	if (!error)
		error = rp__alternative_group_compose(work->object, &group,
						      bytes, work->code,
						      work->error);
	if (error < 0)
		return error;
	memcpy(bytes + 2 * live->len, work->code, live->len);
	return poke_group(work, &group, bytes + live->len);
}

static int later_groups(struct work *work)
{
	const struct live_group *live = work->object->live.data;
	int error = 0;

	for (size_t i = work->object->live.used / sizeof(*live);
	     i-- > 0 && !error;)
		error = later_group(work, &live[i]);
	return error;
}

/* What was being written is what was written last. */
static void settle(struct rp__object *object)
{
	const struct live_group *live = object->live.data;
	uint8_t *bytes = object->live_bytes.data;

	for (size_t i = 0; i < object->live.used / sizeof(*live); i++)
		memcpy(bytes + live[i].bytes + live[i].len,
		       bytes + live[i].bytes + 2 * live[i].len, live[i].len);
}

/* ---- what is a replacement now ---- */

/* In ascending order, and apart. */
static void merge(struct rp__vec *vec)
{
	struct rp__replaced *all = vec->data;
	size_t nr = vec->used / sizeof(*all), kept = 0;

	rp__vec_sort(vec, sizeof(*all));
	for (size_t i = 0; i < nr; i++) {
		struct rp__replaced *last = kept ? &all[kept - 1] : NULL;
		uint32_t end = (uint32_t)all[i].start + all[i].len;

		if (!last || (uint32_t)all[i].start >
				     (uint32_t)last->start + last->len)
			all[kept++] = all[i];
		else if (end > (uint32_t)last->start + last->len)
			last->len = end - (uint32_t)last->start;
	}
	vec->used = kept * sizeof(*all);
}

static int note_replaced(struct work *work)
{
	if (rp__alternatives_note(work->object, &work->replaced) < 0)
		return no_memory(work);
	merge(&work->replaced);
	return 0;
}

/* ---- both ---- */

static int apply_all(struct work *work)
{
	int error = 0;

	if (!work->object->alternatives_applied) {
		rp__alternatives_forget(work->object);
		error = rp__alternatives_check(work->object, work->error);
	}
	if (!error)
		error = work->object->alternatives_applied ?
			later_groups(work) : first_groups(work);
	if (!error)
		error = note_replaced(work);
	return error ? error : rp__batch_commit_locked(work->batch);
}

static void applied(struct work *work)
{
	struct rp__object *object = work->object;
	struct rp__vec before = object->replaced;

	settle(object);
	object->alternatives_applied = true;
	object->replaced = work->replaced;
	work->replaced = before;
	log_all(work);
}

/* @first: a constructor promises that no thread is in the code. */
static int apply(struct rp__object *object,
		 const struct rp_text_poke_opts *opts, bool first)
{
	struct work work = { .object = object };
	int error = rp__batch_begin(&work.batch, opts);

	if (error < 0)
		return error;
	work.error = work.batch->opts.error;
	work.shared = !first && !rp__threads_single() &&
		      work.batch->opts.protocol != RP_PROTOCOL_STOPPED;
	work.code = rp__map(RP__CODE_MAX);
	error = work.code ? apply_all(&work) :
		rp__fail(work.error, -ENOMEM, NULL,
			 "no memory for alternatives");
	if (!error) {
		applied(&work);
	} else if (!object->alternatives_applied) {
		rp__alternatives_forget(object);
	}
	rp__vec_deinit(&work.groups);
	rp__vec_deinit(&work.replaced);
	if (work.code)
		rp__unmap(work.code, RP__CODE_MAX);
	rp_text_poke_batch_abort(work.batch);
	return error;
}

static bool has_alternatives(const struct rp__object *object)
{
	return RP__HAVE_ENGINE &&
	       object->tables.alternatives < object->tables.alternatives_end;
}

void rp__alternatives_apply_first(struct rp__object *object)
{
	struct rp_error error = { .code = 0 };
	struct rp_text_poke_opts opts = {
		.sz = sizeof(opts),
		.protocol = RP_PROTOCOL_STOPPED,
		.error = &error,
	};

	if (has_alternatives(object) && !object->alternatives_applied &&
	    apply(object, &opts, true) < 0)
		rp__log(RP_LOG_WARN, "alternative",
			"no alternative is applied, the original code runs: %s: %s",
			error.message, object->path);
}

int rp_object_apply_alternatives(struct rp_object *public,
				 const struct rp_text_poke_opts *opts)
{
	struct rp_text_poke_opts known;
	struct rp__object *object;
	int error = rp__opts_copy(&known, opts);

	if (error < 0)
		return error;
	error = rp_object_register(public);
	if (!error)
		error = rp__engine_lock();
	if (error < 0)
		return rp__fail(known.error, error, NULL, "%s",
				rp_strerror(error));
	object = public->state;
	if (object && has_alternatives(object)) {
		error = apply(object, &known, false);
		if (!error)
			rp__collect_prune(object);
	}
	rp__engine_unlock();
	return error;
}

bool rp__alternatives_replaced(const struct rp__object *object, uintptr_t code)
{
	const struct rp__replaced *replaced = object->replaced.data;
	size_t low = 0, high = object->replaced.used / sizeof(*replaced);
	uintptr_t offset = code - object->text_start;

	/* The first one that ends behind @code. */
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if ((uint32_t)replaced[middle].start + replaced[middle].len <=
		    offset)
			low = middle + 1;
		else
			high = middle;
	}
	return low < object->replaced.used / sizeof(*replaced) &&
	       (uint32_t)replaced[low].start <= offset;
}

bool rp__alternatives_may_change(const struct rp__object *object,
				 uintptr_t code)
{
	const struct live_group *live = object->live.data;
	uintptr_t offset = code - object->text_start;

	for (size_t i = 0; i < object->live.used / sizeof(*live); i++)
		if (offset - live[i].start < live[i].len)
			return true;
	return false;
}

static void move(struct rp__vec *to, struct rp__vec *from)
{
	*to = *from;
	memset(from, 0, sizeof(*from));
}

void rp__alternatives_adopt(struct rp__object *object, struct rp__object *old)
{
	move(&object->live, &old->live);
	move(&object->live_bytes, &old->live_bytes);
	move(&object->replaced, &old->replaced);
	object->alternatives_applied = old->alternatives_applied;
}

void rp__alternatives_forget(struct rp__object *object)
{
	rp__vec_deinit(&object->live);
	rp__vec_deinit(&object->live_bytes);
	rp__vec_deinit(&object->replaced);
}
