/* SPDX-License-Identifier: MIT */
/* Alternatives whose sites overlap, and what they make of the code there. */
#ifndef RP_SRC_ALTERNATIVE_GROUP_H
#define RP_SRC_ALTERNATIVE_GROUP_H

#include <repoint/error.h>

#include "registry.h"

/*
 * struct rp__alternative_group - records whose sites overlap, in the order of
 * the table: inner sites before outer ones.
 * @start, @end: what their sites cover
 */
struct rp__alternative_group {
	const struct rp_alternative *records;
	size_t nr;
	uintptr_t start;
	uintptr_t end;
};

/*
 * Check each record of the object by itself. Returns 0, or -EINVAL with @error
 * filled in, which may be NULL.
 */
int rp__alternatives_check(const struct rp__object *object,
			   struct rp_error *error);

/* The group that ends with record @end - 1 of the object's table. */
void rp__alternative_group_find(const struct rp__object *object, size_t end,
				struct rp__alternative_group *ret);

/* Check how the sites overlap; as rp__alternatives_check(). */
int rp__alternative_group_check(const struct rp__object *object,
				const struct rp__alternative_group *group,
				struct rp_error *error);

/* True if one of its features is synthetic: it may change again. */
bool rp__alternative_group_is_live(const struct rp__alternative_group *group);

/*
 * Add to @vec, as struct rp__replaced, all code of the object that is a
 * replacement now, and the replacements themselves, which never run where they
 * are. Returns 0 or -ENOMEM.
 */
int rp__alternatives_note(const struct rp__object *object,
			  struct rp__vec *vec);

/*
 * Compose the group's code from @original, of @end - @start bytes, into @code.
 * Returns 0; -ERANGE, -EILSEQ or -EINVAL with @error filled in.
 */
int rp__alternative_group_compose(const struct rp__object *object,
				  const struct rp__alternative_group *group,
				  const uint8_t *original, uint8_t *code,
				  struct rp_error *error);

/* Tell what was chosen, and why. */
void rp__alternative_group_log(const struct rp__object *object,
			       const struct rp__alternative_group *group);

#endif
