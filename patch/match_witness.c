/* SPDX-License-Identifier: MIT */
/*
 * Does a reference of the object agree with the binary's, and if it does, what
 * does it say about where its target is?
 */
#include "match_internal.h"
#include "names.h"

#include "../object/grow.h"

#include <elf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_DEPTH	16u	/* of literals that refer to literals */
#define MAX_NAME	512u

bool rp_witness_differs(struct rp_witness *witness, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(witness->why, sizeof(witness->why), fmt, args);
	va_end(args);
	return false;
}

static bool is_plain_name(const char *name, const char *plain)
{
	size_t n = strcspn(name, "@");

	return !strncmp(name, plain, n) && !plain[n];
}

bool rp_match_same_name(const char *a, const char *b)
{
	char x[MAX_NAME], y[MAX_NAME];

	if (!strcmp(a, b))
		return true;
	if (!strchr(a, '.') || strlen(a) >= MAX_NAME || strlen(b) >= MAX_NAME)
		return false;
	rp_name_canonical(a, x);
	rp_name_canonical(b, y);
	return !strcmp(x, y);
}

static void add_fact(struct rp_witness *witness, uint32_t atom,
		     uint64_t address)
{
	if (rp_grow(&witness->facts.v, &witness->facts.room,
		    witness->facts.n + 1, sizeof(*witness->facts.v))) {
		witness->nomem = true;
		return;
	}
	witness->facts.v[witness->facts.n++] = (struct rp_fact){ atom, address };
}

static void add_place(struct rp_witness *witness, uint32_t atom,
		      uint64_t place, uint64_t address)
{
	if (rp_grow(&witness->places.v, &witness->places.room,
		    witness->places.n + 1, sizeof(*witness->places.v))) {
		witness->nomem = true;
		return;
	}
	witness->places.v[witness->places.n++] =
		(struct rp_place){ atom, place, address };
}

static const char *symbol_name(const struct rp_witness *witness,
			       const struct rp_ref *ref)
{
	return witness->atoms->obj->symbols[ref->symbol].name;
}

/** name_exists() - has the binary something of this name, by its symbols? */
static bool name_exists(const struct rp_witness *witness, const char *name)
{
	size_t n;

	rp_binary_by_name(witness->binary, name, &n);
	return n || rp_binary_import(witness->binary, name);
}

/** name_is_at() - is something of this name at an address? */
static bool name_is_at(const struct rp_binary *binary, const char *name,
		       uint64_t address, bool tls)
{
	const struct rp_binary_import *import = rp_binary_import(binary, name);
	size_t n;
	const uint32_t *list = rp_binary_by_name(binary, name, &n);

	for (size_t i = 0; i < n; i++) {
		const struct rp_binary_symbol *s = rp_binary_symbol(binary,
								    list[i]);

		if (s->value == address && (s->type == STT_TLS) == tls)
			return true;
	}
	return import && !tls && (import->plt == address ||
				  import->copy == address);
}

static const char *name_at(const struct rp_binary *binary, uint64_t address)
{
	const struct rp_binary_symbol *s = rp_binary_covering(binary, address);

	return s ? s->name : "something else";
}

static void plain_copy(char *to, const char *name)
{
	snprintf(to, MAX_NAME, "%.*s", (int)strcspn(name, "@"), name);
}

/* By a name that means the same everywhere: global, or undefined. */
static bool judge_global(struct rp_witness *witness, const struct rp_ref *ref,
			 const struct rp_target *target)
{
	uint64_t base = target->address - (uint64_t)ref->place;
	bool tls = target->kind == RP_TARGET_TLS;
	char name[MAX_NAME];

	plain_copy(name, symbol_name(witness, ref));
	if (target->kind == RP_TARGET_NAME) {
		if (!strcmp(target->name, name))
			return true;
		return rp_witness_differs(witness, "refers to %.100s, and in "
			"the binary to %.100s", name, target->name);
	}
	if (name_is_at(witness->binary, name, base, tls)) {
		if (ref->atom && !target->plt)
			add_fact(witness, ref->atom, base);
		return true;
	}
	// Symbols of linkers are not always kept; an undefined weak one is 0.
	if (!name_exists(witness, name))
		return true;
	return rp_witness_differs(witness, "refers to %.100s, and in the "
		"binary to %.100s", name,
		tls ? "other thread-local data" :
		name_at(witness->binary, base));
}

