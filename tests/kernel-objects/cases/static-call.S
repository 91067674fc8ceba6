/* SPDX-License-Identifier: MIT */
/* Calls of trampolines as assembly and clang write them. */
#include "kernel.h"
	.text

func called
	sub	$8, %rsp
	call	__SCT__far
	call	__SCT__local
	add	$8, %rsp
	jmp	__SCT__far
end called

func conditional
	test	%edi, %edi
	jne	__SCT__far
	js	__SCT__local
	ret
end conditional

func over_itself
	call	__SCT__local
	test	%eax, %eax
	jz	over_itself
	ret
end over_itself

	.section .static_call.text, "ax", @progbits
func __SCT__local
	.byte	0xe9
	.long	called - . - 4
	.byte	0x0f, 0xb9, 0xcc
end __SCT__local

	.section .init.text, "ax", @progbits
func in_init
	jmp	__SCT__local
end in_init

	.data
	.quad	__SCK__far
	.globl	__SCK__local
	.type	__SCK__local, @object
__SCK__local:
	.quad	0, 1
	.size	__SCK__local, 16
