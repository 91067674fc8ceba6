/* SPDX-License-Identifier: MIT */
/* Code that is no function of C: hints say what the stack is. */
#include "kernel.h"
	.text

code interrupt
	hint	HINT_PARTIAL HINT_SP 8
	push	%rdi
	push	%rsi
	push	%rdx
	push	%rcx
	push	%rax
	push	%r8
	push	%r9
	push	%r10
	push	%r11
	push	%rbx
	push	%rbp
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	hint	HINT_REGS HINT_SP 0
	mov	%rsp, %rdi
	call	f
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbp
	pop	%rbx
	pop	%r11
	pop	%r10
	pop	%r9
	pop	%r8
	pop	%rax
	pop	%rcx
	pop	%rdx
	pop	%rsi
	pop	%rdi
	hint	HINT_PARTIAL HINT_SP 8
	add	$8, %rsp
	hint	HINT_PARTIAL HINT_SP 0
	iretq
end interrupt

code first
#if LINUX == 601
	hint	HINT_CALL 0 0 1
#else
	hint	HINT_END
#endif
	xor	%ebp, %ebp
	call	f
1:	hlt
	jmp	1b
end first

code bare
#if LINUX == 601
	hint	HINT_CALL 0 0 0
#else
	hint	HINT_UNDEFINED
#endif
	mov	%rsp, %rax
	mov	%rdi, %rsp
	jmp	*%rax
end bare

func as_function
	push	%rbx
	hint	HINT_SAVE
	mov	%rsp, %rax
	push	$0
	push	%rax
	pushfq
	add	$24, %rsp
	hint	HINT_RESTORE
	pop	%rbx
	ret
end as_function

code stub
	hint	HINT_FUNC
	sub	$16, %rsp
	add	$16, %rsp
	ret
end stub

code from_rdi
	hint	HINT_REGS 3 0
	mov	%rdi, %rsp
	hint	HINT_REGS HINT_SP 0
	call	f
	hint	HINT_REGS HINT_SP 0 1
	add	$120, %rsp
	hint	HINT_PARTIAL HINT_SP 0
	iretq
end from_rdi

code other_bases
	hint	HINT_CALL 4 16
	nop
	hint	HINT_CALL 6 0
	nop
	hint	HINT_CALL 9 8
	nop
	hint	HINT_CALL 2 8
	nop
	hint	HINT_CALL 7 8
	ud2
end other_bases

func left_out
	sub	$40, %rsp
	ret
	not_checked left_out
end left_out

func pushes_address
	listed	.discard.intra_function_calls
	call	1f
	int3
1:	add	$8, %rsp
	ret
end pushes_address
