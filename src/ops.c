// SPDX-License-Identifier: MIT
/*
 * Patchable ops: what each site that uses a table has to be.
 *
 * A site is the last six bytes of its instruction; prefixes before them are
 * never changed, and belong to whatever the site becomes. What it becomes
 * follows from the member's function, from how the table was bound, and from
 * the site's address: so what has to be in place now is known without keeping
 * it, from a copy of the table made when it was bound last.
 *
 * Rebinding under threads works because everything that RP_OPS_BIND writes is
 * one instruction of six bytes, within a block that one store may change.
 */
#include <errno.h>
#include <string.h>

#include <repoint/ops.h>

#include "arch.h"
#include "code.h"
#include "island.h"
#include "log.h"
#include "op_sites.h"
#include "ops.h"
#include "patchlet.h"
#include "poke.h"
#include "threads.h"

/*
 * struct rp__op_bound - a table that was bound.
 * @members: a copy of it from then, of @size bytes
 */
struct rp__op_bound {
	const struct rp_ops_table *table;
	size_t size;
	enum rp_ops_binding binding;
	uint8_t *members;
};

/*
 * struct work - one change of a table's sites.
 * @shared: other threads may be in the sites
 * @block:  aligned bytes that one store may change
 */
struct work {
	struct rp__object *object;
	struct rp_text_poke_batch *batch;
	struct rp_error *error;
	unsigned int block;
	bool shared;
};

/* ---- what a site becomes ---- */

static bool in_block(const struct work *work, uintptr_t code)
{
	return ((code ^ (code + RP__OP_LEN - 1)) & -(uintptr_t)work->block) == 0;
}

static uint32_t member_clobbers(const struct rp__object *object, uintptr_t slot)
{
	const struct rp_op_member *member = object->tables.op_members;

	for (; member < object->tables.op_members_end; member++)
		if ((uintptr_t)member->slot == slot)
			return member->clobbers;
	return RP_CLOBBERS_C;
}

static const struct rp_patchlet *find_patchlet(const struct rp__object *object,
					       const void *func)
{
	const struct rp_op_patchlet *op = object->tables.op_patchlets;
	const struct rp_patchlet *patchlet = NULL;

	for (; op < object->tables.op_patchlets_end && !patchlet; op++)
		if (op->function == func)
			patchlet = rp__patchlet_at(object, op->patchlet);
	return patchlet;
}

/* An instruction that CS prefixes may precede: it has no segment prefix. */
static bool takes_prefixes(const uint8_t *code, size_t len)
{
	for (size_t i = 0; i < len; i++)
		switch (code[i]) {
		case 0x26:
		case 0x2e:
		case 0x36:
		case 0x3e:
		case 0x64:
		case 0x65:
			return false;
		case 0x66:
		case 0x67:
		case 0xf0:
		case 0xf2:
		case 0xf3:
			continue;
		default:
			return true;
		}
	return false;
}

/*
 * A patchlet of one instruction is filled up in front, and so stays one: a
 * thread is before it or behind it. NOPs behind another one are one more place
 * that a thread can be at.
 */
static bool put_patchlet(const struct rp__object *object, uintptr_t slot,
			 const void *func, enum rp_ops_binding binding,
			 uintptr_t code, uint8_t *ret)
{
	const struct rp_patchlet *patchlet = find_patchlet(object, func);
	size_t len, pad, at;
	uintptr_t start;

	if (!patchlet ||
	    patchlet->clobbers & ~member_clobbers(object, slot))
		return false;
	start = rp__patchlet_start(patchlet);
	len = rp__patchlet_end(patchlet) - start;
	if (len > RP__OP_LEN)
		return false;
	pad = RP__OP_LEN - len;
	if (rp__code_is_single((const uint8_t *)start, len) &&
	    (!pad || takes_prefixes((const uint8_t *)start, len))) {
		memset(ret, RP__OP_PREFIX, pad);
		memcpy(ret + pad, (const void *)start, len);
		return rp__code_relocate(ret + pad, len, start, code + pad,
					 &at) == 0;
	}
	if (binding != RP_OPS_BIND_FINAL)
		return false;
	memcpy(ret, (const void *)start, len);
	memset(ret + len, 0x90, pad);
	if (rp__code_relocate(ret, len, start, code, &at) < 0)
		return false;
	rp__code_optimize_nops(ret, RP__OP_LEN, code);
	return true;
}

