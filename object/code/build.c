/* SPDX-License-Identifier: MIT */
/* The model of an object's code: the steps that build it. */
#include "../grow.h"
#include "../printable.h"
#include "internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static int edge_order(const void *a, const void *b)
{
	const struct rp_edge *x = a, *y = b;

	if (x->from != y->from)
		return x->from < y->from ? -1 : 1;
	if (x->to != y->to)
		return x->to < y->to ? -1 : 1;
	return (int)x->kind - (int)y->kind;
}

static int sort_edges(struct rp_code_build *b)
{
	struct rp_code *code = b->code;
	size_t n = 0;

	if (!code->nedges)
		return 0;
	qsort(code->edges, code->nedges, sizeof(*code->edges), edge_order);
	for (size_t i = 1; i < code->nedges; i++) {
		if (edge_order(&code->edges[i], &code->edges[n]))
			code->edges[++n] = code->edges[i];
	}
	code->nedges = n + 1;
	return 0;
}

static int allocate(struct rp_code_build *b)
{
	struct rp_code *code = b->code;
	size_t n = b->obj->nsections + 1;

	code->index = calloc(1, sizeof(*code->index));
	code->section_first = calloc(n, sizeof(*code->section_first));
	if (!code->index || !code->section_first)
		return rp_diag_nomem(b->diag);
	code->index->block_first = calloc(n, sizeof(uint32_t));
	if (!code->index->block_first)
		return rp_diag_nomem(b->diag);
	return 0;
}

/* Data among the code, as it is found: bits. */
#define FOUND_TABLES	1
#define FOUND_GUESSES	2

static bool has_found(const struct rp_code_build *b, int kinds)
{
	for (size_t i = 0; i < b->nfound; i++) {
		if (kinds & (b->found[i].guessed ? FOUND_GUESSES : FOUND_TABLES))
			return true;
	}
	return false;
}

// @kinds: data of these kinds makes all be built anew; the rest can wait then.
static int build(struct rp_code_build *b, int kinds)
{
	static int (*const steps[])(struct rp_code_build *b) = {
		allocate,
		rp_code_index_symbols,
		rp_code_read_imports,
		rp_code_decode,
		rp_code_index_insns,
		rp_code_find_functions,
		rp_code_prepare_stubs,
		rp_code_read_annotations,
		rp_code_read_alternatives,
		rp_code_connect,
		rp_code_connect_landings,
		rp_code_find_tables,
		sort_edges,
		rp_code_mark_dead_ends,
		rp_code_read_reachable,
		rp_code_say_lost,
	};
	int rc = 0;

	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps) && !rc; i++) {
		if (steps[i] == sort_edges && has_found(b, kinds))
			break;
		rc = steps[i](b);
	}
	return rc;
}

static void build_deinit(struct rp_code_build *b)
{
	free(b->data);
	free(b->bad);
	free(b->found);
	free(b->fixups);
	free(b->lost);
	free(b->reached);
	free(b->child);
	rp_code_free_data(b);
}

static int by_place(const void *a, const void *b)
{
	const struct rp_span *x = a, *y = b;

	if (x->section != y->section)
		return x->section < y->section ? -1 : 1;
	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	return (x->end > y->end) - (x->end < y->end);
}

static void sort_spans(struct rp_span *v, size_t n)
{
	if (n)
		qsort(v, n, sizeof(*v), by_place);
}

/*
 * What clang -fsanitize=function writes for callers to compare: a jump over six
 * bytes at the function's start, or, of newer versions, eight bytes before it.
 */
static struct rp_span signature_at(const struct rp_relobj *obj,
				   uint32_t section, uint64_t start)
{
	static const uint8_t within[] = { 0xeb, 0x06, 0x76, 0x32 };
	static const uint8_t before[] = { 0xfe, 0xca, 0x05, 0xc1 };
	const uint8_t *code = rp_section_data(obj, section);
	uint64_t size = obj->sections[section].hdr.sh_size;
	struct rp_span none = { 0 };

	if (!code || start > size)
		return none;
	if (size - start >= 8 && !memcmp(code + start, within, sizeof(within)))
		return (struct rp_span){ start + 2, start + 8, section, false };
	if (start >= 8 && !memcmp(code + start - 8, before, sizeof(before)))
		return (struct rp_span){ start - 8, start, section, false };
	return none;
}

