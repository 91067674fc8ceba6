/* SPDX-License-Identifier: MIT */
/* What a type consists of, in a form in which two can be compared. */
#ifndef REPOINT_OBJECT_DEBUG_LAYOUT_H
#define REPOINT_OBJECT_DEBUG_LAYOUT_H

#include "index.h"

enum rp_item_kind {
	RP_ITEM_BASE,
	RP_ITEM_MEMBER,
	RP_ITEM_VIRTUAL,
	RP_ITEM_ENUMERATOR,
};

enum rp_shape_kind {
	RP_SHAPE_NONE,
	RP_SHAPE_INTEGER,	/* enums as well, and whatever has a sign */
	RP_SHAPE_FLOAT,
	RP_SHAPE_POINTER,	/* references as well */
	RP_SHAPE_MEMBER_POINTER,
	RP_SHAPE_ARRAY,
	RP_SHAPE_STRUCT,
	RP_SHAPE_UNION,
	RP_SHAPE_OTHER,
};

/**
 * struct rp_shape - what of a type matters to those that hold it.
 * @bytes: its size
 * @hash:  of all that is compared: of arrays also the elements, of a type with
 *         a name that name
 * @tag:   hash of the name of the enum that it is, or 0
 */
struct rp_shape {
	uint64_t bytes;
	uint64_t hash;
	uint64_t tag;
	enum rp_shape_kind kind;
};

/**
 * struct rp_item - a member, base class, virtual function, enumerator.
 * @hash:   of kind and name
 * @name:   in the debug information
 * @prefix: what comes before @name, in the text of the layout
 * @at:     in bits; or the place in the table; or the value
 * @bits:   its size
 */
struct rp_item {
	uint64_t hash;
	const char *name;
	size_t prefix;
	enum rp_item_kind kind;
	uint64_t at;
	uint64_t bits;
	struct rp_shape shape;
};

/**
 * struct rp_layout - one type.
 * @tag:   DW_TAG_...
 * @bytes: its size
 * @v:     its items, as in the source
 * @text:  prefixes, each with a terminating zero
 */
struct rp_layout {
	int tag;
	uint64_t bytes;
	struct rp_item *v;
	size_t n, room;
	char *text;
	size_t text_size, text_room;
};

/**
 * rp_layout_read() - the layout of a type.
 * @layout: deinitialized by the caller, also after a failure
 * @budget: items that may still be read; each takes one
 */
int rp_layout_read(struct rp_layout *layout, const struct rp_debug_index *index,
		   const Dwarf_Die *die, uint64_t *budget,
		   struct rp_diag *diag);
void rp_layout_deinit(struct rp_layout *layout);

/** rp_layout_hash() - equal of layouts that are equal; of enums too. */
uint64_t rp_layout_hash(const struct rp_layout *layout);

#endif /* REPOINT_OBJECT_DEBUG_LAYOUT_H */
