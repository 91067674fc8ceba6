// SPDX-License-Identifier: MIT
// A new key, which comes with the payload.
//: replaced work
//: data fresh
//: binds target:trace target:complain target:rp__object
//: tables rp_static_key_sites
//: ld @LIB@ -pthread
#include "../peers.h"

#include <repoint/kernel_names.h>

NEW(DEFINE_STATIC_KEY_FALSE(fresh);)

int work(int n)
{
	NEW(if (static_branch_unlikely(&fresh))
		complain("unlikely", n);)
	return n + trace[0];
}
