// SPDX-License-Identifier: MIT
/* A library with keys; their sites are in the program that is linked with it. */
#include "shared.h"

int linked_one(int x)
{
	return x + 100;
}

int linked_two(int x)
{
	return x + 200;
}

RP_DEFINE_STATIC_CALL(linked_op, linked_one);
RP_EXPORT_STATIC_CALL(linked_op);
RP_DEFINE_STATIC_KEY_TRUE(linked_flag);
RP_EXPORT_STATIC_KEY(linked_flag);
