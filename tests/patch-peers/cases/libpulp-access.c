// SPDX-License-Identifier: MIT
// Private data of a library, of which none is exported.
//: shared
//: replaced work
//: binds target:libpulp-access.c:secret target:libpulp-access.c:table target:libpulp-access.c:change
#include "../peers.h"

static int secret = 12;
static long table[8];

NOINLINE static void change(int n)
{
	secret ^= n;
	table[n & 7] = secret;
}

int work(int n)
{
	NEW(secret = table[n & 7];)
	change(n);
	return secret + table[1];
}
