/* SPDX-License-Identifier: MIT */
/*
 * `repoint cc`: a compiler that annotates what it produces.
 *
 * What needs nothing done is handed to the compiler by exec(), with the words
 * it was given. Compiling adds options that keep branches inside blocks of 16
 * bytes; they go first, so that the user's own have the last word.
 */
#define _GNU_SOURCE
#include "../tool.h"
#include "family.h"
#include "link.h"
#include "run.h"

#include <stdlib.h>
#include <string.h>

static const char help_text[] =
"Usage: repoint cc [--align-functions[=N]] [--] [LAUNCHER] COMPILER\n"
"                  [ARGUMENT...]\n"
"\n"
"Runs gcc or clang with the given arguments, keeps calls inside aligned blocks\n"
"of 16 bytes, and writes call site tables into the objects (see: repoint help\n"
"object annotate). Otherwise it behaves as the compiler does. With -flto the\n"
"objects hold no code yet; then the link gets -Wl,--emit-relocs, and the\n"
"library finds the call sites at start.\n"
"\n"
"  make CC=\"repoint cc gcc\"\n"
"  cmake -DCMAKE_C_COMPILER_LAUNCHER=\"repoint;cc\"\n"
"  meson: c = ['repoint', 'cc', 'gcc'] in a native or cross file\n"
"  repoint cc ccache gcc -c x.c, or ccache with prefix_command = repoint cc\n"
"\n"
"Options:\n"
"  --align-functions[=N]        start functions at multiples of N bytes (16),\n"
"                               so that a detour fits into each: by\n"
"                               -fmin-function-alignment=N if the compiler has\n"
"                               it, else by -falign-functions=N\n"
"\n"
"Environment:\n"
"  RP_CC_FAMILY=gcc|clang|none  what the compiler is, if its name does not\n"
"                               tell; none: add no options\n"
"  RP_CC_VERBOSE=1              print the commands\n"
"\n"
"Exit status: the compiler's; 1 if a patchlet is not sound (its object is\n"
"removed); 127 if there is no such compiler, 126 if it\n"
"cannot be run, 64 if no compiler is named.\n";

/* A call of a compiler, taken apart. */
struct call {
	struct rp_words compiler;	/* launchers and compiler */
	char *const *argv;		/* everything behind it */
	struct rp_cc_line line;
	enum rp_cc_family family;
	unsigned int function_alignment;	/* 0: the compiler's own */
};

/* Which detours fit into, with a landing pad before them. */
#define FUNCTION_ALIGNMENT	16
#define MAX_FUNCTION_ALIGNMENT	65536	/* of gcc and clang */

// A version number would have to be known for each compiler's descendants.
static bool takes_option(const struct call *call, const char *option)
{
	struct rp_words words = { 0 };

	rp_words_add(&words, call->compiler.v[call->compiler.n - 1]);
	rp_words_add(&words, option);
	rp_words_add(&words, "-E");
	rp_words_add(&words, "-xc");
	rp_words_add(&words, "/dev/null");
	char *text = rp_run_capture(&words, 1);
	bool taken = text;

	free(text);
	return taken;
}

// gcc's -falign-functions leaves out cold functions, and all with -Os.
static void add_function_alignment(const struct call *call,
				   struct rp_words *ret)
{
	struct rp_words best = { 0 };

	if (!call->function_alignment || call->family == RP_CC_UNKNOWN)
		return;
	rp_words_addf(&best, "-fmin-function-alignment=%u",
		      call->function_alignment);
	if (takes_option(call, best.v[0]))
		rp_words_add(ret, best.v[0]);
	else
		rp_words_addf(ret, "-falign-functions=%u",
			      call->function_alignment);
}

static void add_alignment(const struct call *call, struct rp_words *ret)
{
	add_function_alignment(call, ret);
	// Indirect ones: uses of ops tables, and all calls with -fno-plt.
	if (call->family == RP_CC_GCC ||
	    (call->family == RP_CC_CLANG && call->line.gnu_as)) {
		rp_words_add(ret, "-Wa,-malign-branch-boundary=16,"
			     "-malign-branch=call+jmp+indirect");
	} else if (call->family == RP_CC_CLANG) {
		rp_words_add(ret, "-malign-branch-boundary=16");
		rp_words_add(ret, "-malign-branch=call,jmp,indirect");
	}
}

static void add_words(struct rp_words *words, char *const *argv)
{
	for (; *argv; argv++)
		rp_words_add(words, *argv);
}

static struct rp_words command(const struct call *call,
			       const struct rp_words *extra,
			       char *const *argv)
{
	struct rp_words words = { 0 };

	add_words(&words, call->compiler.v);
	if (extra->n)
		add_words(&words, extra->v);
	add_words(&words, argv);
	return words;
}

static int run_unchanged(const struct call *call)
{
	struct rp_words none = { 0 };
	struct rp_words words = command(call, &none, call->argv);

	return rp_run_exec(&words);
}

static int annotate_default(const char *source)
{
	char *stem = rp_cc_stem(source), *object = NULL;
	int status = RP_EXIT_OK;

	if (stem && asprintf(&object, "%s.o", stem) > 0)
		status = rp_cc_annotate_output(object);
	free(object);
	free(stem);
	return status;
}

