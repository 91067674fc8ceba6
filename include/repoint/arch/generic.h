/* SPDX-License-Identifier: MIT */
/*
 * Architectures without patching: the same API, through memory. Static calls
 * are function pointers, static branches test the key.
 */
#ifndef REPOINT_ARCH_H
# error "Never include <repoint/arch/generic.h> directly; use <repoint/arch.h>."
#endif

#define RP__HAVE_TRAMPOLINE	0
#define RP__HAVE_STATIC_BRANCH	0

#define RP__ALTERNATIVE(old, new_, feature, id)	old "\n\t"
