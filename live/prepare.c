// SPDX-License-Identifier: MIT
/* A payload on its way into a process: does it fit, and its image there. */
#define _GNU_SOURCE
#include "session.h"

#include "../object/path.h"
#include "../livepatch/root.h"
#include "build_record.h"
#include "resolve.h"
#include "sites.h"

#include <errno.h>
#include <repoint/abi.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static const char *string(const struct rp_prepared *p, uint32_t offset)
{
	return rp_payload_string(p->payload, offset);
}

static int no_module(const struct rp_prepared *p, struct rp_session *s)
{
	const char *name = string(p, p->payload->header.target);

	for (size_t i = 0; i < s->modules.n; i++) {
		const struct rp_module *m = &s->modules.v[i];

		if (m->path && !strcmp(rp_base_name(m->path), name))
			return rp_diag_set(s->diag, RP_DIAG_LIVE_TARGET, NULL,
				"process %d (%s) runs another build of %s than the one that this payload is for (build-ids differ): make a payload for that build",
				s->target.pid, s->target.comm, name);
	}
	return rp_diag_set(s->diag, RP_DIAG_LIVE_TARGET, NULL,
		"process %d (%s) has not loaded %s, nor anything else with the build-id that this payload is for",
		s->target.pid, s->target.comm, name);
}

static int check_applied(const struct rp_prepared *p, struct rp_change *change)
{
	struct rp_session *s = change->s;
	const char *name = string(p, p->payload->header.name);

	for (size_t i = 0; i < s->records.n; i++) {
		const struct rp_record *r = s->records.v[i].record;

		if (!rp_record_is_live(r) || rp_change_removes(change, r))
			continue;
		if (!memcmp(r->id, p->payload->id, sizeof(r->id)))
			return rp_diag_set(s->diag, RP_DIAG_LIVE_APPLIED, NULL,
				"%s is applied to process %d already", name,
				s->target.pid);
		if (!strcmp(rp_record_string(r, r->name), name))
			return rp_diag_set(s->diag, RP_DIAG_LIVE_APPLIED, NULL,
				"another payload of the name %s is applied to process %d: replace it (repoint patch replace), or give this one another name",
				name, s->target.pid);
	}
	return 0;
}

static int check_depends(const struct rp_prepared *p, struct rp_change *change)
{
	struct rp_session *s = change->s;

	for (size_t i = 0; i < p->payload->ndepends; i++) {
		const struct rp_payload_depend *d = &p->payload->depends[i];
		bool found = false;

		for (size_t k = 0; k < s->records.n && !found; k++) {
			const struct rp_record *r = s->records.v[k].record;

			found = rp_record_is_live(r) &&
				!rp_change_removes(change, r) &&
				!memcmp(r->id, d->id, sizeof(d->id));
		}
		if (!found)
			return rp_diag_set(s->diag, RP_DIAG_LIVE_DEPENDS, NULL,
				"%s %s, and this payload needs it: apply that one first",
				string(p, d->name),
				rp_change_removes(change, rp_records_find(&s->records,
					   string(p, d->name))) ?
				"would be taken away" : "is not applied");
	}
	return 0;
}

static bool overlaps(uint64_t a, uint64_t a_size, uint64_t b, uint64_t b_size)
{
	return a < b + b_size && b < a + a_size;
}

static bool stays(const struct rp_change *change, const struct rp_record *r)
{
	return rp_record_is_live(r) && !rp_change_removes(change, r);
}

/* The same function, or none of it. */
static int check_overlap(const struct rp_prepared *p, struct rp_change *change,
			 const struct rp_payload_function *f)
{
	struct rp_session *s = change->s;
	uint64_t at = p->module->bias + f->address;

	for (size_t i = 0; i < s->records.n; i++) {
		const struct rp_record *r = s->records.v[i].record;

		for (uint32_t k = 0; stays(change, r) && k < r->functions.n;
		     k++) {
			const struct rp_record_function *g =
				&rp_record_functions(r)[k];

			if (overlaps(at, f->old_size, g->old, g->old_size) &&
			    (at != g->old || f->old_size != g->old_size))
				return rp_diag_set(s->diag, RP_DIAG_LIVE_ORDER,
					NULL, "%s shares code with %s, which %s has replaced: make one payload with both fixes, and put it in its place (repoint patch replace)",
					string(p, f->name),
					rp_record_string(r, g->name),
					rp_record_string(r, r->name));
		}
	}
	return 0;
}

/* The last one that replaced this function; its record in *@by. */
static const struct rp_record_function *
replaced_by(struct rp_change *change, uint64_t old, const struct rp_record **by)
{
	const struct rp_records *records = &change->s->records;

	for (size_t i = records->n; i-- > 0;) {
		const struct rp_record *r = records->v[i].record;

		for (uint32_t k = 0; stays(change, r) && k < r->functions.n;
		     k++) {
			if (rp_record_functions(r)[k].old == old) {
				*by = r;
				return &rp_record_functions(r)[k];
			}
		}
	}
	return NULL;
}

