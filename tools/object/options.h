/* SPDX-License-Identifier: MIT */
/* Options that commands for objects share. */
#ifndef REPOINT_TOOLS_OBJECT_OPTIONS_H
#define REPOINT_TOOLS_OBJECT_OPTIONS_H

#include "../../object/abi.h"

/** rp_option_abi() - the word of --abi. @word: NULL: not given.
 *  Return: NULL if there is no such; that has been said. */
const struct rp_abi *rp_option_abi(const char *command, const char *word);

/** rp_option_jobs() - the word of -j. @word: NULL: not given, @ret stays.
 *  Return: is it a number of threads? If not, that has been said. */
bool rp_option_jobs(const char *command, const char *word, unsigned int *ret);

#endif /* REPOINT_TOOLS_OBJECT_OPTIONS_H */
