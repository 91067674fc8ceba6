/* SPDX-License-Identifier: MIT */
/* Code that nothing leads to: objtool says it only if all else is well. */
#include "kernel.h"
	.text

func unreachable
	ret
	movl	$1, %eax
	ret
end unreachable

func unreachable_jump
	jmp	1f
	movl	$2, %eax
1:	ret
end unreachable_jump

func after_noreturn
	sub	$8, %rsp
	call	panic
	mov	$3, %eax
	add	$8, %rsp
	ret
end after_noreturn

func padded
	ret
	.byte	0x90, 0x66, 0x90
	nopl	0(%rax)
	int3
	int3
end padded
