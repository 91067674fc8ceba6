/* SPDX-License-Identifier: MIT */
/* One run of the patcher on one process: what it holds, and lets go of. */
#ifndef REPOINT_LIVE_SESSION_H
#define REPOINT_LIVE_SESSION_H

#include "agent.h"
#include "divert.h"
#include "live.h"

struct rp_session {
	const struct rp_live_options *options;
	struct rp_live_report *report;
	struct rp_diag *diag;
	struct rp_target target;
	struct rp_modules modules;
	struct rp_threads threads;
	struct rp_inject inject;
	struct rp_agent agent;
	struct rp_divert divert;
	struct rp_unwinder *unwinder;
	struct rp_records records;
	struct rp_busy_list busy;
	uint64_t register_frame, deregister_frame;
	struct rp_exceptions exceptions;
	uint64_t divert_frames;		/* registered with the target's unwinder */
	bool seized;
	bool divert_known, may_divert;
};

uint64_t rp_now(void);

/** rp_session_open() - the process, its modules, what was applied; all threads
 *  are traced and run; what dead tools left is cleared.
 *  rp_session_close() also after a failure. */
int rp_session_open(struct rp_session *s, pid_t pid,
		    const struct rp_live_options *options,
		    struct rp_live_report *report, struct rp_diag *diag);
void rp_session_close(struct rp_session *s);

/** rp_session_unwinder() - make it, with the code of payloads. */
int rp_session_unwinder(struct rp_session *s);

/** rp_session_borrow() - a thread for system calls; it is stopped unless all
 *  are. rp_session_return() lets it go on. */
int rp_session_borrow(struct rp_session *s);
void rp_session_return(struct rp_session *s);

/** rp_session_map() - a region of ours near [low, high), only readable, its
 *  first page written; a thread has been borrowed. *@base is set. */
int rp_session_map(struct rp_session *s, enum rp_region_kind kind,
		   uint64_t size, uint64_t low, uint64_t high,
		   uint64_t highest, uint64_t *base);

/** rp_session_agent() - the thread for hooks, made if there is none. */
int rp_session_agent(struct rp_session *s);
/** rp_session_agent_end() - it goes, with its memory. A thread is borrowed. */
void rp_session_agent_end(struct rp_session *s);

/** rp_session_hold() - for a hook: in a process of one thread, that thread is
 *  held outside of libc, whose locks it does not take; others go on.
 *  rp_session_unhold() after it. */
int rp_session_hold(struct rp_session *s);
void rp_session_unhold(struct rp_session *s);

/** rp_session_frames() - tell the target's unwinder of an .eh_frame, or make it
 *  forget. @object: 64 bytes of the target's memory. 0 if there is none. */
int rp_session_frames(struct rp_session *s, bool known, uint64_t eh_frame,
		      uint64_t object);
/** rp_session_know(), rp_session_forget() - the same for a record, which says so:
 *  who comes after a crash has to know. Return: 0; -EBUSY: it cannot be known
 *  any more, its memory has to stay; else see the diag. */
int rp_session_know(struct rp_session *s, struct rp_record *record);
int rp_session_forget(struct rp_session *s, struct rp_record *record);
/** rp_session_has_unwinder() - does the target have one to be told? */
bool rp_session_has_unwinder(struct rp_session *s);

/** rp_session_progress() - a line for the transcript. */
void rp_session_progress(struct rp_session *s, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/** rp_session_may_divert() - may threads be sent to the waiting place? Not where
 *  stacks are switched, nor where an unwinder would not know it. */
bool rp_session_may_divert(struct rp_session *s);

/* change.c */

/** struct rp_write - bytes that the switch writes. */
struct rp_write {
	uint64_t address;
	uint32_t size;
	const void *bytes;
};

struct rp_prepared;

/**
 * struct rp_change - what one switch does.
 * @remove: records that go, the last applied first
 * @add:    what comes, or NULL
 */
struct rp_change {
	struct rp_session *s;
	struct rp_record **remove;
	size_t nremove;
	struct rp_prepared *add;
	struct rp_code *codes;
	size_t ncodes;
	size_t codes_capacity;
	struct rp_write *writes;
	size_t nwrites;
	size_t writes_capacity;
	bool done;		/* the switch is over: no way back */
	bool no_hooks;
	bool keep_session;	/* more is to be done after it */
};

void rp_change_init(struct rp_change *change, struct rp_session *s);
void rp_change_free(struct rp_change *change);
int rp_change_remove(struct rp_change *change, struct rp_record *record);

/** rp_change_removes() - is a record one of those that go? */
bool rp_change_removes(const struct rp_change *change,
		       const struct rp_record *record);

/** rp_change_codes() - what must not be in use. */
int rp_change_codes(struct rp_change *change);
/** rp_change_read() - memory as it will be when what is removed is away. */
int rp_change_read(struct rp_change *change, uint64_t address, void *buffer,
		   size_t size);
/** rp_change_writes() - all writes, from what is in memory now; checks it.
 *  For the final ones, all is stopped. */
int rp_change_writes(struct rp_change *change);
/** rp_change_run() - all of it: pre-hooks, stop, switch, post-hooks. */
int rp_change_run(struct rp_change *change);

/* prepare.c */

/**
 * struct rp_over - a function of an earlier payload that is replaced as well:
 * that payload's own functions call it directly.
 * @function: of the payload that comes
 */
struct rp_over {
	uint64_t address, size;
	uint64_t detour;
	size_t function;
	uint8_t was[5];
};

/**
 * struct rp_prepared - a payload that is about to be applied.
 * @old:    for each function its bytes when they were checked
 * @over:   @nover of them; their records follow those of the functions
 * @record: as it is in the target, at @base; state PREPARED
 */
struct rp_prepared {
	const struct rp_payload *payload;
	struct rp_module *module;
	struct rp_placement *placement;
	uint8_t **old;
	struct rp_over *over;
	size_t nover;
	struct rp_record *record;
	uint64_t base;
	bool mapped;
};

/** rp_prepare_check() - does it fit the process, as it is now? */
int rp_prepare_check(struct rp_prepared *p, struct rp_change *change,
		     const struct rp_payload *payload);
/** rp_prepare_map() - memory, image, record. */
int rp_prepare_map(struct rp_prepared *p, struct rp_change *change);
/** rp_prepare_undo() - all of it goes; a thread is borrowed for it. */
void rp_prepare_undo(struct rp_prepared *p, struct rp_session *s);
void rp_prepare_free(struct rp_prepared *p);

/* hooks.c */

/** rp_hooks_run() - hooks of a kind of a record. Return: 0; -ECANCELED: vetoed;
 *  -EINVAL. */
int rp_hooks_run(struct rp_session *s, const struct rp_record *record,
		 enum rp_payload_hook_kind kind);
bool rp_hooks_any(const struct rp_record *record, enum rp_payload_hook_kind kind);

/* recover.c */

/** rp_recover() - put right and free what dead tools left. */
int rp_recover(struct rp_session *s);
/** rp_region_free() - unmap a region; a thread has been borrowed. */
int rp_region_free(struct rp_session *s, uint64_t base, uint64_t size);

#endif /* REPOINT_LIVE_SESSION_H */
