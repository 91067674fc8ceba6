// SPDX-License-Identifier: MIT
// The same variables with -O0 and a function's name in front.
//: flags -O0
//: replaced work
//: gcc binds target:complain target:kpatch-clang-special-static.c:warned.* target:progress
//: clang binds target:complain target:kpatch-clang-special-static.c:work.warned target:progress
#include "../peers.h"

int work(int n)
{
	static _Bool warned;

	if (!warned) {
		warned = 1;
		complain(__func__, n);
	}
	NEW(progress = __func__;)
	return n;
}
