/* SPDX-License-Identifier: MIT */
/*
 * `repoint patch build`: build a program without and with a source patch, in
 * place, and make a payload of the difference.
 *
 *   1. the patch is applied to copies of the files that it changes
 *   2. the tree is saved
 *   3. the files are touched, and the original is built
 *   4. the patched files are put in place, and the tree is built again
 *   5. the tree is put back
 *   6. the objects of both builds are compared
 *
 * From 2 to 5 signals only ask us to go on with 5.
 */
#define _GNU_SOURCE
#include "build_options.h"
#include "compile.h"
#include "files.h"
#include "runner.h"
#include "sides.h"
#include "settings.h"
#include "stage.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STEPS		6
#define LOG_LINES	20	/* of a build that failed */

struct build {
	const struct rp_build_options *options;
	struct rp_stage stage;
	struct rp_intercept intercept;
	struct rp_runner runner;
	struct rp_source_patch patch;
	struct rp_sides sides;
	struct rp_words dirs;	/* that are saved and put back */
	const char *side;	/* of the build that runs */
	const char *text;	/* of the step */
	int step;
};

static void clear_line(void)
{
	if (isatty(STDERR_FILENO))
		fputs("\r\033[K", stderr);
}

static void show_step(struct build *b, int step, const char *text)
{
	b->step = step;
	b->text = text;
	clear_line();
	fprintf(stderr, "[%d/%d] %s", step, STEPS, text);
	// What the build prints must not land behind it.
	if (!isatty(STDERR_FILENO) || b->options->settings.verbose)
		fputc('\n', stderr);
	fflush(stderr);
}

static void end_steps(void)
{
	clear_line();
}

// A terminal sees the number of objects grow.
static void tick(void *data)
{
	struct build *b = data;

	if (!isatty(STDERR_FILENO) || b->options->settings.verbose || !b->side)
		return;
	fprintf(stderr, "\r\033[K[%d/%d] %s: %zu objects", b->step, STEPS,
		b->text, rp_journal_count(b->side));
	fflush(stderr);
}

static int failed(const char *file, const struct rp_diag *diag)
{
	clear_line();
	rp_error(file, diag);
	return RP_EXIT_ERROR;
}

// Messages about files have the file in front.
static int failed_at(const struct build *b, struct rp_diag *diag)
{
	char *file = rp_format("%s", diag->where[0] ? diag->where :
						      b->stage.source);

	diag->where[0] = '\0';
	int status = failed(file, diag);
	free(file);
	return status;
}

static void print_end(const char *log)
{
	FILE *in = fopen(log, "re");
	char *lines[LOG_LINES] = { NULL };
	size_t size = 0, n = 0;
	char *line = NULL;

	while (in && getline(&line, &size, in) > 0) {
		free(lines[n % LOG_LINES]);
		lines[n++ % LOG_LINES] = line;
		line = NULL;
	}
	free(line);
	for (size_t i = 0; i < LOG_LINES; i++) {
		char **p = &lines[(n + i) % LOG_LINES];

		if (*p)
			fprintf(stderr, "  %s%s", *p,
				strchr(*p, '\n') ? "" : "\n");
		free(*p);
	}
	if (in)
		fclose(in);
}

static int build_failed(const struct build *b, const char *which,
			const char *log, int status)
{
	struct rp_diag diag;

	rp_diag_set(&diag, RP_DIAG_BUILD_FAILED, NULL,
		    "%s failed with exit status %d%s%s", which, status,
		    b->options->keep ? "; see " : "; its last lines:",
		    b->options->keep ? log : "");
	failed(b->stage.source, &diag);
	print_end(log);
	return RP_EXIT_ERROR;
}

static int run_logged(struct build *b, struct rp_run *run, const char *which)
{
	char *log = rp_format("%s.log", run->side);
	int status;

	run->log = log;
	b->side = run->side;
	status = rp_runner_run(&b->runner, run);
	b->side = NULL;
	if (status > 0)
		status = build_failed(b, which, log, status);
	free(log);
	// -1, if we were asked to stop: no message
	return status ? RP_EXIT_ERROR : RP_EXIT_OK;
}

static int build_side(struct build *b, const char *side, const char *which)
{
	struct rp_run clean = { .text = b->options->clean, .side = side };
	struct rp_run run = { .argv = b->options->command, .side = side };
	int status = RP_EXIT_OK;

	if (clean.text)
		status = run_logged(b, &clean, "the command of --clean");
	if (!status)
		status = run_logged(b, &run, which);
	return status;
}

