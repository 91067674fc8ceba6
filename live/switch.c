// SPDX-License-Identifier: MIT
/* The switch: all threads stopped, nothing in use, bytes written. */
#define _GNU_SOURCE
#include "session.h"

#include "debugger.h"
#include "sharing.h"
#include "sites.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define FIRST_PAUSE_NS	200000u
#define LONGEST_PAUSE_NS 50000000u
/* Where only chance finds a thread outside, many looks are what there is. */
#define CHANCE_PAUSE_NS	2000000u
/* How long threads on their way out are waited for before a new look. */
#define DIVERTED_NS	20000000u
/* How long those that cannot be let go at once are, when all is over. */
#define LEAVE_NS	1000000000u

static void sleep_ns(uint64_t ns)
{
	nanosleep(&(struct timespec){ ns / 1000000000u, ns % 1000000000u },
		  NULL);
}

static bool is_cancelled(const struct rp_session *s)
{
	return s->options->cancel && *s->options->cancel;
}

/* Signals and new threads of the target wait for its tracer. */
static void pause_for(struct rp_session *s, uint64_t ns)
{
	uint64_t until = rp_now() + ns;

	do {
		uint64_t left = until - rp_now();

		if (is_cancelled(s))
			return;

		sleep_ns(left < 1000000 ? left : 1000000);
		rp_threads_poll(&s->threads);
	} while ((int64_t)(until - rp_now()) > 0);
}

static void note_window(struct rp_session *s, uint64_t ns)
{
	s->report->window_ns = ns;
	if (ns > s->report->longest_ns)
		s->report->longest_ns = ns;
}

static void resume(struct rp_session *s)
{
	note_window(s, rp_threads_resume(&s->threads));
}

static int stop(struct rp_session *s)
{
	int ret = rp_threads_stop(&s->threads, s->diag);

	s->report->stops++;
	if (ret)
		return ret;
	s->report->stop_ns = s->threads.last;
	s->report->threads = rp_threads_count(&s->threads);
	return 0;
}

/* Return: how many uses there are; a negative errno. */
static long look(struct rp_change *change)
{
	struct rp_session *s = change->s;
	uint64_t started = rp_now();
	int ret;

	rp_unwind_forget(s->unwinder);
	ret = rp_busy_find(s->unwinder, &s->threads, change->codes,
			   change->ncodes, s->options->contexts, &s->busy);
	s->report->check_ns = rp_now() - started;
	if (ret == -ENOMEM)
		rp_diag_nomem(s->diag);
	else if (ret)
		rp_diag_set(s->diag, RP_DIAG_LIVE_GONE, NULL,
			    "process %d has ended", s->target.pid);
	return ret ? ret : (long)s->busy.n;
}

/* Made when it is first needed; all is stopped, and may run meanwhile. */
static int prepare_divert(struct rp_session *s)
{
	struct rp_diag ignored, *diag = s->diag;
	int ret;

	if (s->divert.base || s->options->dry_run || !rp_session_may_divert(s))
		return 0;
	s->diag = &ignored;
	ret = rp_session_borrow(s);
	if (!ret) {
		ret = rp_divert_map(&s->divert, &s->inject, &s->modules.maps,
				    s->modules.v[0].low, s->diag);
		rp_session_return(s);
	}
	if (!ret)
		ret = rp_divert_unwind(&s->divert, s->unwinder,
				       &s->exceptions);
	s->diag = diag;
	return ret;
}

/* Return: false: some cannot be sent there. */
static bool divert(struct rp_session *s)
{
	bool all = true;

	for (size_t i = 0; i < s->busy.n; i++) {
		int ret = rp_divert_thread(&s->divert, &s->busy.v[i]);

		if (!ret)
			s->report->diverted++;
		all &= !ret || ret == -EALREADY;
	}
	return all;
}

/* Until all that were sent are there. */
static void wait_for_diverted(struct rp_session *s)
{
	uint64_t until = rp_now() + DIVERTED_NS;

	while (rp_divert_expected(&s->divert) && rp_now() < until) {
		sleep_ns(50000);
		rp_threads_poll(&s->threads);
		rp_divert_renew(&s->divert);
	}
}

struct attempts {
	uint64_t deadline;
	uint64_t pause;
};

static bool is_over(const struct rp_session *s, const struct attempts *a)
{
	return s->options->once || is_cancelled(s) ||
	       rp_now() + a->pause >= a->deadline;
}

