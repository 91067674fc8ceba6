// SPDX-License-Identifier: MIT
// c: rp_patchlet_end__nothing
// c++: rp_patchlet_end__nothing
/* What follows a patchlet without an end would be taken for it. */
#include <repoint/ops.h>

#ifdef RIGHT
__asm__(RP_PATCHLET(nothing, 0) "nop" RP_PATCHLET_END(nothing));
#else
__asm__(RP_PATCHLET(nothing, 0) "nop\n.popsection");
#endif

int main(void)
{
	return 0;
}
