/* SPDX-License-Identifier: MIT */
/*
 * Applying payloads to running processes, and taking them away.
 *
 *   int rp_live_apply(pid, payload, mode, options, report, diag);
 *   int rp_live_revert(pid, name, options, report, diag);
 *   int rp_live_list(pid, list, diag);
 *
 * How one run goes; up to the switch any failure leaves the process as it was:
 *
 *   look      modules, records, expected bytes and values (nothing is stopped)
 *   prepare   one thread is borrowed for some system calls: memory is mapped, the
 *             image and the record are written; hooks' thread; pre-hooks
 *   stop      all threads; are functions in use? if so, they go on, and are sent
 *             to a waiting place on their way out (divert.h), until a time is up
 *   switch    expected bytes once more; detours, data; hooks
 *   resume    post-hooks; what was mapped for the time being goes
 */
#ifndef REPOINT_LIVE_LIVE_H
#define REPOINT_LIVE_LIVE_H

#include "../payload/payload.h"
#include "busy.h"
#include "record.h"

#include <signal.h>

#define RP_LIVE_TIMEOUT_MS	10000u
#define RP_LIVE_HOOK_MS		5000u

/**
 * struct rp_live_options - 0 and NULL mean the default.
 * @timeout_ms:   how long to wait for functions in use; RP_LIVE_TIMEOUT_MS
 * @once:         try once instead
 * @hook_ms:      how long a hook may run
 * @allow_active: names of functions that may be in use, @nallow_active of them
 * @contexts:     suspended contexts of coroutines
 * @cancel:       not 0: the user has had enough; nothing is changed then, and
 *                what was prepared goes. May be set by a signal handler
 * @dry_run:      all but the writes: stops, looks, and goes
 * @permit:       may this be patched? Called with the path of the program and
 *                that of what the payload is for; 0 or -EINVAL with its reason
 * @progress:     called as things happen, for a transcript; while nothing is
 *                stopped
 */
struct rp_live_options {
	unsigned int timeout_ms;
	bool once;
	unsigned int hook_ms;
	const char *const *allow_active;
	size_t nallow_active;
	enum rp_contexts contexts;
	const volatile sig_atomic_t *cancel;
	bool dry_run;
	int (*permit)(void *context, const char *program, const char *module,
		      struct rp_diag *diag);
	void (*progress)(void *context, const char *text);
	void *context;
};

/**
 * struct rp_live_report - what was found and done.
 * @module:    path of what is patched
 * @name:      of the payload
 * @nfunctions: functions that were replaced, or given back
 * @functions: their names, one behind the other, each terminated
 * @reverted:  payloads that were taken away: names likewise
 * @threads:   how many were stopped
 * @stops:     how often all threads were stopped
 * @window_ns: of the last stop: from the first thread's interruption on until
 *             all run again
 * @longest_ns: of all stops
 * @stop_ns:   of the last one: until all threads stood still
 * @check_ns:  of the last one: for looking at their stacks
 * @prepare_ns: one thread was borrowed for that long
 * @wait_ns:   from the first stop to the last
 * @diverted:  threads that were sent to the waiting place
 * @leftovers: regions of tools that died, freed
 * @active:    functions in use that were allowed to be
 * @size:      bytes mapped in the target
 */
struct rp_live_report {
	char module[256];
	char name[128];
	char *functions;
	size_t nfunctions;
	char *reverted;
	size_t nreverted;
	size_t threads;
	unsigned int stops;
	uint64_t window_ns, longest_ns, stop_ns, check_ns, prepare_ns, wait_ns;
	size_t diverted;
	size_t leftovers;
	uint64_t size;
	char comm[64];
	struct rp_diag warning;
};

void rp_live_report_free(struct rp_live_report *report);

enum rp_live_mode {
	RP_LIVE_APPLY,		/* beside what is applied */
	RP_LIVE_REPLACE,	/* in place of all payloads of its target */
};

/**
 * rp_live_apply() - apply a payload to a process.
 * @report: filled in as far as things went; rp_live_report_free()
 *
 * Return: 0; -EBUSY: in use until the time was up; -ECANCELED: vetoed by a hook;
 * -EINVAL, -ESRCH, -ENOMEM: see @diag.
 */
int rp_live_apply(pid_t pid, const struct rp_payload *payload,
		  enum rp_live_mode mode, const struct rp_live_options *options,
		  struct rp_live_report *report, struct rp_diag *diag);

/** rp_live_revert() - take a payload away. @name: its name; NULL: all of them.
 *  Return: as rp_live_apply(). */
int rp_live_revert(pid_t pid, const char *name,
		   const struct rp_live_options *options,
		   struct rp_live_report *report, struct rp_diag *diag);

/** rp_live_list() - what is applied; the process is not stopped. One whose
 *  library was unloaded since is RP_STATE_REVERTED.
 *  Return: 0; -EINVAL, see @diag. @records: rp_records_free(). */
int rp_live_list(pid_t pid, struct rp_records *records, struct rp_diag *diag);

#endif /* REPOINT_LIVE_LIVE_H */
