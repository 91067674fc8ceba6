// SPDX-License-Identifier: MIT
/* One walk over all units, for the names that they define. */
#include "../grow.h"
#include "die.h"
#include "index.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Blocks in blocks; what is nested deeper is not source. */
#define MAX_DEPTH	256

/* Scopes that are longer are cut: their types count as of one name. */
#define SCOPE_SIZE	1024

/* A declaration, and the scope in which a definition elsewhere belongs. */
struct declaration {
	const void *addr;
	size_t scope;		// in the walker's scopes
};

struct walker {
	struct rp_debug_index *index;
	struct rp_diag *diag;
	uint64_t budget;	// DIEs: siblings of damaged ones may fork
	unsigned int depth;
	bool is_cxx;
	bool in_function;
	struct declaration *declarations;	// in the order of the file
	size_t ndeclarations, declarations_room;
	char *scopes;
	size_t scopes_size, scopes_room;
	size_t scope_length;
	char scope[SCOPE_SIZE];
};

uint64_t rp_hash_string(uint64_t hash, const char *s)
{
	for (; *s; s++)
		hash = (hash ^ (uint8_t)*s) * 0x100000001b3u;
	return rp_hash_number(hash, 0xff);
}

static bool same_name(const struct rp_debug_index *index, uint32_t i,
		      uint64_t hash, uint8_t kind, const char *name)
{
	const struct rp_def *def = &index->defs[i];

	return def->hash == hash && def->kind == kind &&
	       !strcmp(rp_def_name(index, def), name);
}

static uint32_t *name_slot(const struct rp_debug_index *index, uint64_t hash,
			   uint8_t kind, const char *name)
{
	const struct rp_debug_table *table = &index->by_name;
	uint32_t i = (uint32_t)hash & table->mask;

	while (table->slots[i] != RP_DEF_NONE &&
	       !same_name(index, table->slots[i], hash, kind, name))
		i = (i + 1) & table->mask;
	return &table->slots[i];
}

static uint64_t hash_die(const Dwarf_Die *die)
{
	return rp_hash_number(RP_HASH_INIT, (uintptr_t)die->addr);
}

static uint32_t *die_slot(const struct rp_debug_index *index,
			  const Dwarf_Die *die)
{
	const struct rp_debug_table *table = &index->by_die;
	uint32_t i = (uint32_t)hash_die(die) & table->mask;

	while (table->slots[i] != RP_DEF_NONE &&
	       index->defs[table->slots[i]].die.addr != die->addr)
		i = (i + 1) & table->mask;
	return &table->slots[i];
}

static void enter(struct rp_debug_index *index, uint32_t i)
{
	struct rp_def *def = &index->defs[i];
	uint32_t *slot = name_slot(index, def->hash, def->kind,
				   rp_def_name(index, def));

	def->next = RP_DEF_NONE;
	def->last = i;
	if (*slot == RP_DEF_NONE) {
		*slot = i;
	} else {
		index->defs[index->defs[*slot].last].next = i;
		index->defs[*slot].last = i;
	}
	if (def->kind != RP_DEF_TYPE && def->kind != RP_DEF_TYPEDEF)
		return;
	slot = die_slot(index, &def->die);
	if (*slot == RP_DEF_NONE)
		*slot = i;
}

static int make_table(struct rp_debug_table *table, uint32_t n)
{
	uint32_t size = 64;

	while (size < 2 * n && size < 1u << 31)
		size *= 2;
	free(table->slots);
	table->slots = malloc(size * sizeof(*table->slots));
	if (!table->slots)
		return -ENOMEM;
	memset(table->slots, 0xff, size * sizeof(*table->slots));
	table->mask = size - 1;
	return 0;
}

/* Tables are made when all names are known: they need not grow. */
static int make_tables(struct rp_debug_index *index, struct rp_diag *diag)
{
	if (make_table(&index->by_name, index->ndefs) ||
	    make_table(&index->by_die, index->ndefs))
		return rp_diag_nomem(diag);
	for (uint32_t i = 0; i < index->ndefs; i++)
		enter(index, i);
	return 0;
}

static int add_name(struct walker *w, const char *scope, size_t length,
		    const char *name)
{
	struct rp_debug_index *index = w->index;
	size_t size = strlen(name) + 1;

	if (length + size > UINT32_MAX - index->names_size)
		return rp_diag_set(w->diag, RP_DIAG_DEBUG_INFO, NULL,
				   "the debug information has too many names");
	if (rp_grow(&index->names, &index->names_room,
		    index->names_size + length + size, 1))
		return rp_diag_nomem(w->diag);
	memcpy(index->names + index->names_size, scope, length);
	memcpy(index->names + index->names_size + length, name, size);
	index->names_size += length + size;
	return 0;
}

