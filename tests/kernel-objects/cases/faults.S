/* SPDX-License-Identifier: MIT */
/* What is wrong here both tools say, each in its function. */
#include "kernel.h"
	.text

func modified_return
	push	%rbx
	ret
end modified_return

func modified_return_rbp
	push	%rbp
	mov	%rsp, %rbp
	ret
end modified_return_rbp

func not_restored
	push	%rbp
	mov	%rsp, %rbp
	pop	%rbx
	ret
end not_restored

func modified_tail
	sub	$8, %rsp
	jmp	f
end modified_tail

func modified_tail_conditional
	push	%rbx
	test	%edi, %edi
	jz	f
	pop	%rbx
	ret
end modified_tail_conditional

func mismatch
	test	%edi, %edi
	jz	1f
	push	%rbx
1:	nop
	pop	%rbx
	ret
end mismatch

func mismatch_loop
1:	push	%rbx
	dec	%edi
	jnz	1b
	pop	%rbx
	ret
end mismatch_loop

func falls
	movl	$1, %eax
end falls

func falls_here
	ret
end falls_here

func strange_stack
	push	%rbp
	mov	%rdi, %rsp
	pop	%rbp
	ret
end strange_stack

func masks_stack
	and	$-16, %rsp
	ret
end masks_stack

func one_too_many
	pop	%rax
	ret
end one_too_many

func fine
	push	%rbx
	call	f
	pop	%rbx
	ret
end fine
