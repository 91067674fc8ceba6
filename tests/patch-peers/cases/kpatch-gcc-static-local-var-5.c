// SPDX-License-Identifier: MIT
// Two static locals of one name in one function change places.
//: replaced work
//: gcc binds target:kpatch-gcc-static-local-var-5.c:state.0 target:kpatch-gcc-static-local-var-5.c:state.1 target:limit
//: clang binds target:kpatch-gcc-static-local-var-5.c:work.state target:kpatch-gcc-static-local-var-5.c:work.state.* target:limit
#include "../peers.h"

int work(int n)
{
	if (n > 3) {
		static int state = 10;

		state += n;
		n = state;
	}
	{
		static int state = 20;

		state ^= n NEW(+ limit);
		n += state;
	}
	return n;
}
