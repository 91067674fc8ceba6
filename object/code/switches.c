/* SPDX-License-Identifier: MIT */
/*
 * Switch tables of ordinary programs, once it is known where one may be. A table
 * ends where another one begins, and where its entries do not lead into the
 * function; but not before the code's own comparison with its size says so.
 */
#include "switches.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static bool is_text(const struct rp_code *code, uint32_t section)
{
	return rp_section_is_text(&code->obj->sections[section]);
}

static bool is_own(const struct rp_code *code, uint32_t function, uint32_t insn)
{
	uint32_t f = insn ? code->insns[insn].function : 0;

	return f && rp_function_whole(code, f) ==
	       rp_function_whole(code, function);
}

// Of a part without a name it is not known whose it is.
static bool may_be_own(const struct rp_code *code, uint32_t function,
		       uint32_t insn)
{
	uint32_t f = insn ? code->insns[insn].function : 0;

	return is_own(code, function, insn) ||
	       (f && (code->functions[f].flags & RP_FUNCTION_UNNAMED) &&
		code->insns[insn].offset != code->functions[f].offset);
}

static uint64_t entry_size(const struct rp_table *t)
{
	return t->relative && !t->wide ? 4 : 8;
}

static struct rp_spot by_reloc(const struct rp_code *code,
			       const struct rp_table *t, uint64_t at,
			       const struct rp_reloc *r)
{
	struct rp_spot none = { 0 };

	if (!t->relative && r->type == R_X86_64_64)
		return rp_relobj_spot(code->obj, r->symbol, r->addend);
	if (t->relative && !t->origin.section &&
	    r->type == (t->wide ? R_X86_64_PC64 : R_X86_64_PC32))
		return rp_relobj_spot(code->obj, r->symbol,
				      (uint64_t)r->addend - (at - t->place.offset));
	return none;
}

static int64_t distance(const struct rp_table *t, uint64_t value)
{
	return t->wide ? (int64_t)value : (int32_t)value;
}

// Entries that the assembler could resolve, and those of linked files.
static struct rp_spot by_value(const struct rp_code *code,
			       const struct rp_table *t, uint64_t value)
{
	struct rp_spot from = t->origin.section ? t->origin : t->place;
	const struct rp_relobj *obj = code->obj;
	struct rp_spot spot = { 0 };
	uint64_t address;

	if (!obj->linked) {
		if (!t->relative || !is_text(code, from.section))
			return spot;
		from.offset += distance(t, value);
		return from.offset < obj->sections[from.section].hdr.sh_size ?
			from : spot;
	}
	address = t->relative ?
		rp_relobj_address(obj, from.section, from.offset) +
		distance(t, value) : value;
	spot.section = rp_relobj_section_at(obj, address, &spot.offset);
	return spot;
}

static struct rp_spot entry(struct rp_switches *s, const struct rp_table *t,
			    struct rp_data *data, uint64_t at)
{
	const struct rp_code *code = s->b->code;
	size_t size = entry_size(t);
	const struct rp_reloc *r;
	struct rp_spot none = { 0 };

	if (at > data->records.size || data->records.size - at < size)
		return none;
	if (!code->obj->linked) {
		r = rp_records_reloc(&data->records, at);
		if (r)
			return by_reloc(code, t, at, r);
	} else if (!t->relative) {
		r = rp_dynamic_at(code, rp_relobj_address(code->obj,
			t->place.section, at));
		if (r && r->type == R_X86_64_RELATIVE)
			return by_value(code, t, r->addend);
	}
	return by_value(code, t, rp_records_field(&data->records, at, size));
}

static uint32_t entry_insn(struct rp_switches *s, const struct rp_table *t,
			   struct rp_data *data, uint64_t at)
{
	struct rp_spot spot = entry(s, t, data, at);

	return spot.section ?
		rp_code_at(s->b->code, spot.section, spot.offset) : 0;
}

static int open_table(struct rp_switches *s, const struct rp_table *t,
		      struct rp_data **data)
{
	uint32_t section = t->place.section;

	*data = NULL;
	if (!section || !rp_section_data(s->b->obj, section) ||
	    !(s->b->obj->sections[section].hdr.sh_flags & SHF_ALLOC) ||
	    (t->place.offset & 3 && !is_text(s->b->code, section)))
		return 0;
	return rp_code_data(s->b, section, data);
}

