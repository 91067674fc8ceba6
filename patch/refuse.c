/* SPDX-License-Identifier: MIT */
/* What cannot be patched safely: where, why, and the way out. */
#include "expected.h"

#include "../object/insn/insn.h"
#include "names.h"

#include <stdlib.h>
#include <string.h>

#define DETOUR_SIZE	5

/* A function of the new version that is to be replaced, and what it was. */
struct subject {
	struct rp_patch *p;
	struct rp_unit *u;
	uint32_t unit;
	uint32_t atom, twin;
	const char *name;
	const struct rp_match *m;
};

static const char *section_of(const struct rp_side *side, uint32_t atom)
{
	return side->obj.sections[side->atoms.v[atom].section].name;
}

static int check_length(const struct subject *s)
{
	unsigned int need = DETOUR_SIZE + rp_patch_landing(s->p, s->m);

	if (s->m->size >= need)
		return 0;
	return rp_patch_refuse(s->p, s->u->name, RP_DIAG_PATCH_SHORT, s->name,
		"has %llu bytes in the binary, and the jump to its new body "
		"needs %u; patch the functions that call it", (unsigned long
		long)s->m->size, need);
}

/* The payload that replaced it before, or NULL. */
static const char *replaced_by(const struct subject *s)
{
	for (size_t i = 0; i < s->p->nearlier; i++) {
		const struct rp_payload *e = &s->p->earlier[i].payload;

		for (size_t k = 0; k < e->nfunctions; k++) {
			if (e->functions[k].address == s->m->address)
				return s->p->earlier[i].path;
		}
	}
	return NULL;
}

static int check_symbol(const struct subject *s)
{
	if (s->m->symbol != UINT32_MAX || s->m->state == RP_MATCH_AMBIGUOUS)
		return 0;
	return rp_patch_refuse(s->p, s->u->name, RP_DIAG_PATCH_UNBOUND, s->name,
		"has no symbol in the binary, though its code is there; link "
		"without -x and keep the symbols of local functions");
}

static int check_match(const struct subject *s)
{
	if (s->m->state != RP_MATCH_DIFFERS ||
	    rp_patch_listed(s->p->options->allow_mismatch, s->name))
		return 0;
	const char *earlier = replaced_by(s);
	if (earlier)
		return rp_patch_refuse(s->p, s->u->name, RP_DIAG_PATCH_MISMATCH,
			s->name, "is replaced by %.100s already; make one patch "
			"of both fixes, from the source that the binary was "
			"built from", earlier);
	return rp_patch_refuse(s->p, s->u->name, RP_DIAG_PATCH_MISMATCH, s->name,
		"is not what the binary holds: %.180s; build with the compiler, "
		"options and source that the binary was built with (or "
		"--allow-mismatch=%.60s)", s->m->why ? s->m->why : "other code",
		s->name);
}

static int check_folded(const struct subject *s)
{
	return rp_patch_check_folded(s->p, s->u, s->twin);
}

static int check_ambiguous(const struct subject *s)
{
	if (s->m->state != RP_MATCH_AMBIGUOUS)
		return 0;
	return rp_patch_refuse(s->p, s->u->name, RP_DIAG_PATCH_AMBIGUOUS, s->name,
		"several functions of the binary fit: %.240s",
		s->m->why ? s->m->why : "equal code");
}

/* Unwind tables are what exceptions, debuggers and our stack check go by. */
static int check_unwind(const struct subject *s)
{
	if (s->u->new_side.fde[s->atom])
		return 0;
	return rp_patch_refuse(s->p, s->u->name, RP_DIAG_PATCH_NO_UNWIND,
		s->name, "has no unwind information; compile with "
		"-fasynchronous-unwind-tables, or write it with RP_FUNC and "
		"RP_END of <repoint/linkage.h>");
}

static int check_ifunc(const struct subject *s)
{
	if (!(s->u->new_side.atoms.v[s->atom].flags & RP_ATOM_IFUNC))
		return 0;
	return rp_patch_refuse(s->p, s->u->name, RP_DIAG_PATCH_IFUNC, s->name,
		"is the resolver of an IFUNC, which ran when the program was "
		"loaded and does not run again; patch the functions that it "
		"chooses from");
}

static bool is_constructor_section(const char *name)
{
	return !strncmp(name, ".init_array", 11) ||
	       !strncmp(name, ".preinit_array", 14) ||
	       !strncmp(name, ".ctors", 6);
}

