// SPDX-License-Identifier: MIT
/*
 * Reading the layout of one type. Members whose types have no name are read
 * through: "x.a" for struct { int a; } x, "a" if there is no x either.
 */
#include "../grow.h"
#include "die.h"
#include "layout.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Types without names in types without names. */
#define MAX_NESTING	16

struct reader {
	struct rp_layout *layout;
	const struct rp_debug_index *index;
	uint64_t *budget;
	struct rp_diag *diag;
	size_t prefix;
	uint64_t at;		// where the type that is read starts, in bits
	unsigned int nesting;
};

static bool spend(const struct reader *r)
{
	if (!*r->budget)
		return false;
	--*r->budget;
	return true;
}

static int add_item(struct reader *r, struct rp_item item, const char *key)
{
	struct rp_layout *layout = r->layout;

	if (rp_grow(&layout->v, &layout->room, layout->n + 1,
		    sizeof(*layout->v)))
		return rp_diag_nomem(r->diag);
	item.prefix = r->prefix;
	item.hash = rp_hash_number(RP_HASH_INIT, item.kind);
	item.hash = rp_hash_string(item.hash, layout->text + r->prefix);
	item.hash = rp_hash_string(item.hash, key);
	layout->v[layout->n++] = item;
	return 0;
}

static int add_text(struct reader *r, const char *s, size_t *at)
{
	struct rp_layout *layout = r->layout;
	size_t size = strlen(s) + 1;

	if (rp_grow(&layout->text, &layout->text_room,
		    layout->text_size + size, 1))
		return rp_diag_nomem(r->diag);
	*at = layout->text_size;
	memcpy(layout->text + *at, s, size);
	layout->text_size += size;
	return 0;
}

/* What members of the member @name have before their names. */
static int set_prefix(struct reader *r, const char *name, const char *dot)
{
	struct rp_layout *layout = r->layout;
	size_t outer = strlen(layout->text + r->prefix);
	size_t length = outer + strlen(name) + strlen(dot);
	size_t at = layout->text_size;

	if (rp_grow(&layout->text, &layout->text_room, at + length + 1, 1))
		return rp_diag_nomem(r->diag);
	memcpy(layout->text + at, layout->text + r->prefix, outer);
	strcpy(stpcpy(layout->text + at + outer, name), dot);
	layout->text_size += length + 1;
	r->prefix = at;
	return 0;
}

static enum rp_shape_kind base_kind(struct rp_attrs *attrs)
{
	uint64_t encoding = 0;

	rp_attrs_number(attrs, RP_ATTR_ENCODING, &encoding);
	switch (encoding) {
	case DW_ATE_signed:
	case DW_ATE_unsigned:
	case DW_ATE_signed_char:
	case DW_ATE_unsigned_char:
	case DW_ATE_boolean:
	case DW_ATE_UTF:
		return RP_SHAPE_INTEGER;
	case DW_ATE_float:
		return RP_SHAPE_FLOAT;
	default:
		return RP_SHAPE_OTHER;
	}
}

/* The name that a struct, union, enum goes by, as a hash; 0 if by none. */
static uint64_t tag_hash(const struct rp_debug_index *index, Dwarf_Die *die,
			 const char *alias)
{
	const struct rp_def *def = rp_debug_index_of(index, die);
	const char *name = dwarf_diename(die);

	if (def)
		return rp_hash_string(RP_HASH_INIT, rp_def_name(index, def));
	if (!name)
		name = alias;
	return name ? rp_hash_string(RP_HASH_INIT, name) : 0;
}

static void read_array(const struct reader *r, Dwarf_Die *die,
		       struct rp_shape *shape, Dwarf_Die *nameless);

/*
 * @die: a type, which is replaced by what is behind its typedefs
 * @nameless: set to the struct or union without a name that it consists of,
 *            an array's elements included; its addr is NULL if there is none
 */
static void read_shape(const struct reader *r, Dwarf_Die *die,
		       struct rp_shape *shape, Dwarf_Die *nameless)
{
	const char *alias;
	struct rp_attrs attrs;
	uint64_t name = 0;

