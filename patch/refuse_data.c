/* SPDX-License-Identifier: MIT */
/* Refusing changes of data that the running program has, or may have. */
#include "patch_internal.h"

#include "names.h"

#include <string.h>

static bool is_vtable(const char *name)
{
	return !strncmp(name, "_ZTV", 4) || !strncmp(name, "_ZTT", 4) ||
	       !strncmp(name, "_ZTI", 4);
}

static int refuse_data(struct rp_patch *p, const struct rp_unit *u,
		       uint32_t atom, const char *why)
{
	const struct rp_atom *a = &u->new_side.atoms.v[atom];
	uint32_t twin = u->new_side.twin[atom];
	char buffer[64];
	const char *name = rp_atom_label(&u->new_side.atoms, atom, buffer,
					 sizeof(buffer));

	if (is_vtable(name))
		return rp_patch_refuse(p, u->name, RP_DIAG_PATCH_VTABLE, name,
			"a class's table of virtual functions or its type "
			"information changed: %.100s; objects that live have "
			"the old one", why);
	if (a->kind != u->old_side.atoms.v[twin].kind)
		return rp_patch_refuse(p, u->name, RP_DIAG_PATCH_SECTIONS, name,
			"%.180s; the running program has it where it was", why);
	if (a->size != u->old_side.atoms.v[twin].size)
		return rp_patch_refuse(p, u->name, RP_DIAG_PATCH_LAYOUT, name,
			"%.100s, and the program has the old one in memory; "
			"make a new variable", why);
	return rp_patch_refuse(p, u->name, RP_DIAG_PATCH_DATA, name,
		"its initial value changed, and the program has the old value "
		"or what became of it; say in the fix what is meant: "
		"RP_LIVEPATCH_KEEP(%.60s), or RP_LIVEPATCH_SET(%.60s)", name,
		name);
}

static bool is_used(const struct rp_unit *u, uint32_t atom)
{
	for (uint32_t i = 1; i < u->new_side.atoms.n; i++) {
		if (i != atom && rp_atom_refers(&u->new_side.atoms.v[i], atom))
			return true;
	}
	return false;
}

#define OPCODE_LEA	0x8d

/* Is the address itself what an instruction gets, not what is there? */
static bool takes_address(const struct rp_atoms *atoms, uint32_t code,
			  const struct rp_ref *ref)
{
	const uint8_t *bytes = rp_atom_bytes(atoms, code);

	if (ref->type == R_X86_64_32 || ref->type == R_X86_64_64)
		return true;
	return bytes && ref->type == R_X86_64_PC32 && ref->offset >= 2 &&
	       bytes[ref->offset - 2] == OPCODE_LEA;
}

static int check_identity(struct rp_patch *p, const struct rp_unit *u,
			  uint32_t atom)
{
	const struct rp_atoms *atoms = &u->new_side.atoms;
	bool taken = false;

	for (uint32_t i = 1; i < atoms->n && !taken; i++) {
		const struct rp_atom *a = &atoms->v[i];

		for (size_t k = 0; rp_atom_is_code(a) && k < a->nrefs; k++)
			taken |= a->refs[k].atom == atom &&
				 takes_address(atoms, i, &a->refs[k]);
	}
	if (!taken || rp_patch_holds_labels(u, atom) ||
	    !strncmp(rp_atom_name(atoms, atom), "_ZT", 3))
		return 0;
	return rp_patch_find(p, RP_FINDING_WARNING, u->name,
		RP_DIAG_PATCH_CONST, rp_atom_name(atoms, atom), "changed, and "
		"its new content is in a copy: code that compares its address "
		"with one that was kept before finds another");
}

static bool is_local_const(const struct rp_atom *a)
{
	return a->kind == RP_ATOM_CONST && !(a->flags & RP_ATOM_GLOBAL);
}

int rp_patch_check_data(struct rp_patch *p, uint32_t unit, uint32_t atom)
{
	const struct rp_unit *u = &p->units[unit];
	const struct rp_atom *a = &u->new_side.atoms.v[atom];
	const char *name = rp_atom_name(&u->new_side.atoms, atom);

	if (rp_patch_is_intended(p, unit, atom))
		return 0;
	// What uses a local constant is replaced with it.
	if (is_local_const(a) && u->old_side.atoms.v[
	    u->new_side.twin[atom]].kind == RP_ATOM_CONST &&
	    !rp_patch_is_collected(&u->new_side, atom) && is_used(u, atom))
		return check_identity(p, u, atom);
	if (a->kind == RP_ATOM_CONST && !is_vtable(name))
		return rp_patch_refuse(p, u->name, RP_DIAG_PATCH_CONST, name,
			"a constant that other objects may use changed; leave it "
			"and make a new one, or say that the old one may stay in "
			"use: RP_LIVEPATCH_KEEP(%.60s)", name);
	return refuse_data(p, u, atom, u->change[atom].why);
}

/*
 * A static variable whose name the compiler numbered, and that could not be
 * told from another one: a new one would forget what the old one holds.
 */
static int check_pairing(struct rp_patch *p, const struct rp_unit *u,
			 uint32_t atom)
{
	const struct rp_side *o = &u->old_side, *n = &u->new_side;
	const struct rp_atom *a = &n->atoms.v[atom];
	const char *name = rp_atom_name(&n->atoms, atom);
	size_t length = rp_name_source_length(name);

	if (a->kind != RP_ATOM_DATA || (a->flags & RP_ATOM_GLOBAL))
		return 0;
	for (uint32_t i = 1; i < o->atoms.n; i++) {
		const char *other = rp_atom_name(&o->atoms, i);

		if (o->atoms.v[i].kind != RP_ATOM_DATA || o->twin[i] ||
		    rp_name_source_length(other) != length ||
		    memcmp(other, name, length))
			continue;
		return rp_patch_refuse(p, u->name, RP_DIAG_PATCH_PAIRING, name,
			"it cannot be told whether this static variable is the "
			"old %.60s, which has a value in the running program, or "
			"a new one; give the new one a name of its own", other);
	}
	return 0;
}

/*
 * A new variable beside one that is gone and has its size may be the old one by
 * another name: it would not have the value that the old one has.
 */
static int check_renamed(struct rp_patch *p, const struct rp_unit *u,
			 uint32_t atom)
{
	const struct rp_side *o = &u->old_side, *n = &u->new_side;
	const struct rp_atom *a = &n->atoms.v[atom];

	// Pointers of the compiler's own have no value to lose.
	if (a->kind != RP_ATOM_DATA || !a->symbol || !strncmp(rp_atom_name(
	    &n->atoms, atom), "DW.ref.", 7))
		return 0;
	for (uint32_t i = 1; i < o->atoms.n; i++) {
		const struct rp_atom *other = &o->atoms.v[i];

		if (other->kind == RP_ATOM_DATA && other->symbol &&
		    !o->twin[i] && other->size == a->size)
			return rp_patch_find(p, RP_FINDING_WARNING, u->name,
				RP_DIAG_PATCH_PAIRING, rp_atom_name(&n->atoms,
				atom), "a new variable, and %.80s of the same "
				"size is gone: if it is that by another name, it "
				"does not have its value", rp_atom_name(
				&o->atoms, i));
	}
	return 0;
}

int rp_patch_check_new_data(struct rp_patch *p, const struct rp_unit *u,
			    uint32_t atom)
{
	int rc = check_pairing(p, u, atom);

	return rc ? rc : check_renamed(p, u, atom);
}
