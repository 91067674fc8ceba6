/* SPDX-License-Identifier: MIT */
/*
 * 16384 functions, each x + 1, each on a line of its own: t_aaaa to t_dppp.
 *
 * uint64_t t_????(uint64_t x): in: %rdi    out: %rax    clobbered: none
 */
	.text
	.p2align 6
	.globl chain_targets
	.hidden chain_targets
chain_targets:
	.irpc a, abcd
	.irpc b, abcdefghijklmnop
	.irpc c, abcdefghijklmnop
	.irpc d, abcdefghijklmnop
	.globl t_\a\b\c\d
	.hidden t_\a\b\c\d
	.type t_\a\b\c\d, @function
t_\a\b\c\d:
	.cfi_startproc
	lea 1(%rdi), %rax
	ret
	.cfi_endproc
	.size t_\a\b\c\d, . - t_\a\b\c\d
	.p2align 6, 0xcc
	.endr
	.endr
	.endr
	.endr
	.section .note.GNU-stack, "", @progbits
