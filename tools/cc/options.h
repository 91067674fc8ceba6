/* SPDX-License-Identifier: MIT */
/* What gcc's and clang's options mean to the wrapper. */
#ifndef REPOINT_TOOLS_CC_OPTIONS_H
#define REPOINT_TOOLS_CC_OPTIONS_H

#include <stdbool.h>

/* Is the next word the option's argument? */
bool rp_cc_takes_word(const char *option);

/* Does the compiler stop before there is an object, or do something else? */
bool rp_cc_makes_no_object(const char *option);

enum rp_cc_input {
	RP_CC_INPUT_SOURCE,	/**< compiled or assembled to an object */
	RP_CC_INPUT_HEADER,	/**< precompiled: no object */
	RP_CC_INPUT_LINKED,	/**< anything else is for the linker */
};

/*
 * What becomes of the input @path, if `-x @language` is in effect; @language
 * is NULL if the name decides.
 */
enum rp_cc_input rp_cc_input_kind(const char *path, const char *language);

#endif /* REPOINT_TOOLS_CC_OPTIONS_H */
