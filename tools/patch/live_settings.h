/* SPDX-License-Identifier: MIT */
/* What the commands on running processes share: options, exit statuses. */
#ifndef REPOINT_TOOLS_PATCH_LIVE_SETTINGS_H
#define REPOINT_TOOLS_PATCH_LIVE_SETTINGS_H

#include "../../live/live.h"
#include "processes.h"
#include "settings.h"

#include <getopt.h>

/**
 * struct rp_live_settings - what the user asked for.
 * @retries: how often to try again after a refusal, beside @options.timeout_ms
 */
struct rp_live_settings {
	enum rp_which which;
	const char *what;
	struct rp_live_options options;
	struct rp_word_list allow_active;
	const char *require_signature;
	const char *output;
	unsigned int retries;
	bool have_what;
	bool every;		/* stands for the last word */
	bool gone;
	bool force;
	bool json;
	bool quiet;
	bool verbose;
	bool help;
};

enum {
	RP_LIVE_OPT_NAME = 0x300, RP_LIVE_OPT_USING, RP_LIVE_OPT_ALL,
	RP_LIVE_OPT_TIMEOUT, RP_LIVE_OPT_RETRY, RP_LIVE_OPT_WAIT,
	RP_LIVE_OPT_HOOK, RP_LIVE_OPT_ACTIVE, RP_LIVE_OPT_CONTEXTS,
	RP_LIVE_OPT_FORCE, RP_LIVE_OPT_KEYS, RP_LIVE_OPT_JSON, RP_LIVE_OPT_EVERY,
	RP_LIVE_OPT_GONE,
};

#define RP_LIVE_OPTIONS_PROCESS						\
	{ "name", required_argument, NULL, RP_LIVE_OPT_NAME },		\
	{ "all-using", required_argument, NULL, RP_LIVE_OPT_USING },	\
	{ "json", no_argument, NULL, RP_LIVE_OPT_JSON },		\
	{ "help", no_argument, NULL, 'h' }
#define RP_LIVE_OPTIONS_STOP						\
	{ "timeout", required_argument, NULL, RP_LIVE_OPT_TIMEOUT },	\
	{ "retry", required_argument, NULL, RP_LIVE_OPT_RETRY },	\
	{ "wait", no_argument, NULL, RP_LIVE_OPT_WAIT },		\
	{ "hook-timeout", required_argument, NULL, RP_LIVE_OPT_HOOK },	\
	{ "allow-active", required_argument, NULL, RP_LIVE_OPT_ACTIVE }, \
	{ "contexts", required_argument, NULL, RP_LIVE_OPT_CONTEXTS },	\
	{ "quiet", no_argument, NULL, 'q' },				\
	{ "verbose", no_argument, NULL, 'v' }
#define RP_LIVE_OPTIONS_PAYLOAD						\
	{ "force", no_argument, NULL, RP_LIVE_OPT_FORCE },		\
	{ "require-signature", required_argument, NULL, RP_LIVE_OPT_KEYS }

/**
 * rp_live_settings_parse() - options; optind is at the first word that is none.
 * @words: how many words have to follow beside the process
 * @missing: what to say if there are less or more
 *
 * Return: 0, or an exit status. @settings->what is taken from the words if no
 * option named the processes: optind is behind it then.
 */
int rp_live_settings_parse(struct rp_live_settings *settings,
			   const char *command, const struct option *options,
			   int argc, char **argv, int words,
			   const char *missing);

/** Parts of help texts. */
extern const char rp_live_help_processes[];
extern const char rp_live_help_stop[];
extern const char rp_live_help_last[];

/** rp_live_exit() - the exit status for an error. */
int rp_live_exit(const struct rp_diag *diag);

/** rp_live_may_retry() - can it go better the next time? */
bool rp_live_may_retry(const struct rp_diag *diag);

#endif /* REPOINT_TOOLS_PATCH_LIVE_SETTINGS_H */
