// SPDX-License-Identifier: MIT
/* Tables are for x86-64; stacks of other machines can only be looked at. */
#include <errno.h>

#include <repoint/unwind.h>

int rp_unwind_here(struct rp_unwind_frame *frame)
{
	(void)frame;
	return -ENOTSUP;
}
