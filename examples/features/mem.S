/* SPDX-License-Identifier: MIT */
/*
 * Copy and fill by vector registers, with the registers of the instructions
 * that take their place elsewhere.
 *
 * copy_*   in: to %rdi, from %rsi, n %rcx	(rep movsb)
 * fill_*   in: to %rdi, byte %al, n %rcx	(rep stosb)
 *
 * out: none    clobbered: %rdi, %rsi or %rdx, %rcx, %rax, vectors, flags
 * stack: none
 *
 * crc32c_word_table   in: crc %edi, word %rsi    out: %eax
 *          clobbered: %rdi, %rcx, %rdx, flags    stack: none
 *
 * The last bytes are written by a store that overlaps what precedes: no loop
 * has a tail.
 */
#include <repoint/linkage.h>

	.text
RP_FUNC(copy_sse2)
	cmpq	$16, %rcx
	jb	.Lcopy_small
	movups	-16(%rsi,%rcx), %xmm1
	leaq	-16(%rdi,%rcx), %rax
1:	movups	(%rsi), %xmm0
	movups	%xmm0, (%rdi)
	addq	$16, %rsi
	addq	$16, %rdi
	cmpq	%rax, %rdi
	jb	1b
	movups	%xmm1, (%rax)
	ret
.Lcopy_small:
	cmpl	$8, %ecx
	jb	2f
	movq	(%rsi), %rax
	movq	-8(%rsi,%rcx), %rsi
	movq	%rax, (%rdi)
	movq	%rsi, -8(%rdi,%rcx)
	ret
2:	cmpl	$4, %ecx
	jb	3f
	movl	(%rsi), %eax
	movl	-4(%rsi,%rcx), %esi
	movl	%eax, (%rdi)
	movl	%esi, -4(%rdi,%rcx)
	ret
3:	cmpl	$1, %ecx
	jb	5f
	movzbl	(%rsi), %eax
	je	4f
	movzwl	-2(%rsi,%rcx), %esi
	movw	%si, -2(%rdi,%rcx)
4:	movb	%al, (%rdi)
5:	ret
RP_END(copy_sse2)

RP_FUNC(copy_avx2)
	cmpq	$32, %rcx
	jb	copy_sse2
	vmovdqu	-32(%rsi,%rcx), %ymm1
	leaq	-32(%rdi,%rcx), %rax
1:	vmovdqu	(%rsi), %ymm0
	vmovdqu	%ymm0, (%rdi)
	addq	$32, %rsi
	addq	$32, %rdi
	cmpq	%rax, %rdi
	jb	1b
	vmovdqu	%ymm1, (%rax)
	vzeroupper
	ret
RP_END(copy_avx2)

RP_FUNC(fill_sse2)
	movzbl	%al, %eax
	movabsq	$0x0101010101010101, %rdx
	imulq	%rdx, %rax
	cmpq	$16, %rcx
	jb	2f
	movq	%rax, %xmm0
	punpcklqdq %xmm0, %xmm0
	leaq	-16(%rdi,%rcx), %rdx
1:	movups	%xmm0, (%rdi)
	addq	$16, %rdi
	cmpq	%rdx, %rdi
	jb	1b
	movups	%xmm0, (%rdx)
	ret
2:	cmpl	$8, %ecx
	jb	3f
	movq	%rax, (%rdi)
	movq	%rax, -8(%rdi,%rcx)
	ret
3:	cmpl	$4, %ecx
	jb	4f
	movl	%eax, (%rdi)
	movl	%eax, -4(%rdi,%rcx)
	ret
4:	cmpl	$1, %ecx
	jb	6f
	je	5f
	movw	%ax, -2(%rdi,%rcx)
5:	movb	%al, (%rdi)
6:	ret
RP_END(fill_sse2)

RP_FUNC(fill_avx2)
	cmpq	$32, %rcx
	jb	fill_sse2
	vmovd	%eax, %xmm0
	vpbroadcastb %xmm0, %ymm0
	leaq	-32(%rdi,%rcx), %rdx
1:	vmovdqu	%ymm0, (%rdi)
	addq	$32, %rdi
	cmpq	%rdx, %rdi
	jb	1b
	vmovdqu	%ymm0, (%rdx)
	vzeroupper
	ret
RP_END(fill_avx2)

/* Eight times crc = crc >> 8 ^ crc32c_bytes[crc & 0xff], crc ^ word at first. */
RP_FUNC(crc32c_word_table)
	leaq	crc32c_bytes(%rip), %rdx
	movl	%edi, %eax
	xorq	%rsi, %rax
	movl	$8, %ecx
1:	movzbl	%al, %edi
	shrq	$8, %rax
	movl	(%rdx,%rdi,4), %edi
	xorq	%rdi, %rax
	decl	%ecx
	jnz	1b
	ret
RP_END(crc32c_word_table)

	.section .note.GNU-stack, "", @progbits
