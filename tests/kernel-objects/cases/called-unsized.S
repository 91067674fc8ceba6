/* SPDX-License-Identifier: MIT */
/* A call of a function's symbol that has no size. */
#include "kernel.h"
	.text

	.type	unsized, @function
unsized:
	ret

func calls
	sub	$8, %rsp
	call	unsized
	add	$8, %rsp
	ret
end calls
