// SPDX-License-Identifier: MIT
// c: live-patch hook wrong: not void \(\*\)\(void\)
// c++: invalid conversion|cannot initialize
/* A hook that cannot veto returns nothing that could get lost. */
#include <repoint/livepatch.h>

void right(void) { }
int wrong(void) { return -1; }

#ifdef RIGHT
RP_LIVEPATCH_POST_APPLY(right);
#else
RP_LIVEPATCH_POST_APPLY(wrong);
#endif
