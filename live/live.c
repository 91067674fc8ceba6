// SPDX-License-Identifier: MIT
/* Applying, replacing, reverting, listing. */
#define _GNU_SOURCE
#include "live.h"

#include "debugger.h"
#include "session.h"
#include "sites.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void rp_live_report_free(struct rp_live_report *report)
{
	free(report->functions);
	free(report->reverted);
	report->functions = report->reverted = NULL;
}

/* One more in a list of terminated names. */
static void add_name(char **list, size_t *n, size_t *size, const char *name)
{
	size_t length = strlen(name) + 1;
	char *more = realloc(*list, *size + length);

	if (!more)
		return;
	memcpy(more + *size, name, length);
	*list = more;
	*size += length;
	++*n;
}

static void report_functions(struct rp_live_report *report,
			     const struct rp_record *r)
{
	size_t size = 0;

	snprintf(report->name, sizeof(report->name), "%s",
		 rp_record_string(r, r->name));
	snprintf(report->module, sizeof(report->module), "%s",
		 rp_record_string(r, r->target));
	for (uint32_t i = 0; i < r->functions.n; i++) {
		const struct rp_record_function *f = &rp_record_functions(r)[i];

		/* Not those of earlier payloads. */
		if (f->old >= r->module_low && f->old < r->module_high)
			add_name(&report->functions, &report->nfunctions,
				 &size, rp_record_string(r, f->name));
	}
}

static void report_removed(struct rp_live_report *report,
			   const struct rp_change *change)
{
	size_t size = 0;

	for (size_t i = 0; i < change->nremove; i++) {
		const struct rp_record *r = change->remove[i];

		add_name(&report->reverted, &report->nreverted, &size,
			 rp_record_string(r, r->name));
	}
}

static bool needs(const struct rp_record *r, const struct rp_record *other)
{
	for (uint32_t i = 0; i < r->depends.n; i++) {
		if (!memcmp(rp_record_depends(r)[i].id, other->id,
			    sizeof(other->id)))
			return true;
	}
	return false;
}

/* Has it replaced a function that the other one replaced before? */
static bool stands_on(const struct rp_record *r, const struct rp_record *other)
{
	if (r->sequence < other->sequence)
		return false;
	for (uint32_t i = 0; i < r->functions.n; i++) {
		for (uint32_t k = 0; k < other->functions.n; k++) {
			if (rp_record_functions(r)[i].old ==
			    rp_record_functions(other)[k].old)
				return true;
		}
	}
	return false;
}

/* Nothing that stays may call what goes. */
static int check_order(const struct rp_change *change)
{
	struct rp_session *s = change->s;

	for (size_t i = 0; i < s->records.n; i++) {
		const struct rp_record *r = s->records.v[i].record;

		if (!rp_record_is_live(r) || rp_change_removes(change, r))
			continue;
		for (size_t k = 0; k < change->nremove; k++) {
			if (needs(r, change->remove[k]) ||
			    stands_on(r, change->remove[k]))
				return rp_diag_set(s->diag, RP_DIAG_LIVE_ORDER,
					NULL, "%s stands on %s: revert it first",
					rp_record_string(r, r->name),
					rp_record_string(change->remove[k],
						change->remove[k]->name));
		}
	}
	return 0;
}

/* The one that was applied last first. */
static int remove_matching(struct rp_change *change, const char *name,
			   const struct rp_payload_header *header)
{
	struct rp_session *s = change->s;
	int ret = 0;

	for (size_t i = s->records.n; i-- > 0 && !ret;) {
		struct rp_record *r = s->records.v[i].record;

		if (!rp_record_is_live(r))
			continue;
		if (name && strcmp(rp_record_string(r, r->name), name))
			continue;
		if (header && (r->build_id_size != header->build_id_size ||
			       memcmp(r->build_id, header->build_id,
				      r->build_id_size)))
			continue;
		ret = rp_change_remove(change, r);
	}
	return ret ? ret : check_order(change);
}

static void tell_perf(struct rp_change *change)
{
	struct rp_session *s = change->s;

	for (size_t i = 0; i < change->nremove; i++) {
		const struct rp_record *r = change->remove[i];

		rp_perf_map_remove(&s->target, rp_record_string(r, r->name));
	}
	if (change->add) {
		const struct rp_record *r = change->add->record;
		struct rp_symfile_symbol *v = calloc(r->exports.n + 1,
						     sizeof(*v));
		size_t n = 0;

		for (uint32_t i = 0; v && i < r->exports.n; i++) {
			const struct rp_record_export *e =
				&rp_record_exports(r)[i];

			if (!e->is_function)
				continue;
			v[n++] = (struct rp_symfile_symbol){
				.name = rp_record_string(r, e->name),
				.address = e->address, .size = e->size,
				.is_function = true,
			};
		}
		if (v)
			rp_perf_map_add(&s->target,
					rp_record_string(r, r->name), v, n);
		free(v);
	}
}