/*
 * Does a function run before main only? It does if constructors' tables are all
 * that refers to it, or functions for which that is true.
 */
static bool before_main(const struct rp_side *side, uint32_t atom, int depth)
{
	bool used = false;

	if (side->atoms.v[atom].flags & RP_ATOM_GLOBAL || depth > 8)
		return false;
	for (uint32_t i = 1; i < side->atoms.n; i++) {
		const struct rp_atom *a = &side->atoms.v[i];

		if (i == atom || rp_atom_is_unwind(a) ||
		    !rp_atom_refers(a, atom))
			continue;
		used = true;
		if (!is_constructor_section(section_of(side, i)) &&
		    !(rp_atom_is_code(a) && before_main(side,
		      rp_atom_root(&side->atoms, i), depth + 1)))
			return false;
	}
	return used;
}

static bool is_constructor(const struct rp_side *side, uint32_t atom)
{
	for (uint32_t i = 1; i < side->atoms.n; i++) {
		if (is_constructor_section(section_of(side, i)) &&
		    rp_atom_refers(&side->atoms.v[i], atom))
			return true;
	}
	return false;
}

static int check_before_main(const struct subject *s)
{
	if (before_main(&s->u->old_side, s->twin, 0))
		return rp_patch_refuse(s->p, s->u->name,
			RP_DIAG_PATCH_BEFORE_MAIN, s->name,
			"runs before main only, and will not run again; do what "
			"it does now in a hook, see <repoint/livepatch.h>");
	if (is_constructor(&s->u->old_side, s->twin))
		return rp_patch_find(s->p, RP_FINDING_WARNING, s->u->name,
			RP_DIAG_PATCH_BEFORE_MAIN, s->name, "is a constructor, "
			"which ran when the program was loaded: only other calls "
			"of it find the new one");
	if (!strcmp(s->name, "main") && !rp_binary_is_shared(s->p->binary))
		return rp_patch_find(s->p, RP_FINDING_WARNING, s->u->name,
			RP_DIAG_PATCH_MAIN, s->name, "is never left as long as "
			"the process lives: it will be refused when the patch is "
			"applied, unless the change is moved into a function "
			"that main calls");
	return 0;
}

/*
 * A table of places in code that assembly made in a section of its own: of
 * faults, of probes, of branches. Who reads it does not know of the payload.
 */
static bool is_table(const struct rp_side *side, uint32_t atom)
{
	static const char *const own[] = {
		".rodata", ".data.rel.ro", ".gcc_except_table", ".eh_frame",
		"rp_", ".data", ".bss", ".init_array", ".fini_array", ".note",
		"__patchable_function_entries", "__mcount_loc",
	};
	const char *section = section_of(side, atom);

	if (rp_atom_is_code(&side->atoms.v[atom]))
		return false;
	for (size_t i = 0; i < sizeof(own) / sizeof(*own); i++) {
		if (!strncmp(section, own[i], strlen(own[i])))
			return false;
	}
	return true;
}

/* Tables and unwind entries of the function itself may name its labels. */
static bool is_own(const struct rp_side *side, uint32_t from, uint32_t atom)
{
	const struct rp_atom *a = &side->atoms.v[from];

	if (rp_atom_is_code(a))
		return rp_atom_root(&side->atoms, from) == atom;
	return a->kind == RP_ATOM_RECORD || rp_atom_is_unwind(a) ||
	       (a->kind == RP_ATOM_LITERAL && !is_table(side, from));
}

/*
 * Static data that holds places inside the function, of computed gotos, is part
 * of the function if nothing else uses it.
 */
static bool is_used_by_others(const struct rp_side *side, uint32_t data,
			      uint32_t atom)
{
	if (side->atoms.v[data].flags & RP_ATOM_GLOBAL)
		return true;
	for (uint32_t i = 1; i < side->atoms.n; i++) {
		const struct rp_atom *a = &side->atoms.v[i];

		if (!rp_atom_is_unwind(a) &&
		    rp_atom_root(&side->atoms, i) != atom &&
		    rp_atom_refers(a, data))
			return true;
	}
	return false;
}

