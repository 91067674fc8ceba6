/* SPDX-License-Identifier: MIT */
/* Functions: where they are, which instructions are theirs, split-off parts. */
#include "../grow.h"
#include "internal.h"

#include <stdlib.h>
#include <string.h>

static bool is_function(const struct rp_symbol *symbol)
{
	return symbol->type == STT_FUNC || symbol->type == STT_GNU_IFUNC;
}

/*
 * May the symbol be a function's? The kernel's rule: STT_FUNC or STT_NOTYPE with
 * a size. Assembly in user space often has neither type nor size.
 */
static bool is_candidate(const struct rp_code *code, uint32_t index)
{
	const struct rp_symbol *symbol = &code->obj->symbols[index];

	if (!rp_section_is_text(&code->obj->sections[symbol->section]) ||
	    symbol->value >=
	    code->obj->sections[symbol->section].hdr.sh_size)
		return false;
	if (rp_code_is_kernel(code))
		return symbol->size && (is_function(symbol) ||
					symbol->type == STT_NOTYPE);
	if (is_function(symbol))
		return true;
	// Labels that nothing else can see are places within functions.
	return symbol->type == STT_NOTYPE &&
	       (symbol->size || symbol->bind != STB_LOCAL);
}

// Of names of one place: typed ones, longer ones, later ones.
static bool is_better(const struct rp_relobj *obj, uint32_t a, uint32_t than)
{
	const struct rp_symbol *x = &obj->symbols[a], *y = &obj->symbols[than];

	if (is_function(x) != is_function(y))
		return is_function(x);
	if (x->size != y->size)
		return x->size > y->size;
	return a > than;
}

int rp_code_add_function(struct rp_code_build *b, const struct rp_function *f)
{
	struct rp_code *code = b->code;

	if (code->nfunctions == UINT32_MAX ||
	    rp_grow(&code->functions, &b->function_room, code->nfunctions + 1,
		    sizeof(*code->functions)))
		return rp_diag_nomem(b->diag);
	code->functions[code->nfunctions++] = *f;
	return 0;
}

static int add_named(struct rp_code_build *b, uint32_t best, uint32_t flags)
{
	const struct rp_relobj *obj = b->obj;
	const struct rp_symbol *symbol = &obj->symbols[best];
	uint64_t room = obj->sections[symbol->section].hdr.sh_size -
			symbol->value;
	struct rp_function f = {
		.symbol = best,
		.section = symbol->section,
		.offset = symbol->value,
		.size = symbol->size < room ? symbol->size : room,
		.flags = flags,
	};

	if (!is_function(symbol) || !symbol->size)
		f.flags |= RP_FUNCTION_UNTYPED;
	return rp_code_add_function(b, &f);
}

// Symbols [i, end) of the index are at one place. Adds the best of them.
static int add_place(struct rp_code_build *b, size_t i, size_t end)
{
	const uint32_t *index = b->code->index->symbols;
	uint32_t best = 0, flags = 0, n = 0;

	for (; i < end; i++) {
		if (!is_candidate(b->code, index[i]))
			continue;
		n++;
		if (b->obj->symbols[index[i]].bind != STB_LOCAL)
			flags |= RP_FUNCTION_GLOBAL;
		if (!best || is_better(b->obj, index[i], best))
			best = index[i];
	}
	if (n > 1)
		flags |= RP_FUNCTION_ALIASED;
	return best ? add_named(b, best, flags) : 0;
}

static size_t end_of_place(const struct rp_code *code, size_t i)
{
	const struct rp_code_index *index = code->index;
	const struct rp_symbol *first = &code->obj->symbols[index->symbols[i]];

	while (++i < index->nsymbols) {
		const struct rp_symbol *s =
			&code->obj->symbols[index->symbols[i]];

		if (s->section != first->section || s->value != first->value)
			break;
	}
	return i;
}

static int list_functions(struct rp_code_build *b)
{
	struct rp_function none = { 0 };
	struct rp_code *code = b->code;
	int rc = rp_code_add_function(b, &none);

	for (size_t i = 0; i < code->index->nsymbols && !rc;) {
		size_t end = end_of_place(code, i);

		rc = add_place(b, i, end);
		i = end;
	}
	return rc;
}

/* Assembly that .eh_frame does not describe ends where it describes code again. */
static uint64_t end_undescribed(const struct rp_code_build *b,
				const struct rp_function *f, uint64_t end)
{
	const struct rp_frame_fde *behind;

	if (!b->rows || rp_frame_fde_at(b->rows, f->section, f->offset))
		return end;
	behind = rp_frame_fde_behind(b->rows, f->section, f->offset);
	return behind && behind->start < end ? behind->start : end;
}

/*
 * Without a size a function ends where the next one begins. A label within a
 * function that has a size is none.
 */
