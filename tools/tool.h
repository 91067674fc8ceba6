/* SPDX-License-Identifier: MIT */
/* What the commands of the program `repoint` share. */
#ifndef REPOINT_TOOLS_TOOL_H
#define REPOINT_TOOLS_TOOL_H

#include "../object/diag.h"
#include "../object/printable.h"

#include <stddef.h>
#include <stdio.h>

/** Exit statuses of every command. */
enum rp_exit {
	RP_EXIT_OK = 0,
	RP_EXIT_ERROR = 1,
	RP_EXIT_USAGE = 64,
};

/**
 * struct rp_command - one command.
 * @noun:    first word
 * @verb:    second word, or NULL if the noun is the command
 * @summary: one line for the list of commands
 * @run:     gets the words from the last one of the name on; understands
 *           --help
 */
struct rp_command {
	const char *noun;
	const char *verb;
	const char *summary;
	int (*run)(int argc, char **argv);
};

int rp_cmd_object_annotate(int argc, char **argv);
int rp_cmd_object_orc(int argc, char **argv);
int rp_cmd_object_check(int argc, char **argv);
int rp_cmd_patch_apply(int argc, char **argv);
int rp_cmd_patch_build(int argc, char **argv);
int rp_cmd_patch_check(int argc, char **argv);
int rp_cmd_patch_diff(int argc, char **argv);
int rp_cmd_patch_keygen(int argc, char **argv);
int rp_cmd_patch_list(int argc, char **argv);
int rp_cmd_patch_replace(int argc, char **argv);
int rp_cmd_patch_revert(int argc, char **argv);
int rp_cmd_patch_show(int argc, char **argv);
int rp_cmd_patch_sign(int argc, char **argv);
int rp_cmd_patch_symbols(int argc, char **argv);
int rp_cmd_patch_verify(int argc, char **argv);
int rp_cmd_patch_wait(int argc, char **argv);
int rp_cmd_cc(int argc, char **argv);
int rp_cmd_litmus(int argc, char **argv);

/** rp_message() - `FILE: SEVERITY: WHERE: TEXT [RP0123]` to stderr. */
void rp_message(const char *file, const char *severity,
		const struct rp_diag *diag);

/** rp_error() - report what is wrong with a file. */
static inline void rp_error(const char *file, const struct rp_diag *diag)
{
	rp_message(file, "error", diag);
}

/**
 * rp_closest() - the word that was probably meant.
 * @word:  what was typed
 * @words: what there is, @n of them
 *
 * Return: one of @words, or NULL if none is near.
 */
const char *rp_closest(const char *word, const char *const *words, size_t n);

struct option;

/**
 * rp_usage_error() - report an option that getopt_long() did not accept.
 * @command: name of the command, for the message
 * @options: its options
 * @argv:    its words; optind and optopt say which
 *
 * Return: RP_EXIT_USAGE.
 */
int rp_usage_error(const char *command, const struct option *options,
		   char **argv);

/**
 * rp_misuse() - report a command line that makes no sense.
 * @command: name of the command, for the message
 * @fmt:     what is wrong, printf style
 *
 * Return: RP_EXIT_USAGE.
 */
int rp_misuse(const char *command, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/** rp_one_file() - the one word behind the options, if it is that.
 *  Return: 0; RP_EXIT_USAGE: it is not, which has been said. */
int rp_one_file(const char *command, int argc, char **argv, const char **ret);

/** rp_print_name() - print a name from outside: it cannot steer a terminal, or
 * make a second line. */
void rp_print_name(FILE *out, const char *s);

/**
 * rp_print_message() - rp_message() to another file.
 * @out:   where to
 */
void rp_print_message(FILE *out, const char *file, const char *severity,
		      const struct rp_diag *diag);

/** rp_json_message() - as members of an object, ", " before each: id, where, offset
 *  if it is known, message. */
void rp_json_message(FILE *out, const struct rp_diag *diag);

/** rp_json_string() - print a string in JSON's form; a byte that is not UTF-8
 * becomes the character of that number. */
void rp_json_string(FILE *out, const char *s);

#endif /* REPOINT_TOOLS_TOOL_H */
