/* SPDX-License-Identifier: MIT */
/*
 * Unwind information as assembly writes it, and compilers do not. In: rdi:
 * function to call, rsi: where to store the return address.
 */
	.text

	/* A CFA that is an expression for a while, then a register again: the
	 * offset is that of before the expression, not of the state that was left.
	 * The code tells nothing: it ends in a jump to anywhere. */
	.globl	cfa_by_expression
	.type	cfa_by_expression, @function
cfa_by_expression:
	.cfi_startproc
	movq	(%rsp), %rax
	movq	%rax, (%rsi)
	pushq	%rbp
	.cfi_def_cfa_offset 16
	.cfi_offset %rbp, -16
	movq	%rsp, %rbp
	/* DW_CFA_def_cfa_expression, 2 bytes: DW_OP_breg7 (rsp) 16 */
	.cfi_escape 0x0f, 2, 0x77, 16
	.cfi_remember_state
	nop
	.cfi_def_cfa %rsp, 160
	nop
	.cfi_restore_state
	.cfi_def_cfa_register %rbp
	subq	$32, %rsp
	call	*%rdi
	movq	%rbp, %rsp
	popq	%rbp
	.cfi_def_cfa %rsp, 8
	popq	%rcx
	.cfi_def_cfa_offset 0
	.cfi_register %rip, %rcx
	jmp	*%rcx
	.cfi_endproc
	.size	cfa_by_expression, . - cfa_by_expression

	.section .note.GNU-stack, "", @progbits
