/* SPDX-License-Identifier: MIT */
/* Which table an indirect jump of an ordinary program goes through. */
#include "../grow.h"
#include "switches.h"

#include <stdlib.h>

static bool is_jump(const struct rp_code_insn *insn)
{
	return insn->flow == RP_FLOW_JMP_INDIRECT &&
	       !(insn->flags & RP_CODE_THUNK);
}

// An opcode, and an address of four bytes.
#define SHORTEST_REF	5

static int add_ref(struct rp_switches *s, uint32_t insn)
{
	const struct rp_code *code = s->b->code;
	struct rp_insn_flow flow;
	struct rp_spot place;

	// Most are ruled out without decoding them again.
	if ((code->insns[insn].flow != RP_FLOW_NEXT &&
	     !is_jump(&code->insns[insn])) ||
	    code->insns[insn].length < SHORTEST_REF)
		return 0;
	if (rp_insn_flow(rp_code_bytes(code, insn), code->insns[insn].length,
			 &flow))
		return 0;
	// A constant that is compared or stored is no address that is used.
	if (flow.reg == RP_REG_NONE && !is_jump(&code->insns[insn]))
		return 0;
	place = rp_code_reference(code, insn, &flow);
	if (!place.section)
		return 0;
	if (rp_grow(&s->refs, &s->ref_room, s->nrefs + 1, sizeof(*s->refs)))
		return rp_diag_nomem(s->b->diag);
	s->refs[s->nrefs++] = (struct rp_ref){ insn,
		flow.memory ? RP_REG_NONE : flow.reg, place };
	return 0;
}

// Of functions with indirect jumps only: the others need none.
static int collect_refs(struct rp_switches *s)
{
	const struct rp_code *code = s->b->code;
	uint8_t *has_jump = calloc(code->nfunctions, 1);
	int rc = 0;

	if (!has_jump)
		return rp_diag_nomem(s->b->diag);
	for (uint32_t i = 1; i < code->ninsns; i++) {
		if (is_jump(&code->insns[i]))
			has_jump[code->insns[i].function] = 1;
	}
	has_jump[0] = 0;
	for (uint32_t i = 1; i < code->ninsns && !rc; i++) {
		if (has_jump[code->insns[i].function])
			rc = add_ref(s, i);
	}
	free(has_jump);
	return rc;
}

static int by_place_and_function(const void *a, const void *b)
{
	const struct rp_named_place *x = a, *y = b;
	int order = rp_spot_compare(&x->spot, &y->spot);

	return order ? order :
		       (x->function > y->function) - (x->function < y->function);
}

// 0 is any function.
static int at_place(const void *key, const void *element)
{
	const struct rp_named_place *x = key, *y = element;

	return x->function ? by_place_and_function(x, y) :
			     rp_spot_compare(&x->spot, &y->spot);
}

static int sort_places(struct rp_switches *s)
{
	if (!s->nrefs)
		return 0;
	s->places = calloc(s->nrefs, sizeof(*s->places));
	if (!s->places)
		return rp_diag_nomem(s->b->diag);
	for (size_t i = 0; i < s->nrefs; i++)
		s->places[i] = (struct rp_named_place){ s->refs[i].place,
			s->b->code->insns[s->refs[i].insn].function };
	qsort(s->places, s->nrefs, sizeof(*s->places), by_place_and_function);
	return 0;
}

bool rp_switch_starts(const struct rp_switches *s, uint32_t section,
		      uint64_t offset, uint32_t function)
{
	struct rp_named_place key = { { section, offset }, function };

	return s->nrefs && bsearch(&key, s->places, s->nrefs,
				   sizeof(key), at_place);
}

