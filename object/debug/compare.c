// SPDX-License-Identifier: MIT
/*
 * Types that are laid out otherwise.
 *
 * Usually a name has one definition on each side, and both are equal item by
 * item. Otherwise items are paired by name. Several definitions of one name, as
 * after ld -r, are equal if each has an equal one on the other side; of those
 * that are left over, the first of each side are compared.
 */
#include "../grow.h"
#include "type_change.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct side {
	const struct rp_debug_index *index;
	const char *dir;	// of the compilation
	struct rp_layout layout;
};

/* A change, before it is written down: @at is where, for their order. */
struct found {
	const struct rp_item *old_item, *new_item;	// one may be NULL
	uint64_t at;
};

struct comparer {
	struct side old_side, new_side;
	const struct rp_def *new_def;
	struct rp_type_changes *ret;
	size_t room;
	struct found *found;
	size_t nfound, found_room;
	uint64_t budget;
	struct rp_diag *diag;
};

static bool same_item(const struct rp_item *a, const struct rp_item *b)
{
	// An integer may become an enum, but not one enum another one.
	bool tags = !a->shape.tag || !b->shape.tag ||
		    a->shape.tag == b->shape.tag;

	return a->at == b->at && a->bits == b->bits &&
	       a->shape.hash == b->shape.hash && tags;
}

static bool same_items(const struct rp_layout *a, const struct rp_layout *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (a->v[i].hash != b->v[i].hash ||
		    !same_item(&a->v[i], &b->v[i]))
			return false;
	return true;
}

static bool same_tag(int a, int b)
{
	if (a == DW_TAG_class_type)
		a = DW_TAG_structure_type;
	if (b == DW_TAG_class_type)
		b = DW_TAG_structure_type;
	return a == b;
}

static bool same_whole(const struct rp_layout *a, const struct rp_layout *b)
{
	return a->bytes == b->bytes && same_tag(a->tag, b->tag);
}

static int compare_names(const void *a, const void *b)
{
	const struct rp_item *x = *(const struct rp_item *const *)a;
	const struct rp_item *y = *(const struct rp_item *const *)b;

	if (x->hash != y->hash)
		return x->hash < y->hash ? -1 : 1;
	return x < y ? -1 : x > y;
}

static const struct rp_item **sorted_items(const struct rp_layout *layout)
{
	const struct rp_item **v = calloc(layout->n + 1, sizeof(*v));

	if (!v)
		return NULL;
	for (size_t i = 0; i < layout->n; i++)
		v[i] = &layout->v[i];
	qsort(v, layout->n, sizeof(*v), compare_names);
	return v;
}

/* Of enumerators only those that both have, with different numbers, count. */
static bool counts(const struct rp_item *a, const struct rp_item *b)
{
	if (a && b)
		return !same_item(a, b);
	return (a ? a : b)->kind != RP_ITEM_ENUMERATOR;
}

static int add_found(struct comparer *c, const struct rp_item *a,
		     const struct rp_item *b)
{
	if (!counts(a, b))
		return 0;
	if (rp_grow(&c->found, &c->found_room, c->nfound + 1,
		    sizeof(*c->found)))
		return rp_diag_nomem(c->diag);
	struct found *f = &c->found[c->nfound++];
	f->old_item = a;
	f->new_item = b;
	f->at = a && b ? (a->at < b->at ? a->at : b->at) : (a ? a : b)->at;
	return 0;
}

static int merge(struct comparer *c, const struct rp_item **a,
		 const struct rp_item **b)
{
	size_t i = 0, j = 0;
	int rc = 0;

	while (!rc && (a[i] || b[j])) {
		if (!b[j] || (a[i] && a[i]->hash < b[j]->hash))
			rc = add_found(c, a[i++], NULL);
		else if (!a[i] || a[i]->hash > b[j]->hash)
			rc = add_found(c, NULL, b[j++]);
		else
			rc = add_found(c, a[i++], b[j++]);
	}
	return rc;
}

static int compare_found(const void *a, const void *b)
{
	const struct found *x = a, *y = b;

	if (x->at != y->at)
		return x->at < y->at ? -1 : 1;
	// What is new in a place comes before what it has moved away.
	if (!x->old_item != !y->old_item)
		return x->old_item ? 1 : -1;
	const struct rp_item *p = x->old_item ? x->old_item : x->new_item;
	const struct rp_item *q = y->old_item ? y->old_item : y->new_item;
	return p < q ? -1 : p > q;
}

