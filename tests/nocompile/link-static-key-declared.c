// SPDX-License-Identifier: MIT
// c: undefined (reference to|symbol).*shared_off|hidden symbol .*shared_off
// c++: undefined (reference to|symbol).*shared_off|hidden symbol .*shared_off
/* A key of another object is imported, not declared. */
#include "../text/dso/library.h"

#ifdef RIGHT
RP_IMPORT_STATIC_KEY_FALSE(shared_off);
#else
RP_DECLARE_STATIC_KEY_FALSE(shared_off);
#endif

int main(void)
{
	return rp_static_branch_unlikely(&shared_off);
}
