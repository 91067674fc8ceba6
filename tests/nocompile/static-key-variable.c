// SPDX-License-Identifier: MIT
// c: impossible constraint|constraint 'i'|asm operand .* does not match
// c++: reference to local variable|impossible constraint|constraint 'i'|asm operand .* does not match
/* Which key a branch follows is known when it is linked. */
#include <repoint/static_key.h>

RP_DEFINE_STATIC_KEY_ARRAY_FALSE(keys, 4);

int main(int argc, char **argv)
{
	(void)argv;
#ifdef RIGHT
	return rp_static_branch_unlikely(&keys[3]) && argc;
#else
	return rp_static_branch_unlikely(&keys[argc]);
#endif
}
