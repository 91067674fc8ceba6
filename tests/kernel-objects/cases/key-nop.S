/* SPDX-License-Identifier: MIT */
/* Static keys' jumps of which the kernel's build makes NOPs, and others. */
#include "kernel.h"
	.text

func is_nop
	push	%rbx
1:	jmp	2f
	static_branch 1b, 2f, key + 2
	ret
2:	jmp	f
end is_nop

func is_jump
	push	%rbx
1:	jmp	2f
	static_branch 1b, 2f, key
	ret
2:	jmp	f
end is_jump

func goes_by_record
1:	.byte	0xeb, 1
	static_branch 1b, 2f, key + 3
	movl	$1, %eax
2:	ret
end goes_by_record
