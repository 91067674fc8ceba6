/* SPDX-License-Identifier: MIT */
/* A jump table. With SWAP its entries are exchanged, and nothing else. */
#ifdef SWAP
#define FIRST	.Ltwo
#define SECOND	.Lone
#else
#define FIRST	.Lone
#define SECOND	.Ltwo
#endif

	.text
	.globl	main
	.type	main, @function
main:
	endbr64
	and	$1, %edi
	lea	.Ltable(%rip), %rdx
	movslq	(%rdx,%rdi,4), %rax
	add	%rdx, %rax
	jmp	*%rax
.Lone:
	mov	$1, %eax
	ret
.Ltwo:
	mov	$2, %eax
	ret
	.size	main, . - main

	.section .rodata
	.long	7
.Ltable:
	.long	FIRST - .Ltable
	.long	SECOND - .Ltable

	.section .note.GNU-stack, "", @progbits
