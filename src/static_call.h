/* SPDX-License-Identifier: MIT */
/* Static calls, for the registry and for batches of keys. */
#ifndef RP_SRC_STATIC_CALL_H
#define RP_SRC_STATIC_CALL_H

#include <repoint/static_call.h>

#include "poke.h"
#include "registry.h"

/* Flag of a key: the trampoline holds a jump that was patched in. */
#define RP__KEY_PATCHED	0x1u

/* Bytes of a site. */
unsigned int rp__site_len(enum rp_site_kind kind);

/* The key of the trampoline at @tramp, NULL if it is no trampoline of ours. */
struct rp_static_call_key *rp__static_call_key_of(uintptr_t tramp);

bool rp__static_call_key_valid(const struct rp_static_call_key *key);

/*
 * Add to @batch what makes the key's trampoline and all its sites call @func.
 * Returns 0 or a negative errno, with the batch's error filled in.
 */
int rp__static_call_poke_key(struct rp_text_poke_batch *batch,
			     struct rp_static_call_key *key, void *func);

/* The same for the trampoline, and for one site of @range, alone. */
int rp__static_call_poke_tramp(struct rp_text_poke_batch *batch,
			       struct rp_static_call_key *key, void *func);

/* struct rp__call_dest - a function, as seen from one object. */
struct rp__call_dest {
	struct rp__object *object;
	const struct rp_static_call_key *key;
	void *func;		/* NULL and return0 have forms of their own */
	uintptr_t addr;		/* what branches go to, never 0 */
	uintptr_t near;		/* the same or an island, 0 if not asked yet */
	uintptr_t slot;
	unsigned int block;	/* aligned bytes that one store may change */
	bool plain;		/* a function without a form of its own */
};

void rp__call_dest_init(struct rp__call_dest *dest, struct rp__object *object,
			const struct rp_static_call_key *key, void *func);

int rp__static_call_poke_site(struct rp_text_poke_batch *batch,
			      struct rp__call_dest *dest, uint8_t *site,
			      enum rp_site_kind kind);

/* What calls through memory see. */
void rp__static_call_set_target(struct rp_static_call_key *key, void *func);

#endif
