// SPDX-License-Identifier: MIT
/* Two functions with one patchlet, which patchlet-d.c defines. */
#include "patchlet.h"

int global_add(int x)
{
	return x + 3;
}

int other_add(int x)
{
	return 3 + x * 1 + (x & 0);
}

RP_OP_PATCHLET(global_add, plus13);
RP_OP_PATCHLET(other_add, plus13);
