// SPDX-License-Identifier: MIT
// c: undefined (reference to|symbol).*rp_key__private_call
// c++: undefined (reference to|symbol).*rp_key__private_call
/* What is not exported cannot be updated. */
#include "../text/dso/library.h"

RP_DECLARE_STATIC_CALL(private_call, lib_one);

int main(void)
{
#ifdef RIGHT
	return rp_static_call_update(shared_call, lib_two);
#else
	return rp_static_call_update(private_call, lib_two);
#endif
}
