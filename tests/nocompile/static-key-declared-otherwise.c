// SPDX-License-Identifier: MIT
// c: conflicting types|redefinition of .key. with a different type
// c++: conflicting declaration|redefinition of .key. with a different type
/* A key is declared as it is defined. */
#include <repoint/static_key.h>

#ifdef RIGHT
RP_DECLARE_STATIC_KEY_TRUE(key);
#else
RP_DECLARE_STATIC_KEY_FALSE(key);
#endif
RP_DEFINE_STATIC_KEY_TRUE(key);

int main(void)
{
	return !rp_static_branch_likely(&key);
}
