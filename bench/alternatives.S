/* SPDX-License-Identifier: MIT */
/*
 * NR alternatives, one in each 64 bytes, of four sorts in turn: a call that is
 * moved, a RIP-relative operand that is moved, one that is moved and leaves
 * NOPs, and one that is not taken and leaves NOPs.
 *
 * void run_alternatives(void): adds 1 to alternatives_right at each, to
 * alternatives_wrong where the wrong code is in place.
 * in: none    out: none    clobbered: %rax    stack: aligned for a call
 */
#include <repoint/alternative.h>
#include <repoint/linkage.h>

	.section .text.alternatives, "ax", @progbits
RP_FUNC_LOCAL(wrong)
	incq	alternatives_wrong(%rip)
	ret
RP_END(wrong)

RP_FUNC_LOCAL(right)
	incq	alternatives_right(%rip)
	ret
RP_END(right)

/*
 * As RP_ALTERNATIVE, but the records of a block have one section together. With
 * one for each, which assemblers search for by name, NR of them take minutes.
 */
	.macro	alternative old, new, feature
661:	\old
662:	.skip	-(((664f - 663f) - (662b - 661b)) > 0) * ((664f - 663f) - (662b - 661b)), 0x90
665:
	.pushsection rp_alternatives, "ao", @progbits, run_alternatives
	.long	661b - .
	.long	663f - .
	.long	\feature
	.short	665b - 661b
	.short	664f - 663f
	.popsection
	.pushsection rp_alternative_code, "ax", @progbits
663:	\new
664:
	.popsection
	.endm

RP_FUNC(run_alternatives)
	subq	$8, %rsp
	.cfi_adjust_cfa_offset 8
	.rept	NR / 4
	.p2align 6
	alternative "call wrong", "call right", RP_FEATURE_ALWAYS
	.p2align 6
	alternative "leaq alternatives_wrong(%rip), %rax", "leaq alternatives_right(%rip), %rax", RP_FEATURE_ALWAYS
	incq	(%rax)
	.p2align 6
	alternative "call wrong; nopl 0(%rax); nopl 0(%rax)", "incq alternatives_right(%rip)", RP_FEATURE_ALWAYS
	.p2align 6
	alternative "call right", "incq alternatives_wrong(%rip); nopl 0(%rax)", (RP_FEATURE_ALWAYS | 0x10000)
	.endr
	addq	$8, %rsp
	.cfi_adjust_cfa_offset -8
	ret
RP_END(run_alternatives)

	/* As many pages of text that nobody touches but the comparison. */
	.section .text.untouched, "ax", @progbits
	.p2align 12
	.globl	untouched
	.hidden	untouched
untouched:
	.fill	NR * 64, 1, 0xcc
	.p2align 12

	.bss
	.globl	alternatives_right, alternatives_wrong
	.hidden	alternatives_right, alternatives_wrong
	.p2align 3
alternatives_right:
	.skip	8
alternatives_wrong:
	.skip	8

	.section .note.GNU-stack, "", @progbits
