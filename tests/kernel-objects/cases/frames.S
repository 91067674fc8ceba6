/* SPDX-License-Identifier: MIT */
/* Stacks as assembly writes them. */
#include "kernel.h"
	.text

func frame
	push	%rbp
	mov	%rsp, %rbp
	sub	$64, %rsp
	push	%rbx
	push	%r12
	call	f
	lea	-80(%rbp), %rsp
	pop	%r12
	pop	%rbx
	leave
	ret
end frame

func stored
	sub	$56, %rsp
	mov	%rbx, 40(%rsp)
	mov	%rbp, 48(%rsp)
	mov	%r12, 32(%rsp)
	call	f
	mov	32(%rsp), %r12
	mov	40(%rsp), %rbx
	mov	48(%rsp), %rbp
	add	$56, %rsp
	ret
end stored

func by_lea
	lea	-32(%rsp), %rsp
	mov	%rbp, 24(%rsp)
	xor	%ebp, %ebp
	call	f
	mov	24(%rsp), %rbp
	lea	32(%rsp), %rsp
	ret
end by_lea

func drap
	lea	8(%rsp), %r10
	and	$-64, %rsp
	push	-8(%r10)
	push	%rbp
	mov	%rsp, %rbp
	push	%r10
	sub	$120, %rsp
	call	f
	add	$120, %rsp
	pop	%r10
	pop	%rbp
	lea	-8(%r10), %rsp
	ret
end drap

func drap_r13
	push	%r13
	lea	16(%rsp), %r13
	and	$-32, %rsp
	push	-8(%r13)
	push	%rbp
	mov	%rsp, %rbp
	push	%r13
	sub	$40, %rsp
	call	f
	add	$40, %rsp
	pop	%r13
	pop	%rbp
	lea	-16(%r13), %rsp
	pop	%r13
	ret
end drap_r13

func other_stack
	push	%rbp
	mov	%rsp, %rbp
	mov	%rsp, (%rdi)
	mov	%rdi, %rsp
	call	f
	pop	%rsp
	pop	%rbp
	ret
end other_stack

func saved_sp
	mov	%rsp, %rax
	push	%rax
	push	%rcx
	add	$16, %rsp
	ret
end saved_sp

func many
	push	%r15
	push	%r14
	push	%r13
	push	%r12
	push	%rbp
	push	%rbx
	sub	$0x1000, %rsp
	test	%edi, %edi
	js	1f
	call	f
1:	add	$0x1000, %rsp
	pop	%rbx
	pop	%rbp
	pop	%r12
	pop	%r13
	pop	%r14
	pop	%r15
	ret
end many

func faults
1:	mov	(%rdi), %rax
	ret
2:	mov	$-14, %eax
	ret
	fault	1b, 2b
end faults

func faults_in_frame
	push	%rbx
	sub	$16, %rsp
1:	mov	(%rdi), %rbx
	mov	%rbx, %rax
3:	add	$16, %rsp
	pop	%rbx
	ret
2:	mov	$-14, %eax
	jmp	3b
	fault	1b, 2b
end faults_in_frame

func branches
	sub	$8, %rsp
1:	nopl	0(%rax, %rax)
	call	f
2:	add	$8, %rsp
	ret
3:	call	g
	jmp	2b
	static_branch 1b, 3b, key
end branches

	.section .init.text, "ax", @progbits
func first_init
	push	%rbx
	pop	%rbx
	ret
end first_init

	.section .noinstr.text, "ax", @progbits
func alone
	ret
end alone

	.text
alias = frame
	.globl	alias
	.type	alias, @function
	.size	alias, . - frame

	.bss
	.globl	key
key:	.quad	0
