// SPDX-License-Identifier: MIT
// c: incomplete
// c++: incomplete
/* How many bytes there are has to be known here. */
#include <repoint/livepatch.h>

#ifdef RIGHT
extern int table[4];
#else
extern int table[];
#endif
RP_LIVEPATCH_KEEP(table);