/* Before anything is sent there: exceptions may pass at once. */
static int tell_unwinder(struct rp_session *s)
{
	int ret;

	if (!s->divert.base || s->divert_frames || !s->divert.eh_frame ||
	    !rp_session_has_unwinder(s))
		return 0;
	rp_divert_note_frames(&s->divert, RP_DIVERT_FRAMES_CHANGING);
	ret = rp_session_frames(s, true, s->divert.eh_frame,
				s->divert.eh_object);
	if (ret)
		return ret;
	s->divert_frames = s->divert.eh_frame;
	rp_divert_note_frames(&s->divert, RP_DIVERT_FRAMES_KNOWN);
	return 0;
}

static void untell_unwinder(struct rp_session *s)
{
	rp_divert_note_frames(&s->divert, RP_DIVERT_FRAMES_CHANGING);
	if (rp_session_frames(s, false, s->divert_frames, 0))
		return;
	s->divert_frames = 0;
	rp_divert_note_frames(&s->divert, RP_DIVERT_FRAMES_UNKNOWN);
}

static uint64_t next_pause(uint64_t pause, uint64_t longest)
{
	return 2 * pause < longest ? 2 * pause : longest;
}

/*
 * Let all run, in the hope that they leave; who did not by the second time is
 * sent to the waiting place.
 */
static int back_off(struct rp_session *s, struct attempts *a)
{
	bool all = rp_session_may_divert(s);
	int ret = 0;

	if (s->divert.base)
		all = divert(s);
	else if (!s->options->dry_run)
		ret = prepare_divert(s);
	resume(s);
	/* Where there is no room for it, waiting has to do. */
	if (!ret && tell_unwinder(s))
		return -EINVAL;
	if (rp_divert_expected(&s->divert))
		wait_for_diverted(s);
	else
		pause_for(s, a->pause);
	a->pause = next_pause(a->pause, all ? LONGEST_PAUSE_NS :
			      CHANCE_PAUSE_NS);
	return 0;
}

static int refuse(struct rp_session *s)
{
	char text[sizeof(s->diag->text)];
	const struct rp_busy *busy = &s->busy.v[0];

	rp_busy_explain(s->unwinder, busy, text, sizeof(text));
	rp_diag_set(s->diag, busy->how == RP_BUSY_CONTEXT ?
		    RP_DIAG_LIVE_CONTEXT : RP_DIAG_LIVE_BUSY, NULL, "%s", text);
	return -EBUSY;
}

/* All diversions taken back; all is stopped. */
static int take_back(struct rp_session *s)
{
	return s->divert.used ? rp_divert_undo(&s->divert, &s->threads) : 0;
}

static int check_sharing(struct rp_session *s)
{
	pid_t other = rp_sharing_find(&s->threads);

	if (!other)
		return 0;
	rp_diag_set(s->diag, RP_DIAG_LIVE_STOP, NULL,
		"process %d runs in the memory of process %d (vfork(), clone(CLONE_VM)), and its stack is not looked at: wait until it has executed its program, or ended",
		other, s->target.pid);
	return -EAGAIN;
}

/*
 * Stop all threads in a moment in which nothing of it is in use.
 * Return: 0: they are stopped; else they run.
 */
static int quiesce(struct rp_change *change)
{
	struct rp_session *s = change->s;
	unsigned int ms = s->options->timeout_ms ? s->options->timeout_ms :
			  RP_LIVE_TIMEOUT_MS;
	uint64_t started = rp_now();
	struct attempts a = { started + ms * 1000000ull, FIRST_PAUSE_NS };
	long ret;

	for (;;) {
		ret = check_sharing(s);
		if (!ret)
			ret = stop(s);
		if (ret == -EAGAIN && !is_over(s, &a)) {
			pause_for(s, a.pause);
			a.pause *= 2;
			continue;
		}
		if (ret)
			return ret;
		ret = look(change);
		s->report->wait_ns = rp_now() - started;
		if (!ret && s->divert.used && take_back(s))
			ret = 1;	/* a signal handler is in the way */
		if (!ret && is_cancelled(s))
			ret = 1;
		if (!ret)
			return 0;
		if (ret < 0 || is_over(s, &a))
			break;
		ret = back_off(s, &a);
		if (ret)
			return ret;
	}
	/* Without the waiting place among what is told. */
	if (ret > 0 && s->divert.used && !take_back(s))
		ret = look(change);
	if (ret > 0 && s->busy.n)
		ret = refuse(s);
	else if (ret >= 0)
		ret = rp_diag_set(s->diag, RP_DIAG_LIVE_BUSY, NULL,
			"process %d was busy in what is replaced until the time was up: try a longer --timeout",
			s->target.pid);
	resume(s);
	return ret;
}

