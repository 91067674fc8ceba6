// SPDX-License-Identifier: MIT
// The same with a line number in a table that a macro makes.
//: nothing
#include "../peers.h"

struct place {
	const char *file;
	int line;
	int times;
};

#define WARN(x) ({							\
	static struct place here = { "warn.c", __LINE__, 0 };		\
	if ((x) && here.times++ < 3)					\
		complain(here.file, here.line);				\
})
#ifdef PATCHED
/* A line. */
#endif

int work(int n)
{
	WARN(n > 1000);
	return n * 2;
}
