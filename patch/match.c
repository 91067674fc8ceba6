/* SPDX-License-Identifier: MIT */
/* Finding an object's atoms in the binary: who is asked, and in which order. */
#include "match_internal.h"

#include "../object/grow.h"

#include <elf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_CANDIDATES	64u
#define MAX_NAMED	4u	/* in a message */

/** struct task - an atom that may be at an address. */
struct task {
	uint32_t atom;
	uint64_t address;
};

/** struct finder - the search. */
struct finder {
	const struct rp_atoms *atoms;
	const struct rp_binary *binary;
	struct rp_matches *matches;
	struct rp_units units;
	uint64_t *verified;
	RP_VECTOR(struct task) tasks;
	size_t done;
	struct rp_walk other;	/* of the function that was asked last */
	uint32_t other_atom;
	bool nomem;
};

static struct rp_match *match_of(struct finder *f, uint32_t atom)
{
	return &f->matches->v[atom];
}

static const struct rp_atom *atom_of(const struct finder *f, uint32_t atom)
{
	return &f->atoms->v[atom];
}

static void set_why(struct finder *f, uint32_t atom, const char *why)
{
	struct rp_match *m = match_of(f, atom);

	free(m->why);
	m->why = strdup(why);
	if (!m->why)
		f->nomem = true;
}

static void add_task(struct finder *f, uint32_t atom, uint64_t address)
{
	if (rp_grow(&f->tasks.v, &f->tasks.room, f->tasks.n + 1,
		    sizeof(*f->tasks.v)))
		f->nomem = true;
	else
		f->tasks.v[f->tasks.n++] = (struct task){ atom, address };
}

/** size_at() - of the function at an address, by any of its names; or 0. */
static uint64_t size_at(const struct finder *f, uint32_t symbol,
			uint64_t address)
{
	size_t n;
	const uint32_t *list = rp_binary_all_at(f->binary, address, &n);

	if (symbol != UINT32_MAX)
		return rp_binary_symbol(f->binary, symbol)->size;
	for (size_t i = 0; list && i < n; i++) {
		const struct rp_binary_symbol *s =
			rp_binary_symbol(f->binary, list[i]);

		if (s->size)
			return s->size;
	}
	return 0;
}

/** walk_of() - of another function, which is known to agree. */
static const struct rp_walk *walk_of(struct finder *f, uint32_t atom)
{
	const struct rp_match *m = match_of(f, atom);

	if (f->other_atom != atom) {
		rp_walk_deinit(&f->other);
		f->other_atom = atom;
		if (rp_walk_code(&f->other, f->atoms, atom, f->binary,
				 m->address, m->size) < 0)
			f->nomem = true;
	}
	return &f->other;
}

static bool check_places(struct finder *f, struct rp_witness *witness,
			 const struct rp_walk *walk)
{
	for (size_t i = 0; i < witness->places.n; i++) {
		const struct rp_place *p = &witness->places.v[i];
		const struct rp_match *m = match_of(f, p->atom);
		bool own = p->atom == witness->code;

		if (!own && m->state != RP_MATCH_CODE)
			continue;
		if (!rp_walk_is_same(own ? walk : walk_of(f, p->atom), p->place,
				     p->address - (own ? witness->address :
						   m->address)))
			return rp_witness_differs(witness, "refers to another "
				"place in %.100s",
				rp_atom_name(f->atoms, p->atom));
	}
	return true;
}

static bool judge_refs(struct finder *f, struct rp_witness *witness,
		       const struct rp_walk *walk)
{
	for (size_t i = 0; i < walk->refs.n; i++) {
		const struct rp_found_ref *found = &walk->refs.v[i];
		struct rp_target target;
		size_t n;

		rp_find_target(f->binary, found->kind, found->value, &target);
		if (rp_witness_judge(witness, found->ref, &target, 0))
			continue;
		n = strlen(witness->why);
		snprintf(witness->why + n, sizeof(witness->why) - n,
			 " (at +0x%llx)",
			 (unsigned long long)found->ref->offset);
		return false;
	}
	return check_places(f, witness, walk);
}

static void start_witness(struct finder *f, struct rp_witness *witness,
			  uint32_t atom, uint64_t address)
{
	*witness = (struct rp_witness){
		.atoms = f->atoms, .binary = f->binary, .matches = f->matches,
		.verified = f->verified, .code = atom, .address = address,
	};
}

static void end_witness(struct finder *f, struct rp_witness *witness)
{
	f->nomem |= witness->nomem;
	free(witness->facts.v);
	free(witness->places.v);
}