/* Calls among the functions of the earlier payload take no detour. */
static int replace_over(struct rp_prepared *p, struct rp_change *change,
			size_t i)
{
	static const uint8_t endbr64[4] = { 0xf3, 0x0f, 0x1e, 0xfa };
	const struct rp_payload_function *f = &p->payload->functions[i];
	const struct rp_record *by;
	const struct rp_record_function *g =
		replaced_by(change, p->module->bias + f->address, &by);
	uint8_t code[9] = { 0 };
	struct rp_over *over;

	if (!g)
		return 0;
	over = reallocarray(p->over, p->nover + 1, sizeof(*over));
	if (!over)
		return rp_diag_nomem(change->s->diag);
	p->over = over;
	over += p->nover++;
	*over = (struct rp_over){ .address = g->new, .size = g->new_size,
				  .detour = g->new, .function = i };
	rp_target_read_some(&change->s->target, g->new, code, sizeof(code));
	if (!memcmp(code, endbr64, sizeof(endbr64)))
		over->detour += sizeof(endbr64);
	memcpy(over->was, code + (over->detour - over->address),
	       sizeof(over->was));
	if (over->size >= over->detour - over->address + sizeof(over->was))
		return 0;
	return rp_diag_set(change->s->diag, RP_DIAG_LIVE_ORDER, NULL,
		"%s as %s has it is too short to be replaced again: make one payload with both fixes, and put it in its place (repoint patch replace)",
		string(p, f->name), rp_record_string(by, by->name));
}

/* What the target's own bytes are, under the jumps of earlier payloads. */
static void take_detours_off(struct rp_change *change, uint64_t old,
			     uint8_t *copy)
{
	const struct rp_records *records = &change->s->records;

	for (size_t i = records->n; i-- > 0;) {
		const struct rp_record *r = records->v[i].record;

		for (uint32_t k = 0; stays(change, r) && k < r->functions.n;
		     k++) {
			const struct rp_record_function *g =
				&rp_record_functions(r)[k];

			if (g->old == old)
				memcpy(copy + (g->detour - g->old), g->was,
				       sizeof(g->was));
		}
	}
}

static int check_bytes(struct rp_prepared *p, struct rp_change *change,
		       size_t i)
{
	const struct rp_payload_function *f = &p->payload->functions[i];
	uint64_t at = p->module->bias + f->address;
	uint8_t *masked = malloc(f->old_size);
	uint8_t hash[crypto_hash_sha256_BYTES];
	bool same;

	p->old[i] = malloc(f->old_size);
	if (!p->old[i] || !masked) {
		free(masked);
		return rp_diag_nomem(change->s->diag);
	}
	if (rp_change_read(change, at, p->old[i], f->old_size)) {
		free(masked);
		return rp_diag_set(change->s->diag, RP_DIAG_LIVE_MISMATCH, NULL,
			"%s cannot be read at %#lx", string(p, f->name),
			(unsigned long)at);
	}
	memcpy(masked, p->old[i], f->old_size);
	take_detours_off(change, at, masked);
	for (uint32_t k = 0; k < f->nmasks; k++) {
		const struct rp_payload_range *m =
			&p->payload->masks[f->first_mask + k];

		memset(masked + m->offset, 0, m->size);
	}
	crypto_hash_sha256(hash, masked, f->old_size);
	free(masked);
	same = !memcmp(hash, f->hash, sizeof(hash));
	return same ? 0 : rp_diag_set(change->s->diag, RP_DIAG_LIVE_MISMATCH,
		NULL, "%s in process %d is not the code that this payload was made for: a breakpoint, or another patcher, has changed it in memory",
		string(p, f->name), change->s->target.pid);
}

static int check_functions(struct rp_prepared *p, struct rp_change *change)
{
	size_t n = p->payload->nfunctions;
	int ret = 0;

	p->old = calloc(n + 1, sizeof(*p->old));
	if (!p->old)
		return rp_diag_nomem(change->s->diag);
	for (size_t i = 0; i < n && !ret; i++) {
		const struct rp_payload_function *f = &p->payload->functions[i];

		ret = check_overlap(p, change, f);
		if (!ret && !rp_module_is_text(p->module,
					       p->module->bias + f->address))
			ret = rp_diag_set(change->s->diag,
				RP_DIAG_LIVE_MISMATCH, NULL,
				"%s is not in code of %s", string(p, f->name),
				p->module->path);
		if (!ret)
			ret = check_bytes(p, change, i);
		if (!ret)
			ret = replace_over(p, change, i);
	}
	return ret;
}

