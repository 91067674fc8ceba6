/* SPDX-License-Identifier: MIT */
/* The compiler wrapper of `repoint patch build`. */
#define _GNU_SOURCE
#include "compile.h"
#include "files.h"
#include "intercept.h"
#include "../cc/family.h"
#include "../cc/line.h"
#include "../cc/link.h"
#include "../cc/options.h"
#include "../cc/run.h"
#include "../tool.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* A call of a compiler, taken apart. */
struct call {
	struct rp_words compiler;	/* launchers and compiler */
	struct rp_words args;		/* response files expanded */
	char *const *argv;		/* as they were typed */
	struct rp_cc_line line;
	enum rp_cc_family family;
	const char *side;
	char *cwd;
};

static void add_words(struct rp_words *words, char *const *argv)
{
	for (; *argv; argv++)
		rp_words_add(words, *argv);
}

static bool is_debug_level(const char *word)
{
	static const char *const levels[] = {
		"-g", "-g1", "-g2", "-g3", "-ggdb", "-ggdb1", "-ggdb2",
		"-ggdb3", "-gdwarf", "-gdwarf-2", "-gdwarf-3", "-gdwarf-4",
		"-gdwarf-5", NULL
	};

	return rp_word_in(word, levels);
}

// Is there debug information with lines already? The last option counts.
static bool has_debug_info(const struct rp_words *args)
{
	bool has = false;

	for (size_t i = 0; i < args->n; i++) {
		if (is_debug_level(args->v[i]))
			has = true;
		else if (!strcmp(args->v[i], "-g0") ||
			 !strcmp(args->v[i], "-ggdb0"))
			has = false;
	}
	return has;
}

/*
 * The user's options stay in force, so ours come last. Objects of -flto hold
 * no code; a linker takes plain ones beside them.
 */
static void add_ours(const struct call *call, struct rp_words *words)
{
	if (call->family == RP_CC_UNKNOWN)
		return;
	if (!has_debug_info(&call->args))
		rp_words_add(words, "-g");
	rp_words_add(words, "-ffunction-sections");
	rp_words_add(words, "-fdata-sections");
	// An assembler source has no use for them; with -Werror that counts.
	if (call->family == RP_CC_CLANG)
		rp_words_add(words, "-Qunused-arguments");
	if (call->line.lto)
		rp_words_add(words, "-fno-lto");
}

static bool has_word(const struct rp_words *words, const char *word)
{
	for (size_t i = 0; i < words->n; i++) {
		if (!strcmp(words->v[i], word))
			return true;
	}
	return false;
}

// Behind "--" they would be inputs.
static struct rp_words command(const struct call *call,
			       const struct rp_words *last)
{
	struct rp_words words = { 0 };
	char *const *argv = call->argv;

	add_words(&words, call->compiler.v);
	for (; *argv && strcmp(*argv, "--"); argv++)
		rp_words_add(&words, *argv);
	if (last->n)
		add_words(&words, last->v);
	add_words(&words, argv);
	return words;
}

static int run_unchanged(const struct call *call)
{
	struct rp_words none = { 0 }, words = command(call, &none);

	return rp_run_exec(&words);
}

/* The name of a kept object: its path, seen from the source directory. */
static char *kept_name(const char *output)
{
	const char *source = getenv(RP_INTERCEPT_SOURCE);
	size_t n = strlen(output);
	bool named_o = n > 2 && !strcmp(output + n - 2, ".o");
	const char *end = named_o ? "" : ".o";

	if (source && rp_file_is_inside(output, source))
		return rp_format("%s%s", output + strlen(source) + 1, end);
	return rp_format("outside%s%s", output, end);
}

static char *path_below(const char *side, const char *dir, const char *kept,
			const char *end)
{
	char *path = rp_format("%s/%s/%s%s", side, dir, kept, end);

	rp_file_make_parents(path);
	return path;
}

