// SPDX-License-Identifier: MIT
// Names with a hash show link-time optimization: the reason is given.
//: objcopy-plain --redefine-sym helper=helper.llvm.1111 --globalize-symbol=helper.llvm.1111
//: objcopy-old --redefine-sym helper=helper.llvm.1111 --globalize-symbol=helper.llvm.1111
//: objcopy-new --redefine-sym helper=helper.llvm.2222 --globalize-symbol=helper.llvm.2222
//: refused 0704 link-time
#include "../peers.h"

static NOINLINE int helper(int n)
{
	static int calls;

	return n ^ calls++;
}

int work(int n)
{
	return helper(n NEW(+ limit)) + limit;
}