static int list_signature(struct rp_code_build *b, uint32_t section,
			  uint64_t start)
{
	struct rp_span span = { 0 };

	if (section && section < b->obj->nsections &&
	    rp_section_is_text(&b->obj->sections[section]))
		span = signature_at(b->obj, section, start);
	return span.section && rp_code_add_span(&b->data, &b->ndata,
						&b->data_room, span) ?
		rp_diag_nomem(b->diag) : 0;
}

static int list_signatures(struct rp_code_build *b)
{
	int rc = 0;

	for (size_t i = 1; i < b->obj->nsymbols && !rc; i++) {
		if (b->obj->symbols[i].type == STT_FUNC)
			rc = list_signature(b, b->obj->symbols[i].section,
					    b->obj->symbols[i].value);
	}
	for (size_t i = 0; b->rows && i < b->rows->nfdes && !rc; i++)
		rc = list_signature(b, b->rows->fdes[i].section,
				    b->rows->fdes[i].entry);
	return rc;
}

// Objects in code, by their symbols' type.
static int list_data(struct rp_code_build *b)
{
	for (size_t i = 1; i < b->obj->nsymbols; i++) {
		const struct rp_symbol *s = &b->obj->symbols[i];
		struct rp_span span = { s->value, s->value + s->size,
					s->section, false };

		if (s->type != STT_OBJECT || !s->size || !s->section ||
		    s->section >= b->obj->nsections || span.end < span.start ||
		    !rp_section_is_text(&b->obj->sections[s->section]))
			continue;
		if (rp_code_add_span(&b->data, &b->ndata, &b->data_room, span))
			return rp_diag_nomem(b->diag);
	}
	return 0;
}

/* Is there more of it than constants, so that code is not looked at? */
static bool is_much(const struct rp_code_build *b, const struct rp_span *span)
{
	uint64_t size = span->end - span->start;

	return size >= RP_CODE_LARGE &&
	       size >= b->obj->sections[span->section].hdr.sh_size / 2;
}

static void say_guess(struct rp_code_build *b, const struct rp_span *span)
{
	bool much = is_much(b, span);

	if (much)
		b->code->unseen++;
	rp_findings_add(b->findings, RP_DIAG_CHECK_DECODE,
		much ? RP_WARNING : RP_NOTE, span->section, span->start, "%"
		PRIu64 " bytes that no symbol and no FDE describes are not all "
		"code: %s", span->end - span->start,
		much ? "not looked at" : "taken for data");
}

static void say_left_out(struct rp_code_build *b)
{
	const struct rp_code *code = b->code;

	for (size_t i = 1; i < code->nfunctions; i++) {
		const struct rp_function *f = &code->functions[i];

		if ((f->flags & RP_FUNCTION_UNNAMED) &&
		    (f->flags & RP_FUNCTION_IGNORE))
			rp_findings_add(b->findings, RP_DIAG_CHECK_DECODE,
				RP_WARNING, f->section, f->offset, "%" PRIu64
				" bytes of code that no symbol and no FDE "
				"describes: not looked at", f->size);
	}
}

static void say_bad(struct rp_code_build *b)
{
	say_left_out(b);
	for (size_t i = 0; i < b->ndata; i++) {
		if (b->data[i].guessed)
			say_guess(b, &b->data[i]);
	}
	for (size_t i = 0; i < b->nbad; i++) {
		uint64_t size = b->bad[i].end - b->bad[i].start;

		rp_code_say(b, CHECK_DECODE, b->bad[i].section, b->bad[i].start,
			    "%" PRIu64 " byte%s that %s no instruction",
			    size, rp_s(size), size == 1 ? "is" : "are");
	}
}

static void start(struct rp_code *code, const struct rp_relobj *obj,
		  const struct rp_abi *abi)
{
	memset(code, 0, sizeof(*code));
	code->obj = obj;
	code->abi = abi;
}