	int tag = rp_die_strip(die, &alias);
	memset(shape, 0, sizeof(*shape));
	nameless->addr = NULL;
	if (tag == DW_TAG_invalid)
		return;
	rp_attrs_read(&attrs, die);
	rp_attrs_number(&attrs, RP_ATTR_BYTE_SIZE, &shape->bytes);
	switch (tag) {
	case DW_TAG_base_type:
		shape->kind = base_kind(&attrs);
		if (shape->kind == RP_SHAPE_OTHER)
			rp_attrs_number(&attrs, RP_ATTR_ENCODING, &name);
		break;
	case DW_TAG_enumeration_type:
		shape->kind = RP_SHAPE_INTEGER;
		shape->tag = tag_hash(r->index, die, alias);
		break;
	case DW_TAG_pointer_type:
	case DW_TAG_reference_type:
	case DW_TAG_rvalue_reference_type:
		shape->kind = RP_SHAPE_POINTER;
		if (!shape->bytes)
			shape->bytes = 8;
		break;
	case DW_TAG_ptr_to_member_type:
		shape->kind = RP_SHAPE_MEMBER_POINTER;
		if (rp_attrs_die(&attrs, RP_ATTR_TYPE, die))
			name = (uint64_t)rp_die_strip(die, NULL) ==
			       DW_TAG_subroutine_type;
		shape->bytes = name ? 16 : 8;
		break;
	case DW_TAG_array_type:
		read_array(r, die, shape, nameless);
		return;
	case DW_TAG_structure_type:
	case DW_TAG_class_type:
	case DW_TAG_union_type:
		shape->kind = tag == DW_TAG_union_type ? RP_SHAPE_UNION :
			      RP_SHAPE_STRUCT;
		name = tag_hash(r->index, die, alias);
		if (!name)
			*nameless = *die;
		break;
	default:
		shape->kind = RP_SHAPE_OTHER;
		name = (uint64_t)tag;
		break;
	}
	shape->hash = rp_hash_number(RP_HASH_INIT, shape->kind);
	shape->hash = rp_hash_number(shape->hash, name);
}

static void read_array(const struct reader *r, Dwarf_Die *die,
		       struct rp_shape *shape, Dwarf_Die *nameless)
{
	uint64_t hash = rp_hash_number(RP_HASH_INIT, RP_SHAPE_ARRAY);
	uint64_t total = 1;
	struct reader inner = *r;
	struct rp_attrs attrs;
	Dwarf_Die child;

	int left = dwarf_child(die, &child);
	while (!left && spend(r)) {
		if (dwarf_tag(&child) == DW_TAG_subrange_type) {
			uint64_t n = rp_die_count(&child);

			hash = rp_hash_number(hash, n);
			total *= n;
		}
		left = dwarf_siblingof(&child, &child);
	}
	rp_attrs_read(&attrs, die);
	memset(shape, 0, sizeof(*shape));
	if (++inner.nesting <= MAX_NESTING &&
	    rp_attrs_die(&attrs, RP_ATTR_TYPE, &child))
		read_shape(&inner, &child, shape, nameless);
	shape->kind = RP_SHAPE_ARRAY;
	// An open array has no size that would show that of its elements.
	hash = rp_hash_number(hash, shape->bytes);
	shape->bytes *= total;
	shape->hash = rp_hash_number(hash, shape->hash);
}

static int read_children(struct reader *r, Dwarf_Die *die);

/* A pointer's target, if that is a type without a name. */
static bool nameless_target(const struct reader *r, Dwarf_Die *type,
			    Dwarf_Die *nameless)
{
	struct rp_shape shape;
	struct rp_attrs attrs;
	Dwarf_Die target;

	rp_attrs_read(&attrs, type);
	if (!rp_attrs_die(&attrs, RP_ATTR_TYPE, &target))
		return false;
	read_shape(r, &target, &shape, nameless);
	return nameless->addr;
}