static int refuse_entered(const struct subject *s, const struct rp_side *side,
			  uint32_t from, const struct rp_ref *ref)
{
	char label[64];

	return rp_patch_refuse(s->p, s->u->name, RP_DIAG_PATCH_ENTERED, s->name,
		"is entered at +0x%llx from %.100s, which would go on in the old "
		"code; make it a function of its own (RP_FUNC), or replace both",
		(unsigned long long)ref->place,
		rp_atom_label(&side->atoms, from, label, sizeof(label)));
}

static int refuse_table(const struct subject *s, const struct rp_side *side,
			uint32_t table)
{
	return rp_patch_refuse(s->p, s->u->name, RP_DIAG_PATCH_ENTERED, s->name,
		"the section %.80s describes places in it; whoever reads that "
		"would not find those of the new one: make the fix in a function "
		"without such places", section_of(side, table));
}

static int check_entered(const struct subject *s)
{
	const struct rp_side *side = &s->u->old_side;
	int rc = 0;

	for (uint32_t i = 1; i < side->atoms.n && !rc; i++) {
		const struct rp_atom *a = &side->atoms.v[i];

		if (is_own(side, i, s->twin))
			continue;
		for (size_t k = 0; k < a->nrefs && !rc; k++) {
			const struct rp_ref *ref = &a->refs[k];

			if (ref->atom != s->twin || !ref->place)
				continue;
			if (!rp_atom_is_code(a) && !is_table(side, i) &&
			    !is_used_by_others(side, i, s->twin))
				continue;
			rc = is_table(side, i) ? refuse_table(s, side, i) :
			     refuse_entered(s, side, i, ref);
		}
	}
	return rc;
}

/* Where one function runs into the next, assembly needs both of them. */
static bool falls_through(const struct rp_side *side, uint32_t atom)
{
	const struct rp_atom *a = &side->atoms.v[atom];
	const uint8_t *code = rp_atom_bytes(&side->atoms, atom);
	struct rp_insn insn = { .ends = true };

	for (uint64_t at = 0; at < a->size; at += insn.length) {
		if (rp_insn_decode(code + at, a->size - at, &insn))
			return false;
	}
	// What a call at the end calls does not return.
	return !insn.ends && insn.branch != RP_INSN_CALL && !insn.trap &&
	       insn.branch != RP_INSN_CALL_MEM;
}

static int check_fall_through(const struct subject *s)
{
	const struct rp_side *side = &s->u->old_side;
	const struct rp_atom *a = &side->atoms.v[s->twin];
	const struct rp_atom *before = a - 1;
	char label[64];

	if (s->twin < 2 || before->section != a->section ||
	    !rp_atom_is_code(before) || before->offset + before->size !=
	    a->offset || !falls_through(side, s->twin - 1))
		return 0;
	return rp_patch_refuse(s->p, s->u->name, RP_DIAG_PATCH_ENTERED, s->name,
		"%.100s runs into it without a jump; end that with one",
		rp_atom_label(&side->atoms, s->twin - 1, label, sizeof(label)));
}

/* Everybody who calls it must know what it takes. */
static bool is_address_taken(const struct rp_side *side, uint32_t atom)
{
	for (uint32_t i = 1; i < side->atoms.n; i++) {
		const struct rp_atom *a = &side->atoms.v[i];

		if (rp_atom_is_unwind(a) || a->kind == RP_ATOM_RECORD)
			continue;
		for (size_t k = 0; k < a->nrefs; k++) {
			if (a->refs[k].atom == atom && !a->refs[k].place &&
			    a->refs[k].branch != RP_INSN_CALL &&
			    a->refs[k].branch != RP_INSN_JMP &&
			    a->refs[k].branch != RP_INSN_JCC)
				return true;
		}
	}
	return false;
}

static int check_prototype(const struct subject *s)
{
	struct rp_debug_info *o = rp_side_debug(&s->u->old_side);
	struct rp_debug_info *n = rp_side_debug(&s->u->new_side);
	const char *name = rp_atom_name(&s->u->new_side.atoms, s->atom);
	char text[200];

	if (!o || !n || rp_debug_prototype_changed(o, n, s->name, name, text,
						   sizeof(text)) != 1)
		return 0;
	if (!rp_binary_exports(s->p->binary, s->name) &&
	    !is_address_taken(&s->u->old_side, s->twin))
		return 0;
	return rp_patch_refuse(s->p, s->u->name, RP_DIAG_PATCH_PROTOTYPE,
		s->name, "%.200s; others call it as it was (it is exported, or "
		"its address is taken): make a new function", text);
}

