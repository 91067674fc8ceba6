// SPDX-License-Identifier: MIT
/*
 * `repoint patch build`, beside what it cannot do without: the same two builds
 * by hand. The fix is in a header that all files of the tree include.
 */
#define _GNU_SOURCE
#include "patch_build.h"

#include <stdlib.h>

#include "patch_process.h"
#include "patch_source.h"
#include "report.h"

#define GOAL	1.05

/**
 * struct tree
 * @make: the build command, as many jobs as there are CPUs
 * @dir:  it is there
 */
struct tree {
	unsigned int units;
	unsigned int functions;
	char make[32];
	char *dir;
};

static void write_header(const char *name, bool fixed)
{
	char *path = patch_path("%s", name);
	FILE *file = patch_open(path);

	patch_source_header(file, fixed);
	patch_close(file, path);
	free(path);
}

static void write_unit(const struct tree *tree, unsigned int unit)
{
	const struct patch_source source = {
		.unit = unit, .functions = tree->functions,
		.fixed = PATCH_SOURCE_NONE,
	};
	char *path = patch_path("tree/unit_%u.c", unit);
	FILE *file = patch_open(path);

	patch_source_write(file, &source);
	patch_close(file, path);
	free(path);
}

static void write_main(const struct tree *tree)
{
	char *path = patch_path("tree/main.c");
	FILE *file = patch_open(path);

	patch_source_main(file, tree->units);
	patch_close(file, path);
	free(path);
}

static void write_makefile(void)
{
	char *path = patch_path("tree/Makefile");
	FILE *file = patch_open(path);

	fputs("CC = cc\n"
	      "CFLAGS = -O2 -g -w\n"
	      "OBJECTS = $(patsubst %.c,%.o,$(sort $(wildcard *.c)))\n"
	      "\n"
	      "program: $(OBJECTS)\n"
	      "	$(CC) $(LDFLAGS) -o $@ $(OBJECTS)\n"
	      "\n"
	      "$(OBJECTS): common.h\n"
	      "\n"
	      "clean:\n"
	      "	rm -f program $(OBJECTS)\n"
	      "\n"
	      ".PHONY: clean\n", file);
	patch_close(file, path);
	free(path);
}

/* The fix is a diff of headers outside of the tree. */
static void make_tree(struct tree *tree)
{
	tree->dir = patch_path("tree");
	snprintf(tree->make, sizeof(tree->make), "-j%u", bench_nr_cpus());
	patch_shell("mkdir tree a b");
	for (unsigned int i = 0; i < tree->units; i++)
		write_unit(tree, i);
	write_main(tree);
	write_makefile();
	write_header("a/common.h", false);
	write_header("b/common.h", true);
	patch_shell("diff -u a/common.h b/common.h >fix.diff; [ $? -eq 1 ]");
	patch_shell("cp a/common.h tree && cd tree && make %s && cp program ..",
		    tree->make);
}

static uint64_t build_by_hand(const struct tree *tree)
{
	uint64_t ns = patch_shell("cd tree && make clean && make %s && "
				  "patch -p1 <../fix.diff && make clean && "
				  "make %s", tree->make, tree->make);

	patch_shell("cp a/common.h tree");
	return ns;
}

static uint64_t build_patch(const struct tree *tree, const char *repoint)
{
	char *fix = patch_path("fix.diff"), *output = patch_path("build.rpp");
	char *program = patch_path("program");
	char *argv[] = {
		(char *)repoint, "patch", "build", "--source", tree->dir,
		"--patch", fix, "--binary", program, "--clean", "make clean",
		"-o", output, "--", "make", (char *)tree->make, NULL,
	};
	uint64_t ns = patch_run(argv, "/dev/null", 0);

	if (!patch_size(output))
		bench_die("%s: the payload is empty", output);
	free(fix);
	free(output);
	free(program);
	return ns;
}

static void report_build(struct report *report, const char *name, double goal,
			 struct samples *seconds, struct samples *ratios)
{
	struct row row = {
		.section = "build", .unit = "s", .goal = goal,
		.value = samples_stats(seconds),
		.ratio = samples_stats(ratios),
	};

	snprintf(row.group, sizeof(row.group),
		 "a fix in a header, all files compiled twice");
	snprintf(row.name, sizeof(row.name), "%s", name);
	report_row(report, &row);
	samples_deinit(seconds);
	samples_deinit(ratios);
}

/* Who begins, takes turns: the second one may find warmer caches. */
static void measure(struct report *report, const struct tree *tree,
		    const char *repoint, unsigned int rounds)
{
	struct samples hand = { NULL, 0, 0 }, ours = hand, one = hand,
		       ratios = hand;

	for (unsigned int r = 0; r < rounds; r++) {
		uint64_t by_hand = r % 2 ? 0 : build_by_hand(tree);
		uint64_t by_us = build_patch(tree, repoint);

		if (!by_hand)
			by_hand = build_by_hand(tree);
		samples_add(&hand, (double)by_hand / 1e9);
		samples_add(&ours, (double)by_us / 1e9);
		samples_add(&one, 1);
		samples_add(&ratios, (double)by_us / (double)by_hand);
	}
	report_build(report, "make; patch; make", 0, &hand, &one);
	report_build(report, "repoint patch build -- make", GOAL, &ours,
		     &ratios);
}

void bench_patch_build(struct report *report,
		       const struct bench_options *options)
{
	static const char *const needs[] = { "make", "patch", "diff" };
	struct tree tree = {
		.units = options->quick ? 4 : 60,
		.functions = options->quick ? 8 : 16,
	};

	for (size_t i = 0; i < sizeof(needs) / sizeof(*needs); i++)
		if (!patch_have(needs[i])) {
			printf("patch, build: skipped: there is no %s\n",
			       needs[i]);
			return;
		}
	make_tree(&tree);
	measure(report, &tree, options->repoint, options->quick ? 1 : 3);
	free(tree.dir);
}
