/* SPDX-License-Identifier: MIT */
/* What `repoint patch build` is asked to do. */
#define _GNU_SOURCE
#include "build_options.h"
#include "files.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char help_text[] =
"Usage: repoint patch build --source DIR --patch FILE --binary PATH\n"
"                           [OPTION...] -- BUILD COMMAND...\n"
"\n"
"Builds a program twice in its own tree, as it is and with a source patch, and\n"
"makes a payload of what differs. Afterwards the tree is as it was, whatever\n"
"happens; if this process is killed, the next run puts it back.\n"
"\n"
"  --source DIR       source tree of the binary\n"
"  --patch FILE       the fix, in diff's or git's form; may be repeated\n"
"  -p, --strip N      components to strip from names in it (default: whichever\n"
"                     makes it apply)\n"
"  --build-dir DIR    where the command runs (default: the source tree); put\n"
"                     back as well\n"
"  --clean COMMAND    run before each build, by sh: everything is built twice,\n"
"                     not only what depends on the changed files\n"
"  --compiler NAME    NAME is a compiler, too; may be repeated\n"
"  --keep[=DIR]       keep the stage directory: logs, journals, objects\n"
"  --undo             only put back what a killed run has left (with --source)\n"
"\n";

static const char help_end[] =
"\n"
"Exit status: 0 a payload was made, 1 error, 2 the change cannot be patched,\n"
"3 nothing to patch, 64 wrong usage.\n";

enum {
	OPT_SOURCE = 0x300, OPT_PATCH, OPT_BUILD_DIR, OPT_CLEAN, OPT_COMPILER,
	OPT_KEEP, OPT_UNDO,
};

static const struct option long_options[] = {
	RP_PATCH_OPTIONS,
	{ "source", required_argument, NULL, OPT_SOURCE },
	{ "patch", required_argument, NULL, OPT_PATCH },
	{ "strip", required_argument, NULL, 'p' },
	{ "build-dir", required_argument, NULL, OPT_BUILD_DIR },
	{ "clean", required_argument, NULL, OPT_CLEAN },
	{ "compiler", required_argument, NULL, OPT_COMPILER },
	{ "keep", optional_argument, NULL, OPT_KEEP },
	{ "undo", no_argument, NULL, OPT_UNDO },
	{ 0 }
};

static int parse_strip(struct rp_build_options *options, const char *digits)
{
	char *end;
	long n = strtol(digits, &end, 10);

	if (!*digits || *end || n < 0 || n > 100)
		return rp_misuse("patch build", "the number behind -p is not "
				 "one from 0 to 100");
	options->strip = n;
	return RP_EXIT_OK;
}

static void add_compiler(struct rp_build_options *options, const char *name)
{
	options->compilers = rp_format("%s%s%s", options->compilers,
				       *options->compilers ? ":" : "", name);
}

static int take(struct rp_build_options *o, int c, char **argv)
{
	switch (c) {
	case OPT_SOURCE: o->source = optarg; break;
	case OPT_PATCH: rp_words_add(&o->patches, optarg); break;
	case 'p': return parse_strip(o, optarg);
	case OPT_BUILD_DIR: o->build_dir = optarg; break;
	case OPT_CLEAN: o->clean = optarg; break;
	case OPT_COMPILER: add_compiler(o, optarg); break;
	case OPT_KEEP:
		o->keep = true;
		o->keep_dir = optarg;
		break;
	case OPT_UNDO: o->undo = true; break;
	default:
		if (!rp_patch_settings_option(&o->settings, c, optarg))
			return rp_usage_error("patch build", long_options,
					      argv);
	}
	return RP_EXIT_OK;
}

static int check_given(const struct rp_build_options *o)
{
	if (!o->source)
		return rp_misuse("patch build", "--source is missing");
	if (o->undo)
		return RP_EXIT_OK;
	if (!o->patches.n)
		return rp_misuse("patch build", "--patch is missing");
	if (!o->settings.binary)
		return rp_misuse("patch build", "--binary is missing");
	if (!*o->command)
		return rp_misuse("patch build", "the build command is missing; "
				 "it goes behind --");
	return RP_EXIT_OK;
}

