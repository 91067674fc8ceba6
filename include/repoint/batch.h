/* SPDX-License-Identifier: MIT */
/*
 * Change many static calls, static keys and ops tables at once: all or nothing,
 * one synchronisation.
 *
 * Overview
 * --------
 *   int  rp_batch_begin(&batch, opts);
 *   int  rp_batch_static_call_update(batch, name, func);
 *   int  rp_batch_static_key_enable(batch, &key);
 *   int  rp_batch_static_key_disable(batch, &key);
 *   int  rp_batch_ops_rebind(batch, &table);
 *   int  rp_batch_commit(batch);
 *   void rp_batch_abort(batch);
 *
 * Example
 * -------
 *   struct rp_batch *batch;
 *
 *   if (rp_batch_begin(&batch, NULL) == 0) {
 *           rp_batch_static_call_update(batch, parse, parse_fast);
 *           rp_batch_static_call_update(batch, log_line, NULL);
 *           rp_batch_static_key_enable(batch, &fast_path);
 *           error = rp_batch_commit(batch);
 *   }
 *
 * Rules
 * -----
 * - An open batch is only a list: it holds no lock and changes nothing.
 * - The last word on a key wins.
 * - If any of the add functions failed, commit refuses with the same error, so
 *   that only commit needs to be looked at.
 * - "All or nothing" is about the outcome: while commit runs, other threads
 *   may see one key changed and another not yet.
 */
#ifndef REPOINT_BATCH_H
#define REPOINT_BATCH_H

#include <repoint/ops.h>
#include <repoint/static_call.h>
#include <repoint/static_key.h>
#include <repoint/text_poke.h>

RP__BEGIN_DECLS

struct rp_batch;

/**
 * rp_batch_begin() - open an empty batch.
 * @ret:  where to put it; untouched on failure
 * @opts: NULL for defaults; copied, opts->error must stay valid
 *
 * Return: 0; -EINVAL; -ENOMEM. Thread safe; not async-signal-safe.
 */
RP_API int rp_batch_begin(struct rp_batch **ret,
			  const struct rp_text_poke_opts *opts);

/** rp_batch_key_update() - behind rp_batch_static_call_update(). */
RP_API int rp_batch_key_update(struct rp_batch *batch,
			       struct rp_static_call_key *key, void *func);

/** rp_batch_key_set() - behind rp_batch_static_key_enable() and _disable(). */
RP_API int rp_batch_key_set(struct rp_batch *batch, struct rp_static_key *key,
			    int enabled);

/** rp_batch_object_bind_ops() - behind rp_batch_ops_rebind(). */
RP_API int rp_batch_object_bind_ops(struct rp_batch *batch,
				    struct rp_object *object,
				    const void *table,
				    enum rp_ops_binding binding);

/**
 * rp_batch_commit() - change all keys and tables of a batch, or none.
 * @batch: the batch; gone afterwards, whatever is returned
 *
 * Return: 0 or the errors of rp_static_call_update(), rp_static_key_enable()
 * and rp_object_bind_ops(). Thread safe; not async-signal-safe.
 */
RP_API int rp_batch_commit(struct rp_batch *batch);

/**
 * rp_batch_abort() - drop a batch; nothing was changed.
 * @batch: the batch, or NULL
 */
RP_API void rp_batch_abort(struct rp_batch *batch);

RP__END_DECLS

/**
 * rp_batch_static_call_update() - add an update of a static call.
 * @batch: the batch
 * @name:  a declared or defined static call
 * @func:  as for rp_static_call_update()
 *
 * Return: 0; -EINVAL; -ENOMEM.
 */
#define rp_batch_static_call_update(batch, name, func)			\
	rp_batch_key_update(batch, RP__STATIC_CALL_KEY(name),		\
			    RP__STATIC_CALL_FUNC(name, func))

/** rp_batch_static_key_enable() - add the enabling of a static key. */
#define rp_batch_static_key_enable(batch, x)				\
	rp_batch_key_set(batch, &(x)->key, 1)

/** rp_batch_static_key_disable() - add the disabling of a static key. */
#define rp_batch_static_key_disable(batch, x)				\
	rp_batch_key_set(batch, &(x)->key, 0)

/**
 * rp_batch_ops_rebind() - add that the sites of an ops table follow its members.
 * @batch: the batch
 * @table: address of a declared or defined table; its members are read in
 *         commit
 *
 * Return: 0; -EINVAL; -ENOMEM.
 */
#define rp_batch_ops_rebind(batch, table)				\
	rp_batch_object_bind_ops(batch, &rp__object, (table), RP_OPS_REBIND)

#endif /* REPOINT_BATCH_H */
