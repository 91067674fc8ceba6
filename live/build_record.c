// SPDX-License-Identifier: MIT
/* The record of a payload, put together. */
#define _GNU_SOURCE
#include "build_record.h"

#include "../object/grow.h"
#include "../payload/place.h"
#include "debugger.h"
#include "sites.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define EH_OBJECT_SIZE	64u
#define JIT_ENTRY_SIZE	32u
#define OBJECT_OFFSET	(EH_OBJECT_SIZE + JIT_ENTRY_SIZE)

/* The record grows: tables are reached by offset until it is done. */
struct build {
	struct rp_prepared *p;
	struct rp_session *s;
	const uint8_t *image;
	uint8_t *v;
	size_t n, capacity;
	uint8_t *strings;
	size_t nstrings, strings_capacity;
	bool failed;
};

static struct rp_record *record(struct build *b)
{
	return (struct rp_record *)b->v;
}

/* Zeroed room for @n entries. */
static struct rp_record_table table(struct build *b, size_t n, size_t entry)
{
	struct rp_record_table ret = { (b->n + 7) & ~7u, n };
	size_t end = ret.offset + n * entry;

	if (b->failed || end > RP_RECORD_MAX ||
	    rp_grow(&b->v, &b->capacity, end, 1)) {
		b->failed = true;
		return (struct rp_record_table){ 0, 0 };
	}
	memset(b->v + b->n, 0, end - b->n);
	b->n = end;
	return ret;
}

static uint32_t string(struct build *b, const char *text)
{
	size_t length = strlen(text) + 1;
	uint32_t at = b->nstrings;

	if (b->nstrings && !*text)
		return 0;
	if (b->failed || rp_grow(&b->strings, &b->strings_capacity,
				 b->nstrings + length, 1)) {
		b->failed = true;
		return 0;
	}
	memcpy(b->strings + at, text, length);
	b->nstrings += length;
	return at;
}

static uint32_t payload_string(struct build *b, uint32_t offset)
{
	return string(b, rp_payload_string(b->p->payload, offset));
}

/* Image and record have the pages in between. */
static uint64_t image_at(const struct build *b, size_t record_size)
{
	return b->p->base + RP_PAGE_UP(record_size);
}

static bool is_exported(const struct rp_payload *payload, uint32_t i,
			const struct rp_placement *placement)
{
	const struct rp_symbol *s = &payload->obj.symbols[i];

	return i && *s->name && s->section &&
	       s->section < payload->obj.nsections &&
	       placement->sections[s->section] != RP_PLACE_NONE &&
	       (s->type == STT_FUNC || s->type == STT_OBJECT ||
		s->type == STT_NOTYPE);
}

static size_t count_exports(const struct build *b)
{
	const struct rp_payload *payload = b->p->payload;
	size_t n = 0;

	for (uint32_t i = 0; i < payload->obj.nsymbols; i++)
		n += is_exported(payload, i, b->p->placement);
	return n;
}

static void add_exports(struct build *b, struct rp_record_table to)
{
	const struct rp_payload *payload = b->p->payload;
	size_t n = 0;

	for (uint32_t i = 0; i < payload->obj.nsymbols && !b->failed; i++) {
		const struct rp_symbol *s = &payload->obj.symbols[i];
		uint32_t name;
		struct rp_record_export *e;

		if (!is_exported(payload, i, b->p->placement))
			continue;
		name = string(b, s->name);
		e = (struct rp_record_export *)(b->v + to.offset) + n++;
		e->address = rp_placement_symbol(b->p->placement, i);
		e->size = s->size;
		e->name = name;
		e->is_function = s->type == STT_FUNC;
	}
}