static int check_subject(const struct subject *s)
{
	static int (*const checks[])(const struct subject *s) = {
		check_ambiguous, check_symbol, check_match, check_folded, check_ifunc, check_length,
		check_unwind, check_before_main, check_entered,
		check_fall_through, check_prototype,
	};
	int rc = 0;

	for (size_t i = 0; i < sizeof(checks) / sizeof(*checks) && !rc; i++)
		rc = checks[i](s);
	return rc;
}

static int check_gone(struct rp_patch *p, struct rp_unit *u, uint32_t atom,
		      const char *name)
{
	const struct rp_atoms *atoms = &u->old_side.atoms;

	// Where it was inlined cannot be seen in a caller that is other code.
	for (uint32_t i = 1; i < atoms->n; i++) {
		const struct rp_atom *a = &atoms->v[i];

		for (size_t k = 0; rp_atom_is_code(a) && k < a->nrefs; k++) {
			if (a->refs[k].atom == u->new_side.twin[atom] &&
			    rp_unit_match(u, i)->state == RP_MATCH_DIFFERS)
				return rp_patch_refuse(p, u->name,
					RP_DIAG_PATCH_MISMATCH, name,
					"changed, and is in the binary only where "
					"it was inlined; %.90s, which calls it, is "
					"not what the binary holds: build with "
					"the options of the binary",
					rp_atom_name(atoms, i));
		}
	}
	return rp_patch_find(p, RP_FINDING_NOTE, u->name,
		RP_DIAG_PATCH_NOT_LINKED, name, "changed, but is not in the "
		"binary as a function: where it was inlined is patched");
}

static int check_untyped(struct rp_patch *p, struct rp_unit *u, uint32_t atom)
{
	char label[64];

	return rp_patch_refuse(p, u->name, RP_DIAG_PATCH_UNTYPED,
		rp_atom_label(&u->new_side.atoms, atom, label, sizeof(label)),
		"is code that no function symbol with a size covers; begin it "
		"with RP_FUNC and end it with RP_END (<repoint/linkage.h>), or "
		"add .type and .size");
}

static int check_function(struct rp_patch *p, uint32_t unit, uint32_t atom)
{
	struct rp_unit *u = &p->units[unit];
	uint32_t twin = u->new_side.twin[atom];
	const struct subject s = {
		.p = p, .u = u, .unit = unit, .atom = atom, .twin = twin,
		.name = rp_atom_name(&u->old_side.atoms, twin),
		.m = rp_unit_match(u, twin),
	};

	if (u->new_side.atoms.v[atom].kind != RP_ATOM_FUNCTION)
		return check_untyped(p, u, atom);
	if (s.m->state == RP_MATCH_UNKNOWN)
		return check_gone(p, u, atom, s.name);
	if (rp_patch_is_overridden(p, u, twin))
		return rp_patch_find(p, RP_FINDING_NOTE, u->name,
			RP_DIAG_PATCH_NOT_LINKED, s.name, "weak, and the binary "
			"has another object's");
	return check_subject(&s);
}

/*
 * Closures that could not be told apart are new in the payload: objects that hold
 * one go on with its old code.
 */
static int check_closures(struct rp_patch *p, const struct rp_unit *u,
			  uint32_t atom)
{
	const struct rp_atoms *o = &u->old_side.atoms;
	const char *name = rp_atom_name(&u->new_side.atoms, atom);
	char is[512], was[512];

	if (!rp_name_is_numbered_cxx(name) || strlen(name) >= sizeof(is))
		return 0;
	rp_name_canonical(name, is);
	for (uint32_t i = 1; i < o->n; i++) {
		const char *other = rp_atom_name(o, i);

		if (u->old_side.twin[i] || o->v[i].kind != RP_ATOM_FUNCTION ||
		    strlen(other) >= sizeof(was))
			continue;
		rp_name_canonical(other, was);
		if (!strcmp(is, was))
			return rp_patch_find(p, RP_FINDING_WARNING, u->name,
				RP_DIAG_PATCH_PAIRING, name, "closures of this "
				"function are numbered otherwise, and cannot be "
				"told apart: those that are stored somewhere "
				"keep their old code");
	}
	return 0;
}

