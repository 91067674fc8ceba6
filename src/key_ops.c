// SPDX-License-Identifier: MIT
/*
 * Changes of keys and of ops tables: the one path that single updates and
 * batches take.
 *
 *   0. before the lock is taken: its object is registered
 *   1. begin   each key is checked and set to "changing"
 *   2. poke    what has to change in text goes into one batch of sites
 *   3. commit  of that batch: all or nothing
 *   4. finish  each key says what is true now, or, after a failure, undo
 */
#include <errno.h>

#include <repoint/object.h>

#include "key_ops.h"
#include "log.h"
#include "ops.h"
#include "poke.h"
#include "static_call.h"
#include "static_key.h"

/* ---- one op ---- */

static struct rp_object *op_object(const struct rp__key_op *op)
{
	if (op->type == RP__KEY_OP_OPS)
		return op->object;
	return op->type == RP__KEY_OP_CALL ? op->call->object : op->key->object;
}

static int op_begin(struct rp__key_op *op, struct rp_error *error)
{
	int result;

	if (op->type == RP__KEY_OP_OPS)
		return rp__ops_begin(op, error);
	if (op->type == RP__KEY_OP_CALL) {
		op->old_func = op->call->func;
		return 0;
	}
	result = rp__static_key_begin(op);
	/* 0: nothing has to change, now or when undoing. */
	op->skip = result == 0;
	return result < 0 ? result : 0;
}

static int op_poke(struct rp_text_poke_batch *batch,
		   const struct rp__key_op *op)
{
	if (op->type == RP__KEY_OP_OPS)
		return rp__ops_poke(batch, op);
	if (op->type == RP__KEY_OP_CALL)
		return rp__static_call_poke_key(batch, op->call, op->func);
	return rp__static_key_poke_key(batch, op->key, op->enabled);
}

/*
 * Calls through memory follow a pointer. It is set before the text changes,
 * because a trampoline may be patched to go through it.
 */
static void op_show(const struct rp__key_op *op)
{
	if (op->type == RP__KEY_OP_CALL)
		rp__static_call_set_target(op->call, op->func);
}

static void op_finish(const struct rp__key_op *op)
{
	if (op->type == RP__KEY_OP_OPS)
		rp__ops_finish(op);
	else if (op->type == RP__KEY_OP_CALL)
		__atomic_store_n(&op->call->func, op->func, __ATOMIC_RELEASE);
	else
		rp__static_key_finish(op);
}

static void op_undo(const struct rp__key_op *op)
{
	if (op->type == RP__KEY_OP_OPS)
		rp__ops_undo(op);
	else if (op->type == RP__KEY_OP_CALL)
		rp__static_call_set_target(op->call, op->old_func);
	else
		rp__static_key_undo(op);
}

/* ---- all of them ---- */

static uint32_t *op_flags(const struct rp__key_op *op)
{
	return op->type == RP__KEY_OP_CALL ? &op->call->flags : &op->key->flags;
}

/* Tables are few, and have no flags. */
static bool is_again(const struct rp__key_op *op, const struct rp__key_op *end)
{
	for (const struct rp__key_op *later = op + 1; later < end; later++)
		if (later->type == RP__KEY_OP_OPS && later->table == op->table)
			return true;
	return false;
}

/* Of several ops on one key, the last one is done. */
static void skip_superseded(struct rp__key_op *ops, size_t nr)
{
	for (size_t i = nr; i-- > 0;) {
		if (ops[i].type == RP__KEY_OP_OPS) {
			ops[i].skip = is_again(&ops[i], ops + nr);
			continue;
		}
		ops[i].skip = (*op_flags(&ops[i]) & RP__KEY_IN_BATCH) != 0;
		*op_flags(&ops[i]) |= RP__KEY_IN_BATCH;
	}
	for (size_t i = 0; i < nr; i++)
		if (ops[i].type != RP__KEY_OP_OPS)
			*op_flags(&ops[i]) &= ~RP__KEY_IN_BATCH;
}

static int begin_all(struct rp__key_op *ops, size_t nr, struct rp_error *detail,
		     size_t *begun)
{
	int error = 0;

	for (*begun = 0; *begun < nr; ++*begun) {
		struct rp__key_op *op = &ops[*begun];

		if (op->skip)
			continue;
		error = op_begin(op, detail);
		if (error < 0)
			return error;
	}
	return 0;
}

static int poke_all(struct rp_text_poke_batch *batch,
		    const struct rp__key_op *ops, size_t nr)
{
	int error = 0;

	for (size_t i = 0; i < nr && !error; i++)
		if (!ops[i].skip)
			error = op_poke(batch, &ops[i]);
	return error;
}

static void each(const struct rp__key_op *ops, size_t nr,
		 void (*function)(const struct rp__key_op *op))
{
	for (size_t i = 0; i < nr; i++)
		if (!ops[i].skip)
			function(&ops[i]);
}

static int commit_locked(struct rp__key_op *ops, size_t nr,
			 struct rp_text_poke_batch *batch)
{
	size_t begun;
	int error;

	skip_superseded(ops, nr);
	error = begin_all(ops, nr, batch->opts.error, &begun);
	if (!error)
		error = poke_all(batch, ops, nr);
	if (!error) {
		each(ops, nr, op_show);
		error = rp__batch_commit_locked(batch);
	}
	if (error < 0)
		each(ops, begun, op_undo);
	else
		each(ops, nr, op_finish);
	return error;
}

/* Updates before the constructors of a key's object ran. */
static int register_all(const struct rp__key_op *ops, size_t nr)
{
	int error = 0;

	for (size_t i = 0; i < nr && !error; i++) {
		struct rp_object *object = op_object(&ops[i]);

		if (object)
			error = rp_object_register(object);
	}
	return error;
}

int rp__key_ops_commit(struct rp__key_op *ops, size_t nr,
		       const struct rp_text_poke_opts *opts)
{
	struct rp_text_poke_batch *batch;
	int error = rp__batch_begin(&batch, opts);

	if (error < 0)
		return error;
	error = register_all(ops, nr);
	if (!error)
		error = rp__engine_lock();
	if (error < 0) {
		rp__fail(batch->opts.error, error, NULL, "%s",
			 rp_strerror(error));
	} else {
		error = commit_locked(ops, nr, batch);
		rp__engine_unlock();
	}
	rp_text_poke_batch_abort(batch);
	return error;
}
