// SPDX-License-Identifier: MIT
/* A function of a shared object. */
#include "serve.h"

OPAQUE int library_version(void)
{
	int n = VERSION;

	__asm__("" : "+r"(n));
	return n;
}
