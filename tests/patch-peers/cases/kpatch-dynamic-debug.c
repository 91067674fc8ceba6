// SPDX-License-Identifier: MIT
// A descriptor for each message, in a section of its own, with line and function:
// that of a message which stays is the program's, with what was switched on in it.
//: replaced work
//: gcc binds target:complain target:trace target:kpatch-dynamic-debug.c:here.*
//: clang binds target:complain target:trace target:kpatch-dynamic-debug.c:work.here
#include "../peers.h"

struct descriptor {
	const char *function, *format;
	int line, on;
};

#define DEBUG(text, n) do {						\
	static struct descriptor __attribute__((section("debug_messages"), \
		used)) here = { __func__, text, __LINE__, 0 };	\
	if (here.on)							\
		complain(here.format, n);				\
} while (0)

extern struct descriptor __start_debug_messages[], __stop_debug_messages[];

NOINLINE void switch_on(int n)
{
	struct descriptor *d = __start_debug_messages;

	for (; d < __stop_debug_messages; d++)
		d->on = n;
}

int work(int n)
{
	NEW(
	n += trace[1];
	)
	DEBUG("stays", n);
	return n + trace[0];
}
