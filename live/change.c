// SPDX-License-Identifier: MIT
/* What one switch changes: which code must not be in use, and what is written. */
#define _GNU_SOURCE
#include "session.h"

#include "../object/grow.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void rp_change_init(struct rp_change *change, struct rp_session *s)
{
	*change = (struct rp_change){ .s = s };
}

void rp_change_free(struct rp_change *change)
{
	free(change->remove);
	free(change->codes);
	free(change->writes);
	*change = (struct rp_change){ 0 };
}

int rp_change_remove(struct rp_change *change, struct rp_record *record)
{
	struct rp_record **more = reallocarray(change->remove,
		change->nremove + 1, sizeof(*more));

	if (!more)
		return rp_diag_nomem(change->s->diag);
	change->remove = more;
	more[change->nremove++] = record;
	return 0;
}

bool rp_change_removes(const struct rp_change *change,
		       const struct rp_record *record)
{
	for (size_t i = 0; i < change->nremove; i++) {
		if (change->remove[i] == record)
			return true;
	}
	return false;
}

static bool is_allowed(const struct rp_change *change, const char *name)
{
	const struct rp_live_options *o = change->s->options;

	for (size_t i = 0; i < o->nallow_active; i++) {
		if (!strcmp(o->allow_active[i], name))
			return true;
	}
	return false;
}

static int add_code(struct rp_change *change, uint64_t start, uint64_t size,
		    bool entry, const char *name)
{
	if (!size)
		return 0;
	if (rp_grow(&change->codes, &change->codes_capacity,
		    change->ncodes + 1, sizeof(*change->codes)))
		return rp_diag_nomem(change->s->diag);
	change->codes[change->ncodes++] = (struct rp_code){
		.start = start, .size = size, .entry = entry, .name = name,
	};
	return 0;
}

