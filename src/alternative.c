// SPDX-License-Identifier: MIT
/*
 * Alternatives: which replacement goes where, and what it becomes there.
 *
 *   1. check   each record; records whose sites overlap form a group, in which
 *              inner sites come before outer ones
 *   2. compose a group's code in memory: the original, over it each replacement
 *              that applies, in order, relocated; then NOPs made long
 *   3. commit  what differs from the text, all groups in one batch
 *
 * Records of one address may be of different lengths, since each was padded
 * without knowing of the next: they all count as the longest.
 *
 * The first time nobody runs the code yet. Later, only groups with a synthetic
 * feature can change: their original code is kept for that.
 */
#include <errno.h>
#include <string.h>

#include <repoint/alternative.h>

#include "alternative.h"
#include "arch.h"
#include "code.h"
#include "feature.h"
#include "log.h"
#include "poke.h"
#include "threads.h"

#define RECORD_NOP	0x90

/* Records of one group: more are taken for garbage, since it is quadratic. */
#define GROUP_MAX	64

/* A call is made this long by prefixes; beyond, a NOP follows it. */
#define CALL_MAX	8

/* struct group - records whose sites overlap, and what they cover. */
struct group {
	const struct rp_alternative *records;
	size_t nr;
	uintptr_t start;
	uintptr_t end;
};

/*
 * struct live_group - one that can change again.
 * @first: index of its first record
 * @bytes: offset in the object's live_bytes: the original code, what was
 *         written last, and what is being written, @end - @start bytes each
 */
struct live_group {
	uint32_t first;
	uint32_t nr;
	size_t bytes;
};

/*
 * struct work - one pass over an object's alternatives.
 * @code:   room for a group's code
 * @groups: struct group, the last one first
 * @shared: other threads may be in the sites
 */
struct work {
	struct rp__object *object;
	struct rp_text_poke_batch *batch;
	struct rp_error *error;
	uint8_t *code;
	struct rp__vec groups;
	bool shared;
};

static uintptr_t site_start(const struct rp_alternative *record)
{
	return (uintptr_t)&record->code + (uintptr_t)(intptr_t)record->code;
}

static uintptr_t site_end(const struct rp_alternative *record)
{
	return site_start(record) + record->len;
}

static uintptr_t replacement_start(const struct rp_alternative *record)
{
	return (uintptr_t)&record->replacement +
	       (uintptr_t)(intptr_t)record->replacement;
}

static bool applies(const struct work *work,
		    const struct rp_alternative *record)
{
	return rp__feature_present(work->object->public, record->feature) !=
	       (record->flags & RP_ALTERNATIVE_NOT);
}

static bool is_live(const struct group *group)
{
	for (size_t i = 0; i < group->nr; i++)
		if (rp__feature_is_synthetic(group->records[i].feature))
			return true;
	return false;
}

/* ---- check ---- */

static size_t place(const struct work *work, uintptr_t addr)
{
	return addr - work->object->base;
}

static int refuse(const struct work *work, const struct rp_alternative *record,
		  const char *why)
{
	return rp__fail(work->error, -EINVAL, record,
			"%s: record of an alternative at %p (site +0x%zx): %s",
			work->object->path, (const void *)record,
			place(work, site_start(record)), why);
}

static int check_record(const struct work *work,
			const struct rp_alternative *record)
{
	if (record->feature >= RP_FEATURE_NR)
		return refuse(work, record, "its feature is out of range");
	if (record->flags & ~RP_ALTERNATIVE_NOT)
		return refuse(work, record, "flags of another version");
	if (record->replacement_len > record->len)
		return refuse(work, record,
			      "the replacement is longer than the site");
	if (!rp__object_is_text(work->object, site_start(record), record->len))
		return refuse(work, record, "its site is outside the text");
	if (record->replacement_len &&
	    !rp__object_is_text(work->object, replacement_start(record),
				record->replacement_len))
		return refuse(work, record,
			      "its replacement is outside the text");
	return 0;
}

/* @a precedes @b: apart, at the same address, or inside it. */
static bool may_precede(const struct rp_alternative *a,
			const struct rp_alternative *b)
{
	uintptr_t a_start = site_start(a), b_start = site_start(b);

	if (a_start == b_start || site_end(a) <= b_start ||
	    site_end(b) <= a_start)
		return true;
	return b_start < a_start && site_end(a) <= site_end(b);
}

