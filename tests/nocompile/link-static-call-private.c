// SPDX-License-Identifier: MIT
// c: undefined (reference to|symbol).*rp_tramp__private_call
// c++: undefined (reference to|symbol).*rp_tramp__private_call
/* What is not exported cannot be called. */
#include "../text/dso/library.h"

RP_DECLARE_STATIC_CALL(private_call, lib_one);

int main(void)
{
#ifdef RIGHT
	return rp_static_call(shared_call)();
#else
	return rp_static_call(private_call)();
#endif
}
