// SPDX-License-Identifier: MIT
// Two assemblers: one makes a symbol for each section, the other for those that
// are needed; equal code is no change.
//: gcc
//: flags -g0
//: assembler-old clang
//: nothing
#include "../peers.h"

static int rate = 3;
static const char *const names[] = { "one", "two", "three" };

static NOINLINE int helper(int n)
{
	static int calls;

	return n * rate++ + calls++;
}

int work(int n)
{
	switch (n) {
	case 1: complain("first", helper(n)); break;
	case 2: complain("second", helper(n + 1)); break;
	case 3: complain("third", rate); break;
	case 4: complain("fourth", n); break;
	case 5: progress = names[n % 3]; break;
	default: return helper(n);
	}
	return n + (int)names[rate % 3][0];
}
