// SPDX-License-Identifier: MIT
/*
 * From records and relocations to the sites that use an object's ops tables.
 *
 * A record counts only if the instruction in place is what compilers make, and
 * if it goes through a member of a table of this object.
 */
#include <errno.h>

#include "alternative.h"
#include "arch.h"
#include "log.h"
#include "op_sites.h"

static const struct rp_ops_table *table_of(const struct rp__object *object,
					   uintptr_t slot)
{
	const struct rp_ops_table *table = object->tables.ops_tables;

	for (; table < object->tables.ops_tables_end; table++)
		if (rp__op_in_table(table, slot))
			return table;
	return NULL;
}

/* What compilers made: a call or jump through a member. 0 if it is neither. */
static uint32_t built_kind(uintptr_t code, uintptr_t *slot)
{
	struct rp__insn insn;

	if (rp__insn_decode((const uint8_t *)code, RP__OP_LEN, code, &insn) < 0 ||
	    insn.len != RP__OP_LEN)
		return 0;
	*slot = insn.target;
	if (insn.type == RP__INSN_CALL_MEM)
		return RP_OP_SITE_CALL;
	return insn.type == RP__INSN_JMP_MEM ? RP_OP_SITE_JMP : 0;
}

static int push_site(struct rp__object *object, uintptr_t code, uintptr_t slot,
		     uint32_t kind)
{
	struct rp__op_site *site = rp__vec_push(&object->op_sites,
						sizeof(*site));

	if (!site)
		return -ENOMEM;
	site->code = (int32_t)(code - object->text_start);
	site->slot = (int32_t)(slot - object->text_start);
	site->kind = kind;
	return 0;
}

static bool in_reach(const struct rp__object *object, uintptr_t slot)
{
	return rp__insn_reaches(object->text_start, slot);
}

static const char *bad_record(const struct rp__object *object,
			      const struct rp_op_site *record)
{
	uintptr_t code = rp__field_target(&record->code);
	uintptr_t slot = rp__field_target(&record->slot);
	uintptr_t found = 0;

	if (!record->kind || record->kind >= RP_OP_SITE_KIND_NR ||
	    record->len < RP__OP_LEN || record->len > RP__OP_LEN_MAX ||
	    record->flags)
		return "unknown kind, length or flags";
	if (!rp__object_is_text(object, code, record->len))
		return "it points outside the text";
	for (unsigned int i = 0; i + RP__OP_LEN < record->len; i++)
		if (((const uint8_t *)code)[i] != RP__OP_PREFIX)
			return "the instruction has prefixes other than CS";
	if (built_kind(code + record->len - RP__OP_LEN, &found) != record->kind ||
	    found != slot)
		return "the instruction there is another one";
	if (!table_of(object, slot))
		return "it names no table of RP_DEFINE_OPS()";
	if (!in_reach(object, slot))
		return "its table is too far away";
	return NULL;
}

/* An alternative took its place, or may do so: calls go through the table. */
static bool is_uncertain(const struct rp__object *object, uintptr_t code)
{
	return rp__alternatives_replaced(object, code) ||
	       rp__alternatives_may_change(object, code);
}

static int collect_record(struct rp__object *object,
			  const struct rp_op_site *record)
{
	uintptr_t code = rp__field_target(&record->code);
	uintptr_t slot = rp__field_target(&record->slot);
	const char *why;

	if (is_uncertain(object, code))
		return 0;
	why = bad_record(object, record);
	if (why) {
		rp__log(RP_LOG_WARN, "ops", "%s: site record at %p: %s: ignored",
			object->path, (const void *)record, why);
		return 0;
	}
	return push_site(object, code + record->len - RP__OP_LEN, slot,
			 record->kind);
}

int rp__ops_collect(struct rp__object *object)
{
	const struct rp_op_site *record = object->tables.op_sites;
	int error = 0;

	/* Registered again: records would not know bound sites. */
	if (object->op_sites.used)
		return 0;
	for (; record < object->tables.op_sites_end && !error; record++)
		error = collect_record(object, record);
	rp__vec_sort(&object->op_sites, sizeof(struct rp__op_site));
	return error;
}

int rp__ops_collect_site(struct rp__object *object, uintptr_t code)
{
	uintptr_t slot = 0;
	uint32_t kind;

	if (object->tables.ops_tables == object->tables.ops_tables_end ||
	    !rp__object_is_text(object, code, RP__OP_LEN))
		return 0;
	kind = built_kind(code, &slot);
	if (!kind || !table_of(object, slot) || !in_reach(object, slot) ||
	    is_uncertain(object, code))
		return 0;
	return push_site(object, code, slot, kind);
}

/* What records and relocations both had is kept once. */
void rp__ops_collected(struct rp__object *object)
{
	struct rp__op_site *site = object->op_sites.data;
	size_t nr = rp__ops_nr(object), kept = 0;

	rp__vec_sort(&object->op_sites, sizeof(struct rp__op_site));
	for (size_t i = 0; i < nr; i++)
		if (!kept || site[kept - 1].code != site[i].code)
			site[kept++] = site[i];
	object->op_sites.used = kept * sizeof(*site);
}

void rp__ops_prune(struct rp__object *object)
{
	struct rp__op_site *site = object->op_sites.data;
	size_t nr = rp__ops_nr(object), kept = 0;

	for (size_t i = 0; i < nr; i++)
		if (!rp__alternatives_replaced(
			    object, rp__op_site_code(object, &site[i])))
			site[kept++] = site[i];
	object->op_sites.used = kept * sizeof(*site);
}
