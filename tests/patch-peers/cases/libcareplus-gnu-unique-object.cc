// SPDX-License-Identifier: MIT
// C++: a static variable of an inline function is one in all of the process.
//: shared
//: gcc
//: needs old _ZZ4nextvE5count
//: replaced work
//: binds import:_ZZ4nextvE5count
#include "../peers.h"

inline int next()
{
	static int count = 5;

	return ++count;
}

int work(int n)
{
	return next() + n * (OLD(3) NEW(4));
}
