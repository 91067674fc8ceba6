/* SPDX-License-Identifier: MIT */
/* Names of symbols without what compilers number them by. */
#ifndef REPOINT_PATCH_NAMES_H
#define REPOINT_PATCH_NAMES_H

#include <stdbool.h>
#include <stddef.h>

/**
 * rp_name_canonical() - take compilers' numbers off a symbol's name.
 * @name: the symbol
 * @ret:  at least strlen(@name) + 1 bytes: the name without components that
 *        are numbers ("x.1234" is "x", "f.part.3" is "f.part"), and without
 *        ".lto_priv" and ".llvm"; of C++ names without the numbers of closures
 *        and unnamed types ("UlvE0_"), and of variables of one name in one
 *        function ("_ZZ1fvE1n_0")
 *
 * Return: was anything taken off?
 */
bool rp_name_canonical(const char *name, char *ret);

/** rp_name_is_numbered_cxx() - has a C++ name such numbers, or could it have? */
bool rp_name_is_numbered_cxx(const char *name);

/** rp_name_source_length() - bytes of the name that the source has: up to the first dot. */
size_t rp_name_source_length(const char *name);

#endif /* REPOINT_PATCH_NAMES_H */
