// SPDX-License-Identifier: MIT
/* What tools left that died in the middle. */
#define _GNU_SOURCE
#include "session.h"
#include "sites.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

int rp_region_free(struct rp_session *s, uint64_t base, uint64_t size)
{
	return rp_inject_unmap(&s->inject, base, size, s->diag);
}

/* Its switch began, or its way back: nothing of it must remain. */
static bool is_half_done(const struct rp_record *r)
{
	return r->region.kind == RP_REGION_PAYLOAD &&
	       (r->region.state == RP_STATE_SWITCHING ||
		r->region.state == RP_STATE_REVERTING);
}

/* Its library was unloaded: what is there now is not what was patched. */
static bool is_orphan(const struct rp_session *s, const struct rp_record *r)
{
	const struct rp_module *m;

	if (r->region.kind != RP_REGION_PAYLOAD ||
	    r->region.state != RP_STATE_APPLIED)
		return false;
	m = rp_modules_at(&s->modules, r->module_low);
	return !m || !rp_record_in_place(&s->target, r) || m->bias != r->bias || m->build_id_size != r->build_id_size ||
	       memcmp(m->build_id, r->build_id, r->build_id_size);
}

static bool is_leftover(const struct rp_session *s, const struct rp_record *r)
{
	enum rp_region_state state = r->region.state;

	return r->region.size && r->region.kind != RP_REGION_ROOT &&
	       (r->region.kind != RP_REGION_PAYLOAD ||
		state == RP_STATE_PREPARED || state == RP_STATE_REVERTED ||
		is_orphan(s, r));
}

/* Without its hooks: whether they have run is not known. */
static int take_away(struct rp_session *s)
{
	struct rp_change change;
	int ret = 0;

	rp_change_init(&change, s);
	for (size_t i = s->records.n; i-- > 0 && !ret;) {
		struct rp_record *r = s->records.v[i].record;

		if (is_half_done(r))
			ret = rp_change_remove(&change, r);
	}
	if (!ret && change.nremove) {
		rp_session_progress(s, "an earlier run ended in the middle of its switch: taking it back");
		change.no_hooks = change.keep_session = true;
		ret = rp_change_codes(&change);
		if (!ret)
			ret = rp_change_run(&change);
		s->report->leftovers += change.nremove;
	}
	rp_change_free(&change);
	return ret;
}

static int is_in_use(struct rp_session *s, const struct rp_region *region)
{
	const struct rp_code code = {
		.start = region->base, .size = region->size,
		.name = "what an earlier run left",
	};
	int ret = rp_busy_find(s->unwinder, &s->threads, &code, 1,
			       s->options->contexts, &s->busy);

	return ret ? ret : s->busy.n != 0;
}

static int look_for_use(struct rp_session *s, const struct rp_region *region)
{
	int ret = rp_threads_stop(&s->threads, s->diag);

	if (ret)
		return ret;
	rp_unwind_forget(s->unwinder);
	ret = is_in_use(s, region);
	rp_threads_resume(&s->threads);
	return ret;
}

/* Noted, since it must not be done twice. */
static int forget_divert(struct rp_session *s, uint64_t base, uint64_t eh_frame)
{
	const struct rp_divert divert = { .target = &s->target, .base = base };
	int ret;

	rp_divert_note_frames(&divert, RP_DIVERT_FRAMES_CHANGING);
	ret = rp_session_frames(s, false, eh_frame, 0);
	if (!ret)
		rp_divert_note_frames(&divert, RP_DIVERT_FRAMES_UNKNOWN);
	return ret;
}

static int forget(struct rp_session *s, struct rp_record *r)
{
	uint64_t eh_frame;

	if (r->region.kind == RP_REGION_DIVERT) {
		switch (rp_divert_left_frames(&s->target, r->region.base,
					      &eh_frame)) {
		case RP_DIVERT_FRAMES_KNOWN:
			return forget_divert(s, r->region.base, eh_frame);
		case RP_DIVERT_FRAMES_UNKNOWN:
			return 0;
		default:
			return -EBUSY;
		}
	}
	if (r->region.kind != RP_REGION_PAYLOAD ||
	    r->region.record_size == sizeof(r->region))
		return 0;
	if (r->object && rp_live_sites_unregister(s, r))
		return -EBUSY;
	return rp_session_forget(s, r);
}

/* What still is in use (a thread of the dead tool ends by itself) stays until
 * the next time. */
static int free_one(struct rp_session *s, struct rp_record *r)
{
	bool counts = !is_orphan(s, r);
	int ret = 0;

	/* Who returns there may throw: the unwinder has to know it. */
	if (r->region.kind == RP_REGION_DIVERT)
		ret = look_for_use(s, &r->region);
	if (ret)
		return ret < 0 ? ret : 0;
	ret = forget(s, r);
	if (!ret)
		ret = rp_threads_stop(&s->threads, s->diag);
	if (ret)
		return ret;
	rp_unwind_forget(s->unwinder);
	ret = is_in_use(s, &r->region);
	if (!ret)
		ret = rp_session_borrow(s);
	if (!ret) {
		ret = rp_region_free(s, r->region.base, r->region.size);
		s->report->leftovers += !ret && counts;
		r->region.state = RP_STATE_REVERTED;
		rp_session_return(s);
	}
	rp_threads_resume(&s->threads);
	return ret < 0 ? ret : 0;
}

int rp_recover(struct rp_session *s)
{
	struct rp_diag ignored, *diag = s->diag;
	bool any = false;
	int ret = 0;

	for (size_t i = 0; i < s->records.n; i++) {
		const struct rp_record *r = s->records.v[i].record;

		any |= is_half_done(r) || is_leftover(s, r);
	}
	if (!any || s->options->dry_run)
		return 0;
	ret = rp_session_unwinder(s);
	if (!ret)
		ret = take_away(s);
	if (ret)
		return ret;
	/* Memory that is not needed is no reason not to go on. */
	s->diag = &ignored;
	for (size_t i = 0; i < s->records.n; i++) {
		struct rp_record *r = s->records.v[i].record;

		if (is_leftover(s, r))
			free_one(s, r);
	}
	s->diag = diag;
	return 0;
}