static int check_group(const struct work *work, const struct group *group)
{
	const struct rp_alternative *record = group->records;

	if (group->nr > GROUP_MAX)
		return refuse(work, record, "too many at one place");
	for (size_t i = 1; i < group->nr; i++)
		for (size_t j = 0; j < i; j++)
			if (!may_precede(&record[j], &record[i]))
				return refuse(work, &record[i],
					      "it overlaps another one's site");
	return 0;
}

/* The group that ends with record @end - 1. Outer sites have the last record. */
static void find_group(const struct rp_alternative *records, size_t end,
		       struct group *ret)
{
	size_t first = end - 1;

	ret->start = site_start(&records[first]);
	ret->end = site_end(&records[first]);
	while (first > 0 && site_start(&records[first - 1]) < ret->end &&
	       site_end(&records[first - 1]) > ret->start) {
		first--;
		if (site_start(&records[first]) < ret->start)
			ret->start = site_start(&records[first]);
		if (site_end(&records[first]) > ret->end)
			ret->end = site_end(&records[first]);
	}
	ret->records = &records[first];
	ret->nr = end - first;
}

/* ---- compose ---- */

/* Bytes that @record's site has: the most of those at its address. */
static size_t site_len(const struct group *group,
		       const struct rp_alternative *record)
{
	size_t len = record->len;

	for (size_t i = 0; i < group->nr; i++)
		if (site_start(&group->records[i]) == site_start(record) &&
		    group->records[i].len > len)
			len = group->records[i].len;
	return len;
}

static int bad_code(const struct work *work,
		    const struct rp_alternative *record, int error, size_t at)
{
	const char *why = "is no instruction that can be moved";

	if (error == -ERANGE)
		why = "does not reach what it refers to from the site";
	else if (error == -EINVAL)
		why = "branches into the middle of an instruction";
	return rp__fail(work->error, error, (void *)site_start(record),
			"%s+0x%zx: alternative for %s: the code at byte %zu %s",
			work->object->path, place(work, site_start(record)),
			rp__feature_name(work->object->public, record->feature),
			at, why);
}

/* A lone call is lengthened in front: it returns to the end of the site. */
static bool put_call(const struct rp_alternative *record, uint8_t *to,
		     size_t len)
{
	uintptr_t from = replacement_start(record);
	struct rp__insn insn;

	return record->replacement_len && len <= CALL_MAX &&
	       rp__insn_decode((const uint8_t *)from, record->replacement_len,
			       from, &insn) == 0 &&
	       insn.type == RP__INSN_CALL &&
	       insn.len == record->replacement_len &&
	       rp__insn_encode(RP__INSN_CALL, 0, site_start(record),
			       insn.target, to, len) == 0;
}

static int put_replacement(const struct work *work, const struct group *group,
			   const struct rp_alternative *record)
{
	uint8_t *to = work->code + (site_start(record) - group->start);
	uintptr_t from = replacement_start(record);
	size_t used = record->replacement_len, len = site_len(group, record);
	size_t at = 0;
	int error;

	if (put_call(record, to, len))
		return 0;
	memcpy(to, (const void *)from, used);
	memset(to + used, RECORD_NOP, len - used);
	error = rp__code_relocate(to, used, from, site_start(record), &at);
	return error < 0 ? bad_code(work, record, error, at) : 0;
}

static int compose(const struct work *work, const struct group *group,
		   const uint8_t *original, bool *replaced)
{
	size_t len = group->end - group->start, at = 0;
	const struct rp_alternative *last = NULL;
	int error = 0;

	memcpy(work->code, original, len);
	for (size_t i = 0; i < group->nr && !error; i++)
		if (applies(work, &group->records[i])) {
			last = &group->records[i];
			error = put_replacement(work, group, last);
		}
	if (!error && last) {
		error = rp__code_check(work->code, len, group->start, &at);
		if (error < 0)
			error = bad_code(work, last, error, at);
	}
	if (!error)
		rp__code_optimize_nops(work->code, len, group->start);
	*replaced = last != NULL;
	return error;
}

/* ---- what was chosen, and why ---- */

