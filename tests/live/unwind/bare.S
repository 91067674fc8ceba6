/* SPDX-License-Identifier: MIT */
/*
 * Functions without unwind information. In: rdi: function to call, rsi: where to
 * store the return address. All registers that callers expect to be kept are
 * changed before the call.
 */
	.text

	.macro store_return
	movq	(%rsp), %rax
	movq	%rax, (%rsi)
	.endm

	.globl	bare_pushes
	.type	bare_pushes, @function
bare_pushes:
	store_return
	pushq	%rbx
	pushq	%rbp
	pushq	%r12
	pushq	%r13
	subq	$40, %rsp
	movl	$1, %ebx
	movl	$2, %ebp
	movl	$3, %r12d
	movl	$4, %r13d
	call	*%rdi
	testl	%eax, %eax
	je	1f
	addq	$40, %rsp
	popq	%r13
	popq	%r12
	popq	%rbp
	popq	%rbx
	ret
1:	leaq	40(%rsp), %rsp
	popq	%r13
	popq	%r12
	popq	%rbp
	popq	%rbx
	ret
	.size	bare_pushes, . - bare_pushes

	.globl	bare_frame
	.type	bare_frame, @function
bare_frame:
	store_return
	pushq	%rbp
	movq	%rsp, %rbp
	pushq	%rbx
	pushq	%r15
	subq	$500, %rsp
	andq	$-64, %rsp
	movl	$5, %ebx
	movl	$6, %r15d
	call	*%rdi
	leaq	-16(%rbp), %rsp
	popq	%r15
	popq	%rbx
	popq	%rbp
	ret
	.size	bare_frame, . - bare_frame

	/* Its code runs into the next one's, as far as one can see. */
	.globl	bare_noreturn
	.type	bare_noreturn, @function
bare_noreturn:
	store_return
	pushq	%r14
	subq	$16, %rsp
	movl	$7, %r14d
	call	*%rdi
	cmpl	$12345, bare_zero(%rip)
	je	1f
	addq	$16, %rsp
	popq	%r14
	ret
1:	call	bare_stops
	.size	bare_noreturn, . - bare_noreturn

	.type	bare_next, @function
bare_next:
	pushq	%rbx
	xorl	%eax, %eax
	popq	%rbx
	ret
	.size	bare_next, . - bare_next

	/* Does not come back, which only running it would tell. */
	.type	bare_stops, @function
bare_stops:
	movq	bare_zero(%rip), %rax
	jmp	*%rax
	.size	bare_stops, . - bare_stops

	.bss
	.align	8
bare_zero:
	.zero	8

	.section .note.GNU-stack, "", @progbits