uint32_t rp_match_symbol(const struct rp_atoms *atoms, uint32_t atom,
			 const struct rp_binary *binary, uint64_t address)
{
	const bool tls = atoms->v[atom].flags & RP_ATOM_TLS;
	const char *name = rp_atom_name(atoms, atom);
	size_t n;
	const uint32_t *list = rp_binary_by_name(binary, name, &n);

	for (size_t i = 0; *name && i < n; i++) {
		const struct rp_binary_symbol *s = rp_binary_symbol(binary,
								    list[i]);

		if (s->value == address && (s->type == STT_TLS) == tls)
			return list[i];
	}
	list = tls ? NULL : rp_binary_all_at(binary, address, &n);
	for (size_t i = 0; *name && list && i < n; i++) {
		const struct rp_binary_symbol *s = rp_binary_symbol(binary,
								    list[i]);

		if (rp_match_same_name(s->name, name))
			return list[i];
	}
	return UINT32_MAX;
}

/* The binary may have dropped names of local symbols, but not exchanged them. */
static bool judge_name(struct rp_witness *witness, uint32_t atom,
		       uint64_t base)
{
	const char *name = rp_atom_name(witness->atoms, atom);

	if (!*name || rp_match_symbol(witness->atoms, atom, witness->binary,
				      base) != UINT32_MAX ||
	    !name_exists(witness, name))
		return true;
	return rp_witness_differs(witness, "refers to %.100s, and in the "
		"binary to %.100s", name, name_at(witness->binary, base));
}

/* Code that is not the start of a function: known once that is compared. */
static bool judge_place(struct rp_witness *witness, const struct rp_ref *ref,
			const struct rp_target *target)
{
	const struct rp_binary_symbol *s;

	add_place(witness, ref->atom, ref->place, target->address);
	if (ref->atom == witness->code ||
	    witness->matches->v[ref->atom].state == RP_MATCH_CODE)
		return true;
	s = rp_binary_covering(witness->binary, target->address);
	if (s && rp_match_same_name(s->name, rp_atom_name(witness->atoms,
							  ref->atom)))
		add_fact(witness, ref->atom, s->value);
	return true;
}

static bool judge_code(struct rp_witness *witness, const struct rp_ref *ref,
		       const struct rp_target *target)
{
	if (ref->place != 0)
		return judge_place(witness, ref, target);
	if (ref->atom == witness->code) {
		add_place(witness, ref->atom, 0, target->address);
		return true;
	}
	if (!judge_name(witness, ref->atom, target->address))
		return false;
	add_fact(witness, ref->atom, target->address);
	return true;
}

static bool judge_data(struct rp_witness *witness, const struct rp_ref *ref,
		       const struct rp_target *target)
{
	const struct rp_atom *atom = &witness->atoms->v[ref->atom];
	uint64_t base = target->address - (uint64_t)ref->place;

	// Behind its end, or before it: it may be another one that is meant.
	if (witness->atoms->obj->symbols[ref->symbol].type == STT_SECTION &&
	    (ref->place < 0 || (uint64_t)ref->place >= atom->size))
		return true;
	if (!judge_name(witness, ref->atom, base))
		return false;
	add_fact(witness, ref->atom, base);
	return true;
}

static bool judge_literal(struct rp_witness *witness, const struct rp_ref *ref,
			  const struct rp_target *target, unsigned int depth)
{
	const struct rp_atom *atom = &witness->atoms->v[ref->atom];
	uint64_t base = target->address - (uint64_t)ref->place;
	uint64_t from = ref->place;

	if (ref->place < 0 || from >= atom->size || depth > MAX_DEPTH)
		return true;
	// Only a merged literal may be anywhere, without what is before it.
	if (!(witness->atoms->obj->sections[atom->section].hdr.sh_flags &
	      SHF_MERGE))
		from = 0;
	if (!rp_witness_data(witness, ref->atom, from, base + from, depth + 1))
		return false;
	add_fact(witness, ref->atom, base);
	return true;
}

