/* SPDX-License-Identifier: MIT */
/* Changes of keys and tables: the path that single ones and batches take. */
#ifndef RP_SRC_KEY_OPS_H
#define RP_SRC_KEY_OPS_H

#include <repoint/ops.h>
#include <repoint/text_poke.h>

#include "registry.h"

/* Flag of a key of either kind, while a batch is looked through. */
#define RP__KEY_IN_BATCH	0x80000000u

enum rp__key_op_type {
	RP__KEY_OP_CALL,	/* a static call gets another function */
	RP__KEY_OP_SET,		/* a static key is enabled or disabled */
	RP__KEY_OP_INC,		/* a static key gets its first user */
	RP__KEY_OP_DEC,		/* a static key loses its last user */
	RP__KEY_OP_OPS,		/* the sites of an ops table follow its members */
};

/*
 * struct rp__key_op - one change.
 * @old_func, @old_count: what it was before, for when the commit fails
 * @members: a copy of @table, which the sites are being brought to
 * @binding: how
 * @skip: nothing is done: a later op of the same batch has the last word on
 *        the key, or it is as wanted already
 */
struct rp__key_op {
	enum rp__key_op_type type;
	union {
		struct rp_static_call_key *call;
		struct rp_static_key *key;
		struct rp_object *object;
	};
	union {
		void *func;
		int enabled;
		const void *table;
	};
	union {
		void *old_func;
		int old_count;
		uint8_t *members;
	};
	enum rp_ops_binding binding;
	int skip;
};

/*
 * Do all of @ops or none, with one commit of text. Takes the text lock.
 * Returns 0 or a negative errno.
 */
int rp__key_ops_commit(struct rp__key_op *ops, size_t nr,
		       const struct rp_text_poke_opts *opts);

#endif
