/* SPDX-License-Identifier: MIT */
/* A program without any instruction that makes a system call. */
	.globl _start
	.text
_start:
	incq counter(%rip)
	jmp _start

	.bss
	.balign 8
	.globl counter
counter:
	.zero 16
	.section .note.GNU-stack, "", @progbits
