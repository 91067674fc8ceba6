/* SPDX-License-Identifier: MIT */
/*
 * Other ways that code may go: alternatives, static keys, and fixups of
 * instructions that may fault.
 */
#include "../grow.h"
#include "internal.h"

#include <stdlib.h>
#include <string.h>

static int add_group(struct rp_code_build *b, const struct rp_group *group,
		     uint32_t *ret)
{
	struct rp_code *code = b->code;

	if (code->ngroups == UINT32_MAX ||
	    rp_grow(&code->groups, &b->group_room, code->ngroups + 1,
		    sizeof(*code->groups)))
		return rp_diag_nomem(b->diag);
	*ret = code->ngroups;
	code->groups[code->ngroups++] = *group;
	return 0;
}

static int add_alt(struct rp_code_build *b, const struct rp_alt *alt)
{
	struct rp_code *code = b->code;

	if (rp_grow(&code->alts, &b->alt_room, code->nalts + 1,
		    sizeof(*code->alts)))
		return rp_diag_nomem(b->diag);
	code->alts[code->nalts++] = *alt;
	code->insns[alt->from].flags |= RP_CODE_ALTS;
	return 0;
}

/*
 * Records of one site follow each other, and one of them may be longer: sites are
 * nested in each other. *@site: that of the record before, or 0.
 */
static int find_site(struct rp_code_build *b, const struct rp_alt_record *r,
		     uint32_t *site)
{
	struct rp_group group = {
		.section = r->site.section, .offset = r->site.offset,
		.length = r->length,
	};
	struct rp_group *last = &b->code->groups[*site];

	if (!*site || last->section != group.section ||
	    last->offset != group.offset)
		return add_group(b, &group, site);
	if (last->length < group.length)
		last->length = group.length;
	return 0;
}

static bool is_whole(struct rp_code_build *b, uint32_t table,
		     const struct rp_alt_record *r)
{
	const struct rp_code *code = b->code;

	if (!r->length)
		rp_code_say(b, CHECK_ALT_RECORD, table, r->at,
			    "record of an empty site");
	else if (!rp_code_at(code, r->site.section, r->site.offset))
		rp_code_say(b, CHECK_ALT_RECORD, table, r->at,
			    "record of a site where no instruction begins");
	else if (r->replacement_length &&
		 !rp_code_at(code, r->replacement.section,
			     r->replacement.offset))
		rp_code_say(b, CHECK_ALT_RECORD, table, r->at, "record of a "
			    "replacement where no instruction begins");
	else
		return true;
	return false;
}

static int add_record(struct rp_code_build *b, uint32_t table,
		      const struct rp_alt_record *r, uint32_t *site)
{
	struct rp_code *code = b->code;
	struct rp_group group = {
		.section = r->replacement.section,
		.offset = r->replacement.offset,
		.length = r->replacement_length,
	};
	struct rp_alt alt = {
		.kind = RP_ALT_CODE, .flags = r->flags, .feature = r->feature,
		.record = r->at,
	};

	if (!is_whole(b, table, r))
		return 0;
	int rc = find_site(b, r, site);
	group.site = *site;
	if (!rc)
		rc = add_group(b, &group, &alt.replacement);
	if (rc)
		return rc;
	alt.group = *site;
	alt.from = rp_code_at(code, r->site.section, r->site.offset);
	if (r->replacement_length)
		alt.to = rp_code_at(code, group.section, group.offset);
	return add_alt(b, &alt);
}

static int read_alternatives(struct rp_code_build *b, uint32_t section)
{
	size_t size = b->code->abi->alternative_size;
	struct rp_records t;
	uint32_t site = 0;

	int rc = rp_records_init(&t, b->obj, section, b->diag);
	if (!rc && t.size % size)
		rp_code_say(b, CHECK_ALT_RECORD, section, t.size,
			    "not a number of whole records of %zu bytes", size);
	for (uint64_t at = 0; !rc && t.size - at >= size; at += size) {
		struct rp_alt_record r;

		rp_alt_record_read(&t, b->code->abi, at, &r);
		rc = add_record(b, section, &r, &site);
	}
	rp_records_deinit(&t);
	return rc;
}

static int add_member(struct rp_code_build *b, uint32_t insn, uint32_t group)
{
	struct rp_code_index *index = b->code->index;

	if (rp_grow(&index->members, &index->member_room, index->nmembers + 1,
		    sizeof(*index->members)))
		return rp_diag_nomem(b->diag);
	index->members[index->nmembers++] = (struct rp_member){ insn, group };
	b->code->insns[insn].flags |= RP_CODE_GROUP;
	return 0;
}

