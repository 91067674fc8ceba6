/* SPDX-License-Identifier: MIT */
/* The macros of the assembler: each function says which code ran. */
#include <repoint/alternative.h>

#ifdef __CET__
# define ENDBR	endbr64
#else
# define ENDBR
#endif
#define FA	RP_FEATURE_SYNTHETIC(0)
#define FB	RP_FEATURE_SYNTHETIC(1)
#define FC	RP_FEATURE_SYNTHETIC(63)

.macro function name
	.globl \name
	.hidden \name
	.type \name, @function
\name:
	ENDBR
.endm

	.text
function assembly_1
	RP_ALTERNATIVE "movl $1, %eax", "movl $2, %eax; nop", FA
	ret
	.size assembly_1, . - assembly_1

function assembly_2
	RP_ALTERNATIVE_2 "movl $1, %eax", "movl $2, %eax; nop", FA, "movl $3, %eax", FB
	ret
	.size assembly_2, . - assembly_2

/* Sections: the records are ordered by them. */
	.section .text.unlikely.assembly, "ax", @progbits
function assembly_3
	RP_ALTERNATIVE_3 "movl $1, %eax", "movl $2, %eax; nop", FA, "pushq $3; popq %rax", FB, "movl $4, %eax; nop; nop", FC
	ret
	.size assembly_3, . - assembly_3

	.section .text.hot.assembly, "ax", @progbits
function assembly_ternary
	RP_ALTERNATIVE_TERNARY "movl $1, %eax", FA, "movl $3, %eax; nop", "movl $2, %eax"
	ret
	.size assembly_ternary, . - assembly_ternary

	.text
function assembly_not
	RP_ALTERNATIVE "movl $1, %eax", "movl $2, %eax", RP_NOT(FA)
	ret
	.size assembly_not, . - assembly_not

/* Out of the replacement, and within it. */
function assembly_jump
	xorl %eax, %eax
	RP_ALTERNATIVE "jmp .Lone", "xorl %eax, %eax; jz .Lin; jmp .Lone; .Lin: jmp .Ltwo", FB
	ud2
.Ltwo:	movl $2, %eax
	ret
.Lone:	movl $1, %eax
	ret
	.size assembly_jump, . - assembly_jump

	.section .note.GNU-stack, "", @progbits
