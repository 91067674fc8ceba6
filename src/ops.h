/* SPDX-License-Identifier: MIT */
/* Ops tables of registered objects: binding their sites. */
#ifndef RP_SRC_OPS_H
#define RP_SRC_OPS_H

#include "key_ops.h"
#include "registry.h"

/*
 * The stages of a change of a table's binding, as for keys. begin: look at the
 * members; @error may be NULL. poke: add what has to be written to @batch.
 * finish: text is changed. undo: it is not.
 */
int rp__ops_begin(struct rp__key_op *op, struct rp_error *error);
int rp__ops_poke(struct rp_text_poke_batch *batch, const struct rp__key_op *op);
void rp__ops_finish(const struct rp__key_op *op);
void rp__ops_undo(const struct rp__key_op *op);

/* @object is what @old was, registered again: its sites are as @old left them. */
void rp__ops_adopt(struct rp__object *object, struct rp__object *old);

void rp__ops_forget(struct rp__object *object);

#endif
