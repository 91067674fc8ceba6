/* SPDX-License-Identifier: MIT */
/* The model of an object's code: the steps that build it. */
#include "code_internal.h"
#include "grow.h"

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
	code->index->reloc_first = calloc(n, sizeof(uint32_t));
	if (!code->index->block_first || !code->index->reloc_first)
		return rp_diag_nomem(b->diag);
	return 0;
}

static int build(struct rp_code_build *b)
{
	static int (*const steps[])(struct rp_code_build *b) = {
		allocate,
		rp_code_index_symbols,
		rp_code_read_imports,
		rp_code_decode,
		rp_code_index_insns,
		rp_code_find_functions,
		rp_code_read_annotations,
		rp_code_read_alternatives,
		rp_code_connect,
		rp_code_connect_landings,
		rp_code_find_tables,
		sort_edges,
		rp_code_mark_dead_ends,
		rp_code_read_reachable,
	};
	int rc = 0;

	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps) && !rc; i++)
		rc = steps[i](b);
	return rc;
}

static void build_deinit(struct rp_code_build *b)
{
	free(b->data);
	free(b->bad);
	free(b->found);
	free(b->fixups);
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
	sort_spans(b->data, b->ndata);
	return 0;
}

static void say_bad(struct rp_code_build *b)
{
	for (size_t i = 0; i < b->ndata; i++) {
		if (b->data[i].guessed)
			rp_findings_add(b->findings, RP_DIAG_CHECK_DECODE,
				RP_NOTE, b->data[i].section, b->data[i].start,
				"%" PRIu64 " bytes that no symbol and no FDE "
				"describes are not all code: taken for data",
				b->data[i].end - b->data[i].start);
	}
	for (size_t i = 0; i < b->nbad; i++)
		rp_code_say(b, CHECK_DECODE, b->bad[i].section, b->bad[i].start,
			    "%" PRIu64 " bytes that are no instruction",
			    b->bad[i].end - b->bad[i].start);
}

static void start(struct rp_code *code, const struct rp_relobj *obj,
		  const struct rp_abi *abi)
{
	memset(code, 0, sizeof(*code));
	code->obj = obj;
	code->abi = abi;
}

// Gives the findings to the one who asked for them.
static int hand_over(struct rp_findings *to, struct rp_findings *from)
{
	if (from->nomem || rp_grow(&to->v, &to->room, to->n + from->n,
				   sizeof(*to->v)))
		return -ENOMEM;
	if (from->n)
		memcpy(to->v + to->n, from->v, from->n * sizeof(*from->v));
	to->n += from->n;
	from->n = 0;
	return 0;
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

// Builds anew: data among the code is known better now.
static int build_again(struct rp_code_build *b)
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
	rp_findings_deinit(b->findings);
	memset(b->findings, 0, sizeof(*b->findings));
	start(b->code, b->obj, abi);
	*b = next;
	return build(b);
}

/*
 * Tables in code first: what they were taken for spoils what is behind them.
 * Then constants that nothing describes.
 */
static int build_all(struct rp_code_build *b)
{
	int rc = build(b);

	for (int guessed = 0; guessed < 2 && !rc; guessed++) {
		rc = take_found(b, guessed);
		if (rc > 0)
			rc = build_again(b);
	}
	return rc;
}

static int init(struct rp_code_build *b, struct rp_findings *findings)
{
	int rc = list_data(b);

	if (!rc)
		rc = build_all(b);
	if (rc)
		return rc;
	say_bad(b);
	if (findings && hand_over(findings, b->findings))
		return rp_diag_nomem(b->diag);
	return 0;
}

int rp_code_init_frames(struct rp_code *code, const struct rp_relobj *obj,
			const struct rp_abi *abi,
			const struct rp_frame_rows *rows,
			struct rp_findings *findings, struct rp_diag *diag)
{
	struct rp_findings own = { 0 };
	struct rp_code_build b = {
		.code = code, .obj = obj, .rows = rows, .findings = &own,
		.diag = diag,
	};

	start(code, obj, abi);
	int rc = init(&b, findings);
	build_deinit(&b);
	rp_findings_deinit(&own);
	return rc;
}

static bool wants_rows(const struct rp_code *code)
{
	if (rp_code_is_kernel(code))
		return false;
	for (size_t i = 1; i < code->obj->nsections; i++) {
		const char *name = code->obj->sections[i].name;

		if (!strncmp(name, ".gcc_except_table", 17))
			return true;
	}
	return code->obj->linked;
}

int rp_code_init(struct rp_code *code, const struct rp_relobj *obj,
		 const struct rp_abi *abi, struct rp_findings *findings,
		 struct rp_diag *diag)
{
	struct rp_frame_rows rows;
	int rc;

	start(code, obj, abi);
	if (!wants_rows(code))
		return rp_code_init_frames(code, obj, abi, NULL, findings, diag);
	rc = rp_frame_rows_init(&rows, obj, diag);
	if (!rc)
		rc = rp_code_init_frames(code, obj, abi, &rows, findings, diag);
	rp_frame_rows_deinit(&rows);
	return rc;
}
