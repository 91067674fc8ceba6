/* SPDX-License-Identifier: MIT */
/* What `repoint patch diff` and `repoint patch build` share: their options, and the run of the differ. */
#ifndef REPOINT_TOOLS_PATCH_SETTINGS_H
#define REPOINT_TOOLS_PATCH_SETTINGS_H

#include <getopt.h>
#include <stdbool.h>
#include <stddef.h>

/** Exit statuses beside those of enum rp_exit. */
enum rp_patch_exit {
	RP_PATCH_EXIT_MADE = 0,
	RP_PATCH_EXIT_REFUSED = 2,
	RP_PATCH_EXIT_NOTHING = 3,
};

struct rp_word_list {
	const char **v;
	size_t n;
};

/**
 * struct rp_patch_settings - what the user asked for.
 * @output: NULL: the patch's name with .rpp, in the working directory
 * @name:   NULL: the stem of @output, or of the source patch
 */
struct rp_patch_settings {
	const char *binary;
	const char *output;
	const char *name;
	const char *patch_version;
	const char *description;
	const char *debug_file;
	struct rp_word_list debug_dirs;
	struct rp_word_list after;		/* payloads applied before */
	struct rp_word_list allow_layout;	/* types */
	struct rp_word_list allow_mismatch;	/* functions */
	bool show_first_changed;
	bool json;
	bool verbose;
	bool help;
};

/* Long options of both commands, as rows of a struct option array. */
enum {
	RP_PATCH_OPT_BINARY = 0x200, RP_PATCH_OPT_NAME, RP_PATCH_OPT_VERSION,
	RP_PATCH_OPT_DESCRIPTION, RP_PATCH_OPT_DEBUG, RP_PATCH_OPT_DEBUG_DIR,
	RP_PATCH_OPT_AFTER, RP_PATCH_OPT_ALLOW_LAYOUT,
	RP_PATCH_OPT_ALLOW_MISMATCH, RP_PATCH_OPT_FIRST, RP_PATCH_OPT_JSON,
};
#define RP_PATCH_OPTIONS						\
	{ "binary", required_argument, NULL, RP_PATCH_OPT_BINARY },	\
	{ "output", required_argument, NULL, 'o' },			\
	{ "name", required_argument, NULL, RP_PATCH_OPT_NAME },		\
	{ "patch-version", required_argument, NULL, RP_PATCH_OPT_VERSION }, \
	{ "description", required_argument, NULL, RP_PATCH_OPT_DESCRIPTION }, \
	{ "debug", required_argument, NULL, RP_PATCH_OPT_DEBUG },	\
	{ "debug-dir", required_argument, NULL, RP_PATCH_OPT_DEBUG_DIR }, \
	{ "after", required_argument, NULL, RP_PATCH_OPT_AFTER },	\
	{ "allow-layout", required_argument, NULL, RP_PATCH_OPT_ALLOW_LAYOUT }, \
	{ "allow-mismatch", required_argument, NULL, RP_PATCH_OPT_ALLOW_MISMATCH }, \
	{ "show-first-changed", no_argument, NULL, RP_PATCH_OPT_FIRST }, \
	{ "json", no_argument, NULL, RP_PATCH_OPT_JSON },		\
	{ "verbose", no_argument, NULL, 'v' },				\
	{ "help", no_argument, NULL, 'h' }

/** rp_patch_settings_option() - take one option of RP_PATCH_OPTIONS. Return: was it one? */
bool rp_patch_settings_option(struct rp_patch_settings *settings, int c,
			      const char *argument);

/** The part of the help text that explains these options. */
extern const char rp_patch_options_help[];

/**
 * rp_patch_run_dirs() - diff two trees of objects, paired by relative path, and
 * write the payload; prints its report.
 * Return: an exit status.
 */
int rp_patch_run_dirs(const struct rp_patch_settings *settings,
		      const char *old_dir, const char *new_dir);

/** rp_patch_run_pairs() - the same with n pairs: OLD.o NEW.o OLD.o NEW.o ... */
int rp_patch_run_pairs(const struct rp_patch_settings *settings,
		       char *const *paths, size_t n);

#endif /* REPOINT_TOOLS_PATCH_SETTINGS_H */
