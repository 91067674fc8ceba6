/* SPDX-License-Identifier: MIT */
/* The sites of cases.h; and paddings of each length. */
#include <repoint/alternative.h>
#include "cases.h"

#define FA	RP_FEATURE_SYNTHETIC(0)

.macro label name
	.globl \name
	.hidden \name
\name:
.endm

.macro site name, old, new
	label site_\name
	RP_ALTERNATIVE "\old", "\new", FA
	label end_\name
	ret
	label near_\name
77:	ret
.endm

#define CASE(name, old, new_, built, off, on)	site name, old, new_;

	.section .text.cases, "ax", @progbits
	CASES

/* cld, and as many NOPs; or std and as many. A record of each in @pads. */
.macro pad nr
.Lpad\nr:
	RP_ALTERNATIVE "cld", "std; .skip \nr, 0x90", FA
	ret
	.pushsection .rodata.pads, "a", @progbits
	.long .Lpad\nr - ., \nr
	.popsection
.endm

	.section .rodata.pads, "a", @progbits
	.p2align 2
label pads
	.section .text.pads, "ax", @progbits
	.irp nr, 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20
	pad \nr
	.endr
	.irp nr, 21,22,23,24,25,26,27,28,29,30,31,32,33,34,35,36,37,38,39,40
	pad \nr
	.endr
	.irp nr, 128,129,130,131,200,300,1000,65000
	pad \nr
	.endr
	.section .rodata.pads, "a", @progbits
label pads_end

/* out: what is_data() returns. The kernel's own test of relocation. */
	.text
label selftest
	subq $8, %rsp
	RP_ALTERNATIVE "", "leaq data(%rip), %rdi; call is_data", RP_FEATURE_ALWAYS
	addq $8, %rsp
	ret

	.section .text.far, "ax", @progbits
	.skip 4096, 0xcc
label far
	ret

	.data
	.p2align 6
label data
	.skip 64

	.section .note.GNU-stack, "", @progbits