static void log_record(const struct work *work, const struct group *group,
		       const struct rp_alternative *record)
{
	const struct rp_object *public = work->object->public;
	bool taken = applies(work, record), overridden = false;
	enum rp__feature_why why;
	unsigned int culprit;

	for (size_t i = 0; i < group->nr; i++)
		overridden |= &group->records[i] > record &&
			      site_start(&group->records[i]) <=
				      site_start(record) &&
			      site_end(&group->records[i]) >=
				      site_end(record) &&
			      applies(work, &group->records[i]);
	why = rp__feature_why(public, record->feature, &culprit);
	rp__log(RP_LOG_DEBUG, "alternative",
		"%s+0x%zx: %u bytes: %s%s (%s%s%s): %s", work->object->path,
		place(work, site_start(record)), record->len,
		record->flags & RP_ALTERNATIVE_NOT ? "not " : "",
		rp__feature_name(public, record->feature),
		culprit == record->feature ? "" :
			rp__feature_name(public, culprit),
		culprit == record->feature ? "" : " is ",
		rp__feature_why_name(why),
		!taken ? "not taken" :
		overridden ? "not taken, a later one is" : "taken");
}

static void log_all(const struct work *work)
{
	const struct group *group = work->groups.data;

	if (!rp__log_enabled(RP_LOG_DEBUG, "alternative"))
		return;
	for (size_t i = work->groups.used / sizeof(*group); i-- > 0;)
		for (size_t j = 0; j < group[i].nr; j++)
			log_record(work, &group[i], &group[i].records[j]);
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

static int poke_group(const struct work *work, const struct group *group,
		      const uint8_t *old)
{
	uint8_t *site = (uint8_t *)group->start;
	size_t len = group->end - group->start;

	if (!memcmp(old, work->code, len))
		return 0;
	if (work->shared && (!rp__code_is_single(old, len) ||
			     !rp__code_is_single(work->code, len)))
		return rp__fail(work->error, -ENOTSUP, site,
				"%s+0x%zx: an alternative of more than one instruction, which another thread may be in: use RP_PROTOCOL_STOPPED when none can be, or a static key",
				work->object->path, place(work, group->start));
	if (old == site && len <= RP__POKE_INLINE)
		return rp__batch_add_fresh(work->batch, site,
					   rp__load(old, (unsigned int)len),
					   rp__load(work->code,
						    (unsigned int)len),
					   (unsigned int)len);
	return poke_pieces(work, site, old, len);
}

static int note_replaced(struct rp__object *object, const struct group *group)
{
	struct rp__replaced *note = rp__vec_push(&object->replaced,
						 sizeof(*note));

	if (!note)
		return -ENOMEM;
	note->start = (uint32_t)(group->start - object->text_start);
	note->len = (uint32_t)(group->end - group->start);
	return 0;
}

static int note_live(struct work *work, const struct group *group)
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
	live->bytes = object->live_bytes.used - 3 * len;
	object->live.used += sizeof(*live);
	memcpy(bytes, (const void *)group->start, len);
	memcpy(bytes + len, (const void *)group->start, len);
	memcpy(bytes + 2 * len, work->code, len);
	return 0;
}

static int first_group(struct work *work, const struct group *group)
{
	bool replaced, live = is_live(group);
	int error = check_group(work, group);

	if (!error)
		error = compose(work, group, (const uint8_t *)group->start,
				&replaced);
	if (!error && (replaced || live))
		error = note_replaced(work->object, group);
	if (!error && live)
		error = note_live(work, group);
	if (error == -ENOMEM)
		rp__fail(work->error, error, NULL,
			 "no memory for the alternatives of %s",
			 work->object->path);
	return error ? error :
		poke_group(work, group, (const uint8_t *)group->start);
}

static int check_all(const struct work *work)
{
	const struct rp_object *tables = &work->object->tables;
	const struct rp_alternative *record = tables->alternatives;
	int error = 0;

	if (((uintptr_t)tables->alternatives_end - (uintptr_t)record) %
	    sizeof(*record))
		return rp__fail(work->error, -EINVAL, record,
				"%s: its table of alternatives is of another version",
				work->object->path);
	for (; record < tables->alternatives_end && !error; record++)
		error = check_record(work, record);
	return error;
}

