/* SPDX-License-Identifier: MIT */
/* Several variants of one site, and sites that follow each other. */
#include "kernel.h"
	.text

func two_variants
	push	%rbp
	mov	%rsp, %rbp
.Lsite:
	call	f
	.skip	4, 0x90
.Lsite_end:
	variant
.Lfirst:
	xor	%eax, %eax
.Lfirst_end:
.Lsecond:
	call	g
	lfence
.Lsecond_end:
	end_variant
	alt_record .Lsite, (.Lsite_end-.Lsite), .Lfirst, (.Lfirst_end-.Lfirst)
	alt_record .Lsite, (.Lsite_end-.Lsite), .Lsecond, (.Lsecond_end-.Lsecond)
	pop	%rbp
	ret
end two_variants

func stacks
	push	%rbp
.Lpush:
	push	%rbx
	.skip	3, 0x90
.Lpush_end:
	variant
.Lpush1:
	push	%rbx
	nop
.Lpush1_end:
.Lpush2:
	push	%rbx
	lfence
.Lpush2_end:
	end_variant
	alt_record .Lpush, (.Lpush_end-.Lpush), .Lpush1, (.Lpush1_end-.Lpush1)
	alt_record .Lpush, (.Lpush_end-.Lpush), .Lpush2, (.Lpush2_end-.Lpush2)
	alternative "pop %rbx", "pop %rbx; nop"
	pop	%rbp
	ret
end stacks
