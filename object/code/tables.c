/* SPDX-License-Identifier: MIT */
/*
 * Switch tables as the kernel has them: 8 bytes for each case, in .rodata, not
 * named. A table belongs to the indirect jump behind the last reference to it,
 * looking back from the jump along the code that leads there.
 */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

#define ENTRY_SIZE	8

/* struct table - at relocation @first of @data; NULL: none. */
struct table {
	struct rp_data *data;
	size_t first;
};

/*
 * struct search - @source: for each instruction, the first jump forward to it;
 * @budget: steps that are left, so that no function takes time that grows with
 * the square of its size.
 */
struct search {
	struct rp_code_build *b;
	struct rp_code *code;
	uint32_t *source;
	uint32_t function;
	uint64_t budget;
};

// Tables that are written in C, of computed gotos: they have names.
static bool is_c_table(const struct rp_code *code, const char *name)
{
	return !strcmp(name, code->abi->kind == RP_ABI_LINUX_6_1 ?
		       ".rodata..c_jump_table" : ".data.rel.ro.c_jump_table");
}

static bool is_rodata(const struct rp_code *code, const char *name)
{
	return (!strncmp(name, ".rodata", 7) && !strstr(name, ".str1.")) ||
	       is_c_table(code, name);
}

// What a table's entry means to the kernel's objtool: the symbol's value is not
// looked at.
static uint32_t entry_target(const struct rp_code *code,
			     const struct rp_reloc *r)
{
	uint32_t section = code->obj->symbols[r->symbol].section;

	if (!section || section >= code->obj->nsections || r->addend < 0)
		return 0;
	return rp_code_at(code, section, r->addend);
}

static bool is_inside(const struct search *s, uint32_t insn)
{
	uint32_t f = insn ? s->code->insns[insn].function : 0;

	return f && !(s->code->functions[f].flags & RP_FUNCTION_UNTYPED) &&
	       rp_function_whole(s->code, f) == s->function;
}

// Does the instruction refer to what looks like the start of a table?
static int table_of(struct search *s, uint32_t i, struct table *ret)
{
	const struct rp_code *code = s->code;
	const struct rp_reloc *r = &code->relocs[code->insns[i].reloc];
	const struct rp_symbol *symbol = &code->obj->symbols[r->symbol];
	uint64_t offset = (uint64_t)r->addend +
			  (r->type == R_X86_64_PC32 ? 4 : 0);
	const struct rp_reloc *entry;
	struct rp_data *data;
	const char *name;

	ret->data = NULL;
	if (!code->insns[i].reloc || symbol->type != STT_SECTION ||
	    !symbol->section || symbol->section >= code->obj->nsections)
		return 0;
	name = code->obj->sections[symbol->section].name;
	if (!is_rodata(code, name) ||
	    (rp_code_named(code, symbol->section, offset) &&
	     !is_c_table(code, name)))
		return 0;
	int rc = rp_code_data(s->b, symbol->section, &data);
	if (rc)
		return rc;
	entry = rp_records_reloc(&data->records, offset);
	if (!entry)
		return 0;
	if (r->type == R_X86_64_PC32)
		s->code->dead_code = true;
	if (!is_inside(s, entry_target(code, entry)))
		return 0;
	ret->data = data;
	ret->first = entry - data->records.relocs.v;
	return 0;
}

static bool is_jump(const struct rp_code_insn *insn)
{
	return insn->flow == RP_FLOW_JMP ||
	       (insn->flow == RP_FLOW_CALL && (insn->flags & RP_CODE_PUSHES));
}

static uint32_t jump_dest(const struct rp_code_insn *insn)
{
	if (insn->flags & RP_CODE_TAIL)
		return 0;
	return is_jump(insn) || insn->flow == RP_FLOW_JCC ? insn->dest : 0;
}

// Looking back, code before this instruction does not lead to the jump.
static bool is_barrier(const struct search *s, uint32_t i, uint32_t jump)
{
	const struct rp_code_insn *insns = s->code->insns;
	uint32_t dest = jump_dest(&insns[i]);

	if (i != jump && insns[i].flow == RP_FLOW_JMP_INDIRECT)
		return true;
	return is_jump(&insns[i]) && dest &&
	       (insns[dest].offset <= insns[i].offset ||
		insns[dest].offset > insns[jump].offset);
}

static uint32_t before(const struct search *s, uint32_t i)
{
	const struct rp_code_insn *insns = s->code->insns;

	if (s->source[i])
		return s->source[i];
	return insns[i - 1].function == insns[i].function ? i - 1 : 0;
}

static int find_table(struct search *s, uint32_t jump, struct table *ret)
{
	int rc = 0;

	ret->data = NULL;
	for (uint32_t i = jump; i && is_inside(s, i) && s->budget;
	     i = before(s, i)) {
		s->budget--;
		if (is_barrier(s, i, jump))
			break;
		rc = table_of(s, i, ret);
		if (rc || ret->data)
			break;
	}
	return rc;
}

static bool is_end(const struct search *s, const struct table *table,
		   size_t i, const struct table *next)
{
	const struct rp_reloc *v = table->data->records.relocs.v;
	const struct rp_function *f = &s->code->functions[s->function];
	uint32_t section = s->code->obj->symbols[v[i].symbol].section;

	if (i != table->first &&
	    (s->code->abi->kind == RP_ABI_LINUX_6_1 ?
	     table->data->starts[i] :
	     next->data == table->data && next->first == i))
		return true;
	if (i != table->first && v[i].offset != v[i - 1].offset + ENTRY_SIZE)
		return true;
	// A pointer to a function: what follows is another array.
	return section == f->section && (uint64_t)v[i].addend == f->offset;
}

