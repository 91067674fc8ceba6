/* SPDX-License-Identifier: MIT */
/* Calls by name may go anywhere. */
#include "kernel.h"
	.text

code some_code
	ret
end some_code

func something
	nop
	nop
	ret
end something

	.section .text.calls, "ax"
func calls
	sub	$8, %rsp
	call	some_code
	call	something+1
	add	$8, %rsp
	ret
end calls
