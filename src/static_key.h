/* SPDX-License-Identifier: MIT */
/* Static keys, for the registry and for changes of keys. */
#ifndef RP_SRC_STATIC_KEY_H
#define RP_SRC_STATIC_KEY_H

#include <repoint/static_key.h>

#include "key_ops.h"
#include "poke.h"
#include "registry.h"

/* The key that an imported one stands for, or itself. */
struct rp_static_key *rp__static_key_origin(struct rp_static_key *key);

bool rp__static_key_valid(const struct rp_static_key *key);

/* Add to @batch what brings all sites of the key to @enabled. */
int rp__static_key_poke_key(struct rp_text_poke_batch *batch,
			    const struct rp_static_key *key, bool enabled);

/* The same for one site. */
int rp__static_key_poke_site(struct rp_text_poke_batch *batch, uint8_t *site,
			     uintptr_t target, bool jump);

/*
 * The three stages of a change. begin: check and set the count that readers
 * see meanwhile; 1 if text has to change, 0 if not, or a negative errno.
 * finish: text is changed. undo: it is not.
 */
int rp__static_key_begin(struct rp__key_op *op);
void rp__static_key_finish(const struct rp__key_op *op);
void rp__static_key_undo(const struct rp__key_op *op);

#endif
