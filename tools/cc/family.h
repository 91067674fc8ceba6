/* SPDX-License-Identifier: MIT */
/* Which compiler a name stands for. */
#ifndef REPOINT_TOOLS_CC_FAMILY_H
#define REPOINT_TOOLS_CC_FAMILY_H

#include "words.h"

enum rp_cc_family {
	RP_CC_UNKNOWN,	/**< its options are not known: add none */
	RP_CC_GCC,
	RP_CC_CLANG,
	RP_CC_FOREIGN,	/**< makes no ELF objects for x86-64 */
};

/**
 * rp_cc_family_of() - tell by name, if need be by asking the compiler.
 * @compiler: as it was typed
 *
 * RP_CC_FAMILY=gcc|clang|none in the environment overrides everything.
 */
enum rp_cc_family rp_cc_family_of(const char *compiler);

/* rp_cc_is_launcher() - a program like ccache, that a compiler's name follows. */
bool rp_cc_is_launcher(const char *program);

#endif /* REPOINT_TOOLS_CC_FAMILY_H */
