// SPDX-License-Identifier: MIT
// c: undefined (reference to|symbol).*rp_key__tramp_call
// c++: undefined (reference to|symbol).*rp_key__tramp_call
/* Nor can it be asked for. */
#include "../text/dso/library.h"

int main(void)
{
#ifdef RIGHT
	return rp_static_call_query(shared_call) == NULL;
#else
	return rp_static_call_query(tramp_call) == NULL;
#endif
}
