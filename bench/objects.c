// SPDX-License-Identifier: MIT
/*
 * `repoint object orc` and `object check` beside the kernel's objtool, as whole
 * processes, on the same objects: of the kernel where a directory of them is
 * given (--objects), else of this project's own sources, compiled as objtool
 * wants it. Nobody writes what it made. In each round both take turns on each
 * object, so that both meet the same machine.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"
#include "patch_process.h"
#include "report.h"

#define ROUNDS		5
#define WORDS_MAX	24
#define HALF		0.5
#define LINEAR_GOAL	1.1

/** struct command - a program and its options; files follow. */
struct command {
	const char *name;
	const char *words[WORDS_MAX];
};

#define NR_SIZES	4

/** struct corpus - objects. @whole: 1, 2, 4 and 8 times all of them by ld -r. */
struct corpus {
	char **v;
	size_t n;
	char *whole[NR_SIZES];
	double instructions[NR_SIZES];
	const struct bench_options *options;
	struct report *report;
	bool kernel;
};

/* ---- programs ---- */

static void become(const struct command *c, char **files, size_t n)
{
	char **argv = calloc(WORDS_MAX + n + 1, sizeof(*argv));
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	size_t words = 0;

	if (!argv || null < 0)
		_exit(127);
	while (c->words[words]) {
		argv[words] = (char *)c->words[words];
		words++;
	}
	memcpy(&argv[words], files, n * sizeof(*files));
	for (int fd = 0; fd < 3; fd++)
		dup2(null, fd);
	setenv("SRCARCH", "x86", 1);
	execv(argv[0], argv);
	_exit(127);
}

/* Milliseconds. What it has to say about the objects is not what is asked. */
static double run(const struct command *c, char **files, size_t n, double *peak)
{
	uint64_t start = bench_ns();
	struct rusage usage;
	pid_t pid = fork();
	int status;

	if (!pid)
		become(c, files, n);
	if (pid < 0 || wait4(pid, &status, 0, &usage) != pid)
		bench_die("%s: cannot be run", c->words[0]);
	start = bench_ns() - start;
	if (!WIFEXITED(status) || WEXITSTATUS(status) > 1)
		bench_die("%s: failed on %s", c->name, files[0]);
	if (peak && (double)usage.ru_maxrss * 1024 > *peak)
		*peak = (double)usage.ru_maxrss * 1024;
	return (double)start / 1e6;
}

/* ---- objects ---- */

static const char *objtool(void)
{
	static const char path[] =
		"/usr/lib/linux-kbuild-6.1/tools/objtool/objtool";

	return access(path, X_OK) ? NULL : path;
}

static void take(struct corpus *corpus, const char *directory)
{
	glob_t found;
	char *pattern;

	if (asprintf(&pattern, "%s/*.o", directory) < 0)
		bench_die("no memory");
	if (glob(pattern, 0, NULL, &found) || !found.gl_pathc)
		bench_die("%s: no objects", directory);
	corpus->v = found.gl_pathv;
	corpus->n = found.gl_pathc;
	free(pattern);
}

static double instructions(const struct corpus *corpus, const char *object)
{
	char *out = patch_path("count"), *text = NULL, *at;
	size_t room = 0;
	double n = 0;
	FILE *file;

	patch_shell("'%s' object check --only stack --abi linux-6.1 '%s' >count "
		    "|| [ $? = 1 ]", corpus->options->repoint, object);
	file = fopen(out, "re");
	while (file && getline(&text, &room, file) > 0) {
		at = strstr(text, " instructions");
		if (!at)
			continue;
		while (at > text && at[-1] != ' ')
			at--;
		n = strtod(at, NULL);
	}
	if (!file || n < 1)
		bench_die("%s: how many instructions?", object);
	fclose(file);
	free(text);
	free(out);
	return n;
}

/* Names are local, so that they are in nobody's way. */
static void link_all(struct corpus *corpus)
{
	patch_shell("mkdir whole && cd whole && ld -r -o all.o '%s'/*.o && "
		    "objcopy --strip-unneeded -w -L '*' all.o local.o",
		    corpus->kernel ? corpus->options->objects : "../objects");
	for (int i = 0; i < NR_SIZES; i++) {
		corpus->whole[i] = patch_path("whole/times%d.o", 1 << i);
		patch_shell("cd whole && ld -r -o times%d.o "
			    "$(yes local.o | head -n %d)", 1 << i, 1 << i);
		corpus->instructions[i] = instructions(corpus, corpus->whole[i]);
	}
}

static void find_objects(struct corpus *corpus)
{
	const char *which = corpus->options->quick ? "[a-c]*/*" : "*/*";
	char *directory;

	corpus->kernel = corpus->options->objects;
	if (corpus->kernel) {
		take(corpus, corpus->options->objects);
	} else {
		patch_shell("mkdir objects && cd objects && "
			    "for f in '%s'/object/%s.c; do d=${f%%/*}; "
			    "printf '\"%%s\" -o \"%%s-%%s.o\"\\n' \"$f\" "
			    "\"${d##*/}\" \"${f##*/}\"; done | xargs -P 2 -n 3 "
			    "cc -O2 -w -fno-pie -fcf-protection=none "
			    "-I'%s/include' -c", BENCH_SOURCE, which,
			    BENCH_SOURCE);
		directory = patch_path("objects");
		take(corpus, directory);
		free(directory);
	}
	link_all(corpus);
}

/* ---- questions ---- */

static void commands(const struct corpus *corpus, struct command *ret, bool linked)
{
	const char *repoint = corpus->options->repoint;

	ret[0] = (struct command){ "kernel's objtool", { objtool(), "--orc",
		"--retpoline", "--rethunk", "--static-call", "--dry-run",
		linked ? "--link" : NULL } };
	ret[1] = (struct command){ "object orc", { repoint, "object", "orc",
		"--abi", "linux-6.1", "-n", "-j", "1" } };
	ret[2] = (struct command){ "object check", { repoint, "object", "check",
		"--abi", "linux-6.1", "-q", "-j", "1" } };
}

