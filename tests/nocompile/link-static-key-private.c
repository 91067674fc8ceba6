// SPDX-License-Identifier: MIT
// c: undefined (reference to|symbol).*rp_static_key__private_key
// c++: undefined (reference to|symbol).*rp_static_key__private_key
/* What is not exported cannot be imported. */
#include "../text/dso/library.h"

#ifdef RIGHT
# define key_name	shared_off
#else
# define key_name	private_key
#endif
#define IMPORT(name)	RP_IMPORT_STATIC_KEY_FALSE(name)

IMPORT(key_name);

int main(void)
{
	return rp_static_branch_unlikely(&key_name);
}