static int define(struct walker *w, enum rp_def_kind kind, const char *name,
		  const Dwarf_Die *die, unsigned int rank)
{
	struct rp_debug_index *index = w->index;
	bool scoped = kind != RP_DEF_LINKAGE && kind != RP_DEF_FUNCTION;
	struct rp_def def = {
		.die = *die, .name = (uint32_t)index->names_size,
		.kind = (uint8_t)kind, .rank = (uint8_t)rank,
		.is_cxx = w->is_cxx,
	};

	int rc = add_name(w, w->scope, scoped ? w->scope_length : 0, name);
	if (rc)
		return rc;
	def.hash = rp_hash_string(rp_hash_number(RP_HASH_INIT, kind),
				  index->names + def.name);
	if (rp_grow(&index->defs, &index->room, index->ndefs + (size_t)1,
		    sizeof(*index->defs)))
		return rp_diag_nomem(w->diag);
	index->defs[index->ndefs++] = def;
	return 0;
}

static int walk(struct walker *w, Dwarf_Die *parent);

static int walk_scope(struct walker *w, Dwarf_Die *die, const char *name,
		      const char *suffix)
{
	size_t length = w->scope_length;

	int n = snprintf(w->scope + length, SCOPE_SIZE - length, "%s%s::", name,
			 suffix);
	size_t room = SCOPE_SIZE - 1 - length;
	w->scope_length += (size_t)n < room ? (size_t)n : room;
	int rc = walk(w, die);
	w->scope_length = length;
	return rc;
}

/*
 * The name, or that of the declaration that this DIE completes, or that of the
 * definition, in a unit of types, that it stands for.
 */
static const char *name_of(struct rp_attrs *attrs)
{
	const char *name = rp_attrs_string(attrs, RP_ATTR_NAME);
	Dwarf_Die other;

	if (!name && (rp_attrs_die(attrs, RP_ATTR_SPECIFICATION, &other) ||
		      rp_attrs_die(attrs, RP_ATTR_SIGNATURE, &other)))
		name = rp_die_string(&other, DW_AT_name);
	return name;
}

static int remember_scope(struct walker *w, const Dwarf_Die *die)
{
	size_t at = w->scopes_size, size = w->scope_length + 1;

	if (rp_grow(&w->scopes, &w->scopes_room, at + size, 1) ||
	    rp_grow(&w->declarations, &w->declarations_room,
		    w->ndeclarations + 1, sizeof(*w->declarations)))
		return rp_diag_nomem(w->diag);
	memcpy(w->scopes + at, w->scope, w->scope_length);
	w->scopes[at + w->scope_length] = '\0';
	w->scopes_size += size;
	w->declarations[w->ndeclarations++] = (struct declaration){
		.addr = die->addr, .scope = at,
	};
	return 0;
}

static int compare_declarations(const void *a, const void *b)
{
	const struct declaration *x = a, *y = b;

	return x->addr < y->addr ? -1 : x->addr > y->addr;
}

/* The walk went through the image from its start: they are sorted. */
static const char *declared_scope(const struct walker *w, const Dwarf_Die *die)
{
	struct declaration key = { .addr = die->addr };
	struct declaration *found;

	if (!w->ndeclarations)
		return NULL;
	found = bsearch(&key, w->declarations, w->ndeclarations, sizeof(key),
			compare_declarations);
	return found ? w->scopes + found->scope : NULL;
}

static int visit_tagged(struct walker *w, Dwarf_Die *die,
			struct rp_attrs *attrs)
{
	const char *name = name_of(attrs);
	int rc = 0;

	if (rp_attrs_has(attrs, RP_ATTR_DECLARATION))
		rc = remember_scope(w, die);
	else if (name)
		rc = define(w, RP_DEF_TYPE, name, die, 0);
	if (rc || dwarf_tag(die) == DW_TAG_enumeration_type)
		return rc;
	return walk_scope(w, die, name ? name : "(anonymous)", "");
}

/* struct A { struct B; }; struct A::B { ... }; and all in units of types. */
static int visit_completed(struct walker *w, Dwarf_Die *die,
			   struct rp_attrs *attrs, const char *scope)
{
	size_t length = w->scope_length;
	char saved[SCOPE_SIZE];

