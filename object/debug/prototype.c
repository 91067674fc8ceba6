// SPDX-License-Identifier: MIT
/*
 * Prototypes of functions, as text in two forms: as in the source, for the
 * user, and without typedefs and qualifiers, which are compared.
 */
#include "die.h"
#include "index.h"

#include <stdio.h>
#include <string.h>

#define MAX_NESTING	16
#define TEXT_SIZE	1024

struct writer {
	const struct rp_debug_index *index;
	bool plain;		// without typedefs and qualifiers
	unsigned int nesting;
	size_t length;
	char text[TEXT_SIZE];
};

static void put(struct writer *w, const char *s)
{
	size_t room = TEXT_SIZE - 1 - w->length, length = strlen(s);

	if (length > room)
		length = room;
	memcpy(w->text + w->length, s, length);
	w->length += length;
	w->text[w->length] = '\0';
}

static void put_type(struct writer *w, Dwarf_Die *type);

/* The type that @die is made of; without one, it is void. */
static bool target_of(Dwarf_Die *die, Dwarf_Die *ret)
{
	Dwarf_Attribute attr;

	return dwarf_formref_die(dwarf_attr(die, DW_AT_type, &attr), ret);
}

static void put_target(struct writer *w, Dwarf_Die *die)
{
	Dwarf_Die target;

	if (target_of(die, &target))
		put_type(w, &target);
	else
		put(w, "void");
}

static void put_parameters(struct writer *w, Dwarf_Die *function)
{
	const char *comma = "";
	Dwarf_Die child;

	put(w, "(");
	int left = dwarf_child(function, &child);
	while (!left && w->length < TEXT_SIZE - 1) {
		int tag = dwarf_tag(&child);

		if (tag == DW_TAG_formal_parameter ||
		    tag == DW_TAG_unspecified_parameters) {
			put(w, comma);
			comma = ", ";
		}
		if (tag == DW_TAG_formal_parameter)
			put_target(w, &child);
		else if (tag == DW_TAG_unspecified_parameters)
			put(w, "...");
		left = dwarf_siblingof(&child, &child);
	}
	put(w, *comma ? ")" : "void)");
}

static void put_pointer(struct writer *w, Dwarf_Die *die, const char *mark)
{
	Dwarf_Die target;

	if (target_of(die, &target) &&
	    dwarf_tag(&target) == DW_TAG_subroutine_type) {
		put_target(w, &target);
		put(w, " (");
		put(w, mark);
		put(w, ")");
		put_parameters(w, &target);
		return;
	}
	put_target(w, die);
	if (w->length && w->text[w->length - 1] != '*')
		put(w, " ");
	put(w, mark);
}

static void put_tagged(struct writer *w, Dwarf_Die *die, const char *word)
{
	const struct rp_def *def = rp_debug_index_of(w->index, die);
	const char *name = dwarf_diename(die);

	if ((!def || !def->is_cxx) && (!def || def->kind == RP_DEF_TYPE)) {
		put(w, word);
		put(w, " ");
	}
	put(w, def ? rp_def_name(w->index, def) : name ? name : "{ ... }");
}

static void put_qualified(struct writer *w, Dwarf_Die *die, const char *word)
{
	if (!w->plain) {
		put(w, word);
		put(w, " ");
	}
	put_target(w, die);
}

static void put_named(struct writer *w, Dwarf_Die *die)
{
	const char *name = dwarf_diename(die);

	put(w, name ? name : "?");
}

static void put_by_tag(struct writer *w, Dwarf_Die *type)
{
	switch (dwarf_tag(type)) {
	case DW_TAG_pointer_type:
		put_pointer(w, type, "*");
		break;
	case DW_TAG_reference_type:
		put_pointer(w, type, "&");
		break;
	case DW_TAG_rvalue_reference_type:
		put_pointer(w, type, "&&");
		break;
	case DW_TAG_ptr_to_member_type:
		put_pointer(w, type, "::*");
		break;
	case DW_TAG_structure_type:
	case DW_TAG_class_type:
		put_tagged(w, type, "struct");
		break;
	case DW_TAG_union_type:
		put_tagged(w, type, "union");
		break;
	case DW_TAG_enumeration_type:
		put_tagged(w, type, "enum");
		break;
	case DW_TAG_const_type:
		put_qualified(w, type, "const");
		break;
	case DW_TAG_volatile_type:
		put_qualified(w, type, "volatile");
		break;
	case DW_TAG_restrict_type:
	case DW_TAG_atomic_type:
		put_target(w, type);
		break;
	case DW_TAG_array_type:
		put_target(w, type);
		put(w, "[]");
		break;
	case DW_TAG_subroutine_type:
		put_target(w, type);
		put(w, " ");
		put_parameters(w, type);
		break;
	case DW_TAG_typedef:
		if (w->plain)
			put_target(w, type);
		else
			put_named(w, type);
		break;
	default:
		put_named(w, type);
	}
}

