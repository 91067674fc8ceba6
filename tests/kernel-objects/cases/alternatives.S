/* SPDX-License-Identifier: MIT */
/* Alternatives that may be: whatever is chosen, one table serves. */
#include "kernel.h"
	.text

func plain
	alternative "movl $1, %eax", "movl $2, %eax"
	ret
end plain

func longer
	alternative "nop", "movabs $0x123456789abc, %rax"
	ret
end longer

func shorter
	push	%rbx
	alternative "movabs $0x123456789abc, %rax", "xor %eax, %eax"
	pop	%rbx
	ret
end shorter

func empty
	alternative "call f; nop"
	sub	$8, %rsp
	alternative "mfence"
	add	$8, %rsp
	ret
end empty

func calls
	sub	$24, %rsp
	alternative "call f", "call g"
	alternative "call f", "nop"
	add	$24, %rsp
	ret
end calls

func tails
	alternative "jmp f", "jmp g"
end tails

func leaves
	alternative "jmp 1f", "nop"
	push	%rbp
	mov	%rsp, %rbp
	alternative "jmp 2f", "jmp 3f"
2:	incl	(%rdi)
3:	pop	%rbp
1:	ret
end leaves

func both_push
	alternative "push %rbx; push %r12", "push %rbx; push %r12; nop; nop"
	call	f
	alternative "pop %r12; pop %rbx", "pop %r12; pop %rbx"
	ret
end both_push

func loop_inside
	alternative "rep movsb; nop; nop", "1: dec %ecx; jnz 1b"
	ret
end loop_inside

func branch_to_site
	test	%edi, %edi
	jz	1f
	nop
1:	alternative "nop", "lfence"
	jmp	2f
	nop
2:	ret
end branch_to_site