// A pointer to a function itself begins another array.
static bool fits(const struct rp_code *code, const struct rp_table *t,
		 uint32_t function, uint32_t to)
{
	return is_own(code, function, to) &&
	       (t->relative || code->insns[to].offset !=
		code->functions[code->insns[to].function].offset);
}

int rp_table_fits(struct rp_switches *s, const struct rp_table *t,
		  uint32_t function, bool *ret)
{
	const struct rp_code *code = s->b->code;
	uint64_t size = entry_size(t), at = t->place.offset;
	struct rp_data *data;

	*ret = false;
	int rc = open_table(s, t, &data);
	if (rc || !data)
		return rc;
	*ret = fits(code, t, function, entry_insn(s, t, data, at));
	if (*ret || t->bound < 4)
		return 0;
	*ret = true;
	for (uint32_t k = 1; k < 4; k++)
		*ret &= fits(code, t, function,
			     entry_insn(s, t, data, at + k * size));
	return 0;
}

static bool is_behind_function(const struct rp_code *code, uint32_t function,
			       struct rp_spot spot)
{
	const struct rp_function *f = &code->functions[function];

	return spot.section == f->section && spot.offset == f->offset + f->size;
}

static int note_text(struct rp_switches *s, const struct rp_table *t,
		     uint64_t end)
{
	struct rp_code_build *b = s->b;

	if (!is_text(b->code, t->place.section) || t->place.offset == end)
		return 0;
	return rp_code_add_span(&b->found, &b->nfound, &b->found_room,
				(struct rp_span){ t->place.offset, end,
				t->place.section, false }) ? rp_diag_nomem(b->diag) : 0;
}

/* struct reader - of the table @t of @jump. */
struct reader {
	struct rp_switches *s;
	const struct rp_table *t;
	struct rp_data *data;
	uint32_t jump;
	uint32_t function;
};

/*
 * ENTRY_UNNAMED: to the start of a function without a name, which may be a part of
 * this one; ENTRY_INSIDE: into an instruction of the function.
 */
enum entry {
	ENTRY_OWN, ENTRY_BEHIND, ENTRY_UNNAMED, ENTRY_INSIDE, ENTRY_OTHER
};

static enum entry judge(const struct reader *r, uint64_t at,
			struct rp_spot *spot, uint32_t *to)
{
	const struct rp_code *code = r->s->b->code;

	*spot = entry(r->s, r->t, r->data, at);
	*to = spot->section ? rp_code_at(code, spot->section, spot->offset) : 0;
	if (is_behind_function(code, r->function, *spot))
		return ENTRY_BEHIND;
	if (may_be_own(code, r->function, *to))
		return ENTRY_OWN;
	if (*to)
		return code->functions[code->insns[*to].function].flags &
		       RP_FUNCTION_UNNAMED ? ENTRY_UNNAMED : ENTRY_OTHER;
	return spot->section &&
	       is_own(code, r->function, rp_code_around(code, spot->section,
							spot->offset)) ?
		ENTRY_INSIDE : ENTRY_OTHER;
}

/*
 * Does another table, or other data, begin at an entry? Of an entry that leads into
 * the function, and that the code counts, only the function's own references say
 * so: another one's may be to an array that begins in front of its first element,
 * or be no reference but a constant that looks like one.
 */
static bool is_next_table(const struct reader *r, uint64_t at, enum entry e)
{
	uint64_t k = (at - r->t->place.offset) / entry_size(r->t);
	bool counted = e == ENTRY_OWN && k < r->t->bound;

	return k && rp_switch_starts(r->s, r->t->place.section, at,
				     counted ? r->function : 0);
}

/*
 * If most entries were wrong, it is not this table that the jump goes through. But
 * one alone that leads into an instruction of the function is no chance.
 */
static bool is_trusted(const struct reader *r)
{
	uint64_t at = r->t->place.offset, inside = 0, wrong = 0;
	struct rp_spot spot;
	uint32_t to;

	for (uint32_t k = 0; k < r->t->bound; k++, at += entry_size(r->t)) {
		enum entry e = judge(r, at, &spot, &to);

		if (is_next_table(r, at, e))
			return false;
		inside += e == ENTRY_INSIDE;
		wrong += e == ENTRY_OTHER;
	}
	if (inside == 1 && !wrong)
		return true;
	return (inside + wrong) * 4 <= r->t->bound;
}