	memcpy(saved, w->scope, length);
	w->scope_length = strlen(scope);
	memcpy(w->scope, scope, w->scope_length);
	int rc = visit_tagged(w, die, attrs);
	memcpy(w->scope, saved, length);
	w->scope_length = length;
	return rc;
}

static int visit_aggregate(struct walker *w, Dwarf_Die *die)
{
	struct rp_attrs attrs;
	const char *scope = NULL;
	Dwarf_Die other;

	rp_attrs_read(&attrs, die);
	if (rp_attrs_die(&attrs, RP_ATTR_SPECIFICATION, &other))
		scope = declared_scope(w, &other);
	if (scope)
		return visit_completed(w, die, &attrs, scope);
	return visit_tagged(w, die, &attrs);
}

/* Without a name it goes by its first enumerator, if no typedef names it. */
static int visit_enum(struct walker *w, Dwarf_Die *die)
{
	struct rp_attrs attrs;
	char name[128];
	Dwarf_Die first;

	rp_attrs_read(&attrs, die);
	if (rp_attrs_has(&attrs, RP_ATTR_DECLARATION) || name_of(&attrs))
		return visit_aggregate(w, die);
	if (dwarf_child(die, &first))
		return 0;
	const char *own = dwarf_diename(&first);
	snprintf(name, sizeof(name), "{ %s, ... }", own ? own : "");
	return define(w, RP_DEF_CONSTANT, name, die, 0);
}

static bool is_nameless(Dwarf_Die *die)
{
	struct rp_attrs attrs;

	rp_attrs_read(&attrs, die);
	return !rp_attrs_has(&attrs, RP_ATTR_DECLARATION) && !name_of(&attrs);
}

/*
 * The type without a name that is behind pointers, arrays, and qualifiers.
 * @direct: it is behind none
 */
static bool find_nameless(struct rp_attrs *attrs, Dwarf_Die *ret, bool *direct)
{
	Dwarf_Attribute attr;

	*direct = true;
	if (!rp_attrs_die(attrs, RP_ATTR_TYPE, ret))
		return false;
	for (int hops = 0; hops < 8; hops++) {
		int tag = dwarf_tag(ret);

		if (rp_die_is_aggregate(tag) || tag == DW_TAG_enumeration_type)
			return is_nameless(ret);
		if (tag != DW_TAG_pointer_type && tag != DW_TAG_array_type &&
		    tag != DW_TAG_const_type && tag != DW_TAG_volatile_type)
			return false;
		Dwarf_Die next;
		if (!dwarf_formref_die(dwarf_attr(ret, DW_AT_type, &attr),
				       &next))
			return false;
		*ret = next;
		*direct = false;
	}
	return false;
}

static int visit_typedef(struct walker *w, Dwarf_Die *die)
{
	struct rp_attrs attrs;
	Dwarf_Die type;
	bool direct;

	rp_attrs_read(&attrs, die);
	const char *name = rp_attrs_string(&attrs, RP_ATTR_NAME);
	if (!name || !find_nameless(&attrs, &type, &direct))
		return 0;
	return define(w, !direct ? RP_DEF_VARIABLE :
		      w->is_cxx ? RP_DEF_TYPE : RP_DEF_TYPEDEF, name, &type, 0);
}

/* Variables on the stack have no layout that outlives their function's code. */
static bool is_static(struct walker *w, struct rp_attrs *attrs)
{
	uint64_t operand;
	uint8_t op;

	if (!w->in_function)
		return true;
	return rp_attrs_op(attrs, RP_ATTR_LOCATION, &op, &operand) &&
	       (op == DW_OP_addr || op == DW_OP_addrx);
}

static int visit_variable(struct walker *w, Dwarf_Die *die)
{
	struct rp_attrs attrs;
	Dwarf_Die type;
	bool direct;

	rp_attrs_read(&attrs, die);
	const char *name = rp_attrs_string(&attrs, RP_ATTR_NAME);
	if (!name || !is_static(w, &attrs) ||
	    !find_nameless(&attrs, &type, &direct) ||
	    dwarf_tag(&type) == DW_TAG_enumeration_type)
		return 0;
	return define(w, RP_DEF_VARIABLE, name, &type, 0);
}