static void add_functions(struct build *b, struct rp_record_table to)
{
	const struct rp_payload *payload = b->p->payload;
	uint64_t bias = b->p->module->bias;

	for (size_t i = 0; i < payload->nfunctions && !b->failed; i++) {
		const struct rp_payload_function *f = &payload->functions[i];
		uint32_t name = payload_string(b, f->name);
		struct rp_record_function *r =
			(struct rp_record_function *)(b->v + to.offset) + i;

		r->old = bias + f->address;
		r->old_size = f->old_size;
		r->cold = f->cold_size ? bias + f->cold : 0;
		r->cold_size = f->cold_size;
		r->detour = r->old + f->detour;
		r->new = rp_placement_symbol(b->p->placement, f->symbol);
		r->new_size = rp_payload_symbol(payload, f->symbol)->size;
		r->name = name;
		memcpy(r->was, b->p->old[i] + f->detour, sizeof(r->was));
	}
}

/* Behind those of the payload: the same, but for where they begin. */
static void add_over(struct build *b, struct rp_record_table to)
{
	struct rp_record_function *v = (void *)(b->v + to.offset);

	for (size_t i = 0; i < b->p->nover && !b->failed; i++) {
		const struct rp_over *over = &b->p->over[i];
		struct rp_record_function *r =
			&v[b->p->payload->nfunctions + i];

		*r = v[over->function];
		r->old = over->address;
		r->old_size = over->size;
		r->cold = r->cold_size = 0;
		r->detour = over->detour;
		memcpy(r->was, over->was, sizeof(r->was));
	}
}

/* Bytes that a defined symbol has in the file. */
static void symbol_bytes(const struct build *b, uint32_t symbol, uint8_t *to,
			 size_t size)
{
	uint64_t at = rp_placement_symbol(b->p->placement, symbol);

	if (b->image)
		memcpy(to, b->image + at, size);
}

static void add_data(struct build *b, struct rp_record_table to)
{
	const struct rp_payload *payload = b->p->payload;

	for (size_t i = 0; i < payload->ndata && !b->failed; i++) {
		const struct rp_payload_data *d = &payload->data[i];
		struct rp_record_table was = table(b, d->size, 1);
		struct rp_record_table value = table(b, d->size, 1);
		uint32_t name = string(b, rp_payload_symbol(payload,
							    d->target)->name);
		struct rp_record_data *r;

		if (b->failed)
			return;
		r = (struct rp_record_data *)(b->v + to.offset) + i;
		r->address = b->p->module->bias +
			     rp_payload_binding_of(payload, d->target)->value;
		r->size = d->size;
		r->was = was.offset;
		r->value = value.offset;
		r->name = name;
		symbol_bytes(b, d->expected, b->v + was.offset, d->size);
		symbol_bytes(b, d->value, b->v + value.offset, d->size);
	}
}

static void add_hooks(struct build *b, struct rp_record_table to)
{
	const struct rp_payload *payload = b->p->payload;

	for (size_t i = 0; i < payload->nhooks && !b->failed; i++) {
		const struct rp_payload_hook *h = &payload->hooks[i];
		uint32_t name = string(b, rp_payload_symbol(payload,
							    h->symbol)->name);
		struct rp_record_hook *r =
			(struct rp_record_hook *)(b->v + to.offset) + i;

		r->address = rp_placement_symbol(b->p->placement, h->symbol);
		r->kind = h->kind;
		r->name = name;
	}
}

static void add_depends(struct build *b, struct rp_record_table to)
{
	for (size_t i = 0; i < b->p->payload->ndepends && !b->failed; i++)
		memcpy(b->v + to.offset + i * sizeof(struct rp_record_depend),
		       b->p->payload->depends[i].id, RP_PAYLOAD_ID_SIZE);
}

