// SPDX-License-Identifier: MIT
/* Batches of keys and tables: a list of changes, committed by key_ops.c. */
#include <errno.h>

#include <repoint/batch.h>

#include "key_ops.h"
#include "log.h"
#include "poke.h"
#include "static_call.h"
#include "static_key.h"
#include "vec.h"

/*
 * struct rp_batch
 * @ops:   struct rp__key_op
 * @error: of the first add that failed; commit refuses with it
 */
struct rp_batch {
	struct rp_text_poke_opts opts;
	struct rp__vec ops;
	int error;
};

int rp_batch_begin(struct rp_batch **ret, const struct rp_text_poke_opts *opts)
{
	struct rp_text_poke_opts copy;
	struct rp_batch *batch;
	int error = rp__opts_copy(&copy, opts);

	if (!ret)
		return -EINVAL;
	if (error < 0)
		return error;
	batch = rp__map(sizeof(*batch));
	if (!batch)
		return rp__fail(copy.error, -ENOMEM, NULL,
				"no memory for a batch");
	batch->opts = copy;
	*ret = batch;
	return 0;
}

static int add(struct rp_batch *batch, const struct rp__key_op *op)
{
	struct rp__key_op *room;

	room = rp__vec_reserve(&batch->ops, sizeof(*op));
	if (!room) {
		batch->error = rp__fail(batch->opts.error, -ENOMEM, NULL,
					"no memory for another key");
		return -ENOMEM;
	}
	*room = *op;
	batch->ops.used += sizeof(*op);
	return 0;
}

static int refuse(struct rp_batch *batch, const void *key, const char *what)
{
	batch->error = rp__fail(batch->opts.error, -EINVAL, key,
				"%p is not %s", key, what);
	return -EINVAL;
}

int rp_batch_key_update(struct rp_batch *batch, struct rp_static_call_key *key,
			void *func)
{
	struct rp__key_op op = {
		.type = RP__KEY_OP_CALL, .call = key, .func = func
	};

	if (!batch)
		return -EINVAL;
	if (!rp__static_call_key_valid(key))
		return refuse(batch, key, "a key");
	return add(batch, &op);
}

int rp_batch_key_set(struct rp_batch *batch, struct rp_static_key *key,
		     int enabled)
{
	struct rp__key_op op = { .type = RP__KEY_OP_SET };

	if (!batch)
		return -EINVAL;
	op.key = rp__static_key_origin(key);
	op.enabled = enabled != 0;
	if (!rp__static_key_valid(op.key))
		return refuse(batch, key, "a key");
	return add(batch, &op);
}

int rp_batch_object_bind_ops(struct rp_batch *batch, struct rp_object *object,
			     const void *table, enum rp_ops_binding binding)
{
	struct rp__key_op op = {
		.type = RP__KEY_OP_OPS, .object = object, .table = table,
		.binding = binding,
	};

	if (!batch)
		return -EINVAL;
	if (!object || !table || (unsigned int)binding >= RP_OPS_BINDING_NR)
		return refuse(batch, table, "an ops table or a binding of one");
	return add(batch, &op);
}

int rp_batch_commit(struct rp_batch *batch)
{
	int error;

	if (!batch)
		return -EINVAL;
	error = batch->error;
	if (!error)
		error = rp__key_ops_commit(batch->ops.data,
					   batch->ops.used /
					   sizeof(struct rp__key_op),
					   &batch->opts);
	rp_batch_abort(batch);
	return error;
}

void rp_batch_abort(struct rp_batch *batch)
{
	if (!batch)
		return;
	rp__vec_deinit(&batch->ops);
	rp__unmap(batch, sizeof(*batch));
}