/** compare_code() - @size: of the binary's, or 0; set if they agree. */
static bool compare_code(struct finder *f, struct rp_witness *witness,
			 uint64_t *size)
{
	struct rp_walk walk;
	int rc = rp_walk_code(&walk, f->atoms, witness->code, f->binary,
			      witness->address, *size);

	if (rc < 0)
		f->nomem = true;
	else if (!rc)
		rp_witness_differs(witness, "%s (at +0x%llx)", walk.why,
				   (unsigned long long)walk.offset);
	bool same = rc > 0 && judge_refs(f, witness, &walk);
	if (same && !*size)
		*size = walk.end;
	rp_walk_deinit(&walk);
	return same;
}

static void contradiction(struct finder *f, uint32_t atom, uint64_t address)
{
	struct rp_match *m = match_of(f, atom);
	char why[160];

	snprintf(why, sizeof(why), "some references say that it is at 0x%llx, "
		 "others at 0x%llx", (unsigned long long)m->address,
		 (unsigned long long)address);
	m->state = RP_MATCH_AMBIGUOUS;
	set_why(f, atom, why);
}

/** learn() - somebody says where an atom is; @state: how sure that is. */
static void learn(struct finder *f, const struct rp_fact *fact, uint8_t state)
{
	const struct rp_atom *atom = atom_of(f, fact->atom);
	struct rp_match *m = match_of(f, fact->atom);

	if (m->state == RP_MATCH_AMBIGUOUS ||
	    (m->state == RP_MATCH_DIFFERS && m->address == fact->address))
		return;
	if (m->state == RP_MATCH_CODE) {
		if (m->address != fact->address &&
		    atom->kind != RP_ATOM_LITERAL && state == RP_MATCH_CODE)
			contradiction(f, fact->atom, fact->address);
		return;
	}
	if (rp_atom_is_code(atom)) {
		add_task(f, fact->atom, fact->address);
		return;
	}
	if (m->state == RP_MATCH_SYMBOL && state == RP_MATCH_SYMBOL)
		return;
	m->state = state;
	m->address = fact->address;
	m->symbol = rp_match_symbol(f->atoms, fact->atom, f->binary,
				    fact->address);
	m->size = atom->size;
	if (atom->nrefs && atom->kind != RP_ATOM_LITERAL)
		add_task(f, fact->atom, fact->address);
}

static void learn_all(struct finder *f, const struct rp_witness *witness,
		      uint8_t state)
{
	for (size_t i = 0; i < witness->facts.n; i++)
		learn(f, &witness->facts.v[i], state);
}

static void accept(struct finder *f, const struct rp_witness *witness,
		   uint64_t size)
{
	struct rp_match *m = match_of(f, witness->code);

	free(m->why);
	m->why = NULL;
	m->state = RP_MATCH_CODE;
	m->address = witness->address;
	m->size = size;
	m->symbol = rp_match_symbol(f->atoms, witness->code, f->binary,
				    witness->address);
	learn_all(f, witness, RP_MATCH_CODE);
}

static void reject(struct finder *f, const struct rp_witness *witness,
		   uint64_t size)
{
	struct rp_match *m = match_of(f, witness->code);

	m->state = RP_MATCH_DIFFERS;
	m->address = witness->address;
	m->size = size;
	m->symbol = rp_match_symbol(f->atoms, witness->code, f->binary,
				    witness->address);
	set_why(f, witness->code, witness->why);
}

static void run_code(struct finder *f, const struct task *task)
{
	struct rp_match *m = match_of(f, task->atom);
	struct rp_witness witness;

	if (m->state == RP_MATCH_AMBIGUOUS ||
	    (m->state != RP_MATCH_UNKNOWN && m->address == task->address))
		return;
	if (m->state == RP_MATCH_CODE) {
		contradiction(f, task->atom, task->address);
		return;
	}
	uint32_t symbol = rp_match_symbol(f->atoms, task->atom, f->binary,
					  task->address);
	uint64_t size = size_at(f, symbol, task->address);
	start_witness(f, &witness, task->atom, task->address);
	if (compare_code(f, &witness, &size))
		accept(f, &witness, size);
	else
		reject(f, &witness, size);
	end_witness(f, &witness);
}

// Data that agrees says where what it points to is.
static void run_data(struct finder *f, const struct task *task)
{
	const struct rp_match *m = match_of(f, task->atom);
	struct rp_witness witness;

	if (m->address != task->address)
		return;
	start_witness(f, &witness, RP_ATOM_NONE, 0);
	if (rp_witness_data(&witness, task->atom, 0, task->address, 0))
		learn_all(f, &witness, m->state);
	end_witness(f, &witness);
}

