// SPDX-License-Identifier: MIT
// A static key in a function that changes.
//: replaced work
//: binds target:trace target:fast target:complain
//: tables rp_static_key_sites
//: ld @LIB@ -pthread
#include "../peers.h"

#include <repoint/kernel_names.h>

DEFINE_STATIC_KEY_FALSE(fast);

int work(int n)
{
	if (static_branch_unlikely(&fast))
		complain("fast", n);
	return n + trace[0] + (OLD(1) NEW(2));
}
