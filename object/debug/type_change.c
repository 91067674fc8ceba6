// SPDX-License-Identifier: MIT
/* How a type differs, in words. */
#include "type_change.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* "12", or "12 bit 3" */
struct number {
	char text[48];
};

static struct number in_bytes(uint64_t bits)
{
	struct number n;

	if (bits % 8)
		snprintf(n.text, sizeof(n.text), "%" PRIu64 " bit %u",
			 bits / 8, (unsigned int)(bits % 8));
	else
		snprintf(n.text, sizeof(n.text), "%" PRIu64, bits / 8);
	return n;
}

static struct number as_size(uint64_t bits)
{
	struct number n;
	uint64_t v = bits % 8 ? bits : bits / 8;

	snprintf(n.text, sizeof(n.text), "%" PRIu64 " %s%s", v,
		 bits % 8 ? "bit" : "byte", v == 1 ? "" : "s");
	return n;
}

static const char *shape_text(const struct rp_item *item)
{
	switch (item->shape.kind) {
	case RP_SHAPE_INTEGER:
		return item->shape.tag ? "an enum" : "an integer";
	case RP_SHAPE_FLOAT:
		return "a floating-point number";
	case RP_SHAPE_POINTER:
		return "a pointer";
	case RP_SHAPE_MEMBER_POINTER:
		return "a pointer to a member";
	case RP_SHAPE_ARRAY:
		return "an array";
	case RP_SHAPE_STRUCT:
		return "a struct";
	case RP_SHAPE_UNION:
		return "a union";
	default:
		return "of another type";
	}
}

static void write_shapes(char *text, size_t size, const struct rp_item *a,
			 const struct rp_item *b)
{
	if (!strcmp(shape_text(a), shape_text(b)))
		snprintf(text, size, "was %s of another type", shape_text(a));
	else
		snprintf(text, size, "was %s, is %s", shape_text(a),
			 shape_text(b));
}

static void write_both(char *text, size_t size, const struct rp_item *a,
		       const struct rp_item *b)
{
	if (a->at != b->at && a->bits != b->bits)
		snprintf(text, size, "was %s at offset %s, is %s at offset %s",
			 as_size(a->bits).text, in_bytes(a->at).text,
			 as_size(b->bits).text, in_bytes(b->at).text);
	else if (a->at != b->at)
		snprintf(text, size, "was at offset %s, is at offset %s",
			 in_bytes(a->at).text, in_bytes(b->at).text);
	else if (a->bits != b->bits)
		snprintf(text, size, "was %s, is %s", as_size(a->bits).text,
			 as_size(b->bits).text);
	else
		write_shapes(text, size, a, b);
}

static void write_item(char *text, size_t size, const struct rp_item *a,
		       const struct rp_item *b)
{
	if (a && b)
		write_both(text, size, a, b);
	else if (b)
		snprintf(text, size, "is new, %s at offset %s",
			 as_size(b->bits).text, in_bytes(b->at).text);
	else
		snprintf(text, size, "is gone, was %s at offset %s",
			 as_size(a->bits).text, in_bytes(a->at).text);
}

static void write_virtual(char *text, size_t size, const struct rp_item *a,
			  const struct rp_item *b)
{
	if (a && b)
		snprintf(text, size, "virtual function was %" PRIu64 " in the "
			 "table, is %" PRIu64, a->at, b->at);
	else
		snprintf(text, size, "virtual function %s, %" PRIu64 " in the "
			 "table", b ? "is new" : "is gone, was", (b ? b : a)->at);
}

static const char *keyword(int tag)
{
	switch (tag) {
	case DW_TAG_union_type:
		return "union";
	case DW_TAG_class_type:
		return "class";
	case DW_TAG_enumeration_type:
		return "enum";
	default:
		return "struct";
	}
}

/* libdw knows no file 0, which in DWARF 5 is the primary one. */
static const char *declaring_file(Dwarf_Die *die, Dwarf_Die *unit)
{
	const char *file = dwarf_decl_file(die);
	Dwarf_Attribute attr;
	Dwarf_Files *files;
	Dwarf_Word index;
	size_t n;

	if (file || dwarf_formudata(dwarf_attr(die, DW_AT_decl_file, &attr),
				    &index) || index ||
	    dwarf_getsrcfiles(unit, &files, &n) || !n)
		return file;
	return dwarf_filesrc(files, 0, NULL, NULL);
}

void rp_type_change_name(struct rp_type_change *change,
			 const struct rp_debug_index *index,
			 const struct rp_def *def, int tag)
{
	const char *name = rp_def_name(index, def);
	const char *form = "%s%s%s";
	const char *word = "", *space = "";

	if (def->kind == RP_DEF_CONSTANT ||
	    (def->kind == RP_DEF_TYPE && !def->is_cxx)) {
		word = keyword(tag);
		space = " ";
	} else if (def->kind == RP_DEF_VARIABLE) {
		word = keyword(tag);
		space = " { ... } ";
	}
	snprintf(change->type, sizeof(change->type), form, word, space, name);
}

void rp_type_change_place(struct rp_type_change *change, Dwarf_Die *die,
			  const char *dir)
{
	Dwarf_Die unit;
	int line;

	if (!dwarf_diecu(die, &unit, NULL, NULL))
		return;
	const char *file = declaring_file(die, &unit);
	if (!file)
		return;
	snprintf(change->file, sizeof(change->file), "%s",
		 rp_file_as_written(file, dir));
	if (!dwarf_decl_line(die, &line) && line > 0)
		change->line = (uint32_t)line;
}

void rp_type_change_items(struct rp_type_change *change,
			  const struct rp_item *a, const struct rp_item *b)
{
	const struct rp_item *item = b ? b : a;

	if (item->kind == RP_ITEM_VIRTUAL)
		write_virtual(change->text, sizeof(change->text), a, b);
	else if (item->kind == RP_ITEM_ENUMERATOR)
		snprintf(change->text, sizeof(change->text),
			 "was %" PRId64 ", is %" PRId64, (int64_t)a->at,
			 (int64_t)b->at);
	else
		write_item(change->text, sizeof(change->text), a, b);
}

void rp_type_change_tags(struct rp_type_change *change, int a, int b)
{
	snprintf(change->text, sizeof(change->text), "was a %s, is a %s",
		 keyword(a), keyword(b));
}

void rp_type_change_sizes(struct rp_type_change *change, uint64_t a, uint64_t b)
{
	snprintf(change->text, sizeof(change->text), "was %s, is %s",
		 as_size(a * 8).text, as_size(b * 8).text);
}
