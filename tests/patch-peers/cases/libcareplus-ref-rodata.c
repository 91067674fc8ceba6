// SPDX-License-Identifier: MIT
// Constants, strings, floating-point numbers and a jump table of the new code.
//: replaced work
//: binds target:trace target:complain
#include "../peers.h"

int work(int n)
{
	static const char *const names[] = { "a", "b", NEW("c",) "d" };
	double scale = OLD(1.5) NEW(2.75);

	switch (n & 7) {
	case 0: complain("zero", n); break;
	case 1: complain("one", n + 1); break;
	case 2: complain("two", n * 2); break;
	case 3: complain("three", n ^ 3); break;
	case 4: complain(OLD("four") NEW("FOUR"), n - 4); break;
	case 5: complain("five", n | 5); break;
	case 6: complain(names[n % 3], 6); break;
	}
	return n * scale + trace[0];
}
