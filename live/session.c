// SPDX-License-Identifier: MIT
/* One run of the patcher on one process. */
#define _GNU_SOURCE
#include "session.h"

#include "region.h"

#include <errno.h>
#include <stddef.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>

/* Mappings that come and go beside ours: another hole each time. */
#define MAP_ATTEMPTS	16
#define HOLD_MS		1000

uint64_t rp_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + t.tv_nsec;
}

void rp_session_progress(struct rp_session *s, const char *fmt, ...)
{
	char text[400];
	va_list args;

	if (!s->options->progress)
		return;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	s->options->progress(s->options->context, text);
}

int rp_session_open(struct rp_session *s, pid_t pid,
		    const struct rp_live_options *options,
		    struct rp_live_report *report, struct rp_diag *diag)
{
	int ret;

	*s = (struct rp_session){ .options = options, .report = report,
				  .diag = diag };
	ret = rp_target_open(&s->target, pid, diag);
	if (ret)
		return ret;
	snprintf(report->comm, sizeof(report->comm), "%s", s->target.comm);
	s->seized = true;
	ret = rp_threads_seize(&s->threads, &s->target, diag);
	if (!ret)
		ret = rp_modules_read(&s->modules, &s->target, diag);
	if (!ret)
		ret = rp_records_read(&s->records, &s->target, &s->modules.maps,
				      diag);
	report->threads = rp_threads_count(&s->threads);
	return ret;
}

void rp_session_close(struct rp_session *s)
{
	if (s->agent.base)
		rp_session_agent_end(s);
	rp_session_return(s);
	if (s->seized)
		rp_threads_release(&s->threads);
	rp_busy_free(&s->busy);
	free(s->divert.slots);
	rp_unwinder_free(s->unwinder);
	rp_records_free(&s->records);
	rp_modules_free(&s->modules);
	rp_target_close(&s->target);
}

static int add_code(struct rp_session *s, const struct rp_record *r)
{
	const struct rp_record_part *text = &r->parts[RP_RECORD_TEXT];

	if (!text->size)
		return 0;
	return rp_unwinder_add(s->unwinder, text->address, text->size,
			       r->eh_frame.address, r->eh_frame.size);
}

static void warm(struct rp_session *s)
{
	pid_t *tids = calloc(s->threads.n + 1, sizeof(*tids));

	for (size_t i = 0; tids && i < s->threads.n; i++)
		tids[i] = s->threads.v[i]->tid;
	if (tids)
		rp_unwinder_warm(s->unwinder, tids, s->threads.n);
	free(tids);
}

/* Reading all of libc's code takes its time: while everything runs. */
static void find_gadgets(struct rp_session *s)
{
	struct rp_gadgets *g = &s->inject.gadgets;
	struct rp_diag ignored;

	if (s->threads.stopped || s->options->dry_run)
		return;
	/* What had to be written is for a moment with a thread in hand. */
	if (!rp_gadgets_find(g, &s->target, &s->modules.maps, &ignored) &&
	    g->written)
		rp_gadgets_clear(g, &s->target);
}

/* A busy machine, or a thread in the middle of mmap(): it will come. */
static int stop_one(struct rp_session *s, struct rp_thread *thread)
{
	unsigned int ms = s->options->timeout_ms ? s->options->timeout_ms :
			  RP_LIVE_TIMEOUT_MS;
	uint64_t until = rp_now() + ms * 1000000ull;
	int ret;

	do {
		ret = rp_threads_stop_one(&s->threads, thread, s->diag);
		rp_threads_poll(&s->threads);
	} while (ret == -EAGAIN && !s->options->once && rp_now() < until);
	return ret;
}

int rp_session_borrow(struct rp_session *s)
{
	struct rp_thread *thread;
	int ret = 0;

	if (s->inject.begun)
		return 0;
	find_gadgets(s);
	thread = rp_inject_choose(&s->threads, &s->modules.maps, s->diag);
	if (!thread)
		return -EINVAL;
	if (!s->threads.stopped)
		ret = stop_one(s, thread);
	if (ret)
		return ret;
	ret = rp_inject_begin(&s->inject, &s->threads, thread,
			      &s->modules.maps, s->diag);
	if (ret && !s->threads.stopped)
		rp_threads_resume_one(&s->threads, thread);
	return ret;
}

int rp_session_unwinder(struct rp_session *s)
{
	int ret;

	if (s->unwinder)
		return 0;
	ret = rp_unwinder_create(&s->unwinder, &s->modules);
	for (size_t i = 0; i < s->records.n && !ret; i++) {
		const struct rp_record *r = s->records.v[i].record;

		if (r->region.kind == RP_REGION_PAYLOAD)
			ret = add_code(s, r);
	}
	if (ret)
		return rp_diag_nomem(s->diag);
	rp_busy_prepare(s->unwinder, s->options->contexts);
	rp_session_may_divert(s);
	warm(s);
	find_gadgets(s);
	return 0;
}

