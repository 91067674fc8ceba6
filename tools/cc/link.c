/* SPDX-License-Identifier: MIT */
/* Compiling and linking in one command. */
#define _GNU_SOURCE
#include "link.h"
#include "run.h"
#include "../tool.h"
#include "../object/annotate_file.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Set for the one linker that clang runs; taken away before it starts. */
#define ENV_LINKER	"RP_CC_LINKER"
#define ENV_LINKED	"RP_CC_LINKED"

#define CLANG_LD_PATH	12	/* first version that has --ld-path */
#define MAX_LINKED	100000	/* the kernel limits a variable to 128 KiB */

static void note_fallback(const char *why)
{
	struct rp_diag diag;

	rp_diag_set(&diag, RP_DIAG_CC_FALLBACK, NULL, "%s: static calls of "
		    "this command stay out of line; compile with -c and link "
		    "in a second command", why);
	rp_message("repoint cc", "note", &diag);
}

static bool own_path(char *ret)
{
	ssize_t n = readlink("/proc/self/exe", ret, PATH_MAX);

	if (n <= 0 || n >= PATH_MAX)
		return false;
	ret[n] = '\0';
	return true;
}

char *rp_cc_stem(const char *source)
{
	char *stem = strdup(rp_basename(source));

	if (stem) {
		char *dot = strrchr(stem, '.');

		if (dot && dot != stem)
			*dot = '\0';
	}
	return stem;
}

static bool is_pipe(const char *word)
{
	return !strcmp(word, "-pipe") || !strcmp(word, "--pipe");
}

bool rp_cc_link_gcc(struct rp_words *extra, const struct rp_cc_line *line,
		    char *const *argv, struct rp_words *rest)
{
	char self[PATH_MAX];
	bool pipe_left = line->pipe;

	if (line->wrapper) {
		note_fallback("-wrapper is in use");
		return false;
	}
	if (!own_path(self) || strchr(self, ',')) {
		note_fallback("the path of this program cannot be given to "
			      "-wrapper");
		return false;
	}
	// In a pipeline gcc wraps the first program only. Temporary files
	// instead of pipes make no other difference.
	for (; *argv; argv++) {
		if (is_pipe(*argv))
			pipe_left = false;
		else
			rp_words_add(rest, *argv);
	}
	if (pipe_left) {
		note_fallback("-pipe is in a response file");
		return false;
	}
	rp_words_add(extra, "-wrapper");
	rp_words_addf(extra, "%s,cc,--step", self);
	return true;
}

// `"/usr/bin/ld" "-o" ...`: the first word, unless the line is a compilation.
static char *first_quoted(const char *line)
{
	char *word = strdup(line), *out = word;

	if (!word)
		return NULL;
	for (line += strspn(line, " "); *line == '"'; line++)
		break;
	if (*line != '"' || strstr(line, "\"-cc1")) {
		free(word);
		return NULL;
	}
	for (line++; *line && *line != '"'; line++) {
		if (*line == '\\' && line[1])
			line++;
		*out++ = *line;
	}
	*out = '\0';
	return word;
}

static char *last_line(char *text)
{
	size_t n = strlen(text);

	while (n && text[n - 1] == '\n')
		text[--n] = '\0';
	char *newline = strrchr(text, '\n');
	return newline ? newline + 1 : text;
}

// Asks clang which linker it would run. NULL if it would run none.
static char *clang_linker(const struct rp_words *compiler, char *const *argv,
			  int *version)
{
	struct rp_words words = { 0 };
	char *linker = NULL;

	for (size_t i = 0; i < compiler->n; i++)
		rp_words_add(&words, compiler->v[i]);
	rp_words_add(&words, "-###");
	for (; *argv; argv++)
		rp_words_add(&words, *argv);
	char *text = rp_run_capture(&words, STDERR_FILENO);
	if (!text)
		return NULL;
	const char *at = strstr(text, "clang version ");
	*version = at ? atoi(at + strlen("clang version ")) : 0;
	linker = first_quoted(last_line(text));
	free(text);
	return linker;
}

// What the user links is the user's: only other objects are ours to change.
static bool export_linked(const struct rp_words *linked)
{
	size_t size = 1;

	for (size_t i = 0; i < linked->n; i++)
		size += strlen(linked->v[i]) + 1;
	if (size > MAX_LINKED)
		return false;
	char *list = malloc(size), *out = list;
	if (!list)
		return false;
	for (size_t i = 0; i < linked->n; i++)
		out += sprintf(out, "%s\n", linked->v[i]);
	*out = '\0';
	bool done = !setenv(ENV_LINKED, list, 1);
	free(list);
	return done;
}

bool rp_cc_link_clang(struct rp_words *extra, const struct rp_cc_line *line,
		      const struct rp_words *compiler, char *const *argv)
{
	char self[PATH_MAX], *linker;
	int version = 0;

	linker = clang_linker(compiler, argv, &version);
	if (!linker)		// clang will say what is wrong, if anything is
		return false;
	if (version < CLANG_LD_PATH) {
		note_fallback("clang is older than version 12");
		free(linker);
		return false;
	}
	bool done = own_path(self) && export_linked(&line->linked) &&
		    !setenv(ENV_LINKER, linker, 1);
	free(linker);
	if (!done) {
		unsetenv(ENV_LINKED);
		note_fallback("the linker cannot be replaced");
		return false;
	}
	rp_words_addf(extra, "--ld-path=%s", self);
	return true;
}

