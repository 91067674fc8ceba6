/* SPDX-License-Identifier: MIT */
/* What the author of a fix says in its source: hooks, and intended changes of data. */
#include "patch_internal.h"

#include <stdlib.h>
#include <string.h>

#include <repoint/livepatch.h>

static bool is_record_of(const struct rp_side *side, uint32_t atom,
			 const char *section)
{
	const struct rp_atom *a = &side->atoms.v[atom];

	return a->kind == RP_ATOM_RECORD &&
	       !strcmp(side->obj.sections[a->section].name, section);
}

static uint32_t read32(const struct rp_side *side, uint32_t atom, size_t offset)
{
	uint32_t v = 0;

	if (offset + sizeof(v) <= side->atoms.v[atom].size)
		memcpy(&v, rp_atom_bytes(&side->atoms, atom) + offset, sizeof(v));
	return v;
}

static const struct rp_ref *ref_at(const struct rp_side *side, uint32_t atom,
				   uint64_t offset)
{
	const struct rp_atom *a = &side->atoms.v[atom];

	for (size_t i = 0; i < a->nrefs; i++) {
		if (a->refs[i].offset == offset)
			return &a->refs[i];
	}
	return NULL;
}

static uint32_t hook_kind(const struct rp_side *side, uint32_t atom)
{
	return read32(side, atom, offsetof(struct rp_livepatch_hook, kind));
}

/* Hooks that the old version had as well are those of an earlier patch. */
static bool is_old_hook(const struct rp_unit *u, uint32_t function,
			uint32_t kind)
{
	uint32_t twin = u->new_side.twin[function];

	for (uint32_t i = 1; twin && i < u->old_side.atoms.n; i++) {
		const struct rp_ref *ref;

		if (!is_record_of(&u->old_side, i, RP_LIVEPATCH_HOOKS_SECTION))
			continue;
		ref = ref_at(&u->old_side, i, 0);
		if (ref && ref->atom == twin && hook_kind(&u->old_side, i) == kind)
			return true;
	}
	return false;
}

/* The function of a hook of this patch, or RP_ATOM_NONE. */
static uint32_t hook_function(const struct rp_unit *u, uint32_t atom)
{
	const struct rp_ref *ref;

	if (!is_record_of(&u->new_side, atom, RP_LIVEPATCH_HOOKS_SECTION))
		return RP_ATOM_NONE;
	ref = ref_at(&u->new_side, atom, 0);
	if (!ref || !ref->atom || is_old_hook(u, ref->atom,
					      hook_kind(&u->new_side, atom)))
		return RP_ATOM_NONE;
	return ref->atom;
}

static int bad_marker(struct rp_patch *p, const struct rp_unit *u,
		      const char *section, const char *why)
{
	return rp_patch_refuse(p, u->name, RP_DIAG_PATCH_MARKER, section,
		"%s; use the macros of <repoint/livepatch.h>", why);
}

static int check_hook(struct rp_patch *p, const struct rp_unit *u, uint32_t atom)
{
	const struct rp_ref *ref = ref_at(&u->new_side, atom, 0);
	uint32_t kind = hook_kind(&u->new_side, atom);

	if (!ref || !ref->atom || ref->place ||
	    u->new_side.atoms.v[ref->atom].kind != RP_ATOM_FUNCTION)
		return bad_marker(p, u, RP_LIVEPATCH_HOOKS_SECTION,
				  "a hook that is no function of this object");
	if (!kind || kind >= RP_HOOK_NR)
		return bad_marker(p, u, RP_LIVEPATCH_HOOKS_SECTION,
				  "a hook of a kind that is not known");
	return 0;
}

static uint32_t data_mode(const struct rp_side *side, uint32_t atom)
{
	return read32(side, atom, offsetof(struct rp_livepatch_data, mode));
}

/* A variable, or a part of it, that a record is about. */
struct part {
	uint32_t object;
	uint64_t offset;
	uint64_t size;
};

/* Return: is the record sound? */
static bool data_part(const struct rp_side *side, uint32_t atom,
		      struct part *ret)
{
	const struct rp_ref *ref;

