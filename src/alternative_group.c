// SPDX-License-Identifier: MIT
/* Alternatives whose sites overlap, and what they make of the code there. */
#include <errno.h>
#include <string.h>

#include "alternative.h"
#include "alternative_group.h"
#include "arch.h"
#include "code.h"
#include "feature.h"
#include "log.h"

#define ONE_BYTE_NOP	0x90

/* Records of one group: more are taken for garbage, since it is quadratic. */
#define GROUP_MAX	64

/* A call is made this long by prefixes; beyond, a NOP follows it. */
#define CALL_MAX	8

static uintptr_t site_start(const struct rp_alternative *record)
{
	return rp__field_target(&record->code);
}

static uintptr_t site_end(const struct rp_alternative *record)
{
	return site_start(record) + record->len;
}

static uintptr_t replacement_start(const struct rp_alternative *record)
{
	return rp__field_target(&record->replacement);
}

static bool applies(const struct rp__object *object,
		    const struct rp_alternative *record)
{
	return rp__feature_present(object->public, record->feature) !=
	       (record->flags & RP_ALTERNATIVE_NOT);
}

static size_t place(const struct rp__object *object, uintptr_t addr)
{
	return addr - object->base;
}

/* ---- check ---- */

static int refuse(const struct rp__object *object,
		  const struct rp_alternative *record, const char *why,
		  struct rp_error *error)
{
	return rp__fail(error, -EINVAL, record,
			"an alternative's record: %s (record %p, site +0x%zx of %s)",
			why, (const void *)record,
			place(object, site_start(record)), object->path);
}

/* NULL if nothing is wrong. */
static const char *record_fault(const struct rp__object *object,
				const struct rp_alternative *record)
{
	if (record->feature >= RP_FEATURE_NR)
		return "its feature is out of range";
	if (record->flags & ~RP_ALTERNATIVE_NOT)
		return "flags of another version";
	if (record->replacement_len > record->len)
		return "the replacement is longer than the site";
	if (!rp__object_is_text(object, site_start(record), record->len))
		return "its site is outside the text";
	if (record->replacement_len &&
	    !rp__object_is_text(object, replacement_start(record),
				record->replacement_len))
		return "its replacement is outside the text";
	return NULL;
}

int rp__alternatives_check(const struct rp__object *object,
			   struct rp_error *error)
{
	const struct rp_alternative *record = object->tables.alternatives;
	const struct rp_alternative *end = object->tables.alternatives_end;
	const char *fault;

	if (((uintptr_t)end - (uintptr_t)record) % sizeof(*record))
		return rp__fail(error, -EINVAL, record,
				"a table of alternatives of another version (%s)",
				object->path);
	for (; record < end; record++) {
		fault = record_fault(object, record);
		if (fault)
			return refuse(object, record, fault, error);
	}
	return 0;
}

/* Outer sites have the last record. */
void rp__alternative_group_find(const struct rp__object *object, size_t end,
				struct rp__alternative_group *ret)
{
	const struct rp_alternative *record = object->tables.alternatives;
	size_t first = end - 1;

	ret->start = site_start(&record[first]);
	ret->end = site_end(&record[first]);
	while (first > 0 && site_start(&record[first - 1]) < ret->end &&
	       site_end(&record[first - 1]) > ret->start) {
		first--;
		if (site_start(&record[first]) < ret->start)
			ret->start = site_start(&record[first]);
		if (site_end(&record[first]) > ret->end)
			ret->end = site_end(&record[first]);
	}
	ret->records = &record[first];
	ret->nr = end - first;
}

static bool encloses(const struct rp_alternative *outer,
		     const struct rp_alternative *inner)
{
	return site_start(outer) <= site_start(inner) &&
	       site_end(outer) >= site_end(inner);
}

/*
 * Apart, or an inner one before its outer one. Several at one address are each
 * as long as the ones before, or longer, as each was padded for its own.
 */
static bool may_precede(const struct rp_alternative *a,
			const struct rp_alternative *b)
{
	return site_end(a) <= site_start(b) || site_end(b) <= site_start(a) ||
	       encloses(b, a);
}

int rp__alternative_group_check(const struct rp__object *object,
				const struct rp__alternative_group *group,
				struct rp_error *error)
{
	const struct rp_alternative *record = group->records;

	if (group->nr > GROUP_MAX)
		return refuse(object, record, "too many at one place", error);
	for (size_t i = 1; i < group->nr; i++)
		for (size_t j = 0; j < i; j++)
			if (!may_precede(&record[j], &record[i]))
				return refuse(object, &record[i],
					      "it overlaps another one's site",
					      error);
	return 0;
}

bool rp__alternative_group_is_live(const struct rp__alternative_group *group)
{
	for (size_t i = 0; i < group->nr; i++)
		if (rp__feature_is_synthetic(group->records[i].feature))
			return true;
	return false;
}

