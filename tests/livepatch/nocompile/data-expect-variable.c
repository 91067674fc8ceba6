// SPDX-License-Identifier: MIT
// c: not (a compile-time )?constant
// c++: constant expression|non-.constexpr. function|not constant
/* What is expected is known when the payload is made. */
#include <repoint/livepatch.h>

int known(void);
int variable = 1;

#ifdef RIGHT
RP_LIVEPATCH_SET_EXPECT(variable, 2);
#else
RP_LIVEPATCH_SET_EXPECT(variable, known());
#endif