	if (!is_record_of(side, atom, RP_LIVEPATCH_DATA_SECTION) ||
	    side->atoms.v[atom].size < sizeof(struct rp_livepatch_data))
		return false;
	ref = ref_at(side, atom, 0);
	if (!ref || !ref->atom || ref->place < 0)
		return false;
	*ret = (struct part){ .object = ref->atom, .offset = ref->place };
	memcpy(&ret->size, rp_atom_bytes(&side->atoms, atom) +
	       offsetof(struct rp_livepatch_data, size), sizeof(ret->size));
	const struct rp_atom *object = &side->atoms.v[ref->atom];
	return ret->offset < object->size &&
	       ret->size <= object->size - ret->offset;
}

/* The variable that a record is about, if it is sound. */
static uint32_t data_object(const struct rp_side *side, uint32_t atom)
{
	struct part part;

	return data_part(side, atom, &part) ? part.object : RP_ATOM_NONE;
}

static int check_data(struct rp_patch *p, const struct rp_unit *u, uint32_t atom)
{
	uint32_t object = data_object(&u->new_side, atom);
	uint32_t mode = data_mode(&u->new_side, atom);
	char label[64];

	if (!object || (u->new_side.atoms.v[object].kind != RP_ATOM_DATA &&
			u->new_side.atoms.v[object].kind != RP_ATOM_CONST))
		return bad_marker(p, u, RP_LIVEPATCH_DATA_SECTION,
				  "a mark on what is no variable of this object");
	if (!mode || mode >= RP_LIVEPATCH_DATA_NR)
		return bad_marker(p, u, RP_LIVEPATCH_DATA_SECTION,
				  "a mark of a kind that is not known");
	if (mode != RP_LIVEPATCH_DATA_KEEP &&
	    u->change[object].fate == RP_FATE_CHANGED &&
	    u->new_side.atoms.v[object].size !=
	    u->old_side.atoms.v[u->new_side.twin[object]].size)
		return rp_patch_refuse(p, u->name, RP_DIAG_PATCH_LAYOUT,
			rp_atom_label(&u->new_side.atoms, object, label,
				      sizeof(label)),
			"is to be set, but its size changed");
	return 0;
}

static bool is_marked(const struct rp_side *side, uint32_t atom,
		      uint64_t offset)
{
	struct part part;

	for (uint32_t r = side->records[atom]; r; r = side->next_record[r]) {
		if (data_part(side, r, &part) && part.object == atom &&
		    offset >= part.offset && offset - part.offset < part.size)
			return true;
	}
	return false;
}

static bool is_same_literal(const struct rp_side *o, uint32_t old_atom,
			    const struct rp_side *n, uint32_t new_atom)
{
	const struct rp_atom *x = &o->atoms.v[old_atom];
	const struct rp_atom *y = &n->atoms.v[new_atom];

	return x->kind == RP_ATOM_LITERAL && y->kind == RP_ATOM_LITERAL &&
	       !x->nrefs && !y->nrefs && x->size == y->size &&
	       !memcmp(rp_atom_bytes(&o->atoms, old_atom),
		       rp_atom_bytes(&n->atoms, new_atom), x->size);
}

/* Does an address in a variable's initial value mean what it meant before? */
static bool is_same_ref(const struct rp_unit *u, const struct rp_atom *old_atom,
			const struct rp_ref *n)
{
	const struct rp_side *o = &u->old_side;

	for (size_t i = 0; i < old_atom->nrefs; i++) {
		const struct rp_ref *ref = &old_atom->refs[i];

		if (ref->offset != n->offset)
			continue;
		if (ref->type != n->type || ref->place != n->place ||
		    !ref->atom != !n->atom)
			return false;
		if (n->atom)
			return is_same_literal(o, ref->atom, &u->new_side,
					       n->atom) ||
			       (u->new_side.twin[n->atom] == ref->atom &&
				u->change[n->atom].fate == RP_FATE_SAME);
		return !strcmp(o->obj.symbols[ref->symbol].name,
			       u->new_side.obj.symbols[n->symbol].name);
	}
	return false;
}