static bool failed_to_keep(const char *object, int rc)
{
	struct rp_diag diag;

	rp_diag_set(&diag, RP_DIAG_WRITE, NULL, "cannot keep a copy: %s",
		    strerror(-rc));
	rp_error(object, &diag);
	return false;
}

static bool enter(const struct call *call, char *kept, const char *source,
		  char *output)
{
	struct rp_journal_entry entry = {
		.kept = kept, .cwd = call->cwd, .source = (char *)source,
		.output = output,
	};

	add_words(&entry.words, call->compiler.v);
	add_words(&entry.words, call->args.v);
	int rc = rp_journal_add(call->side, &entry);
	return !rc || failed_to_keep(output, rc);
}

static bool keep(const struct call *call, const char *source,
		 const char *object)
{
	char *output = rp_file_absolute(call->cwd, object);
	char *kept = kept_name(output), *copy;
	struct stat st;

	// -o /dev/null, and compilers that were told not to write a thing
	if (stat(output, &st) || !S_ISREG(st.st_mode))
		return true;
	copy = path_below(call->side, "objects", kept, "");
	int rc = rp_file_copy(output, copy, 0644);
	if (rc)
		return failed_to_keep(object, rc);
	return enter(call, kept, source, output);
}

static char *default_object(const char *source)
{
	char *stem = rp_cc_stem(source);
	char *object = rp_format("%s.o", stem ? stem : "");

	free(stem);
	return object;
}

static bool makes_dependencies(const struct rp_words *args)
{
	return has_word(args, "-MD") || has_word(args, "-MMD");
}

/* Which files an object was made of: asked for unless the build itself does. */
static void add_dependencies(const struct call *call, struct rp_words *words,
			     const char *object)
{
	char *output, *path;

	if (call->family == RP_CC_UNKNOWN || makes_dependencies(&call->args))
		return;
	output = rp_file_absolute(call->cwd, object);
	path = path_below(call->side, "depends", kept_name(output), ".d");
	rp_words_add(words, "-MD");
	rp_words_add(words, "-MF");
	rp_words_add(words, path);
}

// The file of the build's own -MD, by -MF or in its default place.
static void copy_dependencies(const struct call *call, const char *object)
{
	const char *from = NULL;
	char *output, *other, *path;

	if (!makes_dependencies(&call->args))
		return;
	for (size_t i = 0; i < call->args.n; i++) {
		const char *word = call->args.v[i];

		if (!strcmp(word, "-MF"))
			from = call->args.v[i + 1];
		else if (rp_has_prefix(word, "-MF"))
			from = word + 3;
	}
	output = rp_file_absolute(call->cwd, object);
	other = rp_format("%s", output);
	char *dot = strrchr(rp_basename(other), '.');
	if (dot)
		*dot = '\0';
	path = path_below(call->side, "depends", kept_name(output), ".d");
	rp_file_copy(from ? from : rp_format("%s.d", other), path, 0644);
}

static int compile(const struct call *call)
{
	const struct rp_cc_line *line = &call->line;
	struct rp_words ours = { 0 }, words;
	const char *object;

	add_ours(call, &ours);
	object = line->output ? line->output :
				default_object(line->sources.v[0]);
	if (line->sources.n == 1)
		add_dependencies(call, &ours, object);
	words = command(call, &ours);
	int status = rp_run_wait(&words);
	if (status)
		return status;
	for (size_t i = 0; i < line->sources.n; i++) {
		if (!line->output)
			object = default_object(line->sources.v[i]);
		if (!keep(call, line->sources.v[i], object))
			status = RP_EXIT_ERROR;
		else if (line->sources.n == 1)
			copy_dependencies(call, object);
	}
	return status;
}

