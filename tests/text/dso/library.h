/* SPDX-License-Identifier: MIT */
/* What library.c exports; the executables of the tests here use it. */
#ifndef LIBRARY_H
#define LIBRARY_H

#include "../site.h"

#pragma GCC visibility push(default)

int lib_one(void);
int lib_two(void);
int lib_call(void);
int lib_call_tramp(void);
int lib_set_tramp(int (*func)(void));
int lib_branches(void);
int lib_enable_off(void);
bool lib_calls_as(enum site_mode mode, int (*func)(void));

#pragma GCC visibility pop

RP_DECLARE_STATIC_CALL(shared_call, lib_one);
RP_DECLARE_STATIC_CALL(tramp_call, lib_one);

#endif