/* The group that ends with record @end - 1, in the list of this pass. */
static struct group *add_group(struct work *work, size_t end)
{
	struct group *group = rp__vec_push(&work->groups, sizeof(*group));

	if (!group) {
		rp__fail(work->error, -ENOMEM, NULL,
			 "no memory for the alternatives of %s",
			 work->object->path);
		return NULL;
	}
	find_group(work->object->tables.alternatives, end, group);
	return group;
}

/*
 * Groups are found from the end, and wanted in the order of the text, in which
 * there is nothing to sort.
 */
static int first_groups(struct work *work)
{
	const struct rp_object *tables = &work->object->tables;
	size_t left = (size_t)(tables->alternatives_end - tables->alternatives);
	struct group *group;
	int error = 0;

	for (; left; left -= group->nr) {
		group = add_group(work, left);
		if (!group)
			return -ENOMEM;
	}
	group = work->groups.data;
	for (size_t i = work->groups.used / sizeof(*group); i-- > 0 && !error;)
		error = first_group(work, &group[i]);
	return error;
}

/* ---- later ---- */

static int later_group(struct work *work, const struct live_group *live)
{
	uint8_t *bytes = (uint8_t *)work->object->live_bytes.data + live->bytes;
	const struct group *group = add_group(work, live->first + live->nr);
	bool replaced;
	size_t len;
	int error;

	if (!group)
		return -ENOMEM;
	len = group->end - group->start;
	error = compose(work, group, bytes, &replaced);
	if (error < 0)
		return error;
	memcpy(bytes + 2 * len, work->code, len);
	return poke_group(work, group, bytes + len);
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
	size_t nr = object->live.used / sizeof(*live);

	for (size_t i = 0; i < nr; i++) {
		uint8_t *bytes = (uint8_t *)object->live_bytes.data +
				 live[i].bytes;
		struct group group;
		size_t len;

		find_group(object->tables.alternatives,
			   live[i].first + live[i].nr, &group);
		len = group.end - group.start;
		memcpy(bytes + len, bytes + 2 * len, len);
	}
}

/* ---- both ---- */

static int apply_all(struct work *work)
{
	int error = 0;

	if (!work->object->alternatives_applied) {
		rp__alternatives_forget(work->object);
		error = check_all(work);
	}
	if (!error)
		error = work->object->alternatives_applied ?
			later_groups(work) : first_groups(work);
	return error ? error : rp__batch_commit_locked(work->batch);
}

/* @first: a constructor promises that no thread is in the code. */
static int apply(struct rp__object *object,
		 const struct rp_text_poke_opts *opts, bool first)
{
	struct work work = {
		.object = object, .error = opts ? opts->error : NULL
	};
	int error = rp__batch_begin(&work.batch, opts);

	if (error < 0)
		return error;
	work.shared = !first && !rp__threads_single() &&
		      work.batch->opts.protocol != RP_PROTOCOL_STOPPED;
	work.code = rp__map(RP__CODE_MAX);
	error = work.code ? apply_all(&work) :
		rp__fail(work.error, -ENOMEM, NULL,
			 "no memory for alternatives");
	if (!error) {
		settle(object);
		object->alternatives_applied = true;
		log_all(&work);
	} else if (!object->alternatives_applied) {
		rp__alternatives_forget(object);
	}
	rp__vec_deinit(&work.groups);
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

	if (has_alternatives(object) && apply(object, &opts, true) < 0)
		rp__log(RP_LOG_WARN, "alternative",
			"%s: no alternative is applied, its original code runs: %s",
			object->path, error.message);
}

int rp_object_apply_alternatives(struct rp_object *public,
				 const struct rp_text_poke_opts *opts)
{
	struct rp__object *object;
	int error = rp_object_register(public);

	if (!error)
		error = rp__engine_lock();
	if (error < 0)
		return error;
	object = public->state;
	if (object && has_alternatives(object))
		error = apply(object, opts, false);
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

		if (replaced[middle].start + replaced[middle].len <= offset)
			low = middle + 1;
		else
			high = middle;
	}
	return low < object->replaced.used / sizeof(*replaced) &&
	       replaced[low].start <= offset;
}

void rp__alternatives_forget(struct rp__object *object)
{
	rp__vec_deinit(&object->live);
	rp__vec_deinit(&object->live_bytes);
	rp__vec_deinit(&object->replaced);
}