static int note(struct rp__vec *vec, const struct rp__object *object,
		uintptr_t start, size_t len)
{
	struct rp__replaced *room = rp__vec_push(vec, sizeof(*room));

	if (!room)
		return -ENOMEM;
	room->start = (uint32_t)(start - object->text_start);
	room->len = (uint32_t)len;
	return 0;
}

/* In the order of the text, mostly: then there is nothing to sort. */
int rp__alternatives_note(const struct rp__object *object, struct rp__vec *vec)
{
	const struct rp_alternative *record = object->tables.alternatives;
	const struct rp_alternative *end = object->tables.alternatives_end;
	int error = 0;

	for (; record < end && !error; record++)
		if (applies(object, record))
			error = note(vec, object, site_start(record),
				     record->len);
	for (record = object->tables.alternatives; record < end && !error;
	     record++)
		if (record->replacement_len)
			error = note(vec, object, replacement_start(record),
				     record->replacement_len);
	return error;
}

/* ---- compose ---- */

static int bad_code(const struct rp__object *object,
		    const struct rp_alternative *record, int code, size_t at,
		    struct rp_error *error)
{
	const char *why = "is no instruction that can be moved";

	if (code == -ERANGE)
		why = "does not reach what it refers to from the site";
	else if (code == -EINVAL)
		why = "branches into the middle of an instruction";
	return rp__fail(error, code, (void *)site_start(record),
			"alternative for %s: its code at byte %zu %s (site +0x%zx of %s)",
			rp__feature_name(object->public, record->feature), at,
			why, place(object, site_start(record)), object->path);
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
	       insn.target - from > record->replacement_len &&
	       rp__insn_encode(RP__INSN_CALL, 0, site_start(record),
			       insn.target, to, len) == 0;
}

static int put_replacement(const struct rp__object *object,
			   const struct rp__alternative_group *group,
			   const struct rp_alternative *record, uint8_t *code,
			   struct rp_error *error)
{
	uint8_t *to = code + (site_start(record) - group->start);
	uintptr_t from = replacement_start(record);
	size_t used = record->replacement_len, len = record->len;
	size_t at = 0;
	int result;

	if (put_call(record, to, len))
		return 0;
	memcpy(to, (const void *)from, used);
	memset(to + used, ONE_BYTE_NOP, len - used);
	result = rp__code_relocate(to, used, from, site_start(record), &at);
	return result < 0 ? bad_code(object, record, result, at, error) : 0;
}

int rp__alternative_group_compose(const struct rp__object *object,
				  const struct rp__alternative_group *group,
				  const uint8_t *original, uint8_t *code,
				  struct rp_error *error)
{
	size_t len = group->end - group->start, at = 0;
	const struct rp_alternative *last = NULL;
	int result = 0;

	memcpy(code, original, len);
	for (size_t i = 0; i < group->nr && !result; i++)
		if (applies(object, &group->records[i])) {
			last = &group->records[i];
			result = put_replacement(object, group, last, code,
						 error);
		}
	if (result < 0)
		return result;
	if (!last) {
		/* What somebody else made of it is not for us to judge. */
		rp__code_optimize_nops(code, len, group->start);
		return 0;
	}
	result = rp__code_finish(code, len, group->start, &at);
	return result < 0 ? bad_code(object, last, result, at, error) : 0;
}

/* ---- what was chosen, and why ---- */

/* True if what @record put there does not show: a later one is over it. */
static bool is_overridden(const struct rp__object *object,
			  const struct rp__alternative_group *group,
			  const struct rp_alternative *record)
{
	const struct rp_alternative *later = record + 1;

	for (; later < group->records + group->nr; later++)
		if (applies(object, later) &&
		    encloses(later, record))
			return true;
	return false;
}

static void log_record(const struct rp__object *object,
		       const struct rp__alternative_group *group,
		       const struct rp_alternative *record)
{
	unsigned int feature = record->feature, culprit;
	enum rp__feature_why why = rp__feature_why(object->public, feature,
						   &culprit);
	const char *verdict = "taken";

	if (!applies(object, record))
		verdict = "not taken";
	else if (is_overridden(object, group, record))
		verdict = "not taken, a later one is";
	rp__log(RP_LOG_DEBUG, "alternative",
		"%s+0x%zx: %u bytes: %s%s (%s%s%s): %s", object->path,
		place(object, site_start(record)), record->len,
		record->flags & RP_ALTERNATIVE_NOT ? "not " : "",
		rp__feature_name(object->public, feature),
		culprit == feature ? "" :
			rp__feature_name(object->public, culprit),
		culprit == feature ? "" : " is ", rp__feature_why_name(why),
		verdict);
}

void rp__alternative_group_log(const struct rp__object *object,
			       const struct rp__alternative_group *group)
{
	for (size_t i = 0; i < group->nr; i++)
		log_record(object, group, &group->records[i]);
}
