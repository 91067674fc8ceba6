// SPDX-License-Identifier: MIT
// Names made with __COUNTER__: a new one shifts the others.
//: refused 0705 its size changed
#include "../peers.h"

#define PASTE_(a, b)	a##b
#define PASTE(a, b)	PASTE_(a, b)
#define UNIQUE		PASTE(unique_, __COUNTER__)

#define COUNTED(n)	counted(n, UNIQUE)
#define counted(n, name) ({ static int name = 5; name += (n); name; })
#define FIRST(n)	first(n, UNIQUE)
#define first(n, name)	({ static long name = 9; name -= (n); name; })

int work(int n)
{
	NEW(n += FIRST(n);)
	return COUNTED(n);
}
