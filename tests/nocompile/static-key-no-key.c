// SPDX-License-Identifier: MIT
// c: not the address of a static key
// c++: incomplete type|implicit instantiation of undefined template
/* A branch takes the address of a key, not of anything. */
#include <repoint/static_key.h>

RP_DEFINE_STATIC_KEY_FALSE(key);
struct no_key { struct rp_static_key key; };
extern struct no_key other;

int main(void)
{
#ifdef RIGHT
	return rp_static_branch_unlikely(&key);
#else
	return rp_static_branch_unlikely(&other);
#endif
}