/* Options that write a file of their own, or stop the separate compilation. */
static bool is_left_out(const char *word)
{
	static const char *const words[] = {
		"-c", "-S", "-E", "-MD", "-MMD", "-MP", "-MG", "-M", "-MM",
		"-save-temps", "--save-temps", "-ftime-trace", "--compile",
		"-Werror", NULL
	};

	return rp_word_in(word, words) || rp_has_prefix(word, "-Wl,") ||
	       rp_has_prefix(word, "-save-temps=") ||
	       rp_has_prefix(word, "-l") || rp_has_prefix(word, "-MF") ||
	       rp_has_prefix(word, "-MT") || rp_has_prefix(word, "-MQ") ||
	       (rp_has_prefix(word, "-o") && !rp_has_prefix(word, "-objc"));
}

static bool is_left_out_with_word(const char *word)
{
	static const char *const words[] = {
		"-o", "--output", "-MF", "-MT", "-MQ", "-MJ", "-l", "-Xlinker",
		"-T", "-z", "-u", "-e", "-wrapper", "-dumpbase", "-dumpdir",
		NULL
	};

	return rp_word_in(word, words);
}

static bool is_input(const struct call *call, const char *word)
{
	return has_word(&call->line.sources, word) ||
	       has_word(&call->line.linked, word);
}

/* The command that compiles @source alone to @object, and does nothing else. */
static struct rp_words separate_command(const struct call *call,
					const char *source, const char *object)
{
	struct rp_words words = { 0 };
	char **args = call->args.v;
	const char *language = NULL;

	add_words(&words, call->compiler.v);
	for (size_t i = 0; i < call->args.n && strcmp(args[i], "--"); i++) {
		const char *word = args[i];
		bool two = rp_cc_takes_word(word) && args[i + 1];

		if (!strcmp(word, source) && language)
			rp_words_addf(&words, "-x%s", language);
		if (!strcmp(word, "-x") && two)
			language = args[i + 1];
		else if (two && !is_left_out_with_word(word))
			add_words(&words, (char *[]){ args[i], args[i + 1],
						      NULL });
		else if (!two && rp_has_prefix(word, "-x"))
			language = word + 2;
		else if (!two && !is_left_out(word) && !is_input(call, word))
			rp_words_add(&words, word);
		i += two;
	}
	add_ours(call, &words);
	rp_words_add(&words, "-c");
	rp_words_add(&words, "-o");
	rp_words_add(&words, object);
	rp_words_add(&words, source);
	return words;
}

/*
 * The objects of one command that compiles and links live in temporary files.
 * They are compiled once more, each by itself.
 */
static bool compile_separately(const struct call *call, const char *source)
{
	const char *output = call->line.output ? call->line.output : "a.out";
	char *program = rp_file_absolute(call->cwd, output);
	char *stem = rp_cc_stem(source), *name, *object;
	struct rp_words words;

	name = kept_name(rp_format("%s-%s.o", program, stem ? stem : ""));
	object = path_below(call->side, "objects", name, "");
	words = separate_command(call, source, object);
	if (call->family != RP_CC_UNKNOWN) {
		rp_words_add(&words, "-w");
		rp_words_add(&words, "-MD");
		rp_words_add(&words, "-MF");
		rp_words_add(&words, path_below(call->side, "depends", name,
						".d"));
	}
	if (rp_run_wait(&words))
		return false;
	return enter(call, name, source, program);
}

static int compile_and_link(const struct call *call)
{
	struct rp_words none = { 0 }, words = command(call, &none);
	int status = rp_run_wait(&words);

	for (size_t i = 0; !status && i < call->line.sources.n; i++) {
		// Standard input has been read.
		if (!strcmp(call->line.sources.v[i], "-"))
			continue;
		if (!compile_separately(call, call->line.sources.v[i]))
			status = RP_EXIT_ERROR;
	}
	return status;
}

// `gcc -S a.c` and then `gcc -c a.s`: the first one decides on sections.
static int compile_to_assembly(const struct call *call)
{
	struct rp_words ours = { 0 }, words;

	add_ours(call, &ours);
	words = command(call, &ours);
	return rp_run_exec(&words);
}

/*
 * What configure, CMake and Meson try out says nothing about the program, and
 * its names differ from run to run.
 */
