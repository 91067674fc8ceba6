// SPDX-License-Identifier: MIT
// c: undeclared|use of undeclared
// c++: was not declared|use of undeclared
/* A feature that does not exist is not left to the linker. */
#include <repoint/alternative.h>

int main(void)
{
#ifdef RIGHT
	rp_alternative("nop", "cld", RP_FEATURE_POPCNT);
#else
	rp_alternative("nop", "cld", RP_FEATURE_POPCOUNT);
#endif
	return 0;
}