/* Addresses of the image become those of memory. */
static void shift(struct build *b, uint64_t by)
{
	struct rp_record *r = record(b);
	struct rp_record_function *f = (void *)(b->v + r->functions.offset);
	struct rp_record_export *e = (void *)(b->v + r->exports.offset);
	struct rp_record_hook *h = (void *)(b->v + r->hooks.offset);

	for (uint32_t i = 0; i < r->functions.n; i++) {
		int32_t distance;

		f[i].new += by;
		distance = f[i].new - (f[i].detour + sizeof(f[i].jump));
		f[i].jump[0] = 0xe9;
		memcpy(f[i].jump + 1, &distance, sizeof(distance));
	}
	for (uint32_t i = 0; i < r->exports.n; i++)
		e[i].address += by;
	for (uint32_t i = 0; i < r->hooks.n; i++)
		h[i].address += by;
}

static void parts(struct build *b, uint64_t image)
{
	const struct rp_placement *placement = b->p->placement;
	struct rp_record *r = record(b);
	bool unwinds = placement->eh_frame.size &&
		       rp_session_has_unwinder(b->s);
	uint64_t descriptor, notify;
	bool sites = rp_live_sites_any(b->p->payload);
	bool jit = !rp_jit_find(&b->s->modules, &descriptor, &notify);

	for (int i = 0; i < RP_PART_NR; i++) {
		r->parts[i].size = placement->parts[i].size;
		r->parts[i].address = image + placement->parts[i].offset;
	}
	r->parts[RP_RECORD_WORK].address = image + placement->size;
	r->parts[RP_RECORD_WORK].size = unwinds || jit || sites ? RP_PAGE : 0;
	r->eh_frame.address = image + placement->eh_frame.offset;
	r->eh_frame.size = placement->eh_frame.size;
	r->eh_object = unwinds ? r->parts[RP_RECORD_WORK].address : 0;
	r->jit_entry = jit ? r->parts[RP_RECORD_WORK].address +
			     EH_OBJECT_SIZE : 0;
	r->object = sites ? r->parts[RP_RECORD_WORK].address + OBJECT_OFFSET :
		    0;
	r->region.size = image - r->region.base + placement->size +
			 r->parts[RP_RECORD_WORK].size;
}

static void header(struct build *b, uint64_t root)
{
	const struct rp_payload_header *h = &b->p->payload->header;
	const struct rp_module *m = b->p->module;
	uint32_t name = payload_string(b, h->name);
	uint32_t version = payload_string(b, h->patch_version);
	uint32_t description = payload_string(b, h->description);
	uint32_t tool = payload_string(b, h->tool);
	uint32_t target = string(b, m->path ? m->path : "");
	struct rp_record *r = record(b);
	uint64_t last = 0;

	for (size_t i = 0; i < b->s->records.n; i++) {
		const struct rp_record *o = b->s->records.v[i].record;

		if (rp_record_is_live(o) && o->sequence > last)
			last = o->sequence;
	}
	memcpy(r->region.magic, RP_REGION_MAGIC, sizeof(r->region.magic));
	r->region.version = RP_REGION_VERSION;
	r->region.kind = RP_REGION_PAYLOAD;
	r->region.base = b->p->base;
	r->region.state = RP_STATE_PREPARED;
	r->sequence = last + 1;
	r->applied_at = time(NULL);
	memcpy(r->id, b->p->payload->id, sizeof(r->id));
	memcpy(r->build_id, h->build_id, sizeof(r->build_id));
	r->build_id_size = h->build_id_size;
	r->bias = m->bias;
	r->module_low = m->low;
	r->module_high = m->high;
	r->root = root;
	r->name = name;
	r->patch_version = version;
	r->description = description;
	r->tool = tool;
	r->target = target;
}