static int fix_up(struct rp_code_build *b, uint32_t insn, uint32_t dest)
{
	if (rp_grow(&b->fixups, &b->fixup_room, b->nfixups + 1,
		    sizeof(*b->fixups)))
		return rp_diag_nomem(b->diag);
	b->fixups[b->nfixups++] = (struct rp_fixup){ insn, dest };
	return 0;
}

/*
 * A replacement's code is the site's function's. A jump to its end goes behind
 * the site.
 */
static int settle_replacement(struct rp_code_build *b, const struct rp_group *g,
			      uint32_t insn)
{
	struct rp_code *code = b->code;
	const struct rp_group *site = &code->groups[g->site];
	struct rp_code_insn *i = &code->insns[insn];
	uint32_t next;

	if (!g->site)
		return 0;
	i->function = code->insns[site->first].function;
	if (code->insns[site->first].flags & RP_CODE_IGNORE_ALTS)
		i->flags |= RP_CODE_IGNORE;
	if ((i->flow != RP_FLOW_JMP && i->flow != RP_FLOW_JCC) || i->reloc ||
	    i->dest != g->offset + g->length)
		return 0;
	next = rp_code_at(code, site->section, site->offset + site->length);
	if (!next) {
		rp_code_say(b, CHECK_ALT_BRANCH, g->section, i->offset,
			    "jump to the end of a replacement whose site has "
			    "nothing behind it");
		return 0;
	}
	return fix_up(b, insn, next);
}

static void set_bounds(struct rp_code_build *b, struct rp_group *g)
{
	struct rp_code *code = b->code;

	g->first = rp_code_lower(code, g->section, g->offset);
	g->end = rp_code_lower(code, g->section, g->offset + g->length);
	if (g->length && g->end > g->first &&
	    code->insns[g->end - 1].offset + code->insns[g->end - 1].length !=
	    g->offset + g->length)
		rp_code_say(b, CHECK_ALT_RECORD, g->section, g->offset,
			    "%u bytes of %s end inside an instruction",
			    g->length, g->site ? "a replacement" :
			    "an alternative's site");
}

// Records of long stretches that overlap: no compiler writes them, and they would
// take time that grows with their square.
static bool is_too_much(struct rp_code_build *b, const struct rp_group *g)
{
	if (b->code->index->nmembers <= 16 * b->code->ninsns + 65536)
		return false;
	rp_code_say(b, CHECK_ALT_RECORD, g->section, g->offset,
		    "too many alternatives of the same code");
	return true;
}

static int settle_groups(struct rp_code_build *b)
{
	struct rp_code *code = b->code;
	int rc = 0;

	for (size_t i = 1; i < code->ngroups; i++)
		set_bounds(b, &code->groups[i]);
	for (size_t i = 1; i < code->ngroups && !rc; i++) {
		const struct rp_group *g = &code->groups[i];

		if (is_too_much(b, g))
			break;
		for (uint32_t n = g->first; n < g->end && !rc; n++) {
			rc = add_member(b, n, i);
			if (!rc)
				rc = settle_replacement(b, g, n);
		}
	}
	return rc;
}

/* struct jump_kind - a table of other ways; fields relative to themselves. */
struct jump_kind {
	const char *name;
	uint8_t kind;
	uint8_t size;
};

// The largest distance that there is stands for a flag in an old format.
#define FAULT_FLAG	0x7ffffff0

static struct rp_spot second_target(const struct rp_records *t, uint64_t at)
{
	const struct rp_reloc *reloc = rp_records_reloc(t, at);

	if (reloc && reloc->addend >= FAULT_FLAG)
		return rp_relobj_spot(t->obj, reloc->symbol,
				      reloc->addend - FAULT_FLAG);
	return rp_records_target(t, at);
}

static bool is_key_site(const struct rp_code *code, uint32_t insn)
{
	return code->insns[insn].flow == RP_FLOW_JMP ||
	       code->insns[insn].flow == RP_FLOW_NOP;
}

/* In the key's address: the jump is there for its length only, and the kernel's
 * build makes a NOP of it. */
#define KEY_NOP		2

static bool becomes_nop(const struct rp_code *code, const struct rp_records *t,
			const struct jump_kind *kind, uint64_t at)
{
	const struct rp_reloc *key = rp_records_reloc(t, at + 8);

	return rp_code_is_kernel(code) && kind->kind == RP_ALT_JUMP && key &&
	       key->addend & KEY_NOP;
}

