/* SPDX-License-Identifier: MIT */
/* Alternatives that no one table can serve: both tools say where. */
#include "kernel.h"
	.text

func pushes_earlier
	alternative "nop; push %rbx; nop", "push %rbx; nop; nop"
	pop	%rbx
	ret
end pushes_earlier

func other_order
	alternative "push %rbx; push %rbp", "push %rbp; push %rbx"
	pop	%rax
	pop	%rax
	ret
end other_order

func moves_more
	alternative "sub $8, %rsp; nop", "nop; sub $8, %rsp"
	add	$8, %rsp
	ret
end moves_more

func one_pushes
	alternative "nop; nop; nop; nop", "push %rbx; pop %rbx"
	ret
end one_pushes

func flags
	alternative "pushf; pop %rax; nop", "xor %eax, %eax"
	push	%rbx
	alternative "nop", "push %rax; popf; nop"
	pop	%rbx
	ret
end flags

func fine
	alternative "push %rbx; nop", "push %rbx; nop"
	pop	%rbx
	ret
end fine
