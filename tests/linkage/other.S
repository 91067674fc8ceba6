/* SPDX-License-Identifier: MIT */
/* Local names as in functions.S; starts without alignment. */
#include <repoint/linkage.h>

	.text
RP_FUNC_LOCAL(helper, 1)
	leal	200(%rdi), %eax
	ret
RP_END(helper)

RP_FUNC(with_other_helper)
	call	helper
	subl	state(%rip), %eax
	ret
RP_END(with_other_helper)

	.data
RP_DATA_LOCAL(state)
	.long	3
RP_END(state)