static int by_start(const void *a, const void *b)
{
	const struct rp_code *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

/* New functions by their names, and what lies between them. */
static int codes_of_record(struct rp_change *change, const struct rp_record *r)
{
	const struct rp_record_part *text = &r->parts[RP_RECORD_TEXT];
	const struct rp_record_export *e = rp_record_exports(r);
	const char *name = rp_record_string(r, r->name);
	size_t first = change->ncodes, n;
	uint64_t at = text->address;
	int ret = 0;

	for (uint32_t i = 0; i < r->exports.n && !ret; i++) {
		if (e[i].is_function && e[i].address >= text->address &&
		    e[i].address - text->address < text->size)
			ret = add_code(change, e[i].address, e[i].size, false,
				       rp_record_string(r, e[i].name));
	}
	n = change->ncodes;
	if (n > first)
		qsort(change->codes + first, n - first, sizeof(*change->codes),
		      by_start);
	for (size_t i = first; i < n && !ret; i++) {
		struct rp_code *c = &change->codes[i];

		/* Two names of one function. */
		if (c->start < at) {
			c->size = c->start + c->size > at ?
				  c->start + c->size - at : 0;
			c->start = at;
		}
		ret = add_code(change, at, c->start - at, false, name);
		c = &change->codes[i];
		at = c->start + c->size;
	}
	if (!ret && at < text->address + text->size)
		ret = add_code(change, at, text->address + text->size - at,
			       false, name);
	return ret;
}

static int codes_of_payload(struct rp_change *change)
{
	const struct rp_prepared *p = change->add;
	const struct rp_payload *payload = p->payload;

	for (size_t i = 0; i < payload->nfunctions; i++) {
		const struct rp_payload_function *f = &payload->functions[i];
		const char *name = rp_payload_string(payload, f->name);
		uint64_t bias = p->module->bias;
		int ret = add_code(change, bias + f->address, f->old_size,
				   true, name);

		if (!ret && f->cold_size)
			ret = add_code(change, bias + f->cold, f->cold_size,
				       false, name);
		if (ret)
			return ret;
	}
	for (size_t i = 0; i < p->nover; i++) {
		const struct rp_over *o = &p->over[i];
		const char *name = rp_payload_string(payload,
			payload->functions[o->function].name);
		int ret = add_code(change, o->address, o->size, true, name);

		if (ret)
			return ret;
	}
	return 0;
}

/* A name that is in nobody's way is a mistake that hides another one. */
static int check_allowed(struct rp_change *change)
{
	const struct rp_live_options *o = change->s->options;

	for (size_t i = 0; i < o->nallow_active; i++) {
		bool found = false;

		for (size_t k = 0; k < change->ncodes && !found; k++)
			found = !strcmp(change->codes[k].name,
					o->allow_active[i]);
		if (!found)
			return rp_diag_set(change->s->diag,
				RP_DIAG_LIVE_ALLOW, NULL,
				"--allow-active %s: no such function is replaced or given back here",
				o->allow_active[i]);
	}
	return 0;
}

int rp_change_codes(struct rp_change *change)
{
	size_t kept = 0;
	int ret = 0;

	change->ncodes = 0;
	for (size_t i = 0; i < change->nremove && !ret; i++)
		ret = codes_of_record(change, change->remove[i]);
	if (!ret && change->add)
		ret = codes_of_payload(change);
	if (ret)
		return ret;
	for (size_t i = 0; i < change->ncodes; i++) {
		if (change->codes[i].size)
			change->codes[kept++] = change->codes[i];
	}
	change->ncodes = kept;
	for (size_t i = 0; i < kept; i++)
		change->codes[i].allowed = is_allowed(change,
						      change->codes[i].name);
	if (kept)
		qsort(change->codes, kept, sizeof(*change->codes), by_start);
	return change->no_hooks ? 0 : check_allowed(change);
}

static int add_write(struct rp_change *change, uint64_t address, uint32_t size,
		     const void *bytes)
{
	if (rp_grow(&change->writes, &change->writes_capacity,
		    change->nwrites + 1, sizeof(*change->writes)))
		return rp_diag_nomem(change->s->diag);
	change->writes[change->nwrites++] = (struct rp_write){
		.address = address, .size = size, .bytes = bytes,
	};
	return 0;
}

/* What a write does to a copy of memory. */
static void overlay(const struct rp_write *w, uint64_t address, uint8_t *buffer,
		    size_t size)
{
	uint64_t from = w->address > address ? w->address : address;
	uint64_t to = w->address + w->size < address + size ?
		      w->address + w->size : address + size;

	if (from < to)
		memcpy(buffer + (from - address),
		       (const uint8_t *)w->bytes + (from - w->address),
		       to - from);
}

int rp_change_read(struct rp_change *change, uint64_t address, void *buffer,
		   size_t size)
{
	int ret = rp_target_read(&change->s->target, address, buffer, size);

	for (size_t i = 0; i < change->nwrites && !ret; i++)
		overlay(&change->writes[i], address, buffer, size);
	return ret;
}

static int cannot_read(struct rp_change *change, const char *what)
{
	return rp_diag_set(change->s->diag, RP_DIAG_LIVE_GONE, NULL,
		"process %d: %s cannot be read: it has ended, or unmapped its own code",
		change->s->target.pid, what);
}

/* A jump that is not ours any more: somebody else patched this function. */
static int restore_function(struct rp_change *change, const struct rp_record *r,
			    const struct rp_record_function *f)
{
	const char *name = rp_record_string(r, f->name);
	uint8_t now[sizeof(f->jump)];

	if (rp_change_read(change, f->detour, now, sizeof(now)))
		return cannot_read(change, name);
	if (!memcmp(now, f->was, sizeof(now)))
		return 0;
	if (memcmp(now, f->jump, sizeof(now)))
		return rp_diag_set(change->s->diag, RP_DIAG_LIVE_MISMATCH, NULL,
			"the entry of %s holds neither its own bytes nor the jump that %s wrote: a breakpoint, or another patcher; take that away first",
			name, rp_record_string(r, r->name));
	return add_write(change, f->detour, sizeof(f->was), f->was);
}

/* What the program has changed since stays. */
static int restore_data(struct rp_change *change, const struct rp_record *r,
			const struct rp_record_data *d)
{
	const uint8_t *value = (const uint8_t *)r + d->value;
	uint8_t *now = malloc(d->size + 1);
	int ret = 0;

	if (!now)
		return rp_diag_nomem(change->s->diag);
	if (rp_change_read(change, d->address, now, d->size))
		ret = cannot_read(change, rp_record_string(r, d->name));
	else if (!memcmp(now, value, d->size))
		ret = add_write(change, d->address, d->size,
				(const uint8_t *)r + d->was);
	free(now);
	return ret;
}

static int removal(struct rp_change *change, const struct rp_record *r)
{
	int ret = 0;

	for (uint32_t i = 0; i < r->functions.n && !ret; i++)
		ret = restore_function(change, r, &rp_record_functions(r)[i]);
	for (uint32_t i = 0; i < r->data.n && !ret; i++)
		ret = restore_data(change, r, &rp_record_data(r)[i]);
	return ret;
}

/* Bytes behind masks may change while it runs: call sites, keys. */
static bool is_same(const struct rp_payload *payload,
		    const struct rp_payload_function *f, uint8_t *now,
		    const uint8_t *old)
{
	for (uint32_t i = 0; i < f->nmasks; i++) {
		const struct rp_payload_range *m =
			&payload->masks[f->first_mask + i];

		memcpy(now + m->offset, old + m->offset, m->size);
	}
	return !memcmp(now, old, f->old_size);
}

static int add_function(struct rp_change *change, size_t i)
{
	const struct rp_prepared *p = change->add;
	const struct rp_payload_function *f = &p->payload->functions[i];
	const struct rp_record_function *r = &rp_record_functions(p->record)[i];
	const char *name = rp_payload_string(p->payload, f->name);
	uint8_t *now = malloc(f->old_size);
	int ret = 0;

	if (!now)
		return rp_diag_nomem(change->s->diag);
	if (rp_change_read(change, r->old, now, f->old_size))
		ret = cannot_read(change, name);
	else if (!is_same(p->payload, f, now, p->old[i]))
		ret = rp_diag_set(change->s->diag, RP_DIAG_LIVE_MISMATCH, NULL,
			"%s was changed in memory while it was looked at: another patcher is at work",
			name);
	free(now);
	return ret ? ret : add_write(change, r->detour, sizeof(r->jump),
				     r->jump);
}

static int add_over(struct rp_change *change, size_t i)
{
	const struct rp_prepared *p = change->add;
	const struct rp_record_function *r =
		&rp_record_functions(p->record)[p->payload->nfunctions + i];
	uint8_t now[sizeof(r->was)];

	if (rp_change_read(change, r->detour, now, sizeof(now)) ||
	    memcmp(now, r->was, sizeof(now)))
		return rp_diag_set(change->s->diag, RP_DIAG_LIVE_MISMATCH, NULL,
			"%s was changed in memory while it was looked at: another patcher is at work",
			rp_record_string(p->record, r->name));
	return add_write(change, r->detour, sizeof(r->jump), r->jump);
}

static int add_data(struct rp_change *change, size_t i)
{
	const struct rp_prepared *p = change->add;
	const struct rp_record_data *d = &rp_record_data(p->record)[i];
	const char *name = rp_record_string(p->record, d->name);
	uint8_t *was = (uint8_t *)p->record + d->was;
	uint8_t *now = malloc(d->size + 1);
	int ret = 0;

	if (!now)
		return rp_diag_nomem(change->s->diag);
	if (rp_change_read(change, d->address, now, d->size))
		ret = cannot_read(change, name);
	else if (memcmp(now, was, d->size))
		ret = rp_diag_set(change->s->diag, RP_DIAG_LIVE_DATA, NULL,
			"%s does not have the value that the patch expects: the program has changed it; its author decides (RP_LIVEPATCH_KEEP, RP_LIVEPATCH_SET_EXPECT)",
			name);
	free(now);
	return ret ? ret : add_write(change, d->address, d->size,
				     (uint8_t *)p->record + d->value);
}

int rp_change_writes(struct rp_change *change)
{
	const struct rp_prepared *p = change->add;
	int ret = 0;

	change->nwrites = 0;
	for (size_t i = 0; i < change->nremove && !ret; i++)
		ret = removal(change, change->remove[i]);
	for (size_t i = 0; p && p->record && i < p->payload->nfunctions && !ret;
	     i++)
		ret = add_function(change, i);
	for (size_t i = 0; p && p->record && i < p->nover && !ret; i++)
		ret = add_over(change, i);
	for (size_t i = 0; p && p->record && i < p->payload->ndata && !ret; i++)
		ret = add_data(change, i);
	return ret;
}
