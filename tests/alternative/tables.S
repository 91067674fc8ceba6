/* SPDX-License-Identifier: MIT */
/* Records written by hand, most of them wrong, each beside a good one. */
#include <repoint/cpu.h>

.macro label name
	.globl \name
	.hidden \name
\name:
.endm

/* Exported under the one name, referred to by the other. */
.macro function name, local
	.globl \name
	.type \name, @function
\name:
\local:
.endm

.macro record site, new, len, new_len, feature=RP_FEATURE_ALWAYS
	.long \site - ., \new - .
	.long \feature
	.short \len, \new_len
.endm

.macro table name
	.section .rodata.tables, "a", @progbits
	.p2align 4
label table_\name
	record .Lgood, good_new, 5, 5
.endm

.macro end_table name
label end_\name
.endm

/* ---- the code ---- */

	.text
function good, .Lgood
	movl $1, %eax
	ret
good_new:
	movl $2, %eax

function site, .Lsite		/* 5 + 5 + 2 + 3 bytes */
	movl $1, %eax
	movl $2, %ecx
	xorl %edx, %edx
	addl $4, %eax
	ret
new:	movl $11, %eax
	movl $12, %ecx
	movl $13, %edx

/* A distance of ours that goes into the four bytes of a constant. */
middle:	jz 1f
	.byte 0xb8		/* movl $..., %eax */
1:	.long 0x01010101

/* Into the middle of an instruction of the outer site, which stays. */
old_middle:
	.byte 0xe9
	.long .Lsite + 11 - (. + 4)

cut:	movl $11, %eax
none:	.byte 0x06, 0x90, 0x90

near:	jz 1f
	nop
	nop
1:	nop

/* The site would have it 2 GiB and a little away. */
operand:
	.byte 0x8b, 0x05, 0xf0, 0xff, 0xff, 0x7f

	.section .text.zzz_far, "ax", @progbits
	.skip 4096, 0xcc
far_near:
	jz .Lbehind_far_near
	.skip 3, 0x90
.Lbehind_far_near:
	.byte 0x8b, 0x05, 0x80, 0xf0, 0xff, 0x7f

	.data
data:	.skip 64

/* ---- the tables ---- */

	table feature_range
	record .Lsite, new, 5, 5, RP_FEATURE_NR
	end_table feature_range

	table feature_last
	record .Lsite, new, 5, 5, 0xffff
	end_table feature_last

	table flags
	record .Lsite, new, 5, 5, (RP_FEATURE_ALWAYS | 0x20000)
	end_table flags

	table longer
	record .Lsite, new, 5, 10
	end_table longer

	table site_data
	record data, new, 5, 5
	end_table site_data

	table site_end
	record .Lsite, new, 65535, 5
	end_table site_end

	table new_data
	record .Lsite, data, 5, 5
	end_table new_data

	table new_end
	record .Lsite, (.Lsite + 0x10000000), 5, 5
	end_table new_end

	table overlap
	record .Lsite, new, 10, 10
	record (.Lsite + 5), new, 7, 5
	end_table overlap

	table overlap_apart
	record .Lsite, new, 10, 10
	record .Lgood, good_new, 5, 5
	record (.Lsite + 5), (new + 10), 7, 5
	end_table overlap_apart

	table inner_last
	record .Lsite, new, 12, 10
	record (.Lsite + 5), new, 5, 5
	end_table inner_last

	table into_own_middle
	record .Lsite, middle, 10, 7
	end_table into_own_middle

	table into_old_middle
	record (.Lsite + 5), old_middle, 5, 5
	record .Lsite, new, 15, 15, 0
	end_table into_old_middle

	table truncated
	record .Lsite, cut, 5, 4
	end_table truncated

	table no_instruction
	record .Lsite, none, 5, 3
	end_table no_instruction

	table no_reach
	record .Lsite, far_near, 5, 2
	end_table no_reach

	table no_reach_operand
	record .Lsite, (.Lbehind_far_near), 10, 6
	end_table no_reach_operand

	table too_many
	.rept 65
	record .Lsite, new, 5, 5
	.endr
	end_table too_many

	table size
	record .Lsite, new, 5, 5
	.long 0
	end_table size

/* What is still right. */
	table right
	.rept 64
	record .Lsite, new, 5, 5
	.endr
	record (.Lsite + 5), (new + 5), 5, 5, (RP_FEATURE_ALWAYS | 0x10000)
	end_table right

/* Writable: to be mutated. */
	.data
	.p2align 4
label table_mutable
	record .Lgood, good_new, 5, 5
	record (.Lsite + 5), (new + 5), 5, 5
	record (.Lsite + 10), near, 5, 5, 32
	record .Lsite, new, 10, 10, (33 | 0x10000)
	record .Lsite, new, 15, 10
label end_mutable

	.section .note.GNU-stack, "", @progbits
