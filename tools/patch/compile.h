/* SPDX-License-Identifier: MIT */
/* The compiler wrapper of `repoint patch build`. */
#ifndef REPOINT_TOOLS_PATCH_COMPILE_H
#define REPOINT_TOOLS_PATCH_COMPILE_H

#include "journal.h"

/**
 * rp_compile_wrapped() - run a compiler, and keep what it compiles.
 * @argv: launchers, compiler and arguments, ended by NULL
 *
 * Options go to the compiler that give each function and variable a section of
 * its own, and debug information. Each object is copied to SIDE/objects (see
 * intercept.h), and entered in the journal. What is not a compilation is
 * handed to the compiler as it is.
 *
 * Return: the compiler's exit status.
 */
int rp_compile_wrapped(char *const *argv);

/**
 * rp_compile_again() - compile what a journal tells of, into SIDE/objects.
 *
 * Nothing but the object is written. Return: true if the compiler succeeded.
 */
bool rp_compile_again(const char *side, const struct rp_journal_entry *entry);

#endif /* REPOINT_TOOLS_PATCH_COMPILE_H */