static int visit_function(struct walker *w, Dwarf_Die *die)
{
	bool in_function = w->in_function;
	struct rp_attrs attrs, other_attrs;
	Dwarf_Die other;

	rp_attrs_read(&attrs, die);
	// A copy of code; the function is described elsewhere.
	if (rp_attrs_has(&attrs, RP_ATTR_ORIGIN))
		return 0;
	bool declared = rp_attrs_has(&attrs, RP_ATTR_DECLARATION);
	const char *name = name_of(&attrs), *linkage = rp_attrs_linkage(&attrs);
	if (!linkage && rp_attrs_die(&attrs, RP_ATTR_SPECIFICATION, &other)) {
		rp_attrs_read(&other_attrs, &other);
		linkage = rp_attrs_linkage(&other_attrs);
	}
	if (!name)
		return 0;
	int rc = define(w, linkage ? RP_DEF_LINKAGE : RP_DEF_FUNCTION,
			linkage ? linkage : name, die, declared);
	if (rc || declared)
		return rc;
	w->in_function = true;
	rc = walk_scope(w, die, name, "()");
	w->in_function = in_function;
	return rc;
}

static int visit_namespace(struct walker *w, Dwarf_Die *die)
{
	const char *name = dwarf_diename(die);

	return walk_scope(w, die, name ? name : "(anonymous namespace)", "");
}

static int visit(struct walker *w, Dwarf_Die *die)
{
	switch (dwarf_tag(die)) {
	case DW_TAG_structure_type:
	case DW_TAG_union_type:
	case DW_TAG_class_type:
		return visit_aggregate(w, die);
	case DW_TAG_enumeration_type:
		return visit_enum(w, die);
	case DW_TAG_typedef:
		return visit_typedef(w, die);
	case DW_TAG_variable:
		return visit_variable(w, die);
	case DW_TAG_subprogram:
		return visit_function(w, die);
	case DW_TAG_namespace:
	case DW_TAG_module:
		return visit_namespace(w, die);
	case DW_TAG_lexical_block:
		return walk(w, die);
	default:
		return 0;
	}
}

static int walk(struct walker *w, Dwarf_Die *parent)
{
	Dwarf_Die die;

	int left = dwarf_child(parent, &die), rc = 0;
	if (w->depth == MAX_DEPTH)
		return rp_diag_set(w->diag, RP_DIAG_DEBUG_INFO, NULL,
			"the debug information is nested too deeply");
	w->depth++;
	while (!left && !rc) {
		rc = w->budget-- ? visit(w, &die) :
		     rp_debug_damaged(w->diag, ".debug_info");
		if (!rc)
			left = dwarf_siblingof(&die, &die);
	}
	w->depth--;
	if (!rc && left < 0)
		rc = rp_debug_damaged(w->diag, ".debug_info");
	return rc;
}

static bool is_cxx(Dwarf_Die *unit)
{
	switch (dwarf_srclang(unit)) {
	case DW_LANG_C_plus_plus:
	case DW_LANG_C_plus_plus_03:
	case DW_LANG_C_plus_plus_11:
	case DW_LANG_C_plus_plus_14:
	case DW_LANG_ObjC_plus_plus:
		return true;
	default:
		return false;
	}
}

static int walk_units(struct rp_debug_info *info, struct walker *w)
{
	struct rp_debug_unit unit = { .next = 0 };
	int rc;

	while ((rc = rp_debug_unit_next(info, &unit, w->diag)) > 0) {
		w->is_cxx = is_cxx(&unit.die);
		rc = walk(w, &unit.die);
		if (rc)
			return rc;
	}
	return rc;
}

int rp_debug_index_get(struct rp_debug_info *info, struct rp_diag *diag)
{
	struct rp_debug_index *index;
	struct walker w = { .diag = diag, .budget = info->image.size };

	if (info->index)
		return 0;
	index = w.index = calloc(1, sizeof(*index));
	if (!index)
		return rp_diag_nomem(diag);
	int rc = walk_units(info, &w);
	free(w.declarations);
	free(w.scopes);
	if (!rc)
		rc = make_tables(index, diag);
	if (rc) {
		rp_debug_index_free(index);
		return rc;
	}
	info->index = index;
	return 0;
}

uint32_t rp_debug_index_find(const struct rp_debug_index *index,
			     enum rp_def_kind kind, const char *name)
{
	uint64_t hash = rp_hash_string(rp_hash_number(RP_HASH_INIT, kind),
				       name);

	return *name_slot(index, hash, (uint8_t)kind, name);
}

const struct rp_def *rp_debug_index_of(const struct rp_debug_index *index,
				       const Dwarf_Die *die)
{
	uint32_t i = *die_slot(index, die);

	return i == RP_DEF_NONE ? NULL : &index->defs[i];
}

void rp_debug_index_free(struct rp_debug_index *index)
{
	if (!index)
		return;
	free(index->defs);
	free(index->names);
	free(index->by_name.slots);
	free(index->by_die.slots);
	free(index);
}