/* Every byte that differs is marked, and every address that does. */
bool rp_patch_is_intended(const struct rp_patch *p, uint32_t unit,
			  uint32_t atom)
{
	const struct rp_unit *u = &p->units[unit];
	const struct rp_side *side = &u->new_side;
	const struct rp_atom *n = &side->atoms.v[atom];
	uint32_t twin = side->twin[atom];
	const struct rp_atom *o = &u->old_side.atoms.v[twin];
	const uint8_t *x = rp_atom_bytes(&u->old_side.atoms, twin);
	const uint8_t *y = rp_atom_bytes(&side->atoms, atom);

	if (o->size != n->size)
		return is_marked(side, atom, 0) && is_marked(side, atom,
							     n->size - 1);
	for (uint64_t i = 0; i < n->size; i++) {
		if ((x ? x[i] : 0) != (y ? y[i] : 0) && !is_marked(side, atom, i))
			return false;
	}
	for (size_t i = 0; i < n->nrefs; i++) {
		if (!is_marked(side, atom, n->refs[i].offset) &&
		    !is_same_ref(u, o, &n->refs[i]))
			return false;
	}
	// One that is gone leaves bytes that may be equal.
	return o->nrefs <= n->nrefs || is_marked(side, atom, 0);
}

/* Does a mark set a variable that the process has? */
static bool sets(const struct rp_unit *u, uint32_t atom)
{
	uint32_t object = data_object(&u->new_side, atom);

	return object && u->change[object].fate != RP_FATE_NEW &&
	       data_mode(&u->new_side, atom) != RP_LIVEPATCH_DATA_KEEP;
}

static int pick_data(struct rp_patch *p, uint32_t unit, uint32_t atom)
{
	const struct rp_side *side = &p->units[unit].new_side;
	const struct rp_ref *expected = ref_at(side, atom,
		offsetof(struct rp_livepatch_data, expected));
	int rc = rp_patch_pick(p, unit, data_object(side, atom));

	if (!rc && expected && expected->atom)
		rc = rp_patch_pick(p, unit, expected->atom);
	return rc;
}

static int mark_unit(struct rp_patch *p, uint32_t unit)
{
	struct rp_unit *u = &p->units[unit];
	int rc = 0;

	for (uint32_t i = 1; i < u->new_side.atoms.n && !rc; i++) {
		if (is_record_of(&u->new_side, i, RP_LIVEPATCH_HOOKS_SECTION)) {
			rc = check_hook(p, u, i);
			if (!rc && hook_function(u, i))
				rc = rp_patch_pick(p, unit, hook_function(u, i));
		}
		if (is_record_of(&u->new_side, i, RP_LIVEPATCH_DATA_SECTION)) {
			rc = check_data(p, u, i);
			if (!rc && sets(u, i))
				rc = pick_data(p, unit, i);
		}
	}
	return rc;
}

int rp_patch_markers(struct rp_patch *p)
{
	int rc = 0;

	for (size_t i = 0; i < p->nunits && !rc; i++) {
		if (!p->units[i].extra)
			rc = mark_unit(p, i);
	}
	return rc;
}

