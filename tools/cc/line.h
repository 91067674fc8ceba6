/* SPDX-License-Identifier: MIT */
/* A compiler's command line, as far as the wrapper must understand it. */
#ifndef REPOINT_TOOLS_CC_LINE_H
#define REPOINT_TOOLS_CC_LINE_H

#include "words.h"

/**
 * struct rp_cc_line - what the words ask for.
 * @sources:  inputs that become objects
 * @linked:   files that go to the linker as they are
 * @output:   argument of -o, or NULL
 * @target:   argument of --target, or NULL
 * @compile_only: -c
 * @no_object: the compiler is to do something else, or to stop earlier
 * @inputs:   there is anything to compile or link
 * @foreign:  for another machine than x86-64
 * @lto:      -flto
 * @gnu_as:   clang is to run gas
 * @pipe:     -pipe
 * @relocatable: -r
 * @emit_relocs: --emit-relocs goes to the linker already
 * @wrapper:  -wrapper is in use
 */
struct rp_cc_line {
	struct rp_words sources;
	struct rp_words linked;
	const char *output;
	const char *target;
	bool compile_only;
	bool no_object;
	bool inputs;
	bool foreign;
	bool lto;
	bool gnu_as;
	bool pipe;
	bool relocatable;
	bool emit_relocs;
	bool wrapper;
};

/**
 * rp_cc_line_parse() - understand a command line.
 * @line: filled in
 * @argv: the words behind the compiler's name, ended by NULL; must live on
 */
void rp_cc_line_parse(struct rp_cc_line *line, char *const *argv);

/* rp_cc_target_is_ours() - is a triple like x86_64-linux-gnu one of ELF x86-64? */
bool rp_cc_target_is_ours(const char *triple);

#endif /* REPOINT_TOOLS_CC_LINE_H */