static int add_jump(struct rp_code_build *b, const struct rp_records *t,
		    const struct jump_kind *kind, uint64_t at)
{
	const struct rp_code *code = b->code;
	struct rp_spot from = rp_records_target(t, at);
	struct rp_spot to = second_target(t, at + 4);
	struct rp_alt alt = { .kind = kind->kind, .record = at };

	// Prefixes may come before the bytes that a static key changes.
	alt.from = rp_code_is_kernel(code) ?
		rp_code_at(code, from.section, from.offset) :
		rp_code_around(code, from.section, from.offset);
	alt.to = rp_code_at(code, to.section, to.offset);
	if (!alt.from || !alt.to) {
		rp_code_say(b, CHECK_SITE_RECORD, t->section, at,
			    "record of a place where no instruction begins");
		return 0;
	}
	if (kind->kind == RP_ALT_JUMP && !is_key_site(code, alt.from)) {
		rp_code_say(b, CHECK_SITE, from.section, from.offset,
			    "a static key's site that is neither a jump nor a "
			    "NOP");
		return 0;
	}
	if (becomes_nop(code, t, kind, at))
		code->insns[alt.from].flow = RP_FLOW_NOP;
	return add_alt(b, &alt);
}

static int read_jumps(struct rp_code_build *b, uint32_t section,
		      const struct jump_kind *kind)
{
	struct rp_records t;

	int rc = rp_records_init(&t, b->obj, section, b->diag);
	if (!rc && t.size % kind->size)
		rp_code_say(b, CHECK_SITE_RECORD, section, t.size,
			    "not a number of whole records of %u bytes",
			    kind->size);
	for (uint64_t at = 0; !rc && t.size - at >= kind->size; at += kind->size)
		rc = add_jump(b, &t, kind, at);
	rp_records_deinit(&t);
	return rc;
}

static int by_insn(const void *a, const void *b)
{
	const struct rp_alt *x = a, *y = b;

	if (x->from != y->from)
		return x->from < y->from ? -1 : 1;
	if (x->kind != y->kind)
		return (int)x->kind - (int)y->kind;
	return (x->record > y->record) - (x->record < y->record);
}

/* struct member - to sort by: of several groups the shortest first. */
struct member {
	struct rp_member m;
	uint32_t length;
};

static int by_member(const void *a, const void *b)
{
	const struct member *x = a, *y = b;

	if (x->m.insn != y->m.insn)
		return x->m.insn < y->m.insn ? -1 : 1;
	if (x->length != y->length)
		return x->length < y->length ? -1 : 1;
	return (x->m.group > y->m.group) - (x->m.group < y->m.group);
}

static int sort_members(struct rp_code_build *b)
{
	struct rp_code_index *index = b->code->index;
	struct member *v;

	if (!index->nmembers)
		return 0;
	v = calloc(index->nmembers, sizeof(*v));
	if (!v)
		return rp_diag_nomem(b->diag);
	for (size_t i = 0; i < index->nmembers; i++) {
		v[i].m = index->members[i];
		v[i].length = b->code->groups[v[i].m.group].length;
	}
	qsort(v, index->nmembers, sizeof(*v), by_member);
	for (size_t i = 0; i < index->nmembers; i++)
		index->members[i] = v[i].m;
	free(v);
	return 0;
}

static int read_tables(struct rp_code_build *b)
{
	const struct rp_code *code = b->code;
	const struct jump_kind keys = { code->abi->key_sites, RP_ALT_JUMP, 16 };
	const struct jump_kind faults = { "__ex_table", RP_ALT_FAULT, 12 };
	int rc = 0;

	for (uint32_t i = 1; i < b->obj->nsections && !rc; i++) {
		if (rp_code_is_table(code, i, code->abi->alternatives))
			rc = read_alternatives(b, i);
		else if (rp_code_is_table(code, i, keys.name))
			rc = read_jumps(b, i, &keys);
		else if (rp_code_is_kernel(code) &&
			 rp_code_is_table(code, i, faults.name))
			rc = read_jumps(b, i, &faults);
	}
	return rc;
}

int rp_code_read_alternatives(struct rp_code_build *b)
{
	struct rp_code *code = b->code;
	struct rp_group none = { 0 };
	uint32_t zero;

	int rc = add_group(b, &none, &zero);
	if (!rc)
		rc = read_tables(b);
	if (!rc)
		rc = settle_groups(b);
	if (!rc)
		rc = sort_members(b);
	if (!rc && code->nalts)
		qsort(code->alts, code->nalts, sizeof(*code->alts), by_insn);
	return rc;
}