/* What a part of a variable was at start, as the value expected in it. */
static int emit_old_value(struct rp_patch *p, uint32_t unit, uint32_t twin,
			  const struct part *part, uint32_t *ret)
{
	const struct rp_unit *u = &p->units[unit];
	const struct rp_atom *atom = &u->old_side.atoms.v[twin];
	const uint8_t *bytes = rp_atom_bytes(&u->old_side.atoms, twin);
	struct rp_payload_section_in section = {
		.name = ".rodata.rp_expected", .type = SHT_PROGBITS,
		.flags = SHF_ALLOC, .align = 8, .size = part->size,
	};
	struct rp_payload_symbol_in symbol = {
		.name = "rp_expected", .bind = STB_LOCAL, .type = STT_OBJECT,
		.size = part->size,
	};
	int rc = 0;

	uint8_t *zeros = calloc(1, part->size + 1);
	if (!zeros)
		return rp_diag_nomem(p->diag);
	section.bytes = bytes ? bytes + part->offset : zeros;
	rc = rp_payload_add_section(p->builder, &section, &symbol.section,
				    p->diag);
	free(zeros);
	if (!rc)
		rc = rp_payload_add_symbol(p->builder, &symbol, ret, p->diag);
	for (size_t i = 0; i < atom->nrefs && !rc; i++) {
		const struct rp_ref *ref = &atom->refs[i];
		struct rp_payload_reloc_in reloc = { .type = ref->type,
			.offset = ref->offset - part->offset,
			.addend = ref->addend };
		struct rp_target target;

		if (ref->offset < part->offset ||
		    ref->offset - part->offset >= part->size)
			continue;
		rc = ref->atom ? rp_patch_bind_twin(p, unit, ref->atom, 0,
						    &target) :
		     rp_patch_bind_name(p, unit,
			u->old_side.obj.symbols[ref->symbol].name, false, false,
			&target);
		if (rc > 0)
			return bad_marker(p, u, RP_LIVEPATCH_DATA_SECTION,
				"the old value holds an address that cannot be "
				"named; say what is expected with "
				"RP_LIVEPATCH_SET_EXPECT");
		if (!rc)
			rc = rp_patch_target_symbol(p, &target, &reloc.symbol);
		if (!rc)
			rc = rp_payload_add_reloc(p->builder, symbol.section,
						  &reloc, p->diag);
	}
	return rc;
}

/* The new value: a place in what the variable became in the fix. */
static int emit_new_value(struct rp_patch *p, uint32_t unit,
			  const struct part *part, uint32_t *ret)
{
	const struct rp_payload_symbol_in symbol = {
		.name = "rp_value", .bind = STB_LOCAL, .type = STT_OBJECT,
		.section = p->picks[unit][part->object].section,
		.value = part->offset, .size = part->size,
	};

	return rp_payload_add_symbol(p->builder, &symbol, ret, p->diag);
}

static int emit_data(struct rp_patch *p, uint32_t unit, uint32_t atom)
{
	const struct rp_unit *u = &p->units[unit];
	const struct rp_ref *ref = ref_at(&u->new_side, atom,
		offsetof(struct rp_livepatch_data, expected));
	uint32_t target, value, expected = 0;
	struct rp_target bound;
	struct part part;

	data_part(&u->new_side, atom, &part);
	uint32_t twin = u->new_side.twin[part.object];
	const struct rp_patched told = {
		.kind = RP_PATCHED_SET, .unit = u->name,
		.name = (char *)rp_atom_name(&u->new_side.atoms, part.object),
		.old_size = part.size, .new_size = part.size,
	};
	int rc = rp_patch_bind_part(p, unit, twin, part.offset, part.size,
				    &bound);

	if (rc)
		return rc < 0 ? rc : 0;
	rc = rp_patch_target_symbol(p, &bound, &target);
	if (!rc)
		rc = emit_new_value(p, unit, &part, &value);
	if (!rc && ref && ref->atom)
		expected = p->picks[unit][ref->atom].symbol;
	else if (!rc)
		rc = emit_old_value(p, unit, twin, &part, &expected);
	if (!rc && !p->report->refusals)
		rc = rp_payload_add_data(p->builder, part.size, target, value,
					 expected, p->diag);
	return rc ? rc : rp_patch_tell(p, &told);
}

int rp_patch_emit_markers(struct rp_patch *p)
{
	int rc = 0;

	for (uint32_t i = 0; i < p->nunits && !rc; i++) {
		const struct rp_unit *u = &p->units[i];

		for (uint32_t k = 1; k < u->new_side.atoms.n && !rc; k++) {
			uint32_t hook = hook_function(u, k);

			if (hook)
				rc = rp_payload_add_hook(p->builder,
					hook_kind(&u->new_side, k),
					p->picks[i][hook].symbol, p->diag);
			else if (sets(u, k))
				rc = emit_data(p, i, k);
		}
	}
	return rc;
}
