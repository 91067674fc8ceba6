// SPDX-License-Identifier: MIT
/*
 * Sends threads to the waiting place and takes that back, again and again.
 *
 *   driver cycles PID MAILBOX N [throw|known]	prints what happened, "ok" at
 *					last; the unwinder is told
 *   driver hold PID MAILBOX		sends what it can, waits to be killed
 *   driver read PID MAILBOX		rounds and errors
 */
#define _GNU_SOURCE
#include "../../../live/divert.h"
#include "target.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static struct rp_target target;
static struct rp_modules modules;
static struct rp_threads threads;
static struct rp_inject inject;
static struct rp_unwinder *unwinder;
static struct rp_exceptions exceptions;
static struct rp_divert divert;
static struct rp_diag diag;
static uint64_t mailbox_address;

static struct {
	unsigned long sent, arrived, timed_out, busy, not_sent, all_arrived;
	unsigned long through, lost, refused;
} seen;

static void check(const char *what, int rc)
{
	if (!rc)
		return;
	fprintf(stderr, "%s: %s: %s\n", what, strerror(-rc), diag.text);
	exit(1);
}

static struct mailbox read_mailbox(void)
{
	struct mailbox mailbox;

	check("mailbox", rp_target_read(&target, mailbox_address, &mailbox,
					sizeof(mailbox)));
	return mailbox;
}

static void open_all(pid_t pid)
{
	check("open", rp_target_open(&target, pid, &diag));
	check("seize", rp_threads_seize(&threads, &target, &diag));
	check("modules", rp_modules_read(&modules, &target, &diag));
	check("unwinder", rp_unwinder_create(&unwinder, &modules));
	rp_exceptions_find(&exceptions, unwinder, &modules);
	check("exceptions", exceptions.by == RP_EXCEPTIONS_UNKNOWN ?
	      -EINVAL : 0);
}

static void close_all(void)
{
	rp_threads_release(&threads);
	rp_unwinder_free(unwinder);
	rp_modules_free(&modules);
	rp_target_close(&target);
}

static void stop(void)
{
	int rc;

	for (int i = 0; (rc = rp_threads_stop(&threads, &diag)) == -EAGAIN &&
	     i < 100; i++)
		usleep(1000);
	check("stop", rc);
	rp_unwind_forget(unwinder);
}

static void borrow(void)
{
	struct rp_thread *thread = rp_inject_choose(&threads, &modules.maps,
						    &diag);

	check("choose", thread ? 0 : -EINVAL);
	check("begin", rp_inject_begin(&inject, &threads, thread,
				       &modules.maps, &diag));
}

/* Makes it, and shows whether it is there. */
static void map(void)
{
	stop();
	borrow();
	check("map", rp_divert_map(&divert, &inject, &modules.maps,
				   modules.v[0].low, &diag));
	rp_inject_end(&inject);
	check("unwind", rp_divert_unwind(&divert, unwinder,
					   &exceptions));
	rp_threads_resume(&threads);
}

static void unmap(void)
{
	uint64_t base = divert.base, word;

	stop();
	borrow();
	check("unmap", rp_divert_unmap(&divert, &inject, &diag));
	rp_inject_end(&inject);
	rp_threads_resume(&threads);
	check("gone", rp_target_read(&target, base, &word, sizeof(word)) ?
	      0 : -EEXIST);
}

struct search {
	struct rp_busy busy;
	struct mailbox mailbox;
	bool found;
	bool in_code;
};

static int look(void *context, const struct rp_frame *frame)
{
	struct search *search = context;
	uint64_t pc = frame->pc - !frame->exact;

	search->in_code |= pc - divert.base < divert.size;
	if (pc - search->mailbox.start >= search->mailbox.size)
		return 0;
	search->busy.outermost = *frame;
	search->found = true;
	return 0;
}

/* A stack that cannot be walked says what was found so far. */
static void send_thread(struct rp_thread *thread, struct search *search)
{
	search->found = search->in_code = false;
	search->busy.thread = thread;
	search->busy.how = RP_BUSY_FRAME;

	enum rp_walk walk = rp_unwind(unwinder, &thread->regs, look, search,
				      NULL);

	seen.through += search->in_code;
	seen.lost += search->in_code && walk != RP_WALK_END;
	if (!search->found)
		return;
	int rc = rp_divert_thread(&divert, &search->busy);

	if (rc == -EALREADY)
		return;
	if (search->busy.outermost.return_to - search->mailbox.catching <
	    search->mailbox.catching_size) {
		check("a frame that catches", rc == -ENOTSUP ? 0 : -EINVAL);
		seen.refused++;
	} else if (rc)
		seen.not_sent++;
	else
		seen.sent++;
}

static void send_threads(const struct mailbox *mailbox)
{
	struct search search = { .mailbox = *mailbox };

	for (size_t i = 0; i < threads.n; i++)
		if (threads.v[i]->state == RP_THREAD_STOPPED)
			send_thread(threads.v[i], &search);
}

static void nothing_leads_there(void)
{
	struct search search = { .in_code = false };

	rp_unwind_forget(unwinder);
	for (size_t i = 0; i < threads.n; i++) {
		const struct rp_thread *thread = threads.v[i];

		if (thread->state == RP_THREAD_STOPPED)
			rp_unwind(unwinder, &thread->regs, look, &search, NULL);
	}
	check("still leads there", search.in_code ? -EBUSY : 0);
}

