/* SPDX-License-Identifier: MIT */
/* A record of a place inside an instruction. */
#include "kernel.h"
	.text

func reads
1:	movl	(%rdi), %eax
	fault	1b + 1, 2f
	ret
2:	xor	%eax, %eax
	ret
end reads
