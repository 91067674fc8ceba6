/* SPDX-License-Identifier: MIT */
/* What the scripts of this directory look at, link and run: x86-64. */
#define RP_LINKAGE_SHORT_NAMES
#include <repoint/linkage.h>

	.text
/* int short_one(int a) { return a; } 3 bytes: shorter than a detour. */
FUNC(short_one)
	movl	%edi, %eax
	ret
END(short_one)

/* int unaligned(int a) { return a + 1; } */
FUNC(unaligned, 1)
	leal	1(%rdi), %eax
	ret
END(unaligned)

/* int helper(int a) { return a + 100; } The other file has one too. */
FUNC_LOCAL(helper)
	leal	100(%rdi), %eax
	ret
END(helper)

/* int with_helper(int a) { return helper(a) + state; } */
FUNC(with_helper, 64)
	call	helper
	addl	state(%rip), %eax
	ret
END(with_helper)

/* int first(int a) { return second(a + 10); } */
FUNC(first)
	addl	$10, %edi
	FALLTHROUGH(second)
END(first)

/* int second(int a) { return a + 1; } */
FUNC(second)
	leal	1(%rdi), %eax
	ret
END(second)

/* int labelled(int a) { return a < 0 ? -1 : early(); } */
FUNC(labelled)
	nop
LABEL(early, 0)
	testl	%edi, %edi
	js	negative
	movl	$1, %eax
	ret
LABEL_LOCAL(negative)
	movl	$-1, %eax
	ret
END(labelled)

/* void unwound(void (*f)(void)) { f(); } */
FUNC(unwound)
	pushq	%rbx
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset %rbx, 0
	callq	*%rdi
	popq	%rbx
	.cfi_adjust_cfa_offset -8
	.cfi_restore %rbx
	ret
END(unwound)

	.data
DATA(counter)
	.long	5
END(counter)
DATA_LOCAL(state, 64)
	.long	7
LABEL(state_second, 4)
	.long	8
END(state)

	.section .rodata
RODATA(letters, 1)
	.ascii	"ab"
END(letters)
RODATA_LOCAL(private_letter)
	.ascii	"c"
END(private_letter)

	.text
/* The dynamic linker and main.c see this one. */
RP_EXPORT(exported)
FUNC(exported)
	movl	letters(%rip), %eax
	ret
END(exported)

/* Nothing of this file follows: the next function is another file's. */
FUNC(last)
	ret
END(last)