static int put_branch(struct work *work, uintptr_t code, uint32_t kind,
		      const void *func, uint8_t *ret)
{
	enum rp__insn_type type = kind == RP_OP_SITE_CALL ? RP__INSN_CALL
							  : RP__INSN_JMP;
	struct rp__island island;
	int error = rp__insn_encode(type, 0, code, (uintptr_t)func, ret,
				    RP__OP_LEN);

	if (error != -ERANGE)
		return error;
	error = rp__island_get(work->object, (uintptr_t)func, &island);
	if (error < 0)
		return rp__fail(work->error, error, (void *)code,
				"%p: the function %p is out of reach, and there is no room for an island near %s",
				(void *)code, func, work->object->path);
	return rp__insn_encode(type, 0, code, island.code, ret, RP__OP_LEN);
}

static void put_built(uintptr_t code, uintptr_t slot, uint32_t kind,
		      uint8_t *ret)
{
	rp__insn_encode(kind == RP_OP_SITE_CALL ? RP__INSN_CALL_MEM
						: RP__INSN_JMP_MEM,
			0, code, slot, ret, RP__OP_LEN);
}

static bool is_nop(const void *func)
{
	return func == (const void *)rp_static_call_nop;
}

static bool is_return0(const void *func)
{
	return func == (const void *)rp_static_call_return0;
}

/* The forms of a call that are none; 0 if @func has none. */
static bool put_special(const struct work *work, uintptr_t slot, uint32_t kind,
			const void *func, uint8_t *ret)
{
	const uint32_t changes = RP_CLOBBER_RAX | RP_CLOBBER_FLAGS;

	if (is_nop(func))
		return rp__insn_encode(kind == RP_OP_SITE_CALL ? RP__INSN_NOP
							       : RP__INSN_RET,
				       0, 0, 0, ret, RP__OP_LEN) == 0;
	if (is_return0(func) && kind == RP_OP_SITE_CALL &&
	    !(changes & ~member_clobbers(work->object, slot)))
		return rp__insn_encode(RP__INSN_RET0, 0, 0, 0, ret,
				       RP__OP_LEN) == 0;
	return false;
}

static int site_bytes(struct work *work, const struct rp__op_site *site,
		      const void *func, enum rp_ops_binding binding,
		      uint8_t *ret)
{
	uintptr_t code = rp__op_site_code(work->object, site);
	uintptr_t slot = rp__op_site_slot(work->object, site);

	if (binding == RP_OPS_UNBIND || !func ||
	    (binding != RP_OPS_BIND_FINAL && !in_block(work, code))) {
		put_built(code, slot, site->kind, ret);
		return 0;
	}
	if (put_special(work, slot, site->kind, func, ret))
		return 0;
	if (site->kind == RP_OP_SITE_CALL &&
	    put_patchlet(work->object, slot, func, binding, code, ret))
		return 0;
	return put_branch(work, code, site->kind, func, ret);
}

/* ---- binding ---- */

static struct rp__op_bound *find_bound(struct rp__object *object,
				       const struct rp_ops_table *table)
{
	struct rp__op_bound *bound = object->op_bounds.data;
	size_t nr = object->op_bounds.used / sizeof(*bound);

	for (size_t i = 0; i < nr; i++)
		if (bound[i].table == table)
			return &bound[i];
	return NULL;
}

static struct rp__op_bound *get_bound(struct rp__object *object,
				      const struct rp_ops_table *table)
{
	struct rp__op_bound *bound = find_bound(object, table);

	if (bound)
		return bound;
	bound = rp__vec_reserve(&object->op_bounds, sizeof(*bound));
	if (!bound)
		return NULL;
	bound->table = table;
	bound->size = table->size;
	bound->binding = RP_OPS_UNBIND;
	bound->members = rp__map(table->size);
	if (!bound->members)
		return NULL;
	object->op_bounds.used += sizeof(*bound);
	return bound;
}

