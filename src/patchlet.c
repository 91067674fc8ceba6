// SPDX-License-Identifier: MIT
/* Patchlets: the records of them, and of the functions that have one. */
#include <stddef.h>

#include "code.h"
#include "log.h"
#include "patchlet.h"

/* NULL if nothing is wrong with the record. */
static const char *fault(const struct rp__object *object,
			 const struct rp_patchlet *patchlet)
{
	uintptr_t start = rp__patchlet_start(patchlet);
	uintptr_t end = rp__patchlet_end(patchlet);
	size_t at;

	if (patchlet->flags || patchlet->clobbers & ~(uint32_t)RP_CLOBBERS_ALL)
		return "flags or clobbers of another version";
	if (end <= start)
		return "it ends before it starts, or is empty";
	if (!rp__object_is_text(object, start, end - start))
		return "it is outside the text";
	if (rp__code_check((const uint8_t *)start, end - start, start, &at) < 0)
		return "it is no sequence of instructions";
	return NULL;
}

const struct rp_patchlet *rp__patchlet_at(const struct rp__object *object,
					  const void *start)
{
	const struct rp_patchlet *patchlet = object->tables.patchlets;

	for (; patchlet < object->tables.patchlets_end; patchlet++)
		if (rp__patchlet_start(patchlet) == (uintptr_t)start &&
		    !fault(object, patchlet))
			return patchlet;
	return NULL;
}

static void warn(const struct rp__object *object, const void *record,
		 const char *why)
{
	rp__log(RP_LOG_WARN, "ops",
		"record of a patchlet at %p: %s: the function is called instead (%s)",
		record, why, object->path);
}

void rp__patchlets_check(const struct rp__object *object)
{
	const struct rp_patchlet *patchlet = object->tables.patchlets;
	const struct rp_op_patchlet *op = object->tables.op_patchlets;
	const char *why;

	for (; patchlet < object->tables.patchlets_end; patchlet++) {
		why = fault(object, patchlet);
		if (why)
			warn(object, patchlet, why);
	}
	for (; op < object->tables.op_patchlets_end; op++)
		if (!rp__patchlet_at(object, op->patchlet))
			warn(object, op, "a function has one that is not there");
}