/* Items that differ go into @found, in the order of their places. */
static int find_changes(struct comparer *c)
{
	const struct rp_layout *a = &c->old_side.layout;
	const struct rp_layout *b = &c->new_side.layout;
	int rc;

	c->nfound = 0;
	if (same_items(a, b))
		return 0;
	const struct rp_item **x = sorted_items(a), **y = sorted_items(b);
	rc = x && y ? merge(c, x, y) : rp_diag_nomem(c->diag);
	free(x);
	free(y);
	if (!rc && c->nfound)
		qsort(c->found, c->nfound, sizeof(*c->found), compare_found);
	return rc;
}

static struct rp_type_change *add_change(struct comparer *c,
					 enum rp_type_change_kind kind)
{
	if (rp_grow(&c->ret->v, &c->room, c->ret->n + 1, sizeof(*c->ret->v)))
		return NULL;
	struct rp_type_change *change = &c->ret->v[c->ret->n++];
	Dwarf_Die die = c->new_def->die;
	memset(change, 0, sizeof(*change));
	change->kind = kind;
	rp_type_change_name(change, c->new_side.index, c->new_def,
			    c->new_side.layout.tag);
	rp_type_change_place(change, &die, c->new_side.dir);
	return change;
}

static int report_found(struct comparer *c, const struct found *f)
{
	static const enum rp_type_change_kind kinds[] = {
		[RP_ITEM_BASE] = RP_TYPE_MEMBER,
		[RP_ITEM_MEMBER] = RP_TYPE_MEMBER,
		[RP_ITEM_VIRTUAL] = RP_TYPE_VIRTUAL,
		[RP_ITEM_ENUMERATOR] = RP_TYPE_ENUMERATOR,
	};
	const struct rp_item *item = f->new_item ? f->new_item : f->old_item;
	const struct rp_layout *layout = f->new_item ? &c->new_side.layout :
					 &c->old_side.layout;
	struct rp_type_change *change = add_change(c, kinds[item->kind]);

	if (!change)
		return rp_diag_nomem(c->diag);
	snprintf(change->member, sizeof(change->member), "%s%s%s%s",
		 item->kind == RP_ITEM_BASE ? "base class " : "",
		 layout->text + item->prefix, item->name,
		 item->kind == RP_ITEM_VIRTUAL ? "()" : "");
	rp_type_change_items(change, f->old_item, f->new_item);
	return 0;
}

static int report_whole(struct comparer *c)
{
	const struct rp_layout *a = &c->old_side.layout;
	const struct rp_layout *b = &c->new_side.layout;
	struct rp_type_change *change = add_change(c, RP_TYPE_SIZE);

	if (!change)
		return rp_diag_nomem(c->diag);
	if (!same_tag(a->tag, b->tag))
		rp_type_change_tags(change, a->tag, b->tag);
	else
		rp_type_change_sizes(change, a->bytes, b->bytes);
	return 0;
}

static int report(struct comparer *c)
{
	int rc = 0;

	for (size_t i = 0; i < c->nfound && !rc; i++)
		rc = report_found(c, &c->found[i]);
	if (!rc && !same_whole(&c->old_side.layout, &c->new_side.layout))
		rc = report_whole(c);
	return rc;
}

static int read_side(struct comparer *c, struct side *side, uint32_t i)
{
	return rp_layout_read(&side->layout, side->index,
			      &side->index->defs[i].die, &c->budget, c->diag);
}

/* @same: are they? If not, @found and both layouts say what differs. */
static int compare_pair(struct comparer *c, uint32_t a, uint32_t b, bool *same)
{
	int rc = read_side(c, &c->old_side, a);

	if (!rc)
		rc = read_side(c, &c->new_side, b);
	if (!rc)
		rc = find_changes(c);
	c->new_def = &c->new_side.index->defs[b];
	*same = !rc && !c->nfound &&
		same_whole(&c->old_side.layout, &c->new_side.layout);
	return rc;
}

struct hashed {
	uint64_t hash;
	uint32_t def;
};

static int compare_hashed(const void *a, const void *b)
{
	const struct hashed *x = a, *y = b;

	if (x->hash != y->hash)
		return x->hash < y->hash ? -1 : 1;
	return x->def < y->def ? -1 : x->def > y->def;
}

