/* SPDX-License-Identifier: MIT */
/* A call that is not a variant's first instruction: 6.1 cannot move it, and
   both tools say so; 6.12 can. */
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
	lfence
	call	g
.Lsecond_end:
	end_variant
	alt_record .Lsite, (.Lsite_end-.Lsite), .Lfirst, (.Lfirst_end-.Lfirst)
	alt_record .Lsite, (.Lsite_end-.Lsite), .Lsecond, (.Lsecond_end-.Lsecond)
	pop	%rbp
	ret
end two_variants
