/* SPDX-License-Identifier: MIT */
/*
 * Chooses the architecture's macros. A port adds one file in arch/ and one
 * line here; docs/porting.md says what it has to define.
 *
 * RP_GENERIC, defined by the user, selects the generic ones anywhere: the
 * translation unit then calls through memory and tests keys in memory, and may
 * be mixed with others that do not.
 *
 * RP_NO_ARCH, defined for the library and all of its users, makes this an
 * architecture that Repoint does not know: for tests of the port.
 */
#ifndef REPOINT_ARCH_H
#define REPOINT_ARCH_H

#include <repoint/abi.h>

#if defined(__x86_64__) && !defined(__ILP32__) && !defined(RP_NO_ARCH)
# include <repoint/arch/x86_64.h>
#else
# include <repoint/arch/generic.h>
#endif

#endif /* REPOINT_ARCH_H */