static void settle_unsized(struct rp_code_build *b)
{
	struct rp_code *code = b->code;
	uint64_t covered = 0;
	size_t n = 1;

	for (size_t i = 1; i < code->nfunctions; i++) {
		struct rp_function f = code->functions[i];
		uint64_t end = code->obj->sections[f.section].hdr.sh_size;

		if (f.section != code->functions[n - 1].section)
			covered = 0;
		if (!f.size && f.offset < covered)
			continue;
		if (i + 1 < code->nfunctions &&
		    code->functions[i + 1].section == f.section)
			end = code->functions[i + 1].offset;
		if (!f.size)
			f.size = end_undescribed(b, &f, end) - f.offset;
		if (f.offset + f.size > covered)
			covered = f.offset + f.size;
		code->functions[n++] = f;
	}
	code->nfunctions = n;
}

// Linux 6.1 knows of no function but those with a type.
static bool owns_code(const struct rp_code *code, uint32_t function)
{
	return code->abi->kind != RP_ABI_LINUX_6_1 ||
	       !(code->functions[function].flags & RP_FUNCTION_UNTYPED);
}

/*
 * Which function an instruction belongs to: of those that cover it the one that
 * begins last. @stack holds the functions that have begun and may not have
 * ended.
 */
static void paint(struct rp_code *code, uint32_t *stack)
{
	uint32_t depth, f = 1;

	for (uint32_t s = 1; s < code->obj->nsections; s++) {
		depth = 0;
		while (f < code->nfunctions && code->functions[f].section < s)
			f++;
		for (uint32_t i = code->section_first[s];
		     i < code->section_first[s + 1]; i++) {
			struct rp_code_insn *insn = &code->insns[i];

			while (f < code->nfunctions &&
			       code->functions[f].section == s &&
			       code->functions[f].offset <= insn->offset) {
				if (!depth || owns_code(code, f))
					stack[depth++] = f;
				f++;
			}
			while (depth && insn->offset -
			       code->functions[stack[depth - 1]].offset >=
			       code->functions[stack[depth - 1]].size)
				depth--;
			insn->function = depth ? stack[depth - 1] : 0;
		}
	}
}

static void set_bounds(struct rp_code *code)
{
	for (size_t i = 1; i < code->nfunctions; i++) {
		struct rp_function *f = &code->functions[i];

		f->first = rp_code_lower(code, f->section, f->offset);
		f->end = rp_code_lower(code, f->section, f->offset + f->size);
		if (f->first < f->end && code->insns[f->first].offset == f->offset)
			code->insns[f->first].flags |= RP_CODE_ENTRY;
	}
}

static int assign(struct rp_code_build *b)
{
	uint32_t *stack = calloc(b->code->nfunctions, sizeof(*stack));

	if (!stack)
		return rp_diag_nomem(b->diag);
	paint(b->code, stack);
	set_bounds(b->code);
	free(stack);
	return 0;
}

/* The last one that begins before that place, in any section. */
static uint32_t begins_before(const struct rp_code *code, uint32_t section,
			      uint64_t offset)
{
	size_t low = 1, high = code->nfunctions;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		const struct rp_function *f = &code->functions[mid];

		if (f->section < section ||
		    (f->section == section && f->offset < offset))
			low = mid + 1;
		else
			high = mid;
	}
	return low - 1;
}

uint32_t rp_function_at(const struct rp_code *code, uint32_t section,
			uint64_t offset)
{
	uint32_t i = begins_before(code, section, offset) + 1;

	return i < code->nfunctions && code->functions[i].section == section &&
	       code->functions[i].offset == offset ? i : 0;
}

uint32_t rp_function_with(const struct rp_code *code, uint32_t section,
			  uint64_t offset)
{
	uint32_t i = begins_before(code, section, offset + 1);
	const struct rp_function *f = &code->functions[i];

	return i && f->section == section && offset - f->offset < f->size ? i : 0;
}

/* struct name - of a symbol that is a function; @length of it counts. */
struct name {
	const char *text;
	size_t length;
	uint32_t function;
	uint32_t symbol;
};

static int by_name(const void *a, const void *b)
{
	const struct name *x = a, *y = b;
	size_t n = x->length < y->length ? x->length : y->length;
	int rc = memcmp(x->text, y->text, n);

	if (rc)
		return rc;
	if (x->length != y->length)
		return x->length < y->length ? -1 : 1;
	return (x->symbol > y->symbol) - (x->symbol < y->symbol);
}

// How much of a name is its parent's: up to .cold, .__part.N; 0: it has none.
static size_t parent_length(const char *name)
{
	const char *mark = strstr(name, ".cold");

	if (!mark)
		mark = strstr(name, ".__part.");
	return mark ? mark - name : 0;
}

// clang -fbasic-block-sections gives parts no type.
static bool has_name(const struct rp_code *code, const struct rp_symbol *s)
{
	return is_function(s) || (!rp_code_is_kernel(code) &&
				  s->type == STT_NOTYPE &&
				  strstr(s->name, ".__part."));
}

static size_t list_names(const struct rp_code *code, struct name *v)
{
	size_t n = 0;

	for (size_t i = 0; i < code->index->nsymbols; i++) {
		uint32_t symbol = code->index->symbols[i];
		const struct rp_symbol *s = &code->obj->symbols[symbol];

		if (!has_name(code, s))
			continue;
		v[n++] = (struct name){ s->name, strlen(s->name),
			rp_function_at(code, s->section, s->value), symbol };
	}
	return n;
}