static int write_failed(struct rp_session *s, int ret)
{
	return rp_diag_set(s->diag, ret == -ESRCH ? RP_DIAG_LIVE_GONE :
		RP_DIAG_LIVE_WRITE, NULL, ret == -ESRCH ?
		"process %d has ended" :
		"code of process %d cannot be written: see proc_mem.force_override among the kernel's parameters",
		s->target.pid);
}

static size_t all_bytes(const struct rp_change *change)
{
	size_t n = 0;

	for (size_t i = 0; i < change->nwrites; i++)
		n += change->writes[i].size;
	return n;
}

/* Back to what was there; the last one first, since places may be the same. */
static void write_back(struct rp_change *change, const uint8_t *was, size_t n,
		       size_t at)
{
	while (n-- > 0) {
		const struct rp_write *w = &change->writes[n];

		at -= w->size;
		rp_target_write(&change->s->target, w->address, was + at,
				w->size);
	}
}

/* All of it, or what was there before. */
static int write_all(struct rp_change *change)
{
	struct rp_session *s = change->s;
	uint8_t *was = malloc(all_bytes(change) + 1);
	size_t at = 0;
	int ret = 0;

	if (!was)
		return rp_diag_nomem(s->diag);
	for (size_t i = 0; i < change->nwrites && !ret; i++) {
		const struct rp_write *w = &change->writes[i];

		ret = rp_target_read(&s->target, w->address, was + at, w->size);
		at += w->size;
		if (!ret)
			ret = rp_target_write(&s->target, w->address, w->bytes,
					      w->size);
		if (ret)
			write_back(change, was, i, at - w->size);
	}
	free(was);
	return ret ? write_failed(s, ret) : 0;
}

static int mark(struct rp_change *change, enum rp_region_state removed,
		enum rp_region_state added)
{
	struct rp_session *s = change->s;
	int ret = 0;

	/* In this order: who comes after a crash takes the new one away from
	 * what the old ones left. */
	for (size_t i = 0; i < change->nremove && !ret; i++)
		ret = rp_record_set_state(&s->target,
					  &change->remove[i]->region, removed);
	if (!ret && change->add)
		ret = rp_record_set_state(&s->target,
					  &change->add->record->region, added);
	return ret ? write_failed(s, ret) : 0;
}

/* Few programs have one: nothing to look up while all is stopped. */
static bool has_jit(const struct rp_change *change)
{
	bool any = change->add && change->add->record->jit_entry;

	for (size_t i = 0; i < change->nremove; i++)
		any |= change->remove[i]->jit_entry != 0;
	return any;
}

static void link_jit(struct rp_change *change)
{
	struct rp_session *s = change->s;
	uint64_t descriptor, notify;

	if (!has_jit(change) ||
	    rp_jit_find(&s->modules, &descriptor, &notify))
		return;
	for (size_t i = 0; i < change->nremove; i++) {
		if (change->remove[i]->jit_entry)
			rp_jit_remove(&s->target, descriptor,
				      change->remove[i]->jit_entry);
	}
	if (change->add && change->add->record->jit_entry) {
		const struct rp_record *r = change->add->record;

		rp_jit_add(&s->target, descriptor, r->jit_entry,
			   r->region.base + r->symbol_file.offset,
			   r->symbol_file.n);
	}
}

/* The hooks of the switch cannot veto: what goes wrong is told, no more. */
static void hooks_of_switch(struct rp_change *change)
{
	struct rp_session *s = change->s;
	struct rp_diag *diag = s->diag;

	s->diag = &s->report->warning;
	for (size_t i = 0; i < change->nremove; i++)
		rp_hooks_run(s, change->remove[i], RP_HOOK_REVERT);
	if (change->add)
		rp_hooks_run(s, change->add->record, RP_HOOK_APPLY);
	s->diag = diag;
}

static int do_switch(struct rp_change *change)
{
	int ret = rp_change_writes(change);

	if (!ret)
		ret = mark(change, RP_STATE_REVERTING, RP_STATE_SWITCHING);
	if (ret)
		return ret;
	ret = write_all(change);
	if (ret) {
		mark(change, RP_STATE_APPLIED, RP_STATE_PREPARED);
		return ret;
	}
	mark(change, RP_STATE_REVERTED, RP_STATE_APPLIED);
	change->done = true;
	link_jit(change);
	if (!change->no_hooks)
		hooks_of_switch(change);
	return 0;
}