int rp_prepare_check(struct rp_prepared *p, struct rp_change *change,
		     const struct rp_payload *payload)
{
	struct rp_session *s = change->s;
	int ret;

	*p = (struct rp_prepared){ .payload = payload };
	p->module = rp_modules_by_build_id(&s->modules,
					   payload->header.build_id,
					   payload->header.build_id_size);
	if (!p->module)
		return no_module(p, s);
	ret = check_applied(p, change);
	if (!ret)
		ret = check_depends(p, change);
	if (!ret)
		ret = rp_change_writes(change);	/* what is removed */
	if (!ret)
		ret = check_functions(p, change);
	change->add = p;
	return ret;
}

static int find_earlier(void *context, const uint8_t *id, const char *name,
			uint64_t *ret)
{
	struct rp_session *s = context;

	for (size_t i = 0; i < s->records.n; i++) {
		const struct rp_record *r = s->records.v[i].record;
		const struct rp_record_export *e;

		if (!rp_record_is_live(r) || memcmp(r->id, id, sizeof(r->id)))
			continue;
		e = rp_record_exports(r);
		for (uint32_t k = 0; k < r->exports.n; k++) {
			if (!strcmp(rp_record_string(r, e[k].name), name)) {
				*ret = e[k].address;
				return 0;
			}
		}
	}
	return -ENOENT;
}

static int call_ifunc(void *context, uint64_t resolver, uint64_t *ret)
{
	static const uint64_t no_args[2];
	struct rp_session *s = context;
	int64_t got = 0;
	int rc = rp_session_agent(s);

	if (!rc)
		rc = rp_agent_call(&s->agent, resolver, no_args,
				   RP_LIVE_HOOK_MS, &got, s->diag);
	*ret = got;
	return rc;
}

static bool needs_root(const struct rp_payload *payload)
{
	for (size_t i = 0; i < payload->nbindings; i++) {
		if (payload->bindings[i].kind == RP_BIND_ROOT)
			return true;
	}
	return false;
}

/* The program's own, if it links the archive; else what an earlier run mapped. */
static uint64_t find_root(struct rp_session *s)
{
	static const char name[] = "rp__livepatch_root";
	struct rp_live_symbol symbol;

	if (!rp_modules_lookup(&s->modules, NULL, name, "", &symbol) ||
	    (s->modules.n && !rp_module_local(&s->modules, &s->modules.v[0],
					      name, &symbol)))
		return symbol.address;
	for (size_t i = 0; i < s->records.n; i++) {
		const struct rp_region *region = &s->records.v[i].record->region;

		if (region->kind == RP_REGION_ROOT)
			return region->base + RP_PAGE;
	}
	return 0;
}

static int map_root(struct rp_session *s, const struct rp_module *m,
		    uint64_t *root)
{
	const struct rp_livepatch_root page = {
		.magic = RP_LIVEPATCH_ROOT_MAGIC,
		.version = RP_LIVEPATCH_ROOT_VERSION,
		.size = RP_LIVEPATCH_ROOT_SIZE,
	};
	uint64_t base;
	int ret = rp_session_map(s, RP_REGION_ROOT, 2 * RP_PAGE, m->low,
				 m->high, m->fixed ? INT32_MAX : UINT64_MAX,
				 &base);

	if (ret)
		return ret;
	*root = base + RP_PAGE;
	ret = rp_inject_protect(&s->inject, *root, RP_PAGE,
				PROT_READ | PROT_WRITE, s->diag);
	if (!ret && rp_target_write(&s->target, *root, &page, 64))
		ret = -EINVAL;
	if (ret)
		rp_region_free(s, base, 2 * RP_PAGE);
	return ret;
}

static int protect(struct rp_session *s, const struct rp_record *r)
{
	const struct rp_record_part *text = &r->parts[RP_RECORD_TEXT];
	const struct rp_record_part *data = &r->parts[RP_RECORD_DATA];
	const struct rp_record_part *work = &r->parts[RP_RECORD_WORK];
	uint64_t writable = data->size ? data->address : work->address;
	int ret = 0;

	if (text->size)
		ret = rp_inject_protect(&s->inject, text->address, text->size,
					PROT_READ | PROT_EXEC, s->diag);
	if (!ret && data->size + work->size)
		ret = rp_inject_protect(&s->inject, writable,
					data->size + work->size,
					PROT_READ | PROT_WRITE, s->diag);
	return ret;
}

