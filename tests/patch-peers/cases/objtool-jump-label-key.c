// SPDX-License-Identifier: MIT
// A new branch on a key that the program has: in likely and unlikely form.
//: replaced work
//: binds target:trace target:fast target:complain
//: tables rp_static_key_sites
//: ld @LIB@ -pthread
#include "../peers.h"

#include <repoint/kernel_names.h>

DEFINE_STATIC_KEY_TRUE(fast);

NOINLINE int other(int n)
{
	return static_branch_likely(&fast) ? n : trace[n & 3];
}

int work(int n)
{
	NEW(if (static_branch_unlikely(&fast))
		complain("unlikely", n);
	if (static_branch_likely(&fast))
		complain("likely", n);)
	return n + trace[0];
}
