/* SPDX-License-Identifier: MIT */
/* A call of a label, which is no symbol to objtool. */
#include "kernel.h"
	.text

func calls
	sub	$8, %rsp
	call	inside
	add	$8, %rsp
	ret
inside:
	ret
end calls