/*
 * Of several functions of the name: the part's own file has it before the part's
 * symbol, nearest to it; a global one is behind all local ones.
 */
static uint32_t find_parent(const struct name *v, size_t n,
			    const struct name *part, size_t length)
{
	struct name wanted = { part->text, length, 0, part->symbol };
	size_t low = 0, high = n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (by_name(&v[mid], &wanted) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	if (low && v[low - 1].length == length &&
	    !memcmp(v[low - 1].text, part->text, length))
		return v[low - 1].function;
	if (low < n && v[low].length == length &&
	    !memcmp(v[low].text, part->text, length))
		return v[low].function;
	return 0;
}

static void link_parts(struct rp_code_build *b, const struct name *v, size_t n)
{
	struct rp_code *code = b->code;

	for (size_t i = 0; i < n; i++) {
		size_t length = parent_length(v[i].text);
		uint32_t part = v[i].function, parent;

		if (!length || !part)
			continue;
		code->functions[part].flags |= RP_FUNCTION_COLD;
		parent = find_parent(v, n, &v[i], length);
		if (!parent || parent == part)
			continue;
		code->functions[part].parent = parent;
		b->child[parent] = part;
	}
}

static bool has_parts(const struct rp_code *code)
{
	for (size_t i = 1; i < code->nfunctions; i++) {
		if (parent_length(rp_function_name(code, i)))
			return true;
	}
	return false;
}

static int find_parts(struct rp_code_build *b)
{
	b->child = calloc(b->code->nfunctions, sizeof(*b->child));
	if (!b->child)
		return rp_diag_nomem(b->diag);
	if (!has_parts(b->code))
		return 0;
	struct name *v = calloc(b->code->index->nsymbols, sizeof(*v));
	if (!v)
		return rp_diag_nomem(b->diag);
	size_t n = list_names(b->code, v);
	qsort(v, n, sizeof(*v), by_name);
	link_parts(b, v, n);
	free(v);
	return 0;
}

static int by_place(const void *a, const void *b)
{
	const struct rp_function *x = a, *y = b;

	if (x->section != y->section)
		return x->section < y->section ? -1 : 1;
	if (x->offset != y->offset)
		return x->offset < y->offset ? -1 : 1;
	return 0;
}

// More functions have been added behind those that instructions know of.
static int assign_again(struct rp_code_build *b, size_t before)
{
	struct rp_code *code = b->code;

	if (code->nfunctions == before)
		return 0;
	qsort(code->functions + 1, code->nfunctions - 1,
	      sizeof(*code->functions), by_place);
	return assign(b);
}

static void mark_left_out(struct rp_code *code)
{
	for (size_t i = 1; i < code->nfunctions; i++) {
		const struct rp_function *f = &code->functions[i];

		if (!(f->flags & RP_FUNCTION_IGNORE))
			continue;
		for (uint32_t k = f->first; k < f->end; k++)
			code->insns[k].flags |= RP_CODE_IGNORE;
	}
}

static int find_unnamed(struct rp_code_build *b)
{
	size_t before = b->code->nfunctions;
	struct rp_starts starts = { 0 };
	int rc = rp_code_add_described(b);

	if (!rc)
		rc = assign_again(b, before);
	if (!rc)
		rc = rp_code_find_called(b, &starts);
	if (!rc)
		rc = rp_code_guess_data(b, &starts);
	before = b->code->nfunctions;
	if (!rc)
		rc = rp_code_add_gaps(b, &starts);
	free(starts.v);
	if (!rc)
		rc = assign_again(b, before);
	if (!rc)
		mark_left_out(b->code);
	return rc;
}

static void say_size(struct rp_code_build *b, const struct rp_function *f,
		     const char *what)
{
	rp_findings_add(b->findings, RP_DIAG_CHECK_UNSIZED,
			b->obj->linked ? RP_NOTE : RP_WARNING, f->section,
			f->offset, "the size of %s %s",
			b->obj->symbols[f->symbol].name, what);
}

// Symbols whose size cannot be right.
static void check_sizes(struct rp_code_build *b)
{
	const struct rp_code *code = b->code;

	for (size_t i = 1; i < code->nfunctions; i++) {
		const struct rp_function *f = &code->functions[i];
		uint64_t end = f->offset + f->size;
		uint32_t insn = rp_code_around(code, f->section, end);

		if (!f->symbol || !b->obj->symbols[f->symbol].size)
			continue;
		if (b->obj->symbols[f->symbol].size > f->size)
			say_size(b, f, "goes beyond the end of its section");
		else if (insn && code->insns[insn].offset < end)
			say_size(b, f, "ends inside an instruction");
	}
}

int rp_code_find_functions(struct rp_code_build *b)
{
	int rc = list_functions(b);

	if (!rc)
		settle_unsized(b);
	if (!rc)
		rc = assign(b);
	if (!rc && !rp_code_is_kernel(b->code))
		rc = find_unnamed(b);
	if (!rc && !rp_code_is_kernel(b->code))
		check_sizes(b);
	return rc ? rc : find_parts(b);
}
