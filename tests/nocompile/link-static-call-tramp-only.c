// SPDX-License-Identifier: MIT
// c: undefined (reference to|symbol).*rp_key__tramp_call
// c++: undefined (reference to|symbol).*rp_key__tramp_call
/* What exports the trampoline only can be called, not updated. */
#include "../text/dso/library.h"

int main(void)
{
#ifdef RIGHT
	return rp_static_call(tramp_call)();
#else
	return rp_static_call_update(tramp_call, NULL);
#endif
}