// The first reference at or behind an instruction.
static size_t ref_lower(const struct rp_switches *s, uint32_t insn)
{
	size_t low = 0, high = s->nrefs;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (s->refs[mid].insn < insn)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* struct choice - where a jump's table is looked for. */
struct choice {
	uint32_t jump;
	uint32_t function;
	struct rp_shape *shape;
	size_t first, end;	/* references of the function */
};

static void say_given_up(struct rp_switches *s, uint32_t jump)
{
	const struct rp_code *code = s->b->code;

	rp_code_say(s->b, CHECK_INDIRECT, rp_code_section(code, jump),
		    code->insns[jump].offset,
		    "one of too many jumps whose tables are not found");
}

// @sure: it is this table, and not only one that may be it.
static int try(struct rp_switches *s, const struct choice *c,
	       struct rp_spot place, bool sure, bool *found)
{
	struct rp_table t = {
		.place = place, .relative = c->shape->relative, .wide = c->shape->wide,
		.bound = sure ? c->shape->bound : 0,
	};
	bool fits;

	if (!s->budget) {
		say_given_up(s, c->jump);
		return 0;
	}
	s->budget--;
	if (t.relative && c->shape->origin.section &&
	    rp_spot_compare(&c->shape->origin, &place))
		t.origin = c->shape->origin;
	int rc = rp_table_fits(s, &t, c->function, &fits);
	if (!rc && fits) {
		*found = true;
		rc = rp_table_read(s, &t, c->jump);
	}
	return rc;
}

static bool is_base(const struct choice *c, const struct rp_ref *ref)
{
	return ref->reg != RP_REG_NONE &&
	       (ref->reg == c->shape->base || ref->reg == c->shape->other);
}

// So many references are tried before the function is given up on.
#define MOST_REFS	4096

// So many loads of the register are followed to where they get.
#define MOST_FOLLOWED	64

static int try_if_reaching(struct rp_switches *s, const struct choice *c,
			   const struct rp_ref *ref, bool *found)
{
	bool reaches;
	int rc = rp_switch_reaches(s, ref, c->shape->load, &reaches);

	return reaches && !rc ? try(s, c, ref->place, true, found) : rc;
}

// One from which the code comes to the load: mostly it is the last one before.
static int try_reaching(struct rp_switches *s, const struct choice *c, bool *found)
{
	size_t middle = ref_lower(s, c->shape->load), n = 0;
	int rc = 0;

	for (size_t i = middle; i-- > c->first && !*found && !rc &&
	     n < MOST_FOLLOWED;) {
		if (is_base(c, &s->refs[i]) && ++n)
			rc = try_if_reaching(s, c, &s->refs[i], found);
	}
	for (size_t i = middle; i < c->end && !*found && !rc &&
	     n < MOST_FOLLOWED; i++) {
		if (is_base(c, &s->refs[i]) && ++n)
			rc = try_if_reaching(s, c, &s->refs[i], found);
	}
	return rc;
}

// The last one before the load that loads the register.
static int try_before(struct rp_switches *s, const struct choice *c, bool *found)
{
	int rc = 0;

	for (size_t i = ref_lower(s, c->shape->load), n = 0;
	     i-- > c->first && !*found && !rc && n < MOST_REFS &&
	     s->budget; n++) {
		if (is_base(c, &s->refs[i]))
			rc = try(s, c, s->refs[i].place, true, found);
	}
	return rc;
}

// All that load it; all that load any: it was copied, or kept on the stack.
static int try_all(struct rp_switches *s, const struct choice *c, bool any,
		   bool *found)
{
	int rc = 0;

	for (size_t i = c->first, n = 0; i < c->end && !rc && n < MOST_REFS &&
	     s->budget; i++, n++) {
		if (any ? s->refs[i].reg != RP_REG_NONE : is_base(c, &s->refs[i]))
			rc = try(s, c, s->refs[i].place, false, found);
	}
	return rc;
}

// A label that was loaded long before.
static void find_origin(const struct rp_switches *s, const struct choice *c)
{
	for (size_t i = ref_lower(s, c->shape->load), n = 0;
	     i-- > c->first && n < MOST_REFS; n++) {
		const struct rp_ref *ref = &s->refs[i];

		if (ref->reg != c->shape->origin_reg || !rp_section_is_text(
		    &s->b->obj->sections[ref->place.section]))
			continue;
		c->shape->origin = ref->place;
		return;
	}
}

static int find_table(struct rp_switches *s, const struct choice *c)
{
	bool found = false;
	int rc = 0;

	if (c->shape->origin_reg != RP_REG_NONE && !c->shape->origin.section)
		find_origin(s, c);
	if (c->shape->table.section)
		return try(s, c, c->shape->table, true, &found);
	if (c->shape->relative && c->shape->origin.section)
		rc = try(s, c, c->shape->origin, true, &found);
	if (!rc && !found)
		rc = try_reaching(s, c, &found);
	if (!rc && !found)
		rc = try_before(s, c, &found);
	if (!rc && !found)
		rc = try_all(s, c, false, &found);
	if (!rc && !found)
		rc = try_all(s, c, true, &found);
	return rc;
}

static int find_jump_table(struct rp_switches *s, uint32_t jump)
{
	const struct rp_code *code = s->b->code;
	uint32_t function = code->insns[jump].function;
	const struct rp_function *f = &code->functions[function];
	struct rp_shape shape;
	struct choice c = {
		.jump = jump, .function = function, .shape = &shape,
		.first = ref_lower(s, f->first), .end = ref_lower(s, f->end),
	};

	if (!function || !is_jump(&code->insns[jump]) ||
	    rp_large_goes_to_function(code, jump) ||
	    !rp_code_shape(code, jump, &shape))
		return 0;
	return find_table(s, &c);
}

int rp_code_find_tables(struct rp_code_build *b)
{
	struct rp_switches s = {
		.b = b, .budget = 64 * (uint64_t)b->code->ninsns + 65536,
		.steps = 16 * (uint64_t)b->code->ninsns + 65536,
	};

	if (rp_code_is_kernel(b->code))
		return rp_code_find_kernel_tables(b);
	int rc = collect_refs(&s);
	if (!rc)
		rc = sort_places(&s);
	for (uint32_t i = 1; i < b->code->ninsns && !rc; i++) {
		if (b->code->insns[i].flow == RP_FLOW_JMP_INDIRECT)
			rc = find_jump_table(&s, i);
	}
	if (!rc)
		rc = rp_code_find_labels(b, &s);
	free(s.refs);
	free(s.places);
	free(s.seen);
	free(s.ways);
	return rc;
}
