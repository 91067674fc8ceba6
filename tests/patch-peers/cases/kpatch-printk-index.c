// SPDX-License-Identifier: MIT
// A list of all formats in a section: a new message adds to the list only what
// the payload has. (clang's names tell the new message from the old one by their
// order only; the debug information knows better.)
//: replaced work
//: binds target:complain target:trace
#include "../peers.h"

struct entry {
	const char *format;
	int line;
};

#define PRINT(text, n) do {						\
	static const struct entry here = { text, __LINE__ };		\
	static const struct entry *const					\
		__attribute__((section(".print_index"), used)) entry = &here; \
	complain(here.format, n);					\
} while (0)

NOINLINE int stays(int n)
{
	PRINT("stays", n);
	return n;
}

int work(int n)
{
	NEW(PRINT("new", n + 1);)
	PRINT("old", n);
	return n + trace[0];
}
