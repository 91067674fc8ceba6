/* SPDX-License-Identifier: MIT */
/*
 * Compiling and linking in one command.
 *
 * The objects live in temporary files between two programs that the compiler
 * driver runs. Splitting the command in two would have to guess which option
 * belongs to which half, and what the driver would have said about it. So the
 * driver gets the command as it is, and calls us at the right moment:
 *
 *   gcc    -wrapper PROGRAM: every program is run through ours; when the
 *          assembler has ended, its output is annotated
 *   clang  --ld-path=PROGRAM: ours stands in for the linker, annotates the
 *          temporary objects among its inputs and becomes the linker
 */
#ifndef REPOINT_TOOLS_CC_LINK_H
#define REPOINT_TOOLS_CC_LINK_H

#include "line.h"

/**
 * rp_cc_link_gcc() - add what makes gcc call us.
 * @extra: options to be added
 * @line:  the command line
 * @argv:  its words, behind the compiler
 * @rest:  filled with the words to pass on instead of @argv
 *
 * Return: true; false after a note, if that cannot be done here.
 */
bool rp_cc_link_gcc(struct rp_words *extra, const struct rp_cc_line *line,
		    char *const *argv, struct rp_words *rest);

/**
 * rp_cc_link_clang() - add what makes clang call us, and set the environment.
 * @extra:    options to be added behind @argv
 * @line:     the command line
 * @compiler: launchers and compiler
 * @argv:     the words behind them
 *
 * Return: true; false after a note, if that cannot be done here.
 */
bool rp_cc_link_clang(struct rp_words *extra, const struct rp_cc_line *line,
		      const struct rp_words *compiler, char *const *argv);

/* rp_cc_step() - what gcc calls: run a program, annotate if it assembles. */
int rp_cc_step(char *const *argv);

/*
 * rp_cc_is_linker() - are we called in place of the linker?
 * rp_cc_linker() - do that.
 */
bool rp_cc_is_linker(void);
int rp_cc_linker(char *const *argv);

/**
 * rp_cc_annotate_output() - annotate an object that a compiler has made.
 * @path: the object
 *
 * What is not an x86-64 ELF object is left alone. Other errors are reported. An
 * object with a patchlet that is not sound is removed: linked, it would be
 * copied over calls all the same. Else the object is a correct one, and the
 * build goes on.
 *
 * Return: RP_EXIT_OK, or RP_EXIT_ERROR if the object was removed.
 */
int rp_cc_annotate_output(const char *path);

/* rp_cc_stem() - name of a source without directory and suffix. */
char *rp_cc_stem(const char *source);

#endif /* REPOINT_TOOLS_CC_LINK_H */
