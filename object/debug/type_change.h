/* SPDX-License-Identifier: MIT */
/* How a type differs, in words: parts of struct rp_type_change. */
#ifndef REPOINT_OBJECT_DEBUG_TYPE_CHANGE_H
#define REPOINT_OBJECT_DEBUG_TYPE_CHANGE_H

#include "layout.h"

/** rp_type_change_name() - @tag: of the definition's layout. */
void rp_type_change_name(struct rp_type_change *change,
			 const struct rp_debug_index *index,
			 const struct rp_def *def, int tag);

/** rp_type_change_place() - where it is declared. @dir: of the compilation. */
void rp_type_change_place(struct rp_type_change *change, Dwarf_Die *die,
			  const char *dir);

/* What was and what is. Of the items one may be NULL, but for enumerators. */
void rp_type_change_items(struct rp_type_change *change,
			  const struct rp_item *a, const struct rp_item *b);
void rp_type_change_tags(struct rp_type_change *change, int a, int b);
void rp_type_change_sizes(struct rp_type_change *change, uint64_t a,
			  uint64_t b);

#endif /* REPOINT_OBJECT_DEBUG_TYPE_CHANGE_H */
