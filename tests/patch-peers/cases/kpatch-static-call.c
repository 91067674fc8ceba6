// SPDX-License-Identifier: MIT
// A static call in a function that changes.
//: replaced work
//: binds target:rp_tramp__compute target:trace
//: tables rp_static_call_sites
//: annotated
//: ld @LIB@ -pthread
#include "../peers.h"

#include <repoint/kernel_names.h>

DEFINE_STATIC_CALL(compute, plain_call);

int work(int n)
{
	return static_call(compute)(n) + trace[0] + (OLD(1) NEW(2));
}
