/* SPDX-License-Identifier: MIT */
/* Where no unwinder finds a way. */
	.text

	/* No CFI, and no way to a `ret` that following the code could find. */
	.globl	odd_lost
	.type	odd_lost, @function
odd_lost:
	pushq	%rbx
	subq	$64, %rsp
1:	pause
	leaq	1b(%rip), %rax
	jmp	*%rax
	.size	odd_lost, . - odd_lost

	/* The stack pointer is something else. */
	.globl	odd_no_stack
	.type	odd_no_stack, @function
odd_no_stack:
	movl	$4096, %esp
1:	pause
	jmp	1b
	.size	odd_no_stack, . - odd_no_stack

	.section .note.GNU-stack, "", @progbits
