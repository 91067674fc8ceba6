/* SPDX-License-Identifier: MIT */
/* Binding what a payload needs to what the process has. */
#define _GNU_SOURCE
#include "patch_internal.h"

#include "../object/grow.h"
#include "names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool same_string(const char *a, const char *b)
{
	return !strcmp(a ? a : "", b ? b : "");
}

static bool same_binding(const struct rp_payload_binding_in *a,
			 const struct rp_payload_binding_in *b)
{
	return a->kind == b->kind && a->value == b->value &&
	       a->slot == b->slot && a->position == b->position &&
	       same_string(a->name, b->name) && same_string(a->file, b->file) &&
	       same_string(a->version, b->version);
}

/* A name that is its own in the payload: local ones with their file. */
static char *make_label(const struct rp_payload_binding_in *in)
{
	const char *file = in->file ? strrchr(in->file, '/') : NULL;
	char *label = NULL;

	file = file ? file + 1 : in->file;
	if (!file || !*file)
		return strdup(in->name);
	if (in->position > 1)
		return asprintf(&label, "%s:%s:%u", file, in->name,
				in->position) < 0 ? NULL : label;
	return asprintf(&label, "%s:%s", file, in->name) < 0 ? NULL : label;
}

static int add_bound(struct rp_patch *p, const struct rp_payload_binding_in *in,
		     uint8_t type, struct rp_target *ret)
{
	struct rp_bound *b;

	ret->in_payload = false;
	for (size_t i = 0; i < p->nbound; i++) {
		b = &p->bound[i];
		if (!same_binding(&b->in, in))
			continue;
		b->in.flags |= in->flags & RP_BIND_FUNCTION;
		if (!(in->flags & RP_BIND_WEAK))
			b->in.flags &= ~RP_BIND_WEAK;
		ret->bound = i;
		return 0;
	}
	if (rp_grow(&p->bound, &p->bound_room, p->nbound + 1,
		    sizeof(*p->bound)))
		return rp_diag_nomem(p->diag);
	b = &p->bound[p->nbound];
	*b = (struct rp_bound){ .in = *in, .type = type };
	b->label = make_label(in);
	if (!b->label)
		return rp_diag_nomem(p->diag);
	ret->bound = p->nbound++;
	return 0;
}

bool rp_patch_is_found(const struct rp_unit *unit, uint32_t twin)
{
	const struct rp_match *m = unit->matched ? rp_unit_match(unit, twin) :
						   NULL;

	return m && (m->state == RP_MATCH_SYMBOL || m->state == RP_MATCH_CODE ||
		     m->state == RP_MATCH_DIFFERS);
}

static int refuse_unfound(struct rp_patch *p, const struct rp_unit *u,
			  uint32_t twin)
{
	const struct rp_match *m = u->matched ? rp_unit_match(u, twin) : NULL;
	const struct rp_atoms *atoms = &u->old_side.atoms;
	char label[64];
	const char *name = rp_atom_label(atoms, twin, label, sizeof(label));

	if (m && m->state == RP_MATCH_AMBIGUOUS)
		return rp_patch_refuse(p, u->name, RP_DIAG_PATCH_AMBIGUOUS,
			name, "is needed, and several places in the binary fit: "
			"%.200s", m->why ? m->why : "equal code") ?: 1;
	return rp_patch_refuse(p, u->name, RP_DIAG_PATCH_UNBOUND, name,
		"is needed, and is not in the binary: it was inlined or removed "
		"as unused; copy it into the fix under another name") ?: 1;
}

/* Which names a symbol of the binary has in records. */
static void name_symbol(const struct rp_patch *p, const struct rp_match *m,
			const char *fallback, struct rp_payload_binding_in *in)
{
	const struct rp_binary_symbol *s;

	in->name = fallback;
	if (m->symbol == UINT32_MAX)
		return;
	s = rp_binary_symbol(p->binary, m->symbol);
	in->name = s->name;
	in->position = s->position;
	in->size = s->size;
	if (s->bind == STB_LOCAL)
		in->file = s->file;
}