// Clang's entries for cases that cannot be: behind the function.
static bool is_dangling(const struct search *s, const struct rp_reloc *r)
{
	const struct rp_function *f = &s->code->functions[s->function];

	return s->code->abi->kind != RP_ABI_LINUX_6_1 &&
	       s->code->obj->symbols[r->symbol].section == f->section &&
	       (uint64_t)r->addend == f->offset + f->size;
}

static int add_table(struct search *s, uint32_t jump, const struct table *table,
		     const struct table *next)
{
	const struct rp_relocs *relocs = &table->data->records.relocs;
	struct rp_code *code = s->code;
	int rc = 0;

	for (size_t i = table->first; i < relocs->n && !rc; i++) {
		uint32_t to = entry_target(code, &relocs->v[i]);

		if (is_end(s, table, i, next))
			break;
		if (is_dangling(s, &relocs->v[i]))
			continue;
		if (!is_inside(s, to))
			break;
		code->insns[jump].flags |= RP_CODE_EDGES;
		rc = rp_code_add_edge(s->b, jump, to, RP_EDGE_TABLE);
	}
	if (!rc && !(code->insns[jump].flags & RP_CODE_EDGES))
		rp_code_say(s->b, CHECK_INDIRECT, rp_code_section(code, jump),
			    code->insns[jump].offset,
			    "a switch table without entries");
	return rc;
}

/* struct found - an indirect jump and its table. */
struct found {
	uint32_t jump;
	struct table table;
};

static int scan_part(struct search *s, uint32_t part, struct found *v, size_t *n)
{
	const struct rp_function *f = &s->code->functions[part];
	const struct rp_code_insn *insns = s->code->insns;
	int rc = 0;

	for (uint32_t i = rp_function_own(s->code, part, f->first);
	     i < f->end && !rc; i = rp_function_own(s->code, part, i + 1)) {
		uint32_t dest = jump_dest(&insns[i]);

		if (dest && insns[dest].offset > insns[i].offset &&
		    !s->source[dest])
			s->source[dest] = i;
		if (insns[i].flow != RP_FLOW_JMP_INDIRECT)
			continue;
		v[*n].jump = i;
		rc = find_table(s, i, &v[*n].table);
		if (!rc && v[*n].table.data) {
			v[*n].table.data->starts[v[*n].table.first] = 1;
			++*n;
		}
	}
	return rc;
}

static size_t count_jumps(const struct rp_code *code, uint32_t function)
{
	const struct rp_function *f = &code->functions[function];
	size_t n = 0;

	for (uint32_t i = rp_function_own(code, function, f->first);
	     i < f->end; i = rp_function_own(code, function, i + 1))
		n += code->insns[i].flow == RP_FLOW_JMP_INDIRECT;
	return n;
}

// The searches of a function end at each other's jumps, nearly always.
static uint64_t budget(const struct rp_code *code, uint32_t function)
{
	const struct rp_function *f = &code->functions[function];

	return 64 * (uint64_t)(f->end - f->first) + 4096;
}

static int search_function(struct search *s, uint32_t function)
{
	uint32_t child = s->b->child[function];
	size_t jumps = count_jumps(s->code, function) +
		       count_jumps(s->code, child), n = 0;
	struct found *v;

	if (!jumps)
		return 0;
	v = calloc(jumps + 1, sizeof(*v));
	if (!v)
		return rp_diag_nomem(s->b->diag);
	s->function = function;
	s->budget = budget(s->code, function) + budget(s->code, child);
	int rc = scan_part(s, function, v, &n);
	if (!rc && child)
		rc = scan_part(s, child, v, &n);
	// Behind the last is an empty one.
	v[n].table.data = NULL;
	for (size_t i = 0; i < n && !rc; i++)
		rc = add_table(s, v[i].jump, &v[i].table, &v[i + 1].table);
	free(v);
	return rc;
}

// A replacement stands for the jump that it replaces.
static bool replaces_table(const struct rp_code *code, uint32_t i)
{
	const struct rp_group *g = &code->groups[rp_code_group_at(code, i)];

	if (!(code->insns[i].flags & RP_CODE_GROUP) || !g->site)
		return false;
	return code->insns[code->groups[g->site].first].flags & RP_CODE_EDGES;
}

// The others leave their function.
static void mark_tails(struct rp_code *code)
{
	for (uint32_t i = 1; i < code->ninsns; i++) {
		struct rp_code_insn *insn = &code->insns[i];

		if (insn->flow == RP_FLOW_JMP_INDIRECT &&
		    !(insn->flags & RP_CODE_EDGES) && insn->function &&
		    !(code->functions[insn->function].flags &
		      RP_FUNCTION_UNTYPED) && !replaces_table(code, i))
			insn->flags |= RP_CODE_TAIL;
	}
}

static bool has_rodata(const struct rp_code *code)
{
	for (size_t i = 1; i < code->obj->nsections; i++) {
		if (is_rodata(code, code->obj->sections[i].name))
			return true;
	}
	return false;
}

int rp_code_find_kernel_tables(struct rp_code_build *b)
{
	struct search s = { .b = b, .code = b->code };
	int rc = 0;

	if (has_rodata(b->code)) {
		s.source = calloc(b->code->ninsns, sizeof(*s.source));
		if (!s.source)
			return rp_diag_nomem(b->diag);
		for (uint32_t f = 1; f < b->code->nfunctions && !rc; f++) {
			if (!(b->code->functions[f].flags & RP_FUNCTION_UNTYPED))
				rc = search_function(&s, f);
		}
		free(s.source);
	}
	if (!rc)
		mark_tails(b->code);
	return rc;
}