void rp_session_return(struct rp_session *s)
{
	struct rp_thread *thread = s->inject.thread;

	if (!s->inject.begun)
		return;
	rp_inject_end(&s->inject);
	if (!s->threads.stopped)
		rp_threads_resume_one(&s->threads, thread);
}

int rp_session_map(struct rp_session *s, enum rp_region_kind kind,
		   uint64_t size, uint64_t low, uint64_t high,
		   uint64_t highest, uint64_t *base)
{
	int ret = -EEXIST;

	for (unsigned int i = 0; ret == -EEXIST && i < MAP_ATTEMPTS; i++) {
		if (i) {
			rp_maps_free(&s->modules.maps);
			ret = rp_maps_read(&s->modules.maps, &s->target);
			if (ret)
				return rp_diag_set(s->diag, RP_DIAG_LIVE_GONE,
					NULL, "process %d has ended",
					s->target.pid);
		}
		*base = rp_maps_gap(&s->modules.maps, low, high, size, RP_PAGE,
				    highest, i);
		if (!*base)
			return rp_diag_set(s->diag, RP_DIAG_LIVE_MEMORY, NULL,
				"process %d has no room for %lu KB within 2 GiB of what is patched: all of it is mapped",
				s->target.pid, (unsigned long)(size >> 10));
		ret = rp_region_map(&s->inject, *base, size, kind, s->diag);
	}
	if (ret == -EEXIST)
		return rp_diag_set(s->diag, RP_DIAG_LIVE_MEMORY, NULL,
			"process %d maps memory faster than holes are found: try again",
			s->target.pid);
	return ret;
}

static bool find_function(struct rp_session *s, const char *name, uint64_t *ret)
{
	struct rp_live_symbol symbol;

	if (rp_modules_lookup(&s->modules, NULL, name, "", &symbol)) {
		/* libgcc_s may have come with a library that dlopen() loaded. */
		for (size_t i = 0; i < s->modules.n; i++) {
			if (!rp_module_export(&s->modules, &s->modules.v[i],
					      name, "", &symbol))
				goto found;
		}
		if (!s->modules.is_static || !s->modules.n ||
		    rp_module_local(&s->modules, &s->modules.v[0], name,
				    &symbol))
			return false;
	}
found:
	*ret = symbol.address;
	return symbol.type == STT_FUNC;
}

bool rp_session_has_unwinder(struct rp_session *s)
{
	if (!s->register_frame && s->exceptions.by == RP_EXCEPTIONS_LIBGCC) {
		s->register_frame = s->exceptions.register_frame;
		s->deregister_frame = s->exceptions.deregister_frame;
	}
	if (s->register_frame)
		return true;
	return find_function(s, "__register_frame_info", &s->register_frame) &&
	       find_function(s, "__deregister_frame_info",
			     &s->deregister_frame);
}

int rp_session_frames(struct rp_session *s, bool known, uint64_t eh_frame,
		      uint64_t object)
{
	const uint64_t args[2] = { eh_frame, known ? object : 0 };
	int64_t ignored;
	int ret;

	if (!rp_session_has_unwinder(s))
		return 0;
	ret = rp_session_agent(s);
	if (ret)
		return ret;
	return rp_agent_call(&s->agent, known ? s->register_frame :
			     s->deregister_frame, args, RP_LIVE_HOOK_MS,
			     &ignored, s->diag);
}

static int note_frames(struct rp_session *s, struct rp_record *r,
		       enum rp_record_frames frames)
{
	r->frames = frames;
	if (!rp_target_write(&s->target, r->region.base +
			     offsetof(struct rp_record, frames), &r->frames,
			     sizeof(r->frames)))
		return 0;
	return rp_diag_set(s->diag, RP_DIAG_LIVE_GONE, NULL,
			   "process %d has ended", s->target.pid);
}

int rp_session_know(struct rp_session *s, struct rp_record *r)
{
	int ret;

	if (!r->eh_object)
		return 0;
	/* First, so that the time of doubt is short. */
	ret = rp_session_agent(s);
	if (!ret)
		ret = note_frames(s, r, RP_FRAMES_CHANGING);
	if (!ret)
		ret = rp_session_frames(s, true, r->eh_frame.address,
					r->eh_object);
	return ret ? ret : note_frames(s, r, RP_FRAMES_KNOWN);
}

