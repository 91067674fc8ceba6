/* SPDX-License-Identifier: MIT */
/* Alternatives of registered objects. */
#ifndef RP_SRC_ALTERNATIVE_H
#define RP_SRC_ALTERNATIVE_H

#include <repoint/text_poke.h>

#include "registry.h"

/*
 * struct rp__replaced - code that is not what was linked there.
 * @start: relative to the object's text_start
 */
struct rp__replaced {
	uint32_t start;
	uint32_t len;
};

/*
 * The first time: apply all alternatives of @object, whose code nobody may be
 * running (a constructor's promise), or none of them. What is wrong is logged.
 * Caller holds the text lock.
 */
void rp__alternatives_apply_first(struct rp__object *object);

/* True if the bytes at @code are a replacement now, or may become one. */
bool rp__alternatives_replaced(const struct rp__object *object,
			       uintptr_t code);

/* Forget what is known of the alternatives of an object that goes. */
void rp__alternatives_forget(struct rp__object *object);

#endif
