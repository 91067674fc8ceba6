// SPDX-License-Identifier: MIT
// c: incompatible pointer|invalid initializer|incompatible-pointer
// c++: cannot convert|cannot initialize
/* What is expected is a value of the variable's type. */
#include <repoint/livepatch.h>

int number;
char letter;
int *variable = &number;

#ifdef RIGHT
RP_LIVEPATCH_SET_EXPECT(variable, NULL);
#else
RP_LIVEPATCH_SET_EXPECT(variable, &letter);
#endif
