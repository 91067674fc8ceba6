// SPDX-License-Identifier: MIT
// c: not (a compile-time )?constant
// c++: constant expression|non-.constexpr. function|not constant
/* A thread-local variable is one for each thread. */
#include <repoint/livepatch.h>

#ifdef RIGHT
int calls = 2;
#else
__thread int calls = 2;
#endif
RP_LIVEPATCH_KEEP(calls);
