/* SPDX-License-Identifier: MIT */
/* What the commands on running processes print. */
#ifndef REPOINT_TOOLS_PATCH_TRANSCRIPT_H
#define REPOINT_TOOLS_PATCH_TRANSCRIPT_H

#include "live_settings.h"

enum rp_live_verb {
	RP_VERB_APPLY,
	RP_VERB_REPLACE,
	RP_VERB_CHECK,
	RP_VERB_REVERT,
};

/**
 * struct rp_live_result - how it went with one process.
 * @status:   exit status
 * @skipped:  nothing was to be done: it is patched already
 * @attempts: how often it was tried
 */
struct rp_live_result {
	pid_t pid;
	int status;
	bool skipped;
	unsigned int attempts;
	struct rp_live_report report;
	struct rp_diag diag;
};

/** rp_transcript_process() - one process, as text or as an element of JSON's
 *  list; errors go to stderr. */
void rp_transcript_process(const struct rp_live_settings *settings,
			   enum rp_live_verb verb,
			   const struct rp_live_result *result);

/** rp_transcript_begin(), rp_transcript_end() - around them. @n: how many. */
void rp_transcript_begin(const struct rp_live_settings *settings,
			 enum rp_live_verb verb, const char *what);
void rp_transcript_end(const struct rp_live_settings *settings,
		       enum rp_live_verb verb,
		       const struct rp_live_result *results, size_t n);

#endif /* REPOINT_TOOLS_PATCH_TRANSCRIPT_H */
