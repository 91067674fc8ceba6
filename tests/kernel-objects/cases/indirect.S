/* SPDX-License-Identifier: MIT */
/* objtool: --retpoline --rethunk */
/* check: retpoline */
/* Indirect branches in assembly: some are said to be safe. */
#include "kernel.h"
	.text

func through_register
	sub	$8, %rsp
	call	*%rax
	call	*(%rdi)
	listed	.discard.retpoline_safe
	call	*%rcx
	call	__x86_indirect_thunk_rax
	add	$8, %rsp
	jmp	__x86_return_thunk
end through_register

func jumps
	jmp	*%rax
end jumps

func jumps_safely
	listed	.discard.retpoline_safe
	jmp	*%rax
end jumps_safely

func jumps_by_thunk
	jmp	__x86_indirect_thunk_rdx
end jumps_by_thunk

func naked
	ret
end naked

func naked_safely
	listed	.discard.retpoline_safe
	ret
end naked_safely

func conditional
	test	%edi, %edi
	jz	__x86_return_thunk
	jmp	__x86_indirect_thunk_r11
end conditional
