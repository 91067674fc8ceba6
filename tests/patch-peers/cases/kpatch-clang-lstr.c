// SPDX-License-Identifier: MIT
// Strings that have symbols, which are numbered: an additional one shifts them.
//: replaced changed
//: binds target:complain
#include "../peers.h"

NOINLINE int first(int n)
{
	complain("alpha", n);
	return n;
}

NOINLINE int changed(int n)
{
	NEW(complain("inserted", n);)
	complain("beta", n);
	return n;
}

int work(int n)
{
	first(n);
	changed(n);
	complain("gamma", n);
	return n;
}