static int read_through(const struct reader *r, Dwarf_Die *nameless,
			const struct rp_item *item, const char *dot)
{
	struct reader inner = *r;
	int rc = 0;

	if (++inner.nesting > MAX_NESTING)
		return 0;
	// What a pointer points to starts anew.
	inner.at = item->shape.kind == RP_SHAPE_POINTER ? 0 : item->at;
	if (item->name[0])
		rc = set_prefix(&inner, item->name, dot);
	return rc ? rc : read_children(&inner, nameless);
}

/* Bits from the start of the type; @bits is 0 if it is no bit field. */
static uint64_t member_place(struct rp_attrs *attrs, uint64_t storage,
			     uint64_t *bits)
{
	uint64_t bytes = 0, at = 0, operand, offset;
	uint8_t op;

	*bits = 0;
	rp_attrs_number(attrs, RP_ATTR_BIT_SIZE, bits);
	if (rp_attrs_number(attrs, RP_ATTR_DATA_BIT_OFFSET, &at))
		return at;
	if (!rp_attrs_number(attrs, RP_ATTR_PLACE, &bytes) &&
	    rp_attrs_op(attrs, RP_ATTR_PLACE, &op, &operand))
		// That of a virtual base class is asked of the table, at run
		// time; where in it is the second operation: not compared.
		bytes = op == DW_OP_plus_uconst || op == DW_OP_constu ?
			operand : 0;
	at = bytes * 8;
	// The old form counts from the high end of the unit of storage.
	if (rp_attrs_number(attrs, RP_ATTR_BIT_OFFSET, &offset)) {
		rp_attrs_number(attrs, RP_ATTR_BYTE_SIZE, &storage);
		at += storage * 8 - offset - *bits;
	}
	return at;
}

/* Compilers differ in how they call the pointer to the virtual functions. */
static const char *member_name(struct rp_attrs *attrs)
{
	const char *name = rp_attrs_string(attrs, RP_ATTR_NAME);

	if (!name)
		return "";
	return strncmp(name, "_vptr", 5) ? name : "_vptr";
}

static int read_member(struct reader *r, Dwarf_Die *die)
{
	struct rp_item item = { .kind = RP_ITEM_MEMBER };
	Dwarf_Die type, nameless = { .addr = NULL };
	struct rp_attrs attrs;
	uint64_t bits;

	rp_attrs_read(&attrs, die);
	if (rp_attrs_has(&attrs, RP_ATTR_EXTERNAL) ||
	    rp_attrs_has(&attrs, RP_ATTR_DECLARATION))
		return 0;	// static
	item.name = member_name(&attrs);
	if (rp_attrs_die(&attrs, RP_ATTR_TYPE, &type))
		read_shape(r, &type, &item.shape, &nameless);
	item.at = r->at + member_place(&attrs, item.shape.bytes, &bits);
	item.bits = bits ? bits : item.shape.bytes * 8;
	// One without a name consists of what is in it.
	int rc = item.name[0] ? add_item(r, item, item.name) : 0;
	if (rc)
		return rc;
	if (nameless.addr)
		return read_through(r, &nameless, &item,
			item.shape.kind == RP_SHAPE_ARRAY ? "[]." : ".");
	if (item.shape.kind == RP_SHAPE_POINTER &&
	    nameless_target(r, &type, &nameless))
		return read_through(r, &nameless, &item, "->");
	return 0;
}

static int read_base(struct reader *r, Dwarf_Die *die)
{
	struct rp_item item = { .kind = RP_ITEM_BASE, .name = "" };
	struct rp_attrs attrs;
	Dwarf_Die type, nameless;
	uint64_t bits, is_virtual = 0;

	rp_attrs_read(&attrs, die);
	rp_attrs_number(&attrs, RP_ATTR_VIRTUALITY, &is_virtual);
	if (rp_attrs_die(&attrs, RP_ATTR_TYPE, &type)) {
		read_shape(r, &type, &item.shape, &nameless);
		item.name = dwarf_diename(&type);
	}
	if (!item.name)
		item.name = "";
	item.at = r->at + member_place(&attrs, 0, &bits);
	item.bits = item.shape.bytes * 8;
	item.shape.hash = rp_hash_number(item.shape.hash, is_virtual);
	return add_item(r, item, item.name);
}