static int compile(const struct call *call)
{
	const struct rp_cc_line *line = &call->line;
	struct rp_words extra = { 0 }, words;

	add_alignment(call, &extra);
	words = command(call, &extra, call->argv);
	int status = rp_run_wait(&words);
	if (status)
		return status;
	if (line->output)
		return rp_cc_annotate_output(line->output);
	for (size_t i = 0; i < line->sources.n; i++) {
		if (annotate_default(line->sources.v[i]))
			status = RP_EXIT_ERROR;
	}
	return status;
}

/*
 * The code comes into being while linking, so the alignment is wanted here;
 * the linker keeps the relocations, in which the library finds the sites.
 */
static int link_lto(const struct call *call)
{
	struct rp_words extra = { 0 }, words;

	if (call->family == RP_CC_UNKNOWN || call->line.relocatable)
		return run_unchanged(call);
	add_alignment(call, &extra);
	if (!call->line.emit_relocs)
		rp_words_add(&extra, "-Wl,--emit-relocs");
	if (call->line.sources.n) {
		struct rp_diag diag;

		rp_diag_set(&diag, RP_DIAG_CC_LTO, NULL, "-flto: objects are "
			    "not annotated; linking with -Wl,--emit-relocs");
		rp_message("repoint cc", "note", &diag);
	}
	words = command(call, &extra, call->argv);
	return rp_run_exec(&words);
}

static int compile_and_link_gcc(const struct call *call)
{
	struct rp_words extra = { 0 }, rest = { 0 }, words;

	if (!rp_cc_link_gcc(&extra, &call->line, call->argv, &rest))
		return run_unchanged(call);
	add_alignment(call, &extra);
	words = command(call, &extra, rest.v);
	return rp_run_exec(&words);
}

// As the last options; behind "--" they would be inputs.
static struct rp_words insert_last(char *const *argv,
				   const struct rp_words *last)
{
	struct rp_words words = { 0 };

	for (; *argv && strcmp(*argv, "--"); argv++)
		rp_words_add(&words, *argv);
	add_words(&words, last->v);
	add_words(&words, argv);
	return words;
}

static int compile_and_link_clang(const struct call *call)
{
	struct rp_words extra = { 0 }, last = { 0 }, rest, words;

	if (!rp_cc_link_clang(&last, &call->line, &call->compiler, call->argv))
		return run_unchanged(call);
	add_alignment(call, &extra);
	rest = insert_last(call->argv, &last);
	words = command(call, &extra, rest.v);
	return rp_run_exec(&words);
}

static int compile_and_link(const struct call *call)
{
	switch (call->family) {
	case RP_CC_GCC:
		return compile_and_link_gcc(call);
	case RP_CC_CLANG:
		return compile_and_link_clang(call);
	default:
		return run_unchanged(call);
	}
}

static bool needs_nothing(const struct rp_cc_line *line)
{
	return line->no_object || !line->inputs || line->foreign ||
	       (line->compile_only && !line->sources.n) ||
	       (!line->compile_only && !line->lto && !line->sources.n);
}

static int run(struct call *call)
{
	rp_cc_line_parse(&call->line, call->argv);
	if (needs_nothing(&call->line))
		return run_unchanged(call);
	call->family = rp_cc_family_of(call->compiler.v[call->compiler.n - 1]);
	if (call->family == RP_CC_FOREIGN)
		return run_unchanged(call);
	if (call->line.compile_only)
		return compile(call);
	return call->line.lto ? link_lto(call) : compile_and_link(call);
}

static int usage_error(void)
{
	fprintf(stderr, "repoint cc: error: no compiler given\n%s", help_text);
	return RP_EXIT_USAGE;
}

// 0 if @digits are no power of two that compilers take.
static unsigned int parse_alignment(const char *digits)
{
	char *end;
	unsigned long n = strtoul(digits, &end, 10);

	if (*digits < '1' || *digits > '9' || *end || n & (n - 1) ||
	    n > MAX_FUNCTION_ALIGNMENT)
		return 0;
	return n;
}

// Return: is @word that option? @ret is 0 if its argument is wrong.
static bool is_align_functions(const char *word, unsigned int *ret)
{
	static const char option[] = "--align-functions";

	if (!strcmp(word, option)) {
		*ret = FUNCTION_ALIGNMENT;
		return true;
	}
	if (!rp_has_prefix(word, "--align-functions="))
		return false;
	*ret = parse_alignment(word + sizeof(option));
	return true;
}

static int alignment_error(const char *word)
{
	return rp_misuse("cc", "%s: the alignment is not a power of two up to "
			 "%d", word, MAX_FUNCTION_ALIGNMENT);
}

int rp_cmd_cc(int argc, char **argv)
{
	struct call call = { 0 };
	int i = 1;

	if (argc > 1 && !strcmp(argv[1], "--step"))
		return rp_cc_step(argv + 2);
	if (argc > 1 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))) {
		fputs(help_text, stdout);
		return RP_EXIT_OK;
	}
	for (; i < argc && is_align_functions(argv[i],
					     &call.function_alignment); i++) {
		if (!call.function_alignment)
			return alignment_error(argv[i]);
	}
	if (i < argc && !strcmp(argv[i], "--"))
		i++;
	if (i >= argc)
		return usage_error();
	if (argv[i][0] == '-')
		return rp_misuse("cc", "%s is where the compiler's name belongs",
				 argv[i]);
	while (rp_cc_is_launcher(argv[i]) && i + 1 < argc &&
	       argv[i + 1][0] != '-')
		rp_words_add(&call.compiler, argv[i++]);
	rp_words_add(&call.compiler, argv[i]);
	call.argv = argv + i + 1;
	return run(&call);
}
