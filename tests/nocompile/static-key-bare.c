// SPDX-License-Identifier: MIT
// c: not the address of a static key
// c++: incomplete type|implicit instantiation of undefined template
/* The type of a key says what was built: it may not be taken away. */
#include <repoint/static_key.h>

RP_DEFINE_STATIC_KEY_TRUE(key);

int main(void)
{
#ifdef RIGHT
	return !rp_static_branch_likely(&key);
#else
	return !rp_static_branch_likely(&key.key);
#endif
}