static int write_all(struct rp_prepared *p, struct rp_session *s,
		     const uint8_t *image)
{
	struct rp_record *r = p->record;
	uint64_t at = p->base + RP_PAGE_UP(r->region.record_size);
	const size_t head = sizeof(r->region);
	int ret = rp_target_write(&s->target, at, image, p->placement->size);

	if (!ret && r->object) {
		struct rp_object object;

		rp_live_sites_object(p, at, &object);
		ret = rp_target_write(&s->target, r->object, &object,
				      sizeof(object));
	}
	/* Its first lines last: they make the rest count. */
	if (!ret)
		ret = rp_target_write(&s->target, p->base + head,
				      (const char *)r + head,
				      r->region.record_size - head);
	if (!ret)
		ret = rp_target_write(&s->target, p->base, r, head);
	return !ret ? 0 : rp_diag_set(s->diag, RP_DIAG_LIVE_WRITE, NULL,
		"the memory of process %d cannot be written: it has ended, or its limits are exhausted",
		s->target.pid);
}

static int relocate(struct rp_prepared *p, struct rp_change *change,
		    uint64_t root, uint8_t *image)
{
	struct rp_session *s = change->s;
	struct rp_live_resolver context = {
		.modules = &s->modules, .module = p->module, .root = root,
		.earlier = find_earlier, .ifunc = call_ifunc, .context = s,
	};
	const struct rp_resolver resolver = { rp_live_resolve, &context };
	uint64_t at = p->base + RP_PAGE_UP(p->record->region.record_size);

	if (!p->placement->size)
		return 0;
	/* Nothing is called for a look. */
	if (s->options->dry_run)
		context.ifunc = NULL;
	return rp_placement_relocate(p->placement, at, image, &resolver,
				     s->diag);
}

static int map_regions(struct rp_prepared *p, struct rp_session *s,
		       uint64_t size, uint64_t *root)
{
	const struct rp_module *m = p->module;
	uint64_t highest = m->fixed ? INT32_MAX : UINT64_MAX;
	uint64_t started;
	int ret;

	if (s->options->dry_run) {
		p->base = rp_maps_gap(&s->modules.maps, m->low, m->high, size,
				      RP_PAGE, highest, 0);
		return p->base ? 0 : rp_diag_set(s->diag, RP_DIAG_LIVE_MEMORY,
			NULL, "process %d has no room for %lu KB within 2 GiB of %s",
			s->target.pid, (unsigned long)(size >> 10), m->path);
	}
	started = rp_now();
	ret = rp_session_borrow(s);
	if (ret)
		return ret;
	ret = rp_session_map(s, RP_REGION_PAYLOAD, size, m->low, m->high,
			     highest, &p->base);
	p->mapped = !ret;
	if (!ret && needs_root(p->payload) && !*root)
		ret = map_root(s, m, root);
	if (!ret)
		ret = rp_record_build(p, s, NULL, *root);
	if (!ret)
		ret = protect(s, p->record);
	rp_session_return(s);
	s->report->prepare_ns = rp_now() - started;
	return ret;
}

int rp_prepare_map(struct rp_prepared *p, struct rp_change *change)
{
	struct rp_session *s = change->s;
	uint64_t root = 0;
	uint8_t *image;
	int ret;

	p->placement = calloc(1, sizeof(*p->placement));
	if (!p->placement)
		return rp_diag_nomem(s->diag);
	ret = rp_placement_init(p->placement, p->payload, s->diag);
	if (!ret)
		ret = rp_record_build(p, s, NULL, 0);
	if (ret)
		return ret;
	s->report->size = p->record->region.size;
	if (needs_root(p->payload))
		root = find_root(s);
	ret = map_regions(p, s, s->report->size, &root);
	if (ret)
		return ret;
	image = calloc(1, p->placement->size + 1);
	if (!image)
		return rp_diag_nomem(s->diag);
	ret = relocate(p, change, root, image);
	if (!ret)
		ret = rp_record_build(p, s, image, root);
	if (!ret && p->record->object)
		ret = rp_live_sites_find(s, p, p->record);
	if (!ret && !s->options->dry_run)
		ret = write_all(p, s, image);
	free(image);
	return ret;
}

void rp_prepare_undo(struct rp_prepared *p, struct rp_session *s)
{
	struct rp_diag ignored, *diag = s->diag;
	bool borrowed = s->inject.begun;

	if (!p->mapped)
		return;
	s->diag = &ignored;
	/* An unwinder that still looks there must find it. */
	if (!rp_live_sites_unregister(s, p->record) &&
	    !rp_session_forget(s, p->record) && !rp_session_borrow(s)) {
		rp_region_free(s, p->base, p->record->region.size);
		if (!borrowed)
			rp_session_return(s);
	}
	p->mapped = false;
	s->diag = diag;
}

void rp_prepare_free(struct rp_prepared *p)
{
	for (size_t i = 0; p->old && i < p->payload->nfunctions; i++)
		free(p->old[i]);
	free(p->old);
	free(p->over);
	if (p->placement)
		rp_placement_deinit(p->placement);
	free(p->placement);
	free(p->record);
	*p = (struct rp_prepared){ 0 };
}