static int cannot_use(const char *path)
{
	struct rp_diag diag;

	rp_file_error(&diag, RP_DIAG_READ, NULL, "cannot be used");
	rp_error(path, &diag);
	return RP_EXIT_ERROR;
}

static char *real_directory(const char *path)
{
	char *real = realpath(path, NULL);
	struct stat st;

	if (real && !stat(real, &st) && !S_ISDIR(st.st_mode)) {
		free(real);
		real = NULL;
		errno = ENOTDIR;
	}
	return real;
}

static int resolve(struct rp_build_options *o)
{
	const char *source = o->source, *build = o->build_dir;

	o->source = real_directory(source);
	if (!o->source)
		return cannot_use(source);
	o->build_dir = real_directory(build ? build : source);
	if (!o->build_dir)
		return cannot_use(build);
	if (!o->source[1] || !o->build_dir[1])
		return rp_misuse("patch build", "/ is no tree that can be "
				 "saved");
	if (!o->undo && access(o->settings.binary, R_OK))
		return cannot_use(o->settings.binary);
	return RP_EXIT_OK;
}

static char *stem_of(const char *path)
{
	char *stem = rp_format("%s", rp_basename(path));
	char *dot = strrchr(stem, '.');

	if (dot && dot > stem)
		*dot = '\0';
	return stem;
}

static void set_defaults(struct rp_build_options *o)
{
	struct rp_patch_settings *settings = &o->settings;

	if (!o->patches.n)
		return;
	char *stem = stem_of(o->patches.v[0]);
	if (!settings->name)
		settings->name = stem;
	if (!settings->output)
		settings->output = rp_format("%s.rpp", stem);
}

static void print_help(void)
{
	fputs(help_text, stdout);
	fputs(rp_patch_options_help, stdout);
	fputs(help_end, stdout);
}

int rp_build_options_parse(struct rp_build_options *options, int argc,
			   char **argv)
{
	int c, status = RP_EXIT_OK;

	memset(options, 0, sizeof(*options));
	options->strip = -1;
	options->compilers = "";
	opterr = 0;
	while (!status && (c = getopt_long(argc, argv, "+o:p:vh", long_options,
					   NULL)) != -1)
		status = take(options, c, argv);
	if (status)
		return status;
	if (options->settings.help) {
		print_help();
		return RP_EXIT_OK;
	}
	options->command = argv + optind;
	status = check_given(options);
	if (!status)
		status = resolve(options);
	set_defaults(options);
	return status;
}

// None of the list is inside another one.
static void add_dir(struct rp_words *dirs, const char *dir)
{
	struct rp_words rest = { 0 };

	for (size_t i = 0; i < dirs->n; i++) {
		if (rp_file_is_inside(dir, dirs->v[i]))
			return;
		if (!rp_file_is_inside(dirs->v[i], dir))
			rp_words_add(&rest, dirs->v[i]);
	}
	rp_words_add(&rest, dir);
	*dirs = rest;
}

static bool is_build_directory(const char *dir)
{
	static const char *const names[] = {
		"Makefile", "makefile", "GNUmakefile", "build.ninja",
		"CMakeCache.txt", NULL
	};
	bool is = false;

	for (const char *const *name = names; *name && !is; name++) {
		char *path = rp_format("%s/%s", dir, *name);

		is = !access(path, F_OK);
		free(path);
	}
	return is;
}

// make -C ../build, cmake --build ../build
static void add_named_dir(struct rp_words *dirs, const char *cwd,
			  const char *word)
{
	char *path = rp_file_absolute(cwd, word);
	char *real = realpath(path, NULL);

	if (real && real[1] && is_build_directory(real))
		add_dir(dirs, real);
	free(real);
	free(path);
}

void rp_build_saved_dirs(const struct rp_build_options *options,
			 struct rp_words *dirs)
{
	add_dir(dirs, options->source);
	add_dir(dirs, options->build_dir);
	for (char *const *word = options->command; *word; word++)
		add_named_dir(dirs, options->build_dir, *word);
}