static int touch(struct build *b)
{
	struct rp_diag diag;

	return rp_source_patch_touch(&b->patch, &diag) ? failed_at(b, &diag) :
							  RP_EXIT_OK;
}

/* With scripts in PATH, if nothing was caught by the shared object. */
static int build_again(struct build *b, const char *which)
{
	struct rp_tree_counts counts;
	struct rp_diag diag;

	clear_line();
	fprintf(stderr, "repoint patch build: note: no compiler was seen; "
		"building again with wrappers in PATH\n");
	if (rp_tree_restore(b->stage.dir, &counts, &diag) ||
	    rp_intercept_write_shims(&b->intercept, &diag))
		return failed_at(b, &diag);
	b->runner.shims = true;
	if (touch(b))
		return RP_EXIT_ERROR;
	return build_side(b, b->sides.old, which);
}

static int build_original(struct build *b)
{
	static const char which[] = "building the original";
	int status;

	show_step(b, 3, which);
	status = touch(b);
	if (!status)
		status = build_side(b, b->sides.old, which);
	if (!status && !rp_journal_count(b->sides.old))
		status = build_again(b, which);
	return status;
}

static int build_patched(struct build *b)
{
	static const char which[] = "building the patched tree";
	struct rp_diag diag;
	int status;

	show_step(b, 4, which);
	// Times of files are no finer than the clock's tick.
	usleep(20000);
	if (rp_source_patch_apply(&b->patch, &diag))
		return failed_at(b, &diag);
	status = build_side(b, b->sides.new, which);
	if (status)
		return status;
	rp_sides_read(&b->sides);
	return rp_sides_complete_new(&b->sides) ? RP_EXIT_OK : RP_EXIT_ERROR;
}

static int save_tree(struct build *b)
{
	struct rp_diag diag;

	show_step(b, 2, "saving the tree");
	if (rp_tree_save(b->stage.dir, &b->dirs, b->stage.mark,
			 b->options->settings.binary, &diag))
		return failed_at(b, &diag);
	return RP_EXIT_OK;
}

static int restore_tree(struct build *b, int status)
{
	struct rp_tree_counts counts;
	struct rp_diag diag;

	if (!rp_tree_is_saved(b->stage.dir))
		return status;
	if (!status)
		show_step(b, 5, "putting the tree back");
	if (!rp_tree_restore(b->stage.dir, &counts, &diag))
		return status;
	failed_at(b, &diag);
	fprintf(stderr, "  the tree as it was is in %s; run the command again "
		"to try once more\n", b->stage.dir);
	return -1;
}

static int two_builds(struct build *b)
{
	int status = save_tree(b);

	if (!status && !rp_runner_stopped(&b->runner))
		status = build_original(b);
	if (!status && !rp_runner_stopped(&b->runner))
		status = build_patched(b);
	return restore_tree(b, status);
}

static int not_seen(const struct build *b)
{
	struct rp_diag diag;

	rp_diag_set(&diag, RP_DIAG_BUILD_NOT_SEEN, NULL, "%s; name the command "
		    "that empties the build with --clean, further compilers "
		    "with --compiler", b->sides.old_journal.n ?
		    "the build has compiled nothing after the patch was "
		    "applied" : "the build has compiled nothing that could be "
		    "seen");
	return failed(b->stage.source, &diag);
}

// What was built elsewhere is not put back.
static void warn_of_outside(const struct build *b)
{
	const struct rp_journal *journal = &b->sides.new_journal;

	for (size_t i = 0; i < journal->n; i++) {
		const char *output = journal->v[i].output;
		bool inside = false;

		for (size_t j = 0; j < b->dirs.n; j++)
			inside |= rp_file_is_inside(output, b->dirs.v[j]);
		if (inside || access(output, F_OK))
			continue;
		clear_line();
		fprintf(stderr, "repoint patch build: warning: %s is of the "
			"patched build: it lies outside of what is put back "
			"(see --build-dir)\n", output);
		return;
	}
}

static int run_diff(void *data)
{
	struct build *b = data;
	char *old = rp_format("%s/objects", b->sides.old);
	char *new = rp_format("%s/objects", b->sides.new);

	return rp_patch_run_dirs(&b->options->settings, old, new);
}

