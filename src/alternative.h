/* SPDX-License-Identifier: MIT */
/* Alternatives of registered objects. */
#ifndef RP_SRC_ALTERNATIVE_H
#define RP_SRC_ALTERNATIVE_H

#include <repoint/text_poke.h>

#include "registry.h"

/*
 * struct rp__replaced - code that is not what was linked there, or that never
 * runs where it is.
 * @start: relative to the object's text_start
 */
struct rp__replaced {
	int32_t start;
	uint32_t len;
};

/*
 * The first time: apply all alternatives of @object, whose code nobody may be
 * running (a constructor's promise), or none of them. What is wrong is logged.
 * Caller holds the text lock.
 */
void rp__alternatives_apply_first(struct rp__object *object);

/* True if @code is in a replacement, wherever that lies. */
bool rp__alternatives_replaced(const struct rp__object *object,
			       uintptr_t code);

/* True if @code is in an alternative that may change again. */
bool rp__alternatives_may_change(const struct rp__object *object,
				 uintptr_t code);

/* @object is what @old was, registered again: its text is as @old left it. */
void rp__alternatives_adopt(struct rp__object *object, struct rp__object *old);

/* Free what is known of an object's alternatives. */
void rp__alternatives_forget(struct rp__object *object);

#endif