static int bind_ifunc(struct rp_patch *p, const struct rp_unit *u,
		      const char *name, uint64_t resolver,
		      struct rp_payload_binding_in *in, struct rp_target *ret)
{
	const struct rp_binary_slot *slot =
		rp_binary_ifunc(p->binary, resolver);

	if (!slot)
		return rp_patch_refuse(p, u->name, RP_DIAG_PATCH_IFUNC, name,
			"is an IFUNC that the program does not call, so its "
			"choice is stored nowhere; call a function that calls "
			"it") ?: 1;
	in->kind = RP_BIND_SLOT;
	in->slot = slot->slot;
	in->value = slot->plt;
	in->flags |= RP_BIND_FUNCTION;
	return add_bound(p, in, STT_FUNC, ret);
}

/* Something that an earlier payload brought. */
static int bind_earlier(struct rp_patch *p, const char *name,
			struct rp_target *ret)
{
	if (!*name)
		return 1;
	for (size_t i = p->nearlier; i-- > 0;) {
		struct rp_earlier *e = &p->earlier[i];
		const struct rp_relobj *obj = &e->payload.obj;

		for (size_t k = 1; k < obj->nsymbols; k++) {
			const struct rp_symbol *s = &obj->symbols[k];
			struct rp_payload_binding_in in = {
				.kind = RP_BIND_PAYLOAD, .name = name,
				.size = s->size, .depend = i,
			};

			if (!s->section || s->section == RP_SECTION_NONE ||
			    s->type == STT_SECTION || strcmp(s->name, name))
				continue;
			e->used = true;
			return add_bound(p, &in, s->type, ret);
		}
	}
	return 1;
}

/* A place inside code that is not replaced: where it is in the binary. */
static int shift_place(struct rp_patch *p, const struct rp_unit *u,
		       uint32_t twin, int64_t place, struct rp_target *ret)
{
	uint64_t at;
	char label[64];

	if (place < 0 || !rp_match_offset(&u->old_side.atoms, twin, p->binary,
					  rp_unit_match(u, twin), place, &at))
		return rp_patch_refuse(p, u->name, RP_DIAG_PATCH_ENTERED,
			rp_atom_label(&u->old_side.atoms, twin, label,
				      sizeof(label)),
			"is entered at +0x%llx by what the payload holds, and "
			"that place is not known in the binary",
			(unsigned long long)place) ?: 1;
	ret->shift = (int64_t)at - place;
	return 0;
}

/*
 * Known by its name alone, while the binary has several source files of that
 * name: it may be the other one's.
 */
static bool is_doubtful(const struct rp_patch *p, const struct rp_match *m)
{
	const struct rp_binary_symbol *s;

	if (m->state != RP_MATCH_SYMBOL || m->symbol == UINT32_MAX)
		return false;
	s = rp_binary_symbol(p->binary, m->symbol);
	for (size_t i = 0; *s->file && i < rp_binary_nsymbols(p->binary); i++) {
		const struct rp_binary_symbol *other =
			rp_binary_symbol(p->binary, i);

		if (other->unit != s->unit && !strcmp(other->file, s->file))
			return true;
	}
	return false;
}

int rp_patch_bind_twin(struct rp_patch *p, uint32_t unit, uint32_t twin,
		       int64_t place, struct rp_target *ret)
{
	const struct rp_unit *u = &p->units[unit];
	const struct rp_atom *atom = &u->old_side.atoms.v[twin];
	const char *name = rp_atom_name(&u->old_side.atoms, twin);
	struct rp_payload_binding_in in = { .kind = RP_BIND_TARGET };
	char label[64];

	*ret = (struct rp_target){ 0 };
	if (!rp_patch_is_found(u, twin)) {
		int rc = bind_earlier(p, name, ret);

		return rc > 0 ? refuse_unfound(p, u, twin) : rc;
	}
	const struct rp_match *m = rp_unit_match(u, twin);
	if (is_doubtful(p, m))
		return rp_patch_refuse(p, u->name, RP_DIAG_PATCH_AMBIGUOUS, name,
			"is needed, and the binary has several files named "
			"%.80s; no code that agrees shows whose it is",
			rp_binary_symbol(p->binary, m->symbol)->file) ?: 1;
	in.value = m->address;
	in.size = atom->size;
	name = rp_atom_label(&u->old_side.atoms, twin, label, sizeof(label));
	name_symbol(p, m, rp_atom_name(&u->old_side.atoms, twin), &in);
	if (!in.name || !*in.name)
		in.name = u->old_side.obj.sections[atom->section].name;
	if (atom->flags & RP_ATOM_IFUNC)
		return bind_ifunc(p, u, name, m->address, &in, ret);
	if (atom->flags & RP_ATOM_TLS)
		in.kind = RP_BIND_TLS;
	if (rp_atom_is_code(atom) && place) {
		int rc = shift_place(p, u, twin, place, ret);

		if (rc)
			return rc;
	}
	return add_bound(p, &in, atom->flags & RP_ATOM_TLS ? STT_TLS :
			 rp_atom_is_code(atom) ? STT_FUNC : STT_OBJECT, ret);
}