static void add_row(const struct corpus *corpus, const char *group,
		    const char *name, const char *unit, struct samples *value,
		    struct samples *ratio, double goal)
{
	struct row row = { .section = "objects", .unit = unit,
			   .value = samples_stats(value),
			   .ratio = samples_stats(ratio), .goal = goal };

	snprintf(row.group, sizeof(row.group), "%s", group);
	snprintf(row.name, sizeof(row.name), "%s", name);
	report_row(corpus->report, &row);
	samples_deinit(value);
	samples_deinit(ratio);
}

static void each_object(const struct corpus *corpus, int rounds)
{
	struct samples value[3] = { 0 }, ratio[3] = { 0 };
	struct command c[3];
	char group[64];

	commands(corpus, c, false);
	for (int r = 0; r < rounds; r++) {
		double ms[3] = { 0, 0, 0 };

		for (size_t i = 0; i < corpus->n; i++)
			for (int k = 0; k < 3; k++)
				ms[k] += run(&c[k], &corpus->v[i], 1, NULL);
		for (int k = 0; k < 3; k++) {
			samples_add(&value[k], ms[k] / (double)corpus->n);
			samples_add(&ratio[k], ms[k] / ms[0]);
		}
	}
	snprintf(group, sizeof(group), "%zu %s, a process each, mean",
		 corpus->n, corpus->kernel ? "kernel objects" : "objects of ours");
	for (int k = 0; k < 3; k++)
		add_row(corpus, group, c[k].name, "ms", &value[k], &ratio[k],
			k ? HALF : 0);
}

static void whole(const struct corpus *corpus, int rounds)
{
	struct samples value[3] = { 0 }, ratio[3] = { 0 };
	struct samples memory[3] = { 0 }, share[3] = { 0 };
	struct command c[3];
	char group[64];

	commands(corpus, c, true);
	for (int r = 0; r < rounds; r++) {
		double ms[3], peak[3] = { 0, 0, 0 };

		for (int k = 0; k < 3; k++) {
			ms[k] = run(&c[k], (char **)&corpus->whole[NR_SIZES - 1], 1,
				    &peak[k]);
			samples_add(&value[k], ms[k]);
			samples_add(&ratio[k], ms[k] / ms[0]);
			samples_add(&memory[k], peak[k] / 1e6);
			samples_add(&share[k], peak[k] / peak[0]);
		}
	}
	snprintf(group, sizeof(group), "ld -r of %d times them: time",
		 1 << (NR_SIZES - 1));
	for (int k = 0; k < 3; k++)
		add_row(corpus, group, c[k].name, "ms", &value[k], &ratio[k],
			k ? 1 : 0);
	for (int k = 0; k < 3; k++)
		add_row(corpus, "that object: memory", c[k].name, "MB",
			&memory[k], &share[k], k ? HALF : 0);
}

static void linear(const struct corpus *corpus, int rounds)
{
	struct samples value[NR_SIZES] = { 0 }, ratio[NR_SIZES] = { 0 };
	struct command c[3];
	char name[64];

	commands(corpus, c, true);
	for (int r = 0; r < rounds; r++) {
		double first = 0;

		for (int i = 0; i < NR_SIZES; i++) {
			double ns = 1e6 * run(&c[1], (char **)&corpus->whole[i],
					      1, NULL) / corpus->instructions[i];

			if (!i)
				first = ns;
			samples_add(&value[i], ns);
			samples_add(&ratio[i], ns / first);
		}
	}
	for (int i = 0; i < NR_SIZES; i++) {
		snprintf(name, sizeof(name), "%.0f instructions",
			 corpus->instructions[i]);
		add_row(corpus, "object orc, ld -r: time for an instruction",
			name, "ns", &value[i], &ratio[i], i ? LINEAR_GOAL : 0);
	}
}

static void in_parallel(const struct corpus *corpus, int rounds)
{
	struct samples value[2] = { 0 }, ratio[2] = { 0 };
	struct command c[3], two;
	char group[64];

	commands(corpus, c, false);
	two = c[1];
	two.words[7] = "2";
	for (int r = 0; r < rounds; r++) {
		double one = run(&c[1], corpus->v, corpus->n, NULL);
		double both = run(&two, corpus->v, corpus->n, NULL);

		samples_add(&value[0], one);
		samples_add(&value[1], both);
		samples_add(&ratio[0], 1);
		samples_add(&ratio[1], both / one);
	}
	snprintf(group, sizeof(group), "object orc, %zu files in one call",
		 corpus->n);
	add_row(corpus, group, "one at a time (-j 1)", "ms", &value[0], &ratio[0], 0);
	add_row(corpus, group, "in two threads (-j 2)", "ms", &value[1], &ratio[1], 0);
}

void bench_objects(struct report *report, const struct bench_options *options)
{
	static const char *const needs[] = { "cc", "ld", "objcopy" };
	struct corpus corpus = { .options = options, .report = report };
	int rounds = options->quick ? 1 : ROUNDS;

	for (size_t i = 0; i < sizeof(needs) / sizeof(*needs); i++)
		if (!patch_have(needs[i])) {
			printf("objects: skipped: there is no %s\n", needs[i]);
			return;
		}
	if (!objtool()) {
		puts("objects: skipped: the package linux-kbuild-6.1 is missing");
		return;
	}
	find_objects(&corpus);
	each_object(&corpus, rounds);
	whole(&corpus, rounds);
	linear(&corpus, rounds);
	in_parallel(&corpus, rounds);
}
