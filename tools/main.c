/* SPDX-License-Identifier: MIT */
/* The program `repoint`: its commands, and help about them. */
#include "tool.h"

#include "../object/insn/insn.h"
#include "cc/link.h"

#include <elfutils/version.h>
#include <string.h>
#include <unistd.h>

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

static const struct rp_command commands[] = {
	{ "object", "annotate", "write call site tables into object files",
	  rp_cmd_object_annotate },
	{ "object", "check", "find what is wrong in object files and programs",
	  rp_cmd_object_check },
	{ "object", "orc", "write or print unwind tables",
	  rp_cmd_object_orc },
	{ "patch", "build", "make a live patch from a source patch",
	  rp_cmd_patch_build },
	{ "patch", "diff", "make a live patch from two versions of objects",
	  rp_cmd_patch_diff },
	{ "patch", "show", "explain what a live patch holds",
	  rp_cmd_patch_show },
	{ "patch", "apply", "apply a live patch to running processes",
	  rp_cmd_patch_apply },
	{ "patch", "check", "find out whether a live patch could be applied",
	  rp_cmd_patch_check },
	{ "patch", "list", "list the live patches of running processes",
	  rp_cmd_patch_list },
	{ "patch", "replace", "put a live patch in the place of those applied",
	  rp_cmd_patch_replace },
	{ "patch", "revert", "take a live patch away",
	  rp_cmd_patch_revert },
	{ "patch", "wait", "wait until a live patch is applied",
	  rp_cmd_patch_wait },
	{ "patch", "symbols", "write the symbols of a live patch for debuggers",
	  rp_cmd_patch_symbols },
	{ "patch", "keygen", "make a pair of keys for signatures",
	  rp_cmd_patch_keygen },
	{ "patch", "sign", "sign a live patch",
	  rp_cmd_patch_sign },
	{ "patch", "verify", "check the signatures of a live patch",
	  rp_cmd_patch_verify },
	{ "cc", NULL, "run a compiler and annotate what it produces",
	  rp_cmd_cc },
	{ "litmus", NULL, "find out which stores to code this CPU can tear",
	  rp_cmd_litmus },
};

static bool has_noun(const struct rp_command *command, const char *noun)
{
	return !strcmp(command->noun, noun);
}

static bool is_verb(const struct rp_command *command, const char *verb)
{
	return command->verb && verb && !strcmp(command->verb, verb);
}

static void list_commands(FILE *out, const char *noun)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		const struct rp_command *c = &commands[i];
		char name[40];

		if (noun && !has_noun(c, noun))
			continue;
		snprintf(name, sizeof(name), "%s%s%s", c->noun,
			 c->verb ? " " : "", c->verb ? c->verb : "");
		fprintf(out, "  repoint %-18s %s\n", name, c->summary);
	}
}

static int usage(FILE *out)
{
	fprintf(out, "Usage: repoint COMMAND [ARGUMENT...]\n\n");
	list_commands(out, NULL);
	fprintf(out, "  repoint %-18s %s\n", "help [COMMAND]",
		"explain a command (as does COMMAND --help)");
	fprintf(out, "  repoint %-18s %s\n", "--version",
		"versions of the program and of its libraries");
	return out == stdout ? RP_EXIT_OK : RP_EXIT_USAGE;
}

static int version(void)
{
	printf("repoint %s\n", RP_VERSION);
	printf("libelf (elfutils) 0.%d\n", _ELFUTILS_VERSION);
	printf("Zydis %s\n", rp_insn_decoder_version());
	return RP_EXIT_OK;
}

static const char *const plain_words[] = { "help", "--help", "--version" };

static int unknown_command(const char *word)
{
	const char *words[ARRAY_SIZE(commands) + ARRAY_SIZE(plain_words)];
	const char *hint;
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		words[n++] = commands[i].noun;
	for (size_t i = 0; i < ARRAY_SIZE(plain_words); i++)
		words[n++] = plain_words[i];
	hint = rp_closest(word, words, n);
	fprintf(stderr, "repoint: error: unknown command %s", word);
	if (hint)
		fprintf(stderr, "; did you mean %s?", hint);
	fprintf(stderr, " (see: repoint help)\n");
	return RP_EXIT_USAGE;
}

static int unknown_verb(const char *noun, const char *verb)
{
	const char *words[ARRAY_SIZE(commands)], *hint;
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		if (has_noun(&commands[i], noun))
			words[n++] = commands[i].verb;
	}
	hint = rp_closest(verb, words, n);
	fprintf(stderr, "repoint %s: error: unknown command %s", noun, verb);
	if (hint)
		fprintf(stderr, "; did you mean %s?", hint);
	fprintf(stderr, " (see: repoint help %s)\n", noun);
	return RP_EXIT_USAGE;
}

// The command of argv[0] and perhaps argv[1]; *@noun_seen if only they fit.
static const struct rp_command *find(int argc, char **argv, bool *noun_seen)
{
	*noun_seen = false;
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		const struct rp_command *c = &commands[i];

		if (!has_noun(c, argv[0]))
			continue;
		if (!c->verb || is_verb(c, argc > 1 ? argv[1] : NULL))
			return c;
		*noun_seen = true;
	}
	return NULL;
}

static int noun_help(const char *noun, FILE *out)
{
	fprintf(out, "Usage:\n");
	list_commands(out, noun);
	return out == stdout ? RP_EXIT_OK : RP_EXIT_USAGE;
}

static int help(int argc, char **argv)
{
	const struct rp_command *command;
	bool noun_seen;

	if (!argc)
		return usage(stdout);
	command = find(argc, argv, &noun_seen);
	if (command) {
		char name[] = "repoint", option[] = "--help";
		char *words[] = { name, option, NULL };

		return command->run(2, words);
	}
	if (!noun_seen)
		return unknown_command(argv[0]);
	return argc > 1 ? unknown_verb(argv[0], argv[1]) :
			  noun_help(argv[0], stdout);
}

static int run(int argc, char **argv)
{
	const struct rp_command *command;
	bool noun_seen;

	command = find(argc, argv, &noun_seen);
	if (command) {
		int skip = command->verb ? 1 : 0;

		return command->run(argc - skip, argv + skip);
	}
	if (!noun_seen)
		return unknown_command(argv[0]);
	if (argc < 2)
		return noun_help(argv[0], stderr);
	if (!strcmp(argv[1], "help") || !strcmp(argv[1], "--help") ||
	    !strcmp(argv[1], "-h"))
		return noun_help(argv[0], stdout);
	return unknown_verb(argv[0], argv[1]);
}

// A full disk behind a pipe or file is an error like any other.
static int close_stdout(int status)
{
	if (!fflush(stdout) && !ferror(stdout))
		return status;
	perror("repoint: error: cannot write the output");
	return status ? status : RP_EXIT_ERROR;
}

int main(int argc, char **argv)
{
	if (rp_cc_is_linker())
		return rp_cc_linker(argv);
	if (argc < 2)
		return usage(stderr);
	if (!strcmp(argv[1], "help"))
		return close_stdout(help(argc - 2, argv + 2));
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))
		return close_stdout(usage(stdout));
	if (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V"))
		return close_stdout(version());
	return close_stdout(run(argc - 1, argv + 1));
}
