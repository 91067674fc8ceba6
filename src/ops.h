/* SPDX-License-Identifier: MIT */
/* Ops tables of registered objects, and the sites that use them. */
#ifndef RP_SRC_OPS_H
#define RP_SRC_OPS_H

#include "key_ops.h"
#include "registry.h"

/*
 * Take the sites of the object's table of records. Records that are malformed
 * are left out, with a message. Returns 0 or -ENOMEM. Caller holds the text
 * lock.
 */
int rp__ops_collect(struct rp__object *object);

/*
 * A call or jump through memory was found at @code, without prefixes: take it
 * if it goes through an ops table and is not known yet. Returns 0 or -ENOMEM.
 */
int rp__ops_collect_site(struct rp__object *object, uintptr_t code);

/* After the last of them. */
void rp__ops_collected(struct rp__object *object);

/*
 * The stages of a change of a table's binding, as for keys. begin: look at the
 * members; @error may be NULL. poke: add what has to be written to @batch.
 * finish: text is changed. undo: it is not.
 */
int rp__ops_begin(struct rp__key_op *op, struct rp_error *error);
int rp__ops_poke(struct rp_text_poke_batch *batch, const struct rp__key_op *op);
void rp__ops_finish(const struct rp__key_op *op);
void rp__ops_undo(const struct rp__key_op *op);

void rp__ops_forget(struct rp__object *object);

#endif
