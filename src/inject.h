/* SPDX-License-Identifier: MIT */
/*
 * Points at which tests take control, so that each window of each protocol is
 * reached on purpose. They cost nothing and do not exist unless the library is
 * compiled with RP_INJECT.
 */
#ifndef RP_SRC_INJECT_H
#define RP_SRC_INJECT_H

enum rp__inject_point {
	RP__INJECT_LOCKED,		/* commit holds the text lock */
	RP__INJECT_VALIDATED,		/* all bytes found legal, nothing written */
	RP__INJECT_WINDOW_OPEN,		/* text is writable, signals blocked */
	RP__INJECT_INT3_WRITTEN,
	RP__INJECT_INT3_SYNCED,
	RP__INJECT_TAIL_WRITTEN,
	RP__INJECT_TAIL_SYNCED,
	RP__INJECT_FIRST_WRITTEN,	/* also: after the stores of ATOMIC */
	RP__INJECT_FIRST_SYNCED,
	RP__INJECT_WINDOW_CLOSED,
	RP__INJECT_BATCH_RETIRED,	/* trap handlers no longer see the batch */
	RP__INJECT_TRAP_ENTER,		/* in the handler, before the look-up */
	RP__INJECT_TRAP_MISSED,		/* looked up, no batch had the site */
	RP__INJECT_TRAP_FOUND,		/* before the emulation */
	RP__INJECT_SIGNALS_CHECKED,	/* masks of all threads found fine */
	RP__INJECT_NR
};

/* Operations that tests can make fail. */
enum rp__fail_point {
	RP__FAIL_MAP,			/* memory for vectors and islands */
	RP__FAIL_UNPROTECT,		/* one page run made writable */
	RP__FAIL_PROTECT,		/* one page run made as it was */
	RP__FAIL_MEM_WRITE,		/* one write through /proc/self/mem */
	RP__FAIL_NR
};

#ifdef RP_INJECT
extern void (*rp__inject_hook)(enum rp__inject_point point);
/* Returns a negative errno to fail with, or 0 to go on. */
extern int (*rp__fail_hook)(enum rp__fail_point point);
/* Emulate calls through stubs, as with a shadow stack. */
extern int rp__inject_call_stubs;

# define RP__INJECT(point)						\
	do {								\
		if (rp__inject_hook)					\
			rp__inject_hook(point);				\
	} while (0)
# define RP__FAIL(point)	(rp__fail_hook ? rp__fail_hook(point) : 0)
# define RP__CALL_STUBS_FORCED	(rp__inject_call_stubs)
#else
# define RP__INJECT(point)	((void)0)
# define RP__FAIL(point)	(0)
# define RP__CALL_STUBS_FORCED	(0)
#endif

#endif