static void run_tasks(struct finder *f)
{
	while (f->done < f->tasks.n && !f->nomem) {
		const struct task task = f->tasks.v[f->done++];

		if (rp_atom_is_code(atom_of(f, task.atom)))
			run_code(f, &task);
		else
			run_data(f, &task);
	}
}

static size_t candidates(const struct finder *f, uint32_t atom, uint32_t *ret)
{
	size_t n = rp_units_candidates(&f->units, f->atoms, atom, f->binary,
				       ret, MAX_CANDIDATES), kept = 0;

	for (size_t i = 0; i < n; i++) {
		uint64_t value = rp_binary_symbol(f->binary, ret[i])->value;
		size_t k = 0;

		while (k < kept &&
		       rp_binary_symbol(f->binary, ret[k])->value != value)
			k++;
		if (k == kept)
			ret[kept++] = ret[i];
	}
	return kept;
}

static bool is_named_data(const struct rp_atom *atom)
{
	return atom->symbol &&
	       (atom->kind == RP_ATOM_DATA || atom->kind == RP_ATOM_CONST);
}

/* What has one symbol that it may be. */
static void ask_symbols(struct finder *f, bool code)
{
	uint32_t list[MAX_CANDIDATES];

	for (uint32_t i = 1; i < f->atoms->n && !f->nomem; i++) {
		const struct rp_atom *atom = atom_of(f, i);

		if (match_of(f, i)->state != RP_MATCH_UNKNOWN ||
		    !(code ? rp_atom_is_code(atom) : is_named_data(atom)) ||
		    candidates(f, i, list) != 1)
			continue;
		const struct rp_fact fact = {
			i, rp_binary_symbol(f->binary, list[0])->value,
		};
		learn(f, &fact, RP_MATCH_SYMBOL);
	}
	run_tasks(f);
}

/** struct trial - what became of several candidates. */
struct trial {
	uint32_t list[MAX_CANDIDATES];	/* those that agree come first */
	size_t n;
	size_t agreeing;
	char why[320];			/* of one that does not */
};

static void try_candidates(struct finder *f, uint32_t atom,
			   struct trial *trial)
{
	trial->agreeing = 0;
	trial->n = candidates(f, atom, trial->list);
	for (size_t i = 0; i < trial->n && !f->nomem; i++) {
		const uint32_t symbol = trial->list[i];
		const struct rp_binary_symbol *s =
			rp_binary_symbol(f->binary, symbol);
		struct rp_witness witness;
		uint64_t size = s->size;

		start_witness(f, &witness, atom, s->value);
		if (compare_code(f, &witness, &size)) {
			trial->list[i] = trial->list[trial->agreeing];
			trial->list[trial->agreeing++] = symbol;
		} else {
			memcpy(trial->why, witness.why, sizeof(trial->why));
		}
		end_witness(f, &witness);
	}
}

static bool is_open_code(struct finder *f, uint32_t atom)
{
	return rp_atom_is_code(atom_of(f, atom)) &&
	       match_of(f, atom)->state == RP_MATCH_UNKNOWN &&
	       *rp_atom_name(f->atoms, atom);
}

/* Of several symbols, the only one whose code agrees. Return: any found? */
static bool ask_code(struct finder *f)
{
	bool found = false;

	for (uint32_t i = 1; i < f->atoms->n && !f->nomem; i++) {
		struct trial trial;

		if (!is_open_code(f, i))
			continue;
		try_candidates(f, i, &trial);
		if (trial.agreeing != 1)
			continue;
		add_task(f, i, rp_binary_symbol(f->binary,
						trial.list[0])->value);
		run_tasks(f);
		found = true;
	}
	return found;
}

static void name_places(struct finder *f, uint32_t atom, const uint32_t *list,
			size_t n)
{
	struct rp_match *m = match_of(f, atom);
	char why[400];
	size_t at;

	at = snprintf(why, sizeof(why), "%zu of this name fit equally well:",
		      n);
	for (size_t i = 0; i < n && i < MAX_NAMED; i++) {
		const struct rp_binary_symbol *s =
			rp_binary_symbol(f->binary, list[i]);

		at += snprintf(why + at, sizeof(why) - at, "%s 0x%llx%s%.40s",
			       i ? "," : "", (unsigned long long)s->value,
			       *s->file ? " of " : "", s->file);
	}
	if (n > MAX_NAMED)
		snprintf(why + at, sizeof(why) - at, ", ...");
	m->state = RP_MATCH_AMBIGUOUS;
	set_why(f, atom, why);
}

