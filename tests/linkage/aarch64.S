/* SPDX-License-Identifier: MIT */
/* What aarch64.sh looks at and runs. */
#include <repoint/linkage.h>

	.text
/* int short_one(int a) { return a; } One instruction. */
RP_FUNC(short_one)
	ret
RP_END(short_one)

/* Unreachable, to be one instruction behind an aligned address. */
RP_FUNC_LOCAL(helper, 64)
	add	w0, w0, #100
	ret
RP_END(helper)

/* int with_helper(int a) { return helper(a) + 1; } */
RP_FUNC(with_helper)
	stp	x29, x30, [sp, #-16]!
	.cfi_adjust_cfa_offset 16
	.cfi_rel_offset x30, 8
	.cfi_rel_offset x29, 0
	bl	helper
	add	w0, w0, #1
	ldp	x29, x30, [sp], #16
	.cfi_adjust_cfa_offset -16
	.cfi_restore x30
	.cfi_restore x29
	ret
RP_END(with_helper)

/* int empty(int a) { return second(a); } No instruction at all. */
RP_FUNC(empty)
	RP_FALLTHROUGH(second)
RP_END(empty)

/* int second(int a) { return a + 1; } Far behind the one that falls into it. */
RP_FUNC(second, 64)
	add	w0, w0, #1
	ret
RP_END(second)

/* int jumped(int a) { return by an indirect jump: a + 2; } */
RP_FUNC(jumped, 0)
	adr	x16, landed
	br	x16
RP_LABEL_LOCAL(landed, 0)
	RP_ENDBR
	add	w0, w0, #2
	ret
RP_END(jumped)

	.section .rodata
RP_RODATA(letters, 1)
	.ascii	"ab"
RP_END(letters)

	.text
RP_FUNC(last)
	ret
RP_END(last)