static void say_wrong(const struct reader *r, uint64_t at, struct rp_spot spot)
{
	const struct rp_code *code = r->s->b->code;
	char table[200], place[200];

	rp_code_place(code, r->t->place.section, at, table, sizeof(table));
	if (spot.section)
		rp_code_place(code, spot.section, spot.offset, place,
			      sizeof(place));
	rp_code_say(r->s->b, CHECK_TARGET, rp_code_section(code, r->jump),
		    code->insns[r->jump].offset,
		    "jump through a table whose entry at %s leads to %s, %s",
		    table, spot.section ? place : "no place of this file",
		    rp_code_at(code, spot.section, spot.offset) ?
		    "which is not of this function" :
		    "where no instruction begins");
}

// Does the table go on behind an entry, or end there, as another one begins?
static bool goes_on_behind(const struct reader *r, uint64_t at)
{
	struct rp_spot spot;
	uint32_t to;

	for (int k = 0; k < 2; k++) {
		enum entry e;

		at += entry_size(r->t);
		if (at >= r->data->records.size)
			return true;
		e = judge(r, at, &spot, &to);
		if (is_next_table(r, at, e))
			return true;
		if (e != ENTRY_OWN && e != ENTRY_BEHIND)
			return false;
	}
	return true;
}

/*
 * Is it an entry in spite of where it leads? The code may say how many there are.
 * If it does not: a function's address is in no other data; the distance of a
 * place to another one may be, by chance.
 */
static bool counts(const struct reader *r, uint64_t at, enum entry e,
		   bool trusted)
{
	uint64_t k = (at - r->t->place.offset) / entry_size(r->t);

	// Where nothing says what is a function, it may be data.
	if (rp_code_is_undescribed(r->s->b->code, r->jump))
		return false;
	if (k < r->t->bound)
		return trusted;
	return !r->t->bound && e == ENTRY_INSIDE &&
	       (!r->t->relative || goes_on_behind(r, at));
}

static int add_edge(const struct reader *r, uint32_t to)
{
	struct rp_code *code = r->s->b->code;

	code->insns[r->jump].flags |= RP_CODE_EDGES;
	return rp_code_add_edge(r->s->b, r->jump, to, RP_EDGE_TABLE);
}

static bool is_too_much(const struct reader *r)
{
	const struct rp_code *code = r->s->b->code;

	if (!rp_code_has_too_many_edges(code))
		return false;
	rp_code_say(r->s->b, CHECK_INDIRECT, rp_code_section(code, r->jump),
		    code->insns[r->jump].offset,
		    "one of too many switch tables");
	return true;
}

// The section ends, but not what the code takes for the table.
static void say_short(const struct reader *r)
{
	const struct rp_code *code = r->s->b->code;
	uint64_t n = (r->data->records.size - r->t->place.offset) /
		     entry_size(r->t);
	char table[200];

	if (n >= r->t->bound || rp_code_is_undescribed(code, r->jump))
		return;
	rp_code_place(code, r->t->place.section, r->t->place.offset, table,
		      sizeof(table));
	rp_code_say(r->s->b, CHECK_TARGET, rp_code_section(code, r->jump),
		    code->insns[r->jump].offset, "jump through a table of %u "
		    "entries, of which there are %" PRIu64 " at %s",
		    (unsigned int)r->t->bound, n, table);
}

static int read_entries(const struct reader *r, uint64_t *at)
{
	bool trusted = r->t->bound && is_trusted(r);
	int rc = 0;

	for (; !rc && *at < r->data->records.size; *at += entry_size(r->t)) {
		struct rp_spot spot;
		uint32_t to;
		enum entry e = judge(r, *at, &spot, &to);

		if (is_next_table(r, *at, e))
			return 0;
		if (e == ENTRY_BEHIND)
			continue;
		if (e != ENTRY_OWN && !counts(r, *at, e, trusted))
			return 0;
		if (is_too_much(r))
			return 0;
		if (e == ENTRY_OWN || e == ENTRY_UNNAMED)
			rc = add_edge(r, to);
		else
			say_wrong(r, *at, spot);
	}
	if (!rc)
		say_short(r);
	return rc;
}

int rp_table_read(struct rp_switches *s, const struct rp_table *t,
		  uint32_t jump)
{
	struct reader r = {
		.s = s, .t = t, .jump = jump,
		.function = s->b->code->insns[jump].function,
	};
	uint64_t at = t->place.offset;

	int rc = open_table(s, t, &r.data);
	if (!rc && r.data)
		rc = read_entries(&r, &at);
	return rc || !r.data ? rc : note_text(s, t, at);
}