/* Other threads may be setting members: each is read whole. */
static void copy_members(uint8_t *to, const struct rp_ops_table *table)
{
	const uint8_t *from = table->table;
	size_t pos = 0;

	for (; pos + sizeof(void *) <= table->size &&
	       (uintptr_t)from % sizeof(void *) == 0; pos += sizeof(void *)) {
		const void *member = __atomic_load_n(
			(void *const *)(const void *)(from + pos),
			__ATOMIC_ACQUIRE);

		memcpy(to + pos, &member, sizeof(member));
	}
	memcpy(to + pos, from + pos, table->size - pos);
}

static const void *member_at(const uint8_t *members,
			     const struct rp_ops_table *table, uintptr_t slot)
{
	const void *func;

	memcpy(&func, members + (slot - (uintptr_t)table->table),
	       sizeof(func));
	return func;
}

static int poke_site(struct work *work, const struct rp__op_bound *bound,
		     enum rp_ops_binding binding, const uint8_t *members,
		     const struct rp__op_site *site)
{
	uintptr_t code = rp__op_site_code(work->object, site);
	uintptr_t slot = rp__op_site_slot(work->object, site);
	uint8_t old[RP__OP_LEN], new[RP__OP_LEN];
	int error = site_bytes(work, site,
			       member_at(bound->members, bound->table, slot),
			       bound->binding, old);

	if (!error)
		error = site_bytes(work, site,
				   member_at(members, bound->table, slot),
				   binding, new);
	if (error < 0 || !memcmp(old, new, RP__OP_LEN))
		return error;
	if (work->shared && (!in_block(work, code) ||
			     !rp__code_is_single(old, RP__OP_LEN) ||
			     !rp__code_is_single(new, RP__OP_LEN)))
		return rp__fail(work->error, -ENOTSUP, (void *)code,
				"bound for good, cannot be changed once threads were created: use rp_ops_bind() for tables that change, or RP_PROTOCOL_STOPPED when none can be in the sites (+0x%zx of %s)",
				(size_t)(code - work->object->base),
				work->object->path);
	return rp_text_poke_batch_add(work->batch, (void *)code, old, new,
				      RP__OP_LEN);
}

static int poke_sites(struct work *work, const struct rp__op_bound *bound,
		      enum rp_ops_binding binding, const uint8_t *members)
{
	const struct rp__op_site *site = work->object->op_sites.data;
	size_t nr = rp__ops_nr(work->object);
	int error = 0;

	for (size_t i = 0; i < nr && !error; i++)
		if (rp__op_in_table(bound->table, rp__op_site_slot(work->object, &site[i])))
			error = poke_site(work, bound, binding, members,
					  &site[i]);
	return error;
}

static const struct rp_ops_table *find_table(const struct rp__object *object,
					     const void *address)
{
	const struct rp_ops_table *table = object->tables.ops_tables;

	while (table < object->tables.ops_tables_end &&
	       table->table != address)
		table++;
	return table < object->tables.ops_tables_end && table->size ? table
								    : NULL;
}

int rp__ops_begin(struct rp__key_op *op, struct rp_error *error)
{
	struct rp__object *object = op->object->state;
	const struct rp_ops_table *table;
	struct rp__op_bound *bound;

	op->skip = !object || !RP__HAVE_ENGINE;
	if (!object)
		return 0;
	table = find_table(object, op->table);
	if (!table)
		return rp__fail(error, -EINVAL, op->table,
				"%p: no table that RP_DEFINE_OPS() defined in %s",
				op->table, object->path);
	if (op->skip)
		return 0;
	bound = get_bound(object, table);
	op->members = bound ? rp__map(table->size) : NULL;
	if (!op->members)
		return rp__fail(error, -ENOMEM, op->table,
				"no memory to bind a table");
	if (op->binding == RP_OPS_REBIND)
		op->binding = bound->binding == RP_OPS_UNBIND ?
			RP_OPS_BIND : bound->binding;
	copy_members(op->members, table);
	return 0;
}