// Moves what was found, of one kind, to what is known. Return: how much; -ENOMEM.
static int take_found(struct rp_code_build *b, bool guessed)
{
	int n = 0;

	for (size_t i = 0; i < b->nfound; i++) {
		if (b->found[i].guessed != guessed)
			continue;
		if (rp_code_add_span(&b->data, &b->ndata, &b->data_room,
				     b->found[i]))
			return rp_diag_nomem(b->diag);
		n = 1;
	}
	sort_spans(b->data, b->ndata);
	return n;
}

// rp_findings_deinit() forgets what is to be left out, too.
static void findings_restart(struct rp_findings *findings)
{
	uint32_t left_out = findings->left_out;

	rp_findings_deinit(findings);
	findings->left_out = left_out;
}

// Builds anew: data among the code is known better now.
static int build_again(struct rp_code_build *b, int kinds)
{
	const struct rp_abi *abi = b->code->abi;
	struct rp_code_build next = {
		.code = b->code, .obj = b->obj, .rows = b->rows,
		.findings = b->findings, .diag = b->diag,
		.data = b->data, .ndata = b->ndata, .data_room = b->data_room,
	};

	b->data = NULL;
	build_deinit(b);
	rp_code_deinit(b->code);
	findings_restart(b->findings);
	start(b->code, b->obj, abi);
	*b = next;
	return build(b, kinds);
}

/*
 * Tables in code first: what they were taken for spoils what is behind them.
 * Then constants that nothing describes.
 */
static int build_all(struct rp_code_build *b)
{
	int rc = build(b, FOUND_TABLES | FOUND_GUESSES);

	if (!rc)
		rc = take_found(b, false);
	if (rc > 0)
		rc = build_again(b, FOUND_GUESSES);
	if (!rc)
		rc = take_found(b, true);
	if (rc > 0)
		rc = build_again(b, 0);
	return rc;
}

static int init(struct rp_code_build *b, struct rp_findings *findings)
{
	int rc = list_data(b);

	if (!rc && !rp_code_is_kernel(b->code))
		rc = list_signatures(b);
	if (!rc)
		rc = rp_code_list_replacement_data(b);
	sort_spans(b->data, b->ndata);
	if (!rc)
		rc = build_all(b);
	if (rc)
		return rc;
	say_bad(b);
	if (b->findings->nomem)
		return rp_diag_nomem(b->diag);
	if (findings)
		rp_findings_merge(findings, b->findings);
	return 0;
}

bool rp_code_uses_frames(const struct rp_relobj *obj, const struct rp_abi *abi)
{
	if (abi->kernel)
		return false;
	for (size_t i = 1; i < obj->nsections; i++) {
		if (!strncmp(obj->sections[i].name, ".gcc_except_table", 17))
			return true;
	}
	return obj->linked;
}

int rp_code_init_frames(struct rp_code *code, const struct rp_relobj *obj,
			const struct rp_abi *abi,
			const struct rp_frame_rows *rows,
			struct rp_findings *findings, struct rp_diag *diag)
{
	struct rp_findings own = {
		.left_out = findings ? findings->left_out : 0,
	};
	struct rp_code_build b = {
		.code = code, .obj = obj, .findings = &own, .diag = diag,
		.rows = rp_code_uses_frames(obj, abi) ? rows : NULL,
	};

	start(code, obj, abi);
	int rc = init(&b, findings);
	build_deinit(&b);
	rp_findings_deinit(&own);
	return rc;
}

int rp_code_init(struct rp_code *code, const struct rp_relobj *obj,
		 const struct rp_abi *abi, struct rp_findings *findings,
		 struct rp_diag *diag)
{
	struct rp_frame_rows rows = { 0 };
	int rc = 0;

	start(code, obj, abi);
	if (rp_code_uses_frames(obj, abi))
		rc = rp_frame_rows_init(&rows, obj, diag);
	if (!rc)
		rc = rp_code_init_frames(code, obj, abi, &rows, findings, diag);
	rp_frame_rows_deinit(&rows);
	return rc;
}
