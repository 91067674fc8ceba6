/* SPDX-License-Identifier: MIT */
/* Symbols by place, and what their names say. */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

struct place {
	uint32_t section;
	uint32_t symbol;
	uint64_t value;
};

static int by_place(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	if (x->section != y->section)
		return x->section < y->section ? -1 : 1;
	if (x->value != y->value)
		return x->value < y->value ? -1 : 1;
	return (x->symbol > y->symbol) - (x->symbol < y->symbol);
}

static bool has_place(const struct rp_relobj *obj, const struct rp_symbol *s)
{
	return s->section && s->section < obj->nsections &&
	       s->type != STT_SECTION && s->type != STT_FILE &&
	       s->type != STT_TLS;
}

static size_t list_places(const struct rp_relobj *obj, struct place *v)
{
	size_t n = 0;

	for (size_t i = 1; i < obj->nsymbols; i++) {
		const struct rp_symbol *s = &obj->symbols[i];

		if (has_place(obj, s))
			v[n++] = (struct place){ s->section, i, s->value };
	}
	return n;
}

static uint64_t symbol_end(const struct rp_symbol *symbol)
{
	uint64_t end;

	if (__builtin_add_overflow(symbol->value, symbol->size, &end))
		return UINT64_MAX;
	return end;
}

static void fill_index(struct rp_code_index *index, const struct rp_relobj *obj,
		       const struct place *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct rp_symbol *symbol = &obj->symbols[v[i].symbol];

		index->symbols[i] = v[i].symbol;
		index->reach[i] = symbol->size ? symbol_end(symbol) : 0;
		if (i && v[i].section == v[i - 1].section &&
		    index->reach[i] < index->reach[i - 1])
			index->reach[i] = index->reach[i - 1];
	}
	index->nsymbols = n;
}

int rp_code_index_symbols(struct rp_code_build *b)
{
	struct rp_code_index *index = b->code->index;
	size_t room = b->obj->nsymbols + 1;
	struct place *v = calloc(room, sizeof(*v));

	index->symbols = calloc(room, sizeof(*index->symbols));
	index->reach = calloc(room, sizeof(*index->reach));
	index->noreturn = calloc(room, 1);
	if (!v || !index->symbols || !index->reach || !index->noreturn) {
		free(v);
		return rp_diag_nomem(b->diag);
	}
	size_t n = list_places(b->obj, v);
	qsort(v, n, sizeof(*v), by_place);
	fill_index(index, b->obj, v, n);
	free(v);
	return 0;
}

// The first symbol in the index that is behind a place.
static size_t behind(const struct rp_code *code, uint32_t section,
		     uint64_t offset)
{
	const struct rp_code_index *index = code->index;
	size_t low = 0, high = index->nsymbols;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		const struct rp_symbol *s =
			&code->obj->symbols[index->symbols[mid]];

		if (s->section < section ||
		    (s->section == section && s->value <= offset))
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

uint32_t rp_code_symbol_at(const struct rp_code *code, uint32_t section,
			   uint64_t offset)
{
	const struct rp_code_index *index = code->index;
	uint32_t found = 0;

	for (size_t i = behind(code, section, offset); i--;) {
		const struct rp_symbol *s =
			&code->obj->symbols[index->symbols[i]];

		if (s->section != section || s->value != offset)
			break;
		if (s->type == STT_FUNC || s->type == STT_GNU_IFUNC)
			return index->symbols[i];
		if (!found)
			found = index->symbols[i];
	}
	return found;
}

bool rp_code_named(const struct rp_code *code, uint32_t section,
		   uint64_t offset)
{
	size_t i = behind(code, section, offset);

	if (!i || code->obj->symbols[code->index->symbols[i - 1]].section !=
	    section)
		return false;
	return code->index->reach[i - 1] > offset;
}

static const char *name_of(const struct rp_code *code, uint32_t symbol)
{
	return code->obj->symbols[symbol].name;
}

static bool begins(const char *name, const char *prefix)
{
	return !strncmp(name, prefix, strlen(prefix));
}

// The kernel's names mean something only if they are global.
static bool may_be_known(const struct rp_code *code, uint32_t symbol)
{
	return symbol && (!rp_code_is_kernel(code) ||
			  code->obj->symbols[symbol].bind == STB_GLOBAL);
}

bool rp_symbol_is_retpoline(const struct rp_code *code, uint32_t symbol)
{
	return may_be_known(code, symbol) &&
	       (begins(name_of(code, symbol), "__x86_indirect_") ||
		(!rp_code_is_kernel(code) &&
		 begins(name_of(code, symbol), "__llvm_retpoline_")));
}

bool rp_symbol_is_rethunk(const struct rp_code *code, uint32_t symbol)
{
	return may_be_known(code, symbol) &&
	       !strcmp(name_of(code, symbol), "__x86_return_thunk");
}

bool rp_symbol_is_embedded(const struct rp_code *code, uint32_t symbol)
{
	const char *name = name_of(code, symbol);

	return rp_code_is_kernel(code) && may_be_known(code, symbol) &&
	       (!strcmp(name, "retbleed_return_thunk") ||
		!strcmp(name, "srso_safe_ret"));
}

bool rp_symbol_is_profiling(const struct rp_code *code, uint32_t symbol)
{
	const char *name = name_of(code, symbol);

	return may_be_known(code, symbol) &&
	       (begins(name, "__sanitizer_cov_") || begins(name, "__tsan_func_") ||
		!strcmp(name, "__tsan_atomic_signal_fence"));
}

bool rp_symbol_is_tramp(const struct rp_code *code, uint32_t symbol)
{
	return may_be_known(code, symbol) &&
	       begins(name_of(code, symbol), code->abi->tramp_prefix);
}
