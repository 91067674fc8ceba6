// SPDX-License-Identifier: MIT
// c: live-patch hook wrong: not void \(\*\)\(void\)
// c++: invalid conversion|cannot initialize
/* A hook is passed nothing. */
#include <repoint/livepatch.h>

void right(void) { }
void wrong(int *state) { *state = 1; }

#ifdef RIGHT
RP_LIVEPATCH_APPLY(right);
#else
RP_LIVEPATCH_APPLY(wrong);
#endif
