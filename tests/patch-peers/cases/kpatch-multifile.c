// SPDX-License-Identifier: MIT
// One fix in several files.
//: with kpatch-multifile-2.c
//: replaced work other
//: added between
//: binds target:limit target:trace
#include "../peers.h"

int other(int n);
NEW(int between(int n);)

int work(int n)
{
	return other(n) NEW(+ between(n));
}