/* All definitions of a name, by hash. */
static int hash_all(struct comparer *c, struct side *side, uint32_t i,
		    struct hashed **ret, size_t *n)
{
	size_t room = 0;
	int rc = 0;

	for (; i != RP_DEF_NONE && !rc; i = side->index->defs[i].next) {
		rc = read_side(c, side, i);
		if (!rc && rp_grow(ret, &room, *n + 1, sizeof(**ret)))
			rc = rp_diag_nomem(c->diag);
		if (!rc)
			(*ret)[(*n)++] = (struct hashed){
				.hash = rp_layout_hash(&side->layout),
				.def = i,
			};
	}
	if (*n)
		qsort(*ret, *n, sizeof(**ret), compare_hashed);
	return rc;
}

/* The first in the file that has no equal on the other side. */
static uint32_t first_alone(const struct hashed *v, size_t n,
			    const struct hashed *other, size_t m)
{
	uint32_t first = RP_DEF_NONE;

	for (size_t i = 0, j = 0; i < n; i++) {
		while (j < m && other[j].hash < v[i].hash)
			j++;
		if ((j == m || other[j].hash != v[i].hash) && v[i].def < first)
			first = v[i].def;
	}
	return first;
}

static int compare_many(struct comparer *c, uint32_t a, uint32_t b, bool *same)
{
	struct hashed *x = NULL, *y = NULL;
	size_t n = 0, m = 0;

	*same = true;
	int rc = hash_all(c, &c->old_side, a, &x, &n);
	if (!rc)
		rc = hash_all(c, &c->new_side, b, &y, &m);
	if (!rc) {
		a = first_alone(x, n, y, m);
		b = first_alone(y, m, x, n);
		if (a != RP_DEF_NONE && b != RP_DEF_NONE)
			rc = compare_pair(c, a, b, same);
	}
	free(x);
	free(y);
	return rc;
}

static bool is_compared(const struct rp_debug_index *index,
			const struct rp_def *def)
{
	if (def->kind == RP_DEF_LINKAGE || def->kind == RP_DEF_FUNCTION)
		return false;
	// An enum that a typedef names is compared by that name.
	return def->kind != RP_DEF_CONSTANT ||
	       !rp_debug_index_of(index, &def->die);
}

static int compare_name(struct comparer *c, uint32_t b)
{
	const struct rp_debug_index *index = c->new_side.index;
	const struct rp_def *def = &index->defs[b];
	bool same;
	int rc;

	if (!is_compared(index, def) ||
	    rp_debug_index_find(index, def->kind,
				rp_def_name(index, def)) != b)
		return 0;
	uint32_t a = rp_debug_index_find(c->old_side.index, def->kind,
					 rp_def_name(index, def));
	if (a == RP_DEF_NONE)
		return 0;
	if (def->next == RP_DEF_NONE &&
	    c->old_side.index->defs[a].next == RP_DEF_NONE)
		rc = compare_pair(c, a, b, &same);
	else
		rc = compare_many(c, a, b, &same);
	return rc || same ? rc : report(c);
}

static int compare_all(struct comparer *c)
{
	int rc = 0;

	for (uint32_t i = 0; i < c->new_side.index->ndefs && !rc; i++)
		rc = compare_name(c, i);
	return rc;
}

int rp_debug_types_compare(struct rp_debug_info *old_info,
			   struct rp_debug_info *new_info,
			   struct rp_type_changes *ret, struct rp_diag *diag)
{
	struct comparer c = { .ret = ret, .diag = diag };

	ret->v = NULL;
	ret->n = 0;
	int rc = rp_debug_index_get(old_info, diag);
	if (!rc)
		rc = rp_debug_index_get(new_info, diag);
	if (rc)
		return rc;
	c.old_side.index = old_info->index;
	c.new_side.index = new_info->index;
	// Units of types do not say theirs.
	c.new_side.dir = rp_die_string(&new_info->first, DW_AT_comp_dir);
	// Each DIE is read about twice; only damaged types share theirs more.
	c.budget = 16 * ((uint64_t)old_info->image.size + new_info->image.size);
	rc = compare_all(&c);
	rp_layout_deinit(&c.old_side.layout);
	rp_layout_deinit(&c.new_side.layout);
	free(c.found);
	if (rc)
		rp_type_changes_deinit(ret);
	return rc;
}

void rp_type_changes_deinit(struct rp_type_changes *changes)
{
	free(changes->v);
	changes->v = NULL;
	changes->n = 0;
}
