// SPDX-License-Identifier: MIT
// c: not (a compile-time )?constant
// c++: constant expression|non-.constexpr. function|not constant
/* Which function is a hook does not depend on a variable. */
#include <repoint/livepatch.h>

void right(void) { }
extern void (*wrong)(void);

#ifdef RIGHT
RP_LIVEPATCH_REVERT(right);
#else
RP_LIVEPATCH_REVERT(wrong);
#endif
