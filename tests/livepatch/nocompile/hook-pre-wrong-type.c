// SPDX-License-Identifier: MIT
// c: live-patch hook wrong: not int \(\*\)\(void\)
// c++: invalid conversion|cannot initialize
/* A hook that may veto has something to say. */
#include <repoint/livepatch.h>

int right(void) { return 0; }
void wrong(void) { }

#ifdef RIGHT
RP_LIVEPATCH_PRE_APPLY(right);
RP_LIVEPATCH_PRE_REVERT(right);
#else
RP_LIVEPATCH_PRE_REVERT(wrong);
#endif