int rp_patch_bind_part(struct rp_patch *p, uint32_t unit, uint32_t twin,
		       uint64_t offset, uint64_t size, struct rp_target *ret)
{
	struct rp_payload_binding_in in;
	int rc = rp_patch_bind_twin(p, unit, twin, 0, ret);

	if (rc || !offset)
		return rc;
	in = p->bound[ret->bound].in;
	in.value += offset;
	in.size = size;
	return add_bound(p, &in, STT_OBJECT, ret);
}

static int bind_symbol(struct rp_patch *p, uint32_t unit,
		       const struct rp_binary_symbol *s, struct rp_target *ret)
{
	struct rp_payload_binding_in in = {
		.kind = s->type == STT_TLS ? RP_BIND_TLS : RP_BIND_TARGET,
		.value = s->value, .size = s->size, .name = s->name,
		.position = s->position,
	};

	if (s->bind == STB_LOCAL)
		in.file = s->file;
	if (s->type == STT_GNU_IFUNC)
		return bind_ifunc(p, &p->units[unit], s->name, s->value, &in,
				  ret);
	return add_bound(p, &in, s->type, ret);
}

/* The binary's own symbol of a name that objects know each other by. */
static const struct rp_binary_symbol *own_symbol(const struct rp_patch *p,
						 const char *name)
{
	const struct rp_binary_symbol *s;
	size_t n;
	const uint32_t *v = rp_binary_by_name(p->binary, name, &n);

	for (size_t i = 0; i < n; i++) {
		s = rp_binary_symbol(p->binary, v[i]);
		if (s->bind != STB_LOCAL)
			return s;
	}
	// Hidden ones have become local, and are in no file.
	for (size_t i = 0; i < n; i++) {
		s = rp_binary_symbol(p->binary, v[i]);
		if (!*s->file)
			return s;
	}
	return NULL;
}

/*
 * Some linkers leave hidden ones behind those of the last file. That is believed
 * only if nobody else has the name: it may be a static of another object.
 */
static const struct rp_binary_symbol *hidden_symbol(const struct rp_patch *p,
						    const char *name,
						    bool *ambiguous)
{
	size_t n;
	const uint32_t *v = rp_binary_by_name(p->binary, name, &n);

	*ambiguous = n > 1;
	return n == 1 ? rp_binary_symbol(p->binary, v[0]) : NULL;
}

bool rp_patch_has_name(const struct rp_patch *p, const char *name)
{
	return own_symbol(p, name) || rp_binary_import(p->binary, name);
}

static int bind_import(struct rp_patch *p, const char *name,
		       const struct rp_binary_import *import, bool is_call,
		       struct rp_target *ret)
{
	struct rp_payload_binding_in in = {
		.kind = import->type == STT_TLS ? RP_BIND_IMPORT_TLS :
						  RP_BIND_IMPORT,
		.value = import->plt, .slot = import->slot, .name = name,
		.version = import->version,
		.flags = (import->weak ? RP_BIND_WEAK : 0) |
			 (is_call || import->type == STT_FUNC ?
			  RP_BIND_FUNCTION : 0),
	};

