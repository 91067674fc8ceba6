/* SPDX-License-Identifier: MIT */
/* A function calls what is no function by its type. */
#include "kernel.h"
	.text

	.type	some_code, @notype
some_code:
	ret
	.size	some_code, . - some_code

func calls
	sub	$8, %rsp
	call	some_code
	add	$8, %rsp
	ret
end calls