static void put_type(struct writer *w, Dwarf_Die *type)
{
	Dwarf_Die die = *type;

	// Ends cycles of damaged types, too.
	if (++w->nesting > MAX_NESTING) {
		put(w, "...");
	} else {
		if (w->plain)
			rp_die_strip(&die, NULL);
		put_by_tag(w, &die);
	}
	w->nesting--;
}

static void write_prototype(struct writer *w, Dwarf_Die *function,
			    const char *name)
{
	Dwarf_Die declared, result;
	Dwarf_Attribute attr;

	w->length = 0;
	w->nesting = 0;
	// The result of a method is that of its declaration in the class.
	if (!target_of(function, &result) &&
	    dwarf_formref_die(dwarf_attr(function, DW_AT_specification, &attr),
			      &declared))
		put_target(w, &declared);
	else
		put_target(w, function);
	put(w, " ");
	put(w, name);
	put_parameters(w, function);
}

/* Names of symbols have a suffix if the compiler made them of others. */
static uint32_t find_function(const struct rp_debug_index *index,
			      const char *symbol)
{
	char name[TEXT_SIZE];
	size_t length = strcspn(symbol, ".");
	uint32_t i = rp_debug_index_find(index, RP_DEF_LINKAGE, symbol);

	if (i == RP_DEF_NONE)
		i = rp_debug_index_find(index, RP_DEF_FUNCTION, symbol);
	if (i != RP_DEF_NONE || !symbol[length] || !length ||
	    length >= sizeof(name))
		return i;
	memcpy(name, symbol, length);
	name[length] = '\0';
	return find_function(index, name);
}

/* The next definition that describes it as well as the best one does. */
static uint32_t next_best(const struct rp_debug_index *index, uint32_t first,
			  uint32_t i)
{
	uint8_t best = UINT8_MAX;

	for (uint32_t j = first; j != RP_DEF_NONE; j = index->defs[j].next)
		if (index->defs[j].rank < best)
			best = index->defs[j].rank;
	while (i != RP_DEF_NONE && index->defs[i].rank != best)
		i = index->defs[i].next;
	return i;
}

/* Of static functions of one name, as after ld -r, so many are tried. */
#define MAX_TRIED	16

static bool any_same(struct writer *a, uint32_t i, struct writer *b, uint32_t j)
{
	uint32_t first_i = i, first_j = j;

	a->plain = b->plain = true;
	for (int n = 0; n < MAX_TRIED && i != RP_DEF_NONE; n++) {
		Dwarf_Die x = a->index->defs[i].die;

		write_prototype(a, &x, "");
		j = next_best(b->index, first_j, first_j);
		for (int m = 0; m < MAX_TRIED && j != RP_DEF_NONE; m++) {
			Dwarf_Die y = b->index->defs[j].die;

			write_prototype(b, &y, "");
			if (!strcmp(a->text, b->text))
				return true;
			j = next_best(b->index, first_j, b->index->defs[j].next);
		}
		i = next_best(a->index, first_i, a->index->defs[i].next);
	}
	return false;
}

static void describe(struct writer *w, uint32_t i)
{
	Dwarf_Die die = w->index->defs[i].die;
	Dwarf_Attribute attr;

	const char *name = dwarf_formstring(
		dwarf_attr_integrate(&die, DW_AT_name, &attr));
	w->plain = false;
	write_prototype(w, &die, name ? name : "?");
}

int rp_debug_prototype_changed(struct rp_debug_info *old_info,
			       struct rp_debug_info *new_info,
			       const char *old_name, const char *new_name,
			       char *text, size_t size)
{
	struct writer a = { .length = 0 }, b = { .length = 0 };
	struct rp_diag diag;

	if (rp_debug_index_get(old_info, &diag) ||
	    rp_debug_index_get(new_info, &diag))
		return -1;
	a.index = old_info->index;
	b.index = new_info->index;
	uint32_t i = find_function(a.index, old_name);
	uint32_t j = find_function(b.index, new_name);
	if (i == RP_DEF_NONE || j == RP_DEF_NONE)
		return -1;
	i = next_best(a.index, i, i);
	j = next_best(b.index, j, j);
	if (any_same(&a, i, &b, j))
		return 0;
	describe(&a, i);
	describe(&b, j);
	snprintf(text, size, "was %s, is %s", a.text, b.text);
	return 1;
}