static int check_permit(struct rp_session *s, const struct rp_module *module)
{
	const struct rp_live_options *o = s->options;
	char program[PATH_MAX];
	ssize_t n;

	if (!o->permit)
		return 0;
	n = readlinkat(s->target.proc, "exe", program, sizeof(program) - 1);
	program[n < 0 ? 0 : n] = 0;
	return o->permit(o->context, program, module->path, s->diag);
}

static int apply(struct rp_session *s, struct rp_prepared *p,
		 struct rp_change *change, const struct rp_payload *payload,
		 enum rp_live_mode mode)
{
	int ret = rp_recover(s);

	if (!ret && mode == RP_LIVE_REPLACE)
		ret = remove_matching(change, NULL, &payload->header);
	if (!ret)
		ret = rp_prepare_check(p, change, payload);
	if (!ret)
		ret = check_permit(s, p->module);
	if (!ret)
		ret = rp_change_codes(change);
	if (!ret)
		ret = rp_session_unwinder(s);
	if (!ret)
		ret = rp_prepare_map(p, change);
	if (!ret)
		ret = rp_change_writes(change);
	if (!ret && !s->options->dry_run)
		ret = rp_session_know(s, p->record);
	if (!ret && !s->options->dry_run)
		ret = rp_live_sites_register(s, p->record);
	if (!ret)
		ret = rp_change_run(change);
	if (p->record)
		report_functions(s->report, p->record);
	report_removed(s->report, change);
	if (change->done && !s->options->dry_run)
		tell_perf(change);
	else
		rp_prepare_undo(p, s);
	return ret;
}

int rp_live_apply(pid_t pid, const struct rp_payload *payload,
		  enum rp_live_mode mode, const struct rp_live_options *options,
		  struct rp_live_report *report, struct rp_diag *diag)
{
	struct rp_change change = { 0 };
	struct rp_prepared prepared = { 0 };
	struct rp_session s;
	int ret;

	*report = (struct rp_live_report){ 0 };
	ret = rp_session_open(&s, pid, options, report, diag);
	rp_change_init(&change, &s);
	if (!ret)
		ret = apply(&s, &prepared, &change, payload, mode);
	rp_change_free(&change);
	rp_prepare_free(&prepared);
	rp_session_close(&s);
	return ret;
}

static int nothing_applied(struct rp_session *s, const char *name)
{
	for (size_t i = 0; i < s->records.n; i++) {
		const struct rp_record *r = s->records.v[i].record;

		if (rp_record_is_live(r))
			return rp_diag_set(s->diag, RP_DIAG_LIVE_NOT_APPLIED,
				NULL, "no payload %s is applied to process %d (%s); what is: repoint patch list %d",
				name ? name : "", s->target.pid,
				s->target.comm, s->target.pid);
	}
	return rp_diag_set(s->diag, RP_DIAG_LIVE_NOT_APPLIED, NULL,
		"no payload is applied to process %d (%s): it was not patched, or it has been started, or executed another program, since",
		s->target.pid, s->target.comm);
}

static int revert(struct rp_session *s, struct rp_change *change,
		  const char *name)
{
	int ret = rp_recover(s);

	if (!ret)
		ret = remove_matching(change, name, NULL);
	if (!ret && !change->nremove)
		ret = nothing_applied(s, name);
	if (!ret)
		ret = rp_change_codes(change);
	if (!ret)
		ret = rp_change_writes(change);
	if (!ret) {
		report_functions(s->report, change->remove[0]);
		ret = rp_change_run(change);
	}
	report_removed(s->report, change);
	if (change->done)
		tell_perf(change);
	return ret;
}

int rp_live_revert(pid_t pid, const char *name,
		   const struct rp_live_options *options,
		   struct rp_live_report *report, struct rp_diag *diag)
{
	struct rp_change change;
	struct rp_session s;
	int ret;

	*report = (struct rp_live_report){ 0 };
	ret = rp_session_open(&s, pid, options, report, diag);
	rp_change_init(&change, &s);
	if (!ret)
		ret = revert(&s, &change, name);
	rp_change_free(&change);
	rp_session_close(&s);
	return ret;
}

int rp_live_list(pid_t pid, struct rp_records *records, struct rp_diag *diag)
{
	struct rp_target target;
	struct rp_maps maps = { 0 };
	int ret;

	*records = (struct rp_records){ 0 };
	ret = rp_target_open(&target, pid, diag);
	if (!ret && rp_maps_read(&maps, &target))
		ret = rp_diag_set(diag, RP_DIAG_LIVE_GONE, NULL,
				  "process %d has ended", pid);
	if (!ret)
		ret = rp_records_read(records, &target, &maps, diag);
	for (size_t i = 0; i < records->n; i++) {
		struct rp_record *r = records->v[i].record;

		if (r->region.kind == RP_REGION_PAYLOAD &&
		    r->region.state == RP_STATE_APPLIED &&
		    !rp_record_in_place(&target, r))
			r->region.state = RP_STATE_REVERTED;
	}
	rp_maps_free(&maps);
	rp_target_close(&target);
	return ret;
}