/* Return: false: some of it is left. */
static bool take_back(void)
{
	int rc = rp_divert_undo(&divert, &threads);

	if (rc == -EBUSY) {
		seen.busy++;
		return false;
	}
	check("undo", rc);
	check("slots in use", divert.used ? -EBUSY : 0);
	nothing_leads_there();
	return true;
}

static void wait_some(unsigned int cycle)
{
	size_t sent = divert.used;

	for (int i = 0; i < (cycle % 4 ? 40 : 0); i++) {
		usleep(200);
		rp_threads_poll(&threads);
		rp_divert_renew(&divert);
		if (!rp_divert_expected(&divert))
			break;
	}
	// Without being told again they go on by themselves.
	if (cycle % 64 == 63) {
		usleep(150000);
		rp_threads_poll(&threads);
		seen.timed_out += divert.used - rp_divert_waiting(&divert) -
				  rp_divert_expected(&divert);
	}
	seen.arrived += rp_divert_waiting(&divert);
	seen.all_arrived += sent && rp_divert_waiting(&divert) == sent;
}

static void cycle(unsigned int i)
{
	struct mailbox mailbox = read_mailbox();

	stop();
	send_threads(&mailbox);
	if (i % 5 == 0)
		send_threads(&mailbox);
	rp_threads_resume(&threads);
	wait_some(i);
	stop();
	for (int tries = 0; !take_back(); tries++) {
		check("undo, in the end", tries > 2000 ? -EBUSY : 0);
		rp_threads_resume(&threads);
		usleep(500);
		rp_threads_poll(&threads);
		stop();
	}
	rp_threads_resume(&threads);
}

static void note(enum rp_divert_frames frames)
{
	uint64_t eh_frame;

	check("note", rp_divert_note_frames(&divert, frames));
	check("note", rp_divert_left_frames(&target, divert.base, &eh_frame) !=
	      frames || eh_frame != divert.eh_frame ? -EINVAL : 0);
}

static void tell_unwinder(uint64_t frames)
{
	uint64_t words[2] = { frames, divert.eh_object };

	note(RP_DIVERT_FRAMES_CHANGING);

	check("mailbox", rp_target_write(&target, mailbox_address +
					 offsetof(struct mailbox, object),
					 &words[1], 8));
	check("mailbox", rp_target_write(&target, mailbox_address +
					 offsetof(struct mailbox, frames),
					 &words[0], 8));
	for (int i = 0; read_mailbox().known != frames; i++) {
		check("registration", i > 20000 ? -ETIMEDOUT : 0);
		rp_threads_poll(&threads);
		usleep(500);
	}
	note(frames ? RP_DIVERT_FRAMES_KNOWN : RP_DIVERT_FRAMES_UNKNOWN);
}

static int cycles(unsigned int n, const char *mode)
{
	struct mailbox before = read_mailbox(), after;
	bool throws = mode && !strcmp(mode, "throw");
	time_t limit = time(NULL) + 100;
	unsigned int i;

	map();
	if (mode)
		tell_unwinder(divert.eh_frame);
	for (i = 0; i < n && time(NULL) < limit; i++)
		cycle(i);
	if (mode)
		tell_unwinder(0);
	unmap();
	after = read_mailbox();
	printf("cycles %u sent %lu arrived %lu all %lu timed-out %lu busy %lu "
	       "not-sent %lu refused %lu through %lu lost %lu rounds %llu signals %llu errors %llu\n", i,
	       seen.sent, seen.arrived, seen.all_arrived, seen.timed_out,
	       seen.busy, seen.not_sent, seen.refused, seen.through, seen.lost,
	       (unsigned long long)(after.rounds - before.rounds),
	       (unsigned long long)(after.signals - before.signals),
	       (unsigned long long)after.errors);
	close_all();
	if (after.errors || !seen.sent || !seen.arrived || seen.lost ||
	    after.rounds == before.rounds || (throws && !seen.refused))
		return 1;
	puts("ok");
	return 0;
}

static _Noreturn void hold(void)
{
	struct mailbox mailbox = read_mailbox();

	map();
	while (divert.used < 2) {
		stop();
		send_threads(&mailbox);
		if (divert.used < 2)
			rp_threads_resume(&threads);
	}
	rp_threads_resume(&threads);
	while (!rp_divert_waiting(&divert))
		rp_threads_poll(&threads);
	puts("held");
	fflush(stdout);
	for (;;) {
		rp_divert_renew(&divert);
		rp_threads_poll(&threads);
		usleep(100);
	}
}

static int read_only(pid_t pid)
{
	struct mailbox mailbox;

	check("open", rp_target_open(&target, pid, &diag));
	mailbox = read_mailbox();
	printf("%llu %llu\n", (unsigned long long)mailbox.rounds,
	       (unsigned long long)mailbox.errors);
	rp_target_close(&target);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc < 4)
		return 64;
	pid_t pid = (pid_t)atoi(argv[2]);

	mailbox_address = strtoull(argv[3], NULL, 16);
	if (!strcmp(argv[1], "read"))
		return read_only(pid);
	open_all(pid);
	if (!strcmp(argv[1], "hold"))
		hold();
	return cycles(argc > 4 ? (unsigned int)atoi(argv[4]) : 100,
		      argc > 5 ? argv[5] : NULL);
}
