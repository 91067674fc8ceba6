/* SPDX-License-Identifier: MIT */
/*
 * What the library would say. It is silent by default and never prints on its
 * own: a program sets a callback, or its user sets RP_LOG in the environment.
 *
 * RP_LOG=LEVEL or RP_LOG=CATEGORY[,CATEGORY...] writes lines to standard
 * error; LEVEL is one of warn, info, debug. Categories: text_poke, sync,
 * object, cpu (features), alternative (what was chosen and why), ops; "all" is
 * every one of them.
 */
#ifndef REPOINT_LOG_H
#define REPOINT_LOG_H

#include <repoint/compiler.h>

RP__BEGIN_DECLS

/** enum rp_log_level - how much a message matters. */
enum rp_log_level {
	RP_LOG_WARN = 1,	/**< something works less well than it could */
	RP_LOG_INFO = 2,	/**< a choice made once: backend, sync, policy */
	RP_LOG_DEBUG = 3,	/**< each object, key, batch */
	RP_LOG_LEVEL_NR
};

/**
 * rp_log_fn - receives one line, without a newline.
 *
 * Called with the text lock held: it must not update keys, and must not call
 * anything that does. Text is not being written at that moment, and signals
 * are not blocked.
 */
typedef void rp_log_fn(enum rp_log_level level, const char *category,
		       const char *message, void *data);

/**
 * rp_log_set() - send the library's messages to a function.
 * @fn:    the function, NULL to be silent again (RP_LOG, if set, returns)
 * @level: the least important level that is passed on
 * @data:  passed through
 *
 * Thread safe; not async-signal-safe.
 */
RP_API void rp_log_set(rp_log_fn *fn, enum rp_log_level level, void *data);

RP__END_DECLS

#endif /* REPOINT_LOG_H */
