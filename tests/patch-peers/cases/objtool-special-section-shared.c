// SPDX-License-Identifier: MIT
// Two functions have a site each in one table; only one of them changes, and
// only its site comes along.
//: replaced changed
//: binds target:trace target:fast target:complain
//: tables rp_static_key_sites
//: ld @LIB@ -pthread
#include "../peers.h"

#include <repoint/kernel_names.h>

DEFINE_STATIC_KEY_FALSE(fast);

NOINLINE int stays(int n)
{
	if (static_branch_unlikely(&fast))
		complain("stays", n);
	return n + trace[1];
}

NOINLINE int changed(int n)
{
	if (static_branch_unlikely(&fast))
		complain("changed", n);
	return n + trace[OLD(2) NEW(3)];
}

int work(int n)
{
	return stays(n) + changed(n);
}