static bool is_global(const struct rp_witness *witness,
		      const struct rp_ref *ref)
{
	return ref->symbol &&
	       witness->atoms->obj->symbols[ref->symbol].bind != STB_LOCAL;
}

bool rp_witness_judge(struct rp_witness *witness, const struct rp_ref *ref,
		      const struct rp_target *target, unsigned int depth)
{
	const struct rp_atom *atom = &witness->atoms->v[ref->atom];

	if (target->kind == RP_TARGET_UNKNOWN)
		return true;
	if (is_global(witness, ref))
		return judge_global(witness, ref, target);
	if (!ref->atom) {
		if (!ref->symbol || !*symbol_name(witness, ref))
			return true;
		return judge_global(witness, ref, target);
	}
	if (target->kind == RP_TARGET_NAME) {
		// The assembler may have resolved a branch to a global symbol.
		if (is_plain_name(rp_atom_name(witness->atoms, ref->atom),
					target->name))
			return true;
		return rp_witness_differs(witness, "refers to %.100s, and in "
			"the binary to %.100s",
			rp_atom_name(witness->atoms, ref->atom), target->name);
	}
	if (((atom->flags & RP_ATOM_TLS) != 0) !=
	    (target->kind == RP_TARGET_TLS))
		return rp_witness_differs(witness, "thread-local data in one "
			"of the two only");
	if (rp_atom_is_code(atom))
		return judge_code(witness, ref, target);
	if (atom->kind == RP_ATOM_LITERAL)
		return judge_literal(witness, ref, target, depth);
	return judge_data(witness, ref, target);
}

static bool bytes_differ(struct rp_witness *witness, uint32_t atom)
{
	const char *name = rp_atom_name(witness->atoms, atom);

	if (*name)
		return rp_witness_differs(witness, "other content of %.100s",
					  name);
	return rp_witness_differs(witness, "refers to another constant");
}

/** data_bytes() - in the file; for thread-local data, in its segment. */
static const uint8_t *data_bytes(const struct rp_witness *witness,
				 const struct rp_atom *atom, uint64_t address,
				 uint64_t size)
{
	if (atom->flags & RP_ATOM_TLS)
		return rp_binary_tls_bytes(witness->binary, address, size);
	return rp_binary_bytes(witness->binary, address, size);
}

static bool is_zero(const uint8_t *p, uint64_t size)
{
	while (size && !p[size - 1])
		size--;
	return !size;
}

static bool judge_field(struct rp_witness *witness, const struct rp_atom *atom,
			const struct rp_ref *ref, uint64_t field,
			unsigned int depth)
{
	struct rp_target target;

	if (atom->flags & RP_ATOM_TLS)
		return true;
	rp_find_data_target(witness->binary, ref, field, &target);
	return rp_witness_judge(witness, ref, &target, depth);
}

bool rp_witness_data(struct rp_witness *witness, uint32_t index, uint64_t place,
		     uint64_t address, unsigned int depth)
{
	const struct rp_atom *atom = &witness->atoms->v[index];
	const uint8_t *object = rp_atom_bytes(witness->atoms, index), *binary;

	if (!object || witness->verified[index] == address - place + 1)
		return true;
	binary = data_bytes(witness, atom, address, atom->size - place);
	if (!binary)	// zero at start
		return is_zero(object + place, atom->size - place) ? true :
		       bytes_differ(witness, index);
	binary -= place;
	uint64_t at = place;
	for (size_t i = 0; i < atom->nrefs; i++) {
		const struct rp_ref *ref = &atom->refs[i];

		if (ref->offset < at)
			continue;
		if (memcmp(object + at, binary + at, ref->offset - at) != 0)
			return bytes_differ(witness, index);
		if (!judge_field(witness, atom, ref,
				 address - place + ref->offset, depth))
			return false;
		at = ref->offset + rp_reloc_width(ref->type);
	}
	if (at < atom->size && memcmp(object + at, binary + at, atom->size - at))
		return bytes_differ(witness, index);
	if (!atom->nrefs && !place)
		witness->verified[index] = address + 1;
	return true;
}
