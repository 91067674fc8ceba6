/* SPDX-License-Identifier: MIT */
/*
 * Is code in use: is it on the stack of any thread, or may it be?
 *
 *   B1  each stack of each stopped thread is walked to its end, signal handlers
 *       and alternate stacks included (unwind.h)
 *   B2  where a walk is lost, registers and all words of the rest of that stack
 *       are looked at: one that points into the code, behind a call, counts, as
 *       does any word that leads to a signal frame whose pc is in it. If the end
 *       of that stack is not known, the thread counts as busy.
 *   B3  programs that switch stacks by themselves (makecontext(), swapcontext(),
 *       known coroutine libraries): contexts that are not running lie anywhere,
 *       so all private writable memory is looked at in the same way
 *
 * The innermost frame does not count when its pc is the first byte of a function
 * that gets a detour: nothing of it was executed, it will take the detour.
 */
#ifndef REPOINT_LIVE_BUSY_H
#define REPOINT_LIVE_BUSY_H

#include "threads.h"
#include "unwind.h"

/**
 * struct rp_code - code that must not be in use.
 * @start, @size: in the target
 * @entry:    a pc of exactly @start is not in use
 * @name:     for messages
 * @allowed:  the user takes the risk: found, but does not count
 */
struct rp_code {
	uint64_t start, size;
	bool entry;
	bool allowed;
	const char *name;
};

enum rp_busy_how {
	RP_BUSY_FRAME,		/* a frame of a walked stack */
	RP_BUSY_WORD,		/* a word behind a frame that could not be unwound */
	RP_BUSY_UNKNOWN,	/* the stack could not be walked, its end is unknown */
	RP_BUSY_CONTEXT,	/* a word in memory: a context that is not running */
};

#define RP_BUSY_FRAMES	24

/**
 * struct rp_busy - one use of it.
 * @thread: NULL for RP_BUSY_CONTEXT
 * @code:   NULL for RP_BUSY_UNKNOWN
 * @outermost: of RP_BUSY_FRAME: the last frame of the thread that is in such
 *          code: when it has returned, the thread is out of all of it
 * @at:     address of the word: RP_BUSY_WORD and RP_BUSY_CONTEXT
 * @frames: the thread's frames from the innermost, for messages; @nframes of
 *          them; @more there were more
 * @busy_frame: index of the first one in such code
 */
struct rp_busy {
	struct rp_thread *thread;
	const struct rp_code *code;
	enum rp_busy_how how;
	struct rp_frame outermost;
	uint64_t at;
	struct rp_frame frames[RP_BUSY_FRAMES];
	size_t nframes;
	size_t busy_frame;
	bool more;
};

struct rp_busy_list {
	struct rp_busy *v;
	size_t n;
	size_t capacity;
};

/** enum rp_contexts - what to do about contexts that are not running (B3). */
enum rp_contexts {
	RP_CONTEXTS_AUTO,	/* look if the program seems to have any */
	RP_CONTEXTS_SCAN,	/* always look */
	RP_CONTEXTS_IGNORE,	/* the user knows that there are none */
};

/**
 * rp_busy_contexts() - does the program switch stacks by itself?
 * Return: the name of the function that shows it, or NULL.
 */
const char *rp_busy_contexts(struct rp_modules *modules);

/** rp_busy_known_contexts() - the same, looked for once. */
const char *rp_busy_known_contexts(struct rp_unwinder *unwinder);

/** rp_busy_prepare() - what rp_busy_find() would have to find out first, while
 *  threads still run. */
void rp_busy_prepare(struct rp_unwinder *unwinder, enum rp_contexts contexts);

/**
 * rp_busy_find() - all uses, while all threads are stopped.
 * @codes: by address; must not overlap
 * @list:  zeroed, or used before; rp_busy_free() frees it
 *
 * Return: 0, also if there are some; -ENOMEM; -ESRCH.
 */
int rp_busy_find(struct rp_unwinder *unwinder, struct rp_threads *threads,
		 const struct rp_code *codes, size_t ncodes,
		 enum rp_contexts contexts, struct rp_busy_list *list);
void rp_busy_free(struct rp_busy_list *list);

/** rp_busy_explain() - a sentence: thread, function, frames; and what to try. */
void rp_busy_explain(struct rp_unwinder *unwinder, const struct rp_busy *busy,
		     char *ret, size_t size);

#endif /* REPOINT_LIVE_BUSY_H */