/* A function that the payload adds, with nothing before it to compare with. */
static int check_added(struct rp_patch *p, struct rp_unit *u, uint32_t atom)
{
	if (u->new_side.atoms.v[atom].kind != RP_ATOM_FUNCTION)
		return check_untyped(p, u, atom);
	if (u->new_side.atoms.v[atom].flags & RP_ATOM_IFUNC)
		return rp_patch_refuse(p, u->name, RP_DIAG_PATCH_IFUNC,
			rp_atom_name(&u->new_side.atoms, atom),
			"is the resolver of a new IFUNC, which nobody runs for a "
			"payload; call what it would choose");
	if (u->new_side.fde[atom])
		return check_closures(p, u, atom);
	return rp_patch_refuse(p, u->name, RP_DIAG_PATCH_NO_UNWIND,
		rp_atom_name(&u->new_side.atoms, atom),
		"has no unwind information; compile with "
		"-fasynchronous-unwind-tables, or write it with RP_FUNC and "
		"RP_END of <repoint/linkage.h>");
}

/* Constructors that the fix adds have no occasion to run. */
static int check_constructors(struct rp_patch *p, const struct rp_unit *u)
{
	const struct rp_side *side = &u->new_side;
	int rc = 0;

	for (uint32_t i = 1; i < side->atoms.n && !rc; i++) {
		const struct rp_atom *a = &side->atoms.v[i];

		if (!is_constructor_section(section_of(side, i)))
			continue;
		for (size_t k = 0; k < a->nrefs && !rc; k++) {
			uint32_t to = a->refs[k].atom;

			if (to && u->change[to].fate == RP_FATE_NEW)
				rc = rp_patch_refuse(p, u->name,
					RP_DIAG_PATCH_INIT,
					rp_atom_name(&side->atoms, to),
					"a new constructor, which would not run "
					"in a process that lives; make it a "
					"hook, see <repoint/livepatch.h>");
		}
	}
	return rc;
}

static int check_picked(struct rp_patch *p, uint32_t unit, uint32_t atom)
{
	struct rp_unit *u = &p->units[unit];
	const struct rp_atom *a = &u->new_side.atoms.v[atom];

	if (u->extra)
		return 0;
	if (rp_atom_is_code(a) && !rp_atom_is_content(&u->new_side.atoms, atom))
		return u->change[atom].fate == RP_FATE_NEW ?
		       check_added(p, u, atom) : 0;
	if ((a->flags & RP_ATOM_TLS) && u->change[atom].fate == RP_FATE_NEW)
		return rp_patch_refuse(p, u->name, RP_DIAG_PATCH_TLS,
			rp_atom_name(&u->new_side.atoms, atom),
			"a new thread-local variable: threads that live have no "
			"room for it; use pthread_setspecific(), or a shadow "
			"variable of pthread_self()");
	if (u->change[atom].fate != RP_FATE_NEW || !u->old_side.present)
		return 0;
	return rp_patch_check_new_data(p, u, atom);
}

static bool any_picked(const struct rp_patch *p, uint32_t unit)
{
	for (uint32_t i = 1; i < p->units[unit].new_side.atoms.n; i++) {
		if (rp_patch_is_picked(p, unit, i))
			return true;
	}
	return false;
}

static int check_unit(struct rp_patch *p, uint32_t unit)
{
	struct rp_unit *u = &p->units[unit];
	int rc = 0;

	if (u->old_side.present ? u->changed : !u->extra && any_picked(p, unit))
		rc = check_constructors(p, u);
	for (uint32_t i = 1; i < u->new_side.atoms.n && !rc; i++) {
		const struct rp_atom *a = &u->new_side.atoms.v[i];

		rc = rp_patch_check_collected(p, u, i);
		if (!rc && rp_patch_is_picked(p, unit, i))
			rc = check_picked(p, unit, i);
		if (rc || u->change[i].fate != RP_FATE_CHANGED)
			continue;
		if (a->kind == RP_ATOM_DATA || a->kind == RP_ATOM_CONST)
			rc = rp_patch_check_data(p, unit, i);
		else if (rp_atom_is_code(a) && !(a->flags & RP_ATOM_COLD) &&
			 !rp_atom_is_content(&u->new_side.atoms, i))
			rc = check_function(p, unit, i);
	}
	return rc;
}

int rp_patch_check(struct rp_patch *p)
{
	int rc = 0;

	for (size_t i = 0; i < p->nunits && !rc; i++)
		rc = check_unit(p, i);
	return rc;
}