	if (import->copy) {
		in = (struct rp_payload_binding_in){ .kind = RP_BIND_TARGET,
			.value = import->copy, .name = name, .position = 1 };
		return add_bound(p, &in, STT_OBJECT, ret);
	}
	// The whole process compares that address, and it is in reach.
	if (import->canonical) {
		in = (struct rp_payload_binding_in){ .kind = RP_BIND_TARGET,
			.value = import->plt, .name = name, .position = 1 };
		return add_bound(p, &in, STT_FUNC, ret);
	}
	if (in.kind == RP_BIND_IMPORT_TLS)
		in.value = in.slot = 0;
	return add_bound(p, &in, import->type, ret);
}

static int bind_library(struct rp_patch *p, const char *name,
			const struct rp_library_symbol *found, bool weak,
			bool is_call, struct rp_target *ret)
{
	struct rp_payload_binding_in in = {
		.kind = found->type == STT_TLS ? RP_BIND_IMPORT_TLS :
						 RP_BIND_IMPORT,
		.name = name, .size = found->size,
		.flags = (weak ? RP_BIND_WEAK : 0) |
			 (is_call || found->type == STT_FUNC ||
			  found->type == STT_GNU_IFUNC ? RP_BIND_FUNCTION : 0),
	};
	char *version = strdup(found->version);
	if (!version)
		return rp_diag_nomem(p->diag);
	in.version = version;
	int rc = add_bound(p, &in, in.flags & RP_BIND_FUNCTION ? STT_FUNC :
			   STT_OBJECT, ret);
	if (!rc && p->bound[ret->bound].in.version == version)
		p->bound[ret->bound].owned = version;
	else
		free(version);
	return rc;
}

static int refuse_undefined(struct rp_patch *p, uint32_t unit, const char *name,
			    bool ambiguous, int found, const char *missing)
{
	const char *file = p->units[unit].name;

	if (ambiguous)
		return rp_patch_refuse(p, file, RP_DIAG_PATCH_AMBIGUOUS, name,
			"is needed, and the binary has several local symbols of "
			"that name") ?: 1;
	if (found < 0)
		return rp_patch_refuse(p, file, RP_DIAG_PATCH_UNDEFINED, name,
			"neither the objects nor the binary define it, and not "
			"every library of the binary could be searched (%.90s is "
			"missing); install it", missing) ?: 1;
	return rp_patch_refuse(p, file, RP_DIAG_PATCH_UNDEFINED, name,
		"neither the objects, nor the binary, nor a library that it is "
		"linked with define it; give the object that does as well") ?: 1;
}

#define ROOT_SYMBOL	"rp__livepatch_root"

int rp_patch_bind_name(struct rp_patch *p, uint32_t unit, const char *name,
		       bool weak, bool is_call, struct rp_target *ret)
{
	const struct rp_binary_import *import;
	const struct rp_binary_symbol *own;
	struct rp_library_symbol library;
	char missing[96] = "";
	bool ambiguous;

	*ret = (struct rp_target){ 0 };
	own = own_symbol(p, name);
	if (own && !rp_binary_is_preemptible(p->binary, name))
		return bind_symbol(p, unit, own, ret);
	import = rp_binary_import(p->binary, name);
	if (import)
		return bind_import(p, name, import, is_call, ret);
	if (own)
		return bind_symbol(p, unit, own, ret);
	if (!strcmp(name, ROOT_SYMBOL)) {
		const struct rp_payload_binding_in in = {
			.kind = RP_BIND_ROOT, .name = ROOT_SYMBOL };

		return add_bound(p, &in, STT_OBJECT, ret);
	}
	int rc = bind_earlier(p, name, ret);
	if (rc <= 0)
		return rc;
	int found = rp_binary_find_library_symbol(p->binary, name, &library,
						  missing);
	if (found > 0)
		return bind_library(p, name, &library, weak, is_call, ret);
	own = hidden_symbol(p, name, &ambiguous);
	if (own)
		return bind_symbol(p, unit, own, ret);
	if (weak) {
		const struct rp_payload_binding_in in = {
			.kind = RP_BIND_IMPORT, .name = name,
			.flags = RP_BIND_WEAK |
				 (is_call ? RP_BIND_FUNCTION : 0) };

		return add_bound(p, &in, STT_NOTYPE, ret);
	}
	return refuse_undefined(p, unit, name, ambiguous, found, missing);
}