static bool is_trial(const struct call *call)
{
	static const char *const dirs[] = {
		"/CMakeFiles/CMakeScratch/", "/CMakeFiles/CMakeTmp",
		"/CMakeFiles/CMakeTmp/", "/meson-private/", NULL
	};
	char *place = rp_format("%s/", call->cwd);

	for (const char *const *dir = dirs; *dir; dir++) {
		if (strstr(place, *dir))
			return true;
	}
	for (size_t i = 0; i < call->line.sources.n; i++) {
		const char *source = call->line.sources.v[i];

		if (rp_has_prefix(rp_basename(source), "conftest.") ||
		    strstr(source, "/meson-private/"))
			return true;
	}
	return false;
}

static bool to_assembly(const struct call *call)
{
	return has_word(&call->args, "-S") && !has_word(&call->args, "-E") &&
	       call->line.inputs;
}

static int run(struct call *call)
{
	const struct rp_cc_line *line = &call->line;

	rp_words_expand(&call->args, call->argv);
	if (!call->args.v)
		return run_unchanged(call);
	rp_cc_line_parse(&call->line, call->argv);
	if (!call->side || line->foreign || !line->sources.n ||
	    (line->no_object && !to_assembly(call)) || is_trial(call))
		return run_unchanged(call);
	call->family = rp_cc_family_of(call->compiler.v[call->compiler.n - 1]);
	if (call->family == RP_CC_FOREIGN)
		return run_unchanged(call);
	if (line->no_object)
		return compile_to_assembly(call);
	return line->compile_only ? compile(call) : compile_and_link(call);
}

// `repoint cc` is one more launcher; its own options go with it.
static char *const *take_compiler(struct call *call, char *const *argv)
{
	if (!strcmp(rp_basename(argv[0]), "repoint") && argv[1] &&
	    !strcmp(argv[1], "cc")) {
		rp_words_add(&call->compiler, *argv++);
		rp_words_add(&call->compiler, *argv++);
		while (*argv && argv[0][0] == '-')
			rp_words_add(&call->compiler, *argv++);
	}
	while (argv[0] && rp_cc_is_launcher(argv[0]) && argv[1] &&
	       argv[1][0] != '-')
		rp_words_add(&call->compiler, *argv++);
	if (*argv)
		rp_words_add(&call->compiler, *argv++);
	return argv;
}

static void start(struct call *call, char *const *argv)
{
	char *cwd = getcwd(NULL, 0);

	memset(call, 0, sizeof(*call));
	call->side = getenv(RP_INTERCEPT_SIDE);
	call->cwd = cwd ? cwd : rp_format("/");
	call->argv = take_compiler(call, argv);
}

int rp_compile_wrapped(char *const *argv)
{
	struct call call;

	if (!*argv)
		return RP_EXIT_USAGE;
	// Also where a script with a compiler's name is the way in.
	setenv(RP_INTERCEPT_INSIDE, "1", 1);
	start(&call, argv);
	return run(&call);
}

static int run_again(const char *side, const struct rp_journal_entry *entry)
{
	struct call call;
	char *object;

	char *log = rp_format("%s.log", side);
	int fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0666);

	if (fd < 0 || dup2(fd, 1) < 0 || dup2(fd, 2) < 0 || chdir(entry->cwd))
		return RP_EXIT_ERROR;
	start(&call, entry->words.v);
	rp_words_expand(&call.args, call.argv);
	rp_cc_line_parse(&call.line, call.argv);
	call.family = rp_cc_family_of(call.compiler.v[call.compiler.n - 1]);
	object = path_below(side, "objects", entry->kept, "");
	struct rp_words words = separate_command(&call, entry->source, object);
	return rp_run_exec(&words);
}

bool rp_compile_again(const char *side, const struct rp_journal_entry *entry)
{
	pid_t pid = fork();
	int status = 1;

	if (!pid)
		_exit(run_again(side, entry));
	return pid > 0 && waitpid(pid, &status, 0) == pid && !status;
}
