/* SPDX-License-Identifier: MIT */
/* Records and annotations as kernels have them; VERSION is 601 or 612. */
	.text
	.globl	function
	.type	function, @function
function:
	call	panic
	nop
	call	do_task_dead
	call	rest_init
	call	weak_one
	call	stuck
	call	switches
1:	call	__SCT__call
	jmp	__x86_indirect_thunk_rax
2:	nop
	nop
	nop
	nop
	nop
3:	mov	(%rdi), %eax
4:	jmp	5f
	nop
5:	ud2
6:	ud2
7:	ret
	jmp	__x86_return_thunk
	.size	function, .-function

	.weak	weak_one
	.type	weak_one, @function
weak_one:
	ud2
	.size	weak_one, .-weak_one

	.type	stuck, @function
stuck:	jmp	stuck
	.size	stuck, .-stuck

/* Does not return, but for a jump through a table: objtool thinks it may. */
	.type	switches, @function
switches:
	cmp	$2, %edi
	ja	8f
	jmp	*table(,%rdi,8)
8:	ud2
9:	jmp	9b
	.size	switches, .-switches

	.type	interpret, @function
interpret:
	jmp	*named(,%rdi,8)
14:	ud2
15:	jmp	15b
	.size	interpret, .-interpret

	.type	left_out, @function
left_out:
	call	10f
10:	pop	%rax
	ret
	.size	left_out, .-left_out

	.section .rodata, "a"
	.p2align 3
table:	.quad	8b, 9b, 8b
	.quad	function

	/* What C calls a table of computed gotos has a name, and its section. */
#if VERSION == 601
	.section .rodata..c_jump_table, "a"
#else
	.section .data.rel.ro.c_jump_table, "aw"
#endif
	.p2align 3
	.type	named, @object
named:	.quad	14b, 15b
	.size	named, .-named

	.section .altinstr_replacement, "ax"
11:	jmp	12f
12:
13:
	.section .altinstructions, "a"
#if VERSION == 601
	.long	2b - ., 11b - .
	.word	0x8000 | 77
	.byte	5, 12b - 11b
	.long	2b - ., 13b - .
	.word	78
	.byte	5, 0
#else
	.long	2b - ., 11b - .
	.word	77, 1
	.byte	5, 12b - 11b
	.long	2b - ., 13b - .
	.word	78, 0
	.byte	3, 0
#endif
	.section __ex_table, "a"
	.long	3b - ., 7b - ., 1
	.section __jump_table, "aw"
	.long	4b - ., 7b - .
	.quad	key - .
	.section .discard.reachable, "", @progbits
	.long	6b - .
	.section .discard.func_stack_frame_non_standard, "", @progbits
	.quad	left_out
	.section .discard.intra_function_calls, "", @progbits
	.long	left_out - .
	.section .discard.retpoline_safe, "", @progbits
	.long	7b - .
	.section .discard.unwind_hints, "", @progbits
	.long	4b - .
	.short	-8
	.byte	5, 2, 1
	.balign	4
	.section .note.GNU-stack, "", @progbits