static int pre_hooks(struct rp_change *change)
{
	struct rp_session *s = change->s;
	int ret = 0;

	for (size_t i = 0; i < change->nremove && !ret; i++) {
		ret = rp_hooks_run(s, change->remove[i], RP_HOOK_PRE_REVERT);
		rp_session_unhold(s);
	}
	if (!ret && change->add) {
		ret = rp_hooks_run(s, change->add->record, RP_HOOK_PRE_APPLY);
		rp_session_unhold(s);
	}
	return ret;
}

/* The agent has to be there before everything stops. */
static int need_agent(struct rp_change *change)
{
	bool need = change->add && rp_hooks_any(change->add->record,
						RP_HOOK_APPLY);

	for (size_t i = 0; i < change->nremove; i++)
		need |= rp_hooks_any(change->remove[i], RP_HOOK_REVERT);
	return need ? rp_session_agent(change->s) : 0;
}

static void post_hooks(struct rp_change *change)
{
	struct rp_session *s = change->s;
	struct rp_diag *diag = s->diag;
	int ret = 0;

	/* It is done: no error any more. */
	s->diag = &s->report->warning;
	for (size_t i = 0; i < change->nremove; i++) {
		if (!ret)
			ret = rp_hooks_run(s, change->remove[i],
					   RP_HOOK_POST_REVERT);
		rp_session_unhold(s);
	}
	if (!ret && change->add) {
		rp_hooks_run(s, change->add->record, RP_HOOK_POST_APPLY);
		rp_session_unhold(s);
	}
	s->diag = diag;
}

/* Does anything have to run after the switch, before memory can go? */
static bool is_more_to_run(const struct rp_change *change)
{
	const struct rp_session *s = change->s;
	bool more = change->keep_session || s->agent.base || s->divert_frames ||
		    (change->add && rp_hooks_any(change->add->record,
						 RP_HOOK_POST_APPLY));

	for (size_t i = 0; i < change->nremove; i++) {
		const struct rp_record *r = change->remove[i];

		more |= r->frames || r->object || rp_hooks_any(r, RP_HOOK_POST_REVERT);
	}
	return more;
}

/* What is still in use stays as it is, known to the unwinder: for a later run. */
static bool is_divert_unused(struct rp_session *s)
{
	uint64_t until = rp_now() + LEAVE_NS;

	while (s->divert.used && rp_now() < until) {
		int ret = stop(s);

		if (ret && ret != -EAGAIN)
			break;
		if (!ret) {
			take_back(s);
			resume(s);
		}
		if (s->divert.used)
			pause_for(s, FIRST_PAUSE_NS);
	}
	return !s->divert.used;
}

/* Why all of it failed, if it did, is what counts: not what this says. */
static void free_divert(struct rp_session *s)
{
	struct rp_diag ignored, *diag = s->diag;

	if (!s->divert.base)
		return;
	s->diag = &ignored;
	if (s->divert_frames && is_divert_unused(s))
		untell_unwinder(s);
	if (!s->divert_frames && is_divert_unused(s) && !rp_session_borrow(s)) {
		rp_divert_unmap(&s->divert, &s->inject, s->diag);
		rp_session_return(s);
	}
	s->diag = diag;
}

/* What was removed: nothing leads there any more. */
static void free_removed(struct rp_change *change)
{
	struct rp_session *s = change->s;

	for (size_t i = 0; i < change->nremove; i++) {
		struct rp_record *r = change->remove[i];

		if (rp_live_sites_unregister(s, r) || rp_session_forget(s, r))
			continue;
		if (rp_session_borrow(s))
			continue;
		rp_region_free(s, r->region.base, r->region.size);
		r->region.size = 0;	/* not a second time */
		rp_session_return(s);
	}
}

int rp_change_run(struct rp_change *change)
{
	struct rp_session *s = change->s;
	int ret = rp_session_unwinder(s);

	if (!ret && !change->no_hooks && !s->options->dry_run)
		ret = pre_hooks(change);
	if (!ret && !change->no_hooks && !s->options->dry_run)
		ret = need_agent(change);
	if (!ret)
		ret = quiesce(change);
	if (ret) {
		free_divert(s);
		return ret;
	}
	ret = s->options->dry_run ? rp_change_writes(change) :
	      do_switch(change);
	if (!ret && !s->options->dry_run && !is_more_to_run(change)) {
		free_divert(s);
		free_removed(change);
		note_window(s, rp_threads_release(&s->threads));
		s->seized = false;
		return 0;
	}
	resume(s);
	if (!ret && !s->options->dry_run) {
		if (!change->no_hooks)
			post_hooks(change);
		free_divert(s);
		free_removed(change);
	} else {
		free_divert(s);
	}
	return ret;
}
