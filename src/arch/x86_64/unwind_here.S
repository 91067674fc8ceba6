/* SPDX-License-Identifier: MIT */
/*
 * int rp_unwind_here(struct rp_unwind_frame *frame)
 *
 * in:        %rdi frame; callee-saved registers as the caller has them
 * out:       %eax 0; *frame: the caller, after this call returned
 * clobbered: %rax, %rcx, flags
 * stack:     nothing but the return address
 *
 *	memset(frame, 0, sizeof(*frame));
 *	frame->ip = return address;
 *	frame->reg[RP_UNWIND_SP] = %rsp + 8;
 *	frame->reg[RP_UNWIND_BX] = %rbx; ... %rbp, %r12 to %r15
 *	frame->valid = these seven;
 *	return 0;
 */
/* The mark that this is fit for indirect branch tracking. */
#ifdef __CET__
# include <cet.h>
#endif

/* Offsets in struct rp_unwind_frame; the order is that of enum rp_unwind_reg. */
#define IP		0
#define REG(n)		(8 + 8 * (n))
#define VALID		136
#define FLAGS		140
#define TURNS		144
#define RESERVED	148

	.text
	.p2align 4
	.globl	rp_unwind_here
	.type	rp_unwind_here, @function
rp_unwind_here:
	.cfi_startproc
	endbr64
	xorl	%eax, %eax
	movq	(%rsp), %rcx
	movq	%rcx, IP(%rdi)
	movq	%rax, REG(0)(%rdi)	/* rax, rcx, rdx */
	movq	%rax, REG(1)(%rdi)
	movq	%rax, REG(2)(%rdi)
	movq	%rbx, REG(3)(%rdi)
	leaq	8(%rsp), %rcx
	movq	%rcx, REG(4)(%rdi)
	movq	%rbp, REG(5)(%rdi)
	movq	%rax, REG(6)(%rdi)	/* rsi, rdi, r8 to r11 */
	movq	%rax, REG(7)(%rdi)
	movq	%rax, REG(8)(%rdi)
	movq	%rax, REG(9)(%rdi)
	movq	%rax, REG(10)(%rdi)
	movq	%rax, REG(11)(%rdi)
	movq	%r12, REG(12)(%rdi)
	movq	%r13, REG(13)(%rdi)
	movq	%r14, REG(14)(%rdi)
	movq	%r15, REG(15)(%rdi)
	movl	$0xf038, VALID(%rdi)	/* bits 3, 4, 5, 12 to 15 */
	movl	%eax, FLAGS(%rdi)
	movl	%eax, TURNS(%rdi)
	movl	%eax, RESERVED(%rdi)
	ret
	.cfi_endproc
	.size	rp_unwind_here, . - rp_unwind_here

	.section .note.GNU-stack, "", @progbits