static void tables(struct build *b)
{
	const struct rp_payload *p = b->p->payload;
	struct rp_record_table head = table(b, 1, sizeof(struct rp_record));
	struct rp_record_table functions, data, hooks, exports, depends;
	struct rp_record *r;

	(void)head;
	string(b, "");
	functions = table(b, p->nfunctions + b->p->nover,
			  sizeof(struct rp_record_function));
	data = table(b, p->ndata, sizeof(struct rp_record_data));
	hooks = table(b, p->nhooks, sizeof(struct rp_record_hook));
	depends = table(b, p->ndepends, sizeof(struct rp_record_depend));
	exports = table(b, count_exports(b), sizeof(struct rp_record_export));
	add_functions(b, functions);
	add_over(b, functions);
	add_data(b, data);
	add_hooks(b, hooks);
	add_depends(b, depends);
	add_exports(b, exports);
	if (b->failed)
		return;
	r = record(b);
	r->functions = functions;
	r->data = data;
	r->hooks = hooks;
	r->depends = depends;
	r->exports = exports;
}

static void strings(struct build *b)
{
	struct rp_record_table to = table(b, b->nstrings, 1);

	if (b->failed)
		return;
	memcpy(b->v + to.offset, b->strings, b->nstrings);
	record(b)->strings = to;
}

/* Names of what the payload defines, where it will be. */
static struct rp_symfile_symbol *symbols_of(struct build *b)
{
	const struct rp_record *r = record(b);
	struct rp_symfile_symbol *v = calloc(r->exports.n + 1, sizeof(*v));

	for (uint32_t i = 0; v && i < r->exports.n; i++) {
		const struct rp_record_export *e = &rp_record_exports(r)[i];

		v[i].name = rp_record_string(r, e->name);
		v[i].address = e->address;
		v[i].size = e->size;
		v[i].is_function = e->is_function;
	}
	return v;
}

static int symbol_file(struct build *b, void **bytes, size_t *size)
{
	const struct rp_record *r = record(b);
	struct rp_symfile_symbol *symbols = symbols_of(b);
	uint8_t *zeros = calloc(1, r->eh_frame.size + 1);
	const struct rp_symfile symfile = {
		.symbols = symbols, .nsymbols = r->exports.n,
		.text = r->parts[RP_RECORD_TEXT].address,
		.text_size = r->parts[RP_RECORD_TEXT].size,
		.eh_frame = r->eh_frame.address,
		.eh_frame_size = r->eh_frame.size,
		.eh_frame_bytes = b->image ? b->image +
			b->p->placement->eh_frame.offset : zeros,
	};
	int ret = symbols && zeros ? rp_symfile_make(&symfile, bytes, size,
						     b->s->diag) :
		  rp_diag_nomem(b->s->diag);

	free(symbols);
	free(zeros);
	return ret;
}

/* The symbol file holds addresses, which depend on the record's size, which the
 * symbol file is part of: its size does not depend on them. */
static int finish(struct build *b)
{
	struct rp_record_table file;
	void *bytes;
	size_t size;
	uint64_t image = image_at(b, b->n);
	uint64_t first = image;
	int ret;

	parts(b, image);
	shift(b, image);
	ret = symbol_file(b, &bytes, &size);
	if (ret)
		return ret;
	free(bytes);
	file = table(b, size, 1);
	if (b->failed)
		return rp_diag_nomem(b->s->diag);
	record(b)->symbol_file = file;
	record(b)->region.record_size = b->n;
	image = image_at(b, b->n);
	parts(b, image);
	shift(b, image - first);
	ret = symbol_file(b, &bytes, &size);
	if (ret)
		return ret;
	memcpy(b->v + file.offset, bytes, file.n < size ? file.n : size);
	free(bytes);
	return 0;
}

int rp_record_build(struct rp_prepared *p, struct rp_session *s,
		    const uint8_t *image, uint64_t root)
{
	struct build b = { .p = p, .s = s, .image = image };
	int ret = 0;

	tables(&b);
	if (!b.failed)
		header(&b, root);
	strings(&b);
	if (b.failed)
		ret = rp_diag_nomem(s->diag);
	else
		ret = finish(&b);
	free(b.strings);
	if (ret) {
		free(b.v);
		return ret;
	}
	free(p->record);
	p->record = record(&b);
	return 0;
}
