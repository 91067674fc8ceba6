// SPDX-License-Identifier: MIT
// c: array of functions
// c++: invalid conversion|cannot initialize
/* A function is no variable. */
#include <repoint/livepatch.h>

int right = 1;
int wrong(void) { return 1; }

#ifdef RIGHT
RP_LIVEPATCH_SET(right);
#else
RP_LIVEPATCH_SET(wrong);
#endif
