// SPDX-License-Identifier: MIT
// Alternatives in a function that changes.
//: replaced work
//: binds target:trace
//: tables rp_alternative_code rp_alternatives
//: ld @LIB@ -pthread
#include "../peers.h"

#include <repoint/alternative.h>

int work(int n)
{
	int out;

	__asm__ volatile(RP_ALTERNATIVE("movl %1, %0", "leal 0(%1), %0",
					RP_FEATURE_ALWAYS)
			 : "=r"(out)
			 : "r"(n));
	return out + trace[0] + (OLD(1) NEW(2));
}