static int compare(struct build *b)
{
	char *text;

	if (!b->sides.new_journal.n)
		return not_seen(b);
	if (!rp_sides_complete_old(&b->sides))
		return RP_EXIT_ERROR;
	warn_of_outside(b);
	if (!b->sides.differing && !b->sides.added) {
		end_steps();
		fprintf(stderr, "nothing to patch: %zu objects were compiled "
			"twice, and none differs\n", b->sides.compared);
		return RP_PATCH_EXIT_NOTHING;
	}
	text = rp_format("comparing %zu objects, of which %zu differ%s",
			 b->sides.compared, b->sides.differing,
			 b->sides.added ? ", and new ones" : "");
	show_step(b, 6, text);
	end_steps();
	b->text = "";
	free(text);
	return rp_runner_call(&b->runner, run_diff, b);
}

static int try_patch(struct build *b)
{
	show_step(b, 1, "checking that the patch applies");
	b->patch.scratch = rp_format("%s/scratch", b->stage.dir);
	b->patch.source = b->stage.source;
	b->sides.patch = &b->patch;
	if (rp_source_patch_try(&b->patch, &b->options->patches,
				b->options->strip))
		return RP_EXIT_ERROR;
	return RP_EXIT_OK;
}

static int prepare(struct build *b)
{
	const struct rp_build_options *o = b->options;
	struct rp_diag diag;

	if (rp_stage_create(&b->stage, o->keep_dir, &diag) ||
	    rp_intercept_init(&b->intercept, b->stage.dir, o->compilers, &diag))
		return failed_at(b, &diag);
	b->sides.old = rp_format("%s/old", b->stage.dir);
	b->sides.new = rp_format("%s/new", b->stage.dir);
	b->runner.cwd = o->build_dir;
	b->runner.source = b->stage.source;
	b->runner.stage = b->stage.dir;
	b->runner.intercept = &b->intercept;
	b->runner.verbose = o->settings.verbose;
	b->runner.tick = tick;
	b->runner.data = b;
	rp_build_saved_dirs(o, &b->dirs);
	return RP_EXIT_OK;
}

static void clean_up(struct build *b, bool restored)
{
	if (!restored) {
		// The mark leads the next run to what is left.
		close(b->stage.lock);
		return;
	}
	if (b->stage.dir && !b->options->keep)
		rp_file_remove_tree(b->stage.dir);
	else if (b->stage.dir)
		fprintf(stderr, "stages are kept in %s\n", b->stage.dir);
	rp_intercept_deinit(&b->intercept);
}

static int build(struct build *b)
{
	int status = prepare(b);
	bool restored = true;

	if (!status)
		status = try_patch(b);
	if (!status && !rp_runner_stopped(&b->runner)) {
		status = two_builds(b);
		restored = status >= 0;
	}
	if (restored)
		rp_stage_unlock(&b->stage);
	if (!status && !rp_runner_stopped(&b->runner))
		status = compare(b);
	end_steps();
	clean_up(b, restored);
	return status < 0 ? RP_EXIT_ERROR : status;
}

static void die_of(struct rp_runner *runner)
{
	fprintf(stderr, "repoint patch build: stopped by signal %d; the tree "
		"is as it was\n", runner->signal);
	signal(runner->signal, SIG_DFL);
	rp_runner_unblock(runner);
	raise(runner->signal);
}

static int locked(struct build *b)
{
	struct rp_diag diag;
	bool undone;

	if (rp_stage_lock(&b->stage, b->options->source, &undone, &diag))
		return failed_at(b, &diag);
	if (!b->options->undo)
		return build(b);
	rp_stage_unlock(&b->stage);
	if (!undone)
		fprintf(stderr, "%s: nothing to undo\n", b->options->source);
	return RP_EXIT_OK;
}

int rp_cmd_patch_build(int argc, char **argv)
{
	struct rp_build_options options;
	struct build b = { .options = &options };
	int status;

	if (argc > 1 && !strcmp(argv[1], "--compile"))
		return rp_compile_wrapped(argv + 2);
	status = rp_build_options_parse(&options, argc, argv);
	if (status || options.settings.help)
		return status;
	rp_runner_block(&b.runner);
	status = locked(&b);
	if (b.runner.signal)
		die_of(&b.runner);
	rp_runner_unblock(&b.runner);
	return status;
}