/* What was never given to the unwinder is as it was mapped. */
static bool is_untouched(struct rp_session *s, uint64_t object)
{
	static const char zeros[64];
	char bytes[sizeof(zeros)];

	return !rp_target_read(&s->target, object, bytes, sizeof(bytes)) &&
	       !memcmp(bytes, zeros, sizeof(zeros));
}

int rp_session_forget(struct rp_session *s, struct rp_record *r)
{
	int ret;

	if (r->frames == RP_FRAMES_UNKNOWN)
		return 0;
	if (r->frames != RP_FRAMES_KNOWN)
		return is_untouched(s, r->eh_object) ? 0 : -EBUSY;
	ret = rp_session_agent(s);
	if (!ret)
		ret = note_frames(s, r, RP_FRAMES_CHANGING);
	if (!ret)
		ret = rp_session_frames(s, false, r->eh_frame.address, 0);
	return ret ? ret : note_frames(s, r, RP_FRAMES_UNKNOWN);
}

bool rp_session_may_divert(struct rp_session *s)
{
	if (!s->divert_known) {
		s->divert_known = true;
		rp_exceptions_find(&s->exceptions, s->unwinder, &s->modules);
		s->may_divert = s->options->contexts != RP_CONTEXTS_SCAN &&
				!rp_busy_known_contexts(s->unwinder) &&
				s->exceptions.by != RP_EXCEPTIONS_UNKNOWN;
	}
	return s->may_divert;
}

int rp_session_agent(struct rp_session *s)
{
	bool borrowed = s->inject.begun;
	int ret;

	if (s->agent.alive)
		return 0;
	ret = rp_session_borrow(s);
	if (ret)
		return ret;
	ret = rp_agent_start(&s->agent, &s->inject, &s->modules, 0, s->diag);
	if (!borrowed)
		rp_session_return(s);
	return ret;
}

void rp_session_agent_end(struct rp_session *s)
{
	bool borrowed = s->inject.begun;
	struct rp_diag ignored, *diag = s->diag;

	if (!s->agent.base)
		return;
	s->diag = &ignored;
	if (rp_session_borrow(s)) {
		rp_agent_stop(&s->agent, NULL);
	} else {
		rp_agent_stop(&s->agent, &s->inject);
		if (!borrowed)
			rp_session_return(s);
	}
	s->diag = diag;
}

/* What libc calls main() from, and _start: they hold nothing. */
#define START_FRAMES	3

struct depth {
	const struct rp_session *s;
	size_t frames;
	size_t libc_frame;	/* the first one that is not innermost; 0: none */
};

static int look_at_frame(void *context, const struct rp_frame *frame)
{
	struct depth *d = context;
	const struct rp_modules *modules = &d->s->modules;

	/* The innermost one may be libc's: the wrapper of a system call. */
	if (d->frames && !d->libc_frame && !modules->is_static &&
	    rp_modules_at(modules, frame->pc) == modules->libc_module)
		d->libc_frame = d->frames;
	d->frames++;
	return 0;
}

static bool is_outside_libc(struct rp_session *s, struct rp_thread *thread)
{
	const struct user_regs_struct *regs = &thread->regs;
	const struct rp_module *m = rp_modules_at(&s->modules, regs->rip);
	struct depth d = { s, 0, 0 };

	if (m == s->modules.libc_module && (int64_t)regs->orig_rax < 0)
		return false;
	rp_unwind_forget(s->unwinder);
	rp_unwind(s->unwinder, regs, look_at_frame, &d, NULL);
	return !d.libc_frame || d.libc_frame + START_FRAMES >= d.frames;
}

static struct rp_thread *only_thread(const struct rp_threads *threads)
{
	for (size_t i = 0; i < threads->n; i++) {
		struct rp_thread *t = threads->v[i];

		if (!t->ours && t->state != RP_THREAD_GONE)
			return t;
	}
	return NULL;
}

int rp_session_hold(struct rp_session *s)
{
	uint64_t until = rp_now() + HOLD_MS * 1000000ull;
	int ret;

	if (s->threads.stopped || rp_threads_count(&s->threads) != 1)
		return 0;
	ret = rp_session_unwinder(s);
	while (!ret) {
		ret = rp_threads_stop(&s->threads, s->diag);
		/* Where it never leaves libc, any moment has to do. */
		if (ret || rp_now() > until ||
		    is_outside_libc(s, only_thread(&s->threads)))
			break;
		rp_threads_resume(&s->threads);
		nanosleep(&(struct timespec){ 0, 300000 }, NULL);
		rp_threads_poll(&s->threads);
	}
	return ret == -EAGAIN ? 0 : ret;
}

void rp_session_unhold(struct rp_session *s)
{
	if (s->threads.stopped)
		rp_threads_resume(&s->threads);
}