static void close_code(struct finder *f, uint32_t atom)
{
	struct rp_match *m = match_of(f, atom);
	struct trial trial;
	char why[400];

	try_candidates(f, atom, &trial);
	if (trial.agreeing > 1) {
		name_places(f, atom, trial.list, trial.agreeing);
	} else if (trial.n) {
		snprintf(why, sizeof(why), "none of %zu of this name agrees: "
			 "%s", trial.n, trial.why);
		m->state = RP_MATCH_DIFFERS;
		m->symbol = trial.list[0];
		m->address = rp_binary_symbol(f->binary, m->symbol)->value;
		m->size = rp_binary_symbol(f->binary, m->symbol)->size;
		set_why(f, atom, why);
	}
}

/* What is left has several candidates, or none. */
static void close_rest(struct finder *f)
{
	uint32_t list[MAX_CANDIDATES];

	for (uint32_t i = 1; i < f->atoms->n && !f->nomem; i++) {
		if (is_open_code(f, i)) {
			close_code(f, i);
		} else if (match_of(f, i)->state == RP_MATCH_UNKNOWN &&
			   is_named_data(atom_of(f, i))) {
			size_t n = candidates(f, i, list);

			if (n > 1)
				name_places(f, i, list, n);
		}
	}
}

static void find_all(struct finder *f)
{
	ask_symbols(f, true);
	if (!f->units.chosen) {
		rp_units_vote(&f->units, f->atoms, f->binary, f->matches);
		ask_symbols(f, true);
	}
	while (ask_code(f))
		;
	if (!f->units.chosen)
		rp_units_vote(&f->units, f->atoms, f->binary, f->matches);
	ask_symbols(f, false);
	while (ask_code(f))
		;
	close_rest(f);
}

static void count(struct finder *f)
{
	for (uint32_t i = 1; i < f->atoms->n; i++) {
		uint8_t state = match_of(f, i)->state;

		if (atom_of(f, i)->kind != RP_ATOM_FUNCTION)
			continue;
		f->matches->functions++;
		f->matches->agreeing += state == RP_MATCH_CODE;
		f->matches->differing += state == RP_MATCH_DIFFERS;
	}
}

int rp_match_object(struct rp_matches *ret, const struct rp_atoms *atoms,
		    const struct rp_binary *binary, struct rp_diag *diag)
{
	struct finder f = {
		.atoms = atoms, .binary = binary, .matches = ret,
	};

	memset(ret, 0, sizeof(*ret));
	ret->n = atoms->n;
	ret->v = calloc(atoms->n, sizeof(*ret->v));
	f.verified = calloc(atoms->n, sizeof(*f.verified));
	f.nomem = !ret->v || !f.verified ||
		  rp_units_init(&f.units, atoms, binary);
	if (!f.nomem) {
		for (size_t i = 0; i < ret->n; i++)
			ret->v[i].symbol = UINT32_MAX;
		find_all(&f);
		count(&f);
	}
	free(f.verified);
	free(f.tasks.v);
	rp_walk_deinit(&f.other);
	rp_units_deinit(&f.units);
	if (!f.nomem)
		return 0;
	rp_matches_deinit(ret);
	return rp_diag_nomem(diag);
}

void rp_matches_deinit(struct rp_matches *matches)
{
	for (size_t i = 0; matches->v && i < matches->n; i++)
		free(matches->v[i].why);
	free(matches->v);
	memset(matches, 0, sizeof(*matches));
}

static bool find_step(const struct rp_step_pair *v, size_t n, uint64_t offset,
		      uint64_t *ret)
{
	size_t low = 0, high = n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (v[mid].object < offset)
			low = mid + 1;
		else
			high = mid;
	}
	if (low == n || v[low].object != offset)
		return false;
	*ret = v[low].binary;
	return true;
}

bool rp_match_offset(const struct rp_atoms *atoms, uint32_t atom,
		     const struct rp_binary *binary,
		     const struct rp_match *match, uint64_t offset,
		     uint64_t *ret)
{
	struct rp_walk walk;
	bool found = false;

	if (rp_walk_code(&walk, atoms, atom, binary, match->address,
			 match->size) > 0)
		found = find_step(walk.steps.v, walk.steps.n, offset, ret) ||
			find_step(walk.fill.v, walk.fill.n, offset, ret);
	rp_walk_deinit(&walk);
	return found;
}