int rp__ops_poke(struct rp_text_poke_batch *batch, const struct rp__key_op *op)
{
	struct rp__object *object = op->object->state;
	struct work work = {
		.object = object,
		.batch = batch,
		.error = batch->opts.error,
		/* Not the caller's: what is in place was chosen by this one. */
		.block = rp__engine_block(),
		.shared = !rp__threads_single() &&
			  batch->opts.protocol != RP_PROTOCOL_STOPPED,
	};

	return poke_sites(&work,
			  find_bound(object, find_table(object, op->table)),
			  op->binding, op->members);
}

/* struct tally - what the sites of a table are. */
struct tally {
	size_t sites;
	size_t calls;
	size_t through;
	size_t nothing;
	size_t patchlets;
};

static void count_site(struct tally *tally, uintptr_t code)
{
	struct rp__insn insn;

	tally->sites++;
	if (rp__insn_decode((const uint8_t *)code, RP__OP_LEN, code, &insn) < 0)
		insn.type = RP__INSN_UNKNOWN;
	switch (insn.type) {
	case RP__INSN_CALL:
	case RP__INSN_JMP:
		tally->calls++;
		break;
	case RP__INSN_CALL_MEM:
	case RP__INSN_JMP_MEM:
		tally->through++;
		break;
	case RP__INSN_NOP:
	case RP__INSN_RET:
	case RP__INSN_RET0:
		tally->nothing++;
		break;
	default:
		tally->patchlets++;
	}
}

static void log_binding(const struct rp__object *object,
			const struct rp_ops_table *table)
{
	const struct rp__op_site *site = object->op_sites.data;
	size_t nr = rp__ops_nr(object);
	struct tally tally = { .sites = 0 };

	if (!rp__log_enabled(RP_LOG_INFO, "ops"))
		return;
	for (size_t i = 0; i < nr; i++)
		if (rp__op_in_table(table, rp__op_site_slot(object, &site[i])))
			count_site(&tally, rp__op_site_code(object, &site[i]));
	if (tally.sites)
		rp__log(RP_LOG_DEBUG, "ops",
			"table %p of %s: %zu sites: %zu direct, %zu patchlets, %zu that do nothing or return 0, %zu through the table",
			table->table, object->path, tally.sites, tally.calls,
			tally.patchlets, tally.nothing, tally.through);
	else
		rp__log(RP_LOG_INFO, "ops",
			"table %p of %s: no site is known: compile with `repoint cc`, annotate the objects, or link with -Wl,--emit-relocs",
			table->table, object->path);
}

void rp__ops_finish(const struct rp__key_op *op)
{
	struct rp__object *object = op->object->state;
	struct rp__op_bound *bound = find_bound(object, find_table(object,
								   op->table));

	rp__unmap(bound->members, bound->size);
	bound->members = op->members;
	bound->binding = op->binding;
	log_binding(object, bound->table);
}

void rp__ops_undo(const struct rp__key_op *op)
{
	const struct rp__object *object = op->object->state;

	rp__unmap(op->members, find_table(object, op->table)->size);
}

int rp_object_bind_ops(struct rp_object *object, const void *table,
		       enum rp_ops_binding binding,
		       const struct rp_text_poke_opts *opts)
{
	struct rp__key_op op = {
		.type = RP__KEY_OP_OPS, .object = object, .table = table,
		.binding = binding,
	};

	if (!object || !table || (unsigned int)binding >= RP_OPS_BINDING_NR)
		return -EINVAL;
	return rp__key_ops_commit(&op, 1, opts);
}

void rp__ops_adopt(struct rp__object *object, struct rp__object *old)
{
	object->op_sites = old->op_sites;
	object->op_bounds = old->op_bounds;
	memset(&old->op_sites, 0, sizeof(old->op_sites));
	memset(&old->op_bounds, 0, sizeof(old->op_bounds));
}

void rp__ops_forget(struct rp__object *object)
{
	struct rp__op_bound *bound = object->op_bounds.data;
	size_t nr = object->op_bounds.used / sizeof(*bound);

	/* The object may be unmapped, and its records with it. */
	for (size_t i = 0; i < nr; i++)
		rp__unmap(bound[i].members, bound[i].size);
	rp__vec_deinit(&object->op_bounds);
	rp__vec_deinit(&object->op_sites);
}