static const char *output_of(char *const *argv)
{
	struct rp_words words = { 0 };
	const char *output = NULL;

	rp_words_expand(&words, argv);
	for (size_t i = 0; i < words.n; i++) {
		if (!strcmp(words.v[i], "-o") && words.v[i + 1])
			output = words.v[++i];
	}
	return output;
}

static bool is_assembler(const char *program)
{
	const char *name = rp_basename(program);
	size_t n = strlen(name);

	return !strcmp(name, "as") || (n > 3 && !strcmp(name + n - 3, "-as"));
}

int rp_cc_step(char *const *argv)
{
	struct rp_words words = { 0 };
	const char *output;

	if (!argv[0])
		return RP_EXIT_USAGE;
	for (size_t i = 0; argv[i]; i++)
		rp_words_add(&words, argv[i]);
	output = is_assembler(argv[0]) ? output_of(argv) : NULL;
	if (!output)
		return rp_run_exec(&words);
	int status = rp_run_wait(&words);
	return status ? status : rp_cc_annotate_output(output);
}

bool rp_cc_is_linker(void)
{
	return getenv(ENV_LINKER) != NULL;
}

static bool is_in_list(const char *word, const char *list)
{
	size_t n = strlen(word);

	while (*list) {
		size_t length = strcspn(list, "\n");

		if (length == n && !memcmp(list, word, n))
			return true;
		list += length + (list[length] == '\n');
	}
	return false;
}

// Start-up files of the system pass too; they hold no static calls.
static bool is_temporary(const char *path, const char *linked)
{
	size_t n = strlen(path);

	return path[0] != '-' && n > 2 && !strcmp(path + n - 2, ".o") &&
	       !is_in_list(path, linked);
}

int rp_cc_linker(char *const *argv)
{
	struct rp_words words = { 0 }, inputs = { 0 };
	const char *linked = getenv(ENV_LINKED);
	int status = RP_EXIT_OK;

	rp_words_add(&words, getenv(ENV_LINKER));
	for (size_t i = 1; argv[i]; i++)
		rp_words_add(&words, argv[i]);
	rp_words_expand(&inputs, argv);
	for (size_t i = 1; linked && i < inputs.n; i++) {
		if (is_temporary(inputs.v[i], linked) &&
		    rp_cc_annotate_output(inputs.v[i]))
			status = RP_EXIT_ERROR;
	}
	if (status)
		return status;
	unsetenv(ENV_LINKER);
	unsetenv(ENV_LINKED);
	return rp_run_exec(&words);
}

// Output of another kind, or /dev/null, is none of our business.
static bool is_not_ours(enum rp_diag_id id)
{
	return id == RP_DIAG_NOT_ELF || id == RP_DIAG_MACHINE ||
	       id == RP_DIAG_NOT_REL || id == RP_DIAG_NOT_REGULAR ||
	       id == RP_DIAG_ARCHIVE;
}

static void note_lto(const char *path, const struct rp_annotated_file *file)
{
	struct rp_diag diag;

	// Only files that make static calls are worth a word.
	if (!file->size || !memmem(file->image, file->size, RP_TRAMP_PREFIX,
				   strlen(RP_TRAMP_PREFIX)))
		return;
	rp_diag_set(&diag, RP_DIAG_CC_LTO, NULL, "compiled with -flto, not "
		    "annotated: its static calls are found at start if "
		    "`repoint cc` links too, or with -Wl,--emit-relocs");
	rp_message(path, "note", &diag);
}

// Of a symbolic link the file that it leads to: that is what was compiled.
static void remove_object(const char *path)
{
	struct rp_diag diag;
	char real[PATH_MAX];

	if (realpath(path, real) && !unlink(real))
		return;
	rp_diag_set(&diag, RP_DIAG_WRITE, NULL, "cannot remove: %s; do not "
		    "link this object", strerror(errno));
	rp_error(path, &diag);
}

static int report_failure(const char *path, const struct rp_diag *diag)
{
	struct rp_diag out;

	if (is_not_ours(diag->id))
		return RP_EXIT_OK;
	rp_error(path, diag);
	if (rp_diag_is_patchlet(diag->id)) {
		remove_object(path);
		return RP_EXIT_ERROR;
	}
	rp_diag_set(&out, RP_DIAG_CC_UNANNOTATED, NULL, "not annotated: "
		    "its static calls and ops stay as compiled");
	rp_message(path, "warning", &out);
	return RP_EXIT_OK;
}

int rp_cc_annotate_output(const char *path)
{
	struct rp_annotated_file file;
	struct rp_diag diag;
	int status = RP_EXIT_OK;

	if (access(path, F_OK))
		return status;
	if (rp_annotate_file(&file, path, false, &diag))
		status = report_failure(path, &diag);
	else if (file.annotation.outcome == RP_ANNOTATE_LTO)
		note_lto(path, &file);
	rp_annotated_file_deinit(&file);
	return status;
}