static int read_virtual(struct reader *r, Dwarf_Die *die)
{
	struct rp_item item = { .kind = RP_ITEM_VIRTUAL };
	struct rp_attrs attrs;
	uint64_t is_virtual;
	uint8_t op;

	rp_attrs_read(&attrs, die);
	if (!rp_attrs_number(&attrs, RP_ATTR_VIRTUALITY, &is_virtual) ||
	    !is_virtual)
		return 0;
	rp_attrs_op(&attrs, RP_ATTR_VTABLE_PLACE, &op, &item.at);
	item.name = rp_attrs_string(&attrs, RP_ATTR_NAME);
	if (!item.name)
		return 0;
	const char *linkage = rp_attrs_linkage(&attrs);
	return add_item(r, item, linkage ? linkage : item.name);
}

static int read_enumerator(struct reader *r, Dwarf_Die *die)
{
	struct rp_item item = { .kind = RP_ITEM_ENUMERATOR };
	struct rp_attrs attrs;

	rp_attrs_read(&attrs, die);
	item.name = rp_attrs_string(&attrs, RP_ATTR_NAME);
	if (!item.name || !rp_attrs_number(&attrs, RP_ATTR_VALUE, &item.at))
		return 0;
	return add_item(r, item, item.name);
}

static int read_child(struct reader *r, Dwarf_Die *die)
{
	switch (dwarf_tag(die)) {
	case DW_TAG_member:
		return read_member(r, die);
	case DW_TAG_inheritance:
		return read_base(r, die);
	case DW_TAG_subprogram:
		return read_virtual(r, die);
	case DW_TAG_enumerator:
		return read_enumerator(r, die);
	default:
		return 0;
	}
}

static int read_children(struct reader *r, Dwarf_Die *die)
{
	Dwarf_Die child;
	int rc = 0;

	int left = dwarf_child(die, &child);
	while (!left && !rc) {
		rc = spend(r) ? read_child(r, &child) :
		     rp_debug_damaged(r->diag, ".debug_info");
		if (!rc)
			left = dwarf_siblingof(&child, &child);
	}
	if (!rc && left < 0)
		rc = rp_debug_damaged(r->diag, ".debug_info");
	return rc;
}

int rp_layout_read(struct rp_layout *layout, const struct rp_debug_index *index,
		   const Dwarf_Die *die, uint64_t *budget,
		   struct rp_diag *diag)
{
	struct reader r = {
		.layout = layout, .index = index, .budget = budget,
		.diag = diag,
	};
	Dwarf_Die copy = *die;
	struct rp_attrs attrs;

	layout->n = layout->text_size = 0;
	layout->bytes = 0;
	layout->tag = dwarf_tag(&copy);
	rp_attrs_read(&attrs, &copy);
	rp_attrs_number(&attrs, RP_ATTR_BYTE_SIZE, &layout->bytes);
	int rc = add_text(&r, "", &r.prefix);
	return rc ? rc : read_children(&r, &copy);
}

void rp_layout_deinit(struct rp_layout *layout)
{
	free(layout->v);
	free(layout->text);
	memset(layout, 0, sizeof(*layout));
}

uint64_t rp_layout_hash(const struct rp_layout *layout)
{
	uint64_t hash = rp_hash_number(RP_HASH_INIT, layout->bytes);

	for (size_t i = 0; i < layout->n; i++) {
		const struct rp_item *item = &layout->v[i];

		hash = rp_hash_number(hash, item->hash);
		hash = rp_hash_number(hash, item->at);
		hash = rp_hash_number(hash, item->bits);
		hash = rp_hash_number(hash, item->shape.hash);
		hash = rp_hash_number(hash, item->shape.tag);
	}
	return rp_hash_number(hash, layout->tag == DW_TAG_union_type);
}
