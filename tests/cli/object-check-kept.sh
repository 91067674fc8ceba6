#!/bin/bash
# SPDX-License-Identifier: MIT
# Registers that callees keep: RP0953, overwritten and not saved; RP0954,
# overwritten where they are saved. And code that does almost that, and is right.
. "$(dirname "$0")/common.inc"
. "$(dirname "$0")/object-check.inc"
cd "$tmp" || exit 99

# in_f <<assembly: t.o, with a function f of this, and h
in_f()
{
	{
		cat <<'S'
	.text
	.globl	f
	.type	f, @function
f:	.cfi_startproc
S
		cat
		cat <<'S'
	.cfi_endproc
	.size	f, . - f
	.p2align 4
	.globl	h
	.type	h, @function
h:	.cfi_startproc
	mov	%rdi, %rax
	add	$7, %rax
	ret
	.cfi_endproc
	.size	h, . - h
S
	} | object t.o
}

# framed BYTES <<assembly: between what saves rbx and what restores it
framed()
{
	{
		cat <<S
	push	%rbx
	.cfi_def_cfa_offset 16
	.cfi_offset rbx, -16
	sub	\$$1, %rsp
	.cfi_def_cfa_offset 16 + $1
S
		cat
		cat <<S
	add	\$$1, %rsp
	.cfi_def_cfa_offset 16
	pop	%rbx
	.cfi_def_cfa_offset 8
	ret
S
	} | in_f
}

# ---- RP0953 ----

# All ways to write one, wholly or in part.
while read -r register insn; do
	in_f <<S
	$insn
	ret
S
	check "$insn" finds error 0953 f+0x0 "overwrites $register," t.o
done <<'S'
rbx mov %rdi, %rbx
rbx mov $1, %bl
rbx mov $1, %bh
rbx xor %ebx, %ebx
rbx lea 8(%rdi), %rbx
rbx movzbl %dil, %ebx
rbx xchg %rax, %rbx
rbx cpuid
rbx mulx %rdi, %rbx, %rax
rbx movq %xmm0, %rbx
rbx vmovd %xmm0, %ebx
rbx pmovmskb %xmm0, %ebx
rbx vpmovmskb %ymm0, %ebx
rbx popcnt %rdi, %rbx
rbx andn %rdi, %rsi, %rbx
rbx rdrand %rbx
rbx setz %bl
r12 mov %rdi, %r12
r12 mov %dil, %r12b
r13 mov (%rdi), %r13d
r14 imul $3, %rdi, %r14
r15 movabs $0x123456789abcdef0, %r15
r15 cvttsd2si %xmm0, %r15
S

in_f <<'S'
	test	%edi, %edi
	jz	1f
	mov	%rdi, %rbx
	call	h
1:	xor	%eax, %eax
	ret
S
check "on one way" finds error 0953 f+0x4 'f\+0xe .*returns' t.o
check "... once" [ "$(grep -c RP0953 found)" -eq 1 ]
in_f <<'S'
	mov	%rdi, %rbx
	jmp	h
S
check "a jump to another function" finds error 0953 f+0x0 'f\+0x3' t.o
in_f <<'S'
	mov	%rdi, %rbx
	jmp	*%rsi
S
check "... that is not known" finds error 0953 f+0x0 'f\+0x3' t.o
framed 16 <<'S'
	mov	%rdi, %r12
	call	h
S
check "another one is saved" finds error 0953 f+0x5 'overwrites r12,' t.o
check "... which is right" silent 0954 t.o
in_f <<'S'
	push	%rbx
	.cfi_def_cfa_offset 16
	.cfi_offset rbx, -16
	mov	%rdi, %rbx
	pop	%rbx
	.cfi_def_cfa_offset 8
	mov	%rdi, %rbx
	ret
S
check "once more behind the pop" finds error 0953 f+0x5 'overwrites rbx,' t.o
in_f <<'S'
	xor	%ebx, %ebx
	mov	%rbx, %rax
	mov	%rax, %rbx
	ret
S
check "what is copied is not the caller's" finds error 0953 f+0x0 . t.o

# kept HOW BACK...: rbx and r12 are put elsewhere, changed, and restored
kept()
{
	local how=$1
	shift
	in_f <<S
	$how
	mov	%rdi, %rbx
	mov	%rdi, %r12
	lea	(%rbx, %r12), %rdx
	$(printf '%s\n\t' "$@")
	ret
S
}
kept 'mov %rbx, %rax; mov %r12, %rcx' 'mov %rax, %rbx' 'mov %rcx, %r12'
check "kept in other registers" silent 0953 t.o
kept 'mov %rbx, %rax; mov %r12, %rcx' 'mov %rax, %r12' 'mov %rcx, %rbx'
check "... crosswise" finds error 0953 f+0x 'overwrites rbx' t.o
check "... both" finds error 0953 f+0x 'overwrites r12' t.o
kept 'mov %rbx, %rax; mov %r12, %rcx' 'mov %rcx, %rsi; xchg %rax, %rsi' \
	'mov %rsi, %rbx' 'mov %rax, %r12'
check "... by more registers" silent 0953 t.o
kept 'mov %rbx, %rsi; push %r12; .cfi_def_cfa_offset 16; .cfi_offset r12, -16' \
	'xchg %rsi, %rbx' 'pop %r12; .cfi_def_cfa_offset 8'
check "... one by xchg" silent 0953 t.o
kept 'movq %rbx, %xmm1; mov %r12, %rcx' 'movq %xmm1, %rbx' 'mov %rcx, %r12'
check "... in a vector register" silent 0953 t.o
kept 'mov %rbx, %rax; mov %r12, %rcx' 'mov (%rdi), %rbx' 'mov %rcx, %r12'
check "... where it is not looked for" finds error 0953 f+0x 'overwrites rbx' t.o
kept 'mov %rbx, %rax; mov %r12, (%rsi)' 'call h' 'mov %rax, %rbx' \
	'mov (%rsi), %r12'
check "... where a call changes it" finds error 0953 f+0x 'overwrites rbx' t.o

# table MOV: in a case of a switch
table()
{
	in_f <<S
	lea	.Ltable(%rip), %rax
	cmp	\$1, %edi
	ja	2f
	mov	%edi, %edi
	movslq	(%rax, %rdi, 4), %rcx
	add	%rcx, %rax
	jmp	*%rax
1:	mov	\$7, $1
2:	ret
	.section .rodata
	.p2align 2
.Ltable: .long	1b - .Ltable, 2b - .Ltable
	.text
S
}
table %r12d
check "through a table of jumps" finds error 0953 f+0x17 'overwrites r12,' t.o
sed 's/\.cfi_.*//' t.S >bare.S
"$CC" -c bare.S -o bare.o || exit 99
check "and no .eh_frame at all" finds error 0953 f+0x17 'overwrites r12,' bare.o
table %r8d
check "one that needs no saving" silent 0953 t.o

framed 16 <<'S'
	mov	%rdi, %rbx
	call	h
S
check "saved" silent 0953 t.o
in_f <<'S'
	mov	%rbx, -8(%rsp)
	.cfi_offset rbx, -16
	mov	%rdi, %rbx
	mov	-8(%rsp), %rbx
	.cfi_restore rbx
	ret
S
check "saved below the stack pointer" silent 0953 t.o
for last in ud2 'call abort'; do
	in_f <<S
	mov	%rdi, %rbx
	$last
S
	check "never returns: $last" silent 0953 t.o
done
in_f <<'S'
	xchg	%rbx, %rbx
	mov	%r12, %r12
	ret
S
check "the same value" silent 0953 t.o
in_f <<'S'
1:	xchg	%rbx, %rsi
	cpuid
	xchg	%rbx, %rsi
	dec	%edi
	jnz	1b
	ret
S
check "kept in another register, in a loop" silent 0953 t.o
in_f <<'S'
	mov	%rbx, 8(%rdi)
	mov	%r12, 16(%rdi)
	mov	%rsi, %rbx
	mov	%rsi, %r12
	mov	8(%rdi), %rbx
	mov	16(%rdi), %r12
	ret
S
check "kept in memory elsewhere" silent 0953 t.o
in_f <<'S'
	movq	%rbx, %xmm5
	mov	%rsi, %rbx
	movq	%xmm5, %rbx
	ret
S
check "kept in a vector register" silent 0953 t.o
in_f <<'S'
	mov	%rbx, %r8
	.cfi_register rbx, r8
	cpuid
	lea	(%r8), %rbx
	.cfi_restore rbx
	ret
S
check ".eh_frame says where" silent 0953 t.o
for use in 'add $1, %rbx' 'inc %rbx' 'not %rbx' 'bswap %rbx' 'xadd %rax, %rbx'; do
	in_f <<S
	$use
	ret
S
	check "changed: $use" finds error 0953 f+0x0 'overwrites rbx,' t.o
done
for use in 'add (%r14), %rdi' 'mov %r14, %rax' 'add %r14, %rax' 'inc %r14' \
	'cmp %rdi, %r14'; do
	in_f <<S
	$use
	mov	%rdi, %rbx
	ret
S
	check "another convention: $use" silent 0953 t.o
done
in_f <<'S'
	mov	(%rsi), %rbx
	mov	8(%rsi), %r12
	mov	%rsp, (%rdi)
	mov	16(%rsi), %rsp
	ret
S
check "another stack, and its registers" silent 0953 t.o
in_f <<'S'
	mov	%rdi, %rbx
	ret
S
check "not of a kernel" silent 0953 --abi linux-6.12 t.o
check "not if the class is left out" silent 0953 --skip stack t.o

# ---- RP0954 ----

# In a frame of 16 bytes rbx is at 16(%rsp), in one of 96 far from there.
while read -r insn; do
	framed 16 <<S
	mov	%rdi, %rbx
	$insn
S
	check "$insn" finds error 0954 f+0x8 "the caller's rbx on the stack" t.o
	framed 96 <<S
	mov	%rdi, %rbx
	$insn
S
	check "... below it" silent 0954 t.o
done <<'S'
mov %rax, 16(%rsp)
mov %al, 23(%rsp)
movl $1, 20(%rsp)
mov %rax, 9(%rsp)
movups %xmm0, 4(%rsp)
vmovups %ymm0, -8(%rsp)
vmovups %zmm0, -40(%rsp)
vmovups %zmm0, -32(%rsp)
incq 16(%rsp)
setz 16(%rsp)
fstpt 12(%rsp)
xchg %eax, 16(%rsp)
lock xadd %eax, 16(%rsp)
lock orl $1, 16(%rsp)
lock andl $-2, 16(%rsp)
andb $0x7f, 16(%rsp)
S
while read -r insn; do
	framed 16 <<S
	mov	%rdi, %rbx
	$insn
S
	check "$insn" silent 0954 t.o
done <<'S'
mov 16(%rsp), %rax
cmpq $0, 16(%rsp)
lock orq $0, 16(%rsp)
lock andl $-1, 16(%rsp)
andq $-1, 16(%rsp)
andb $0xff, 16(%rsp)
andw $0xffff, 16(%rsp)
movups %xmm0, (%rsp)
mov %rax, 8(%rsp)
mov %rax, %fs:16(%rsp)
mov %rax, 16(%rsp, %rdi)
lea 16(%rsp), %rax
S

framed 16 <<'S'
	mov	%rax, 24(%rsp)
S
check "the return address" finds error 0954 f+0x5 'return address' t.o
framed 16 <<'S'
	mov	%rax, 32(%rsp)
S
check "an argument" silent 0954 t.o

# popped N FRAME: what is pushed at the frame's bottom goes to N(%rsp)
popped()
{
	framed "$2" <<S
	xor	%ebx, %ebx
	push	(%rdi)
	.cfi_adjust_cfa_offset 8
	pop	$1(%rsp)
	.cfi_adjust_cfa_offset -8
S
}
popped 16 16
check "pop, by the stack pointer behind it" finds error 0954 f+0x9 "caller's rbx" t.o
popped 24 16
check "... the return address" finds error 0954 f+0x9 'return address' t.o
popped 8 16
check "... below" silent 0954 t.o
popped 32 16
check "... an argument" silent 0954 t.o
in_f <<'S'
	push	(%rdi)
	.cfi_def_cfa_offset 16
	pop	8(%rsp)
	.cfi_def_cfa_offset 8
	ret
S
check "... without a frame" silent 0954 t.o
in_f <<'S'
	push	%rdi
	.cfi_def_cfa_offset 16
	pop	(%rsp)
	.cfi_def_cfa_offset 8
	ret
S
check "... the return address there" finds error 0954 f+0x1 'return address' t.o

in_f <<'S'
	add	$8, %rsp
	.cfi_def_cfa_offset 0
	push	%rdi
	.cfi_def_cfa_offset 8
	ret
S
check "a push for the return address" finds error 0954 f+0x4 'return address' t.o
for take in 'pop %rax' 'mov (%rsp), %rax; add $8, %rsp'; do
	in_f <<S
	$take
	.cfi_def_cfa_offset 0
	push	%rax
	.cfi_def_cfa_offset 8
	ret
S
	check "... that it pushes again: $take" silent 0954 t.o
done

# with_rbp DISPLACEMENT
with_rbp()
{
	in_f <<S
	push	%rbp
	.cfi_def_cfa_offset 16
	.cfi_offset rbp, -16
	mov	%rsp, %rbp
	.cfi_def_cfa_register rbp
	push	%rbx
	.cfi_offset rbx, -24
	sub	%rdi, %rsp
	mov	%rax, $1(%rbp)
	mov	-8(%rbp), %rbx
	leave
	.cfi_def_cfa rsp, 8
	ret
S
}
with_rbp -8
check "by the frame pointer" finds error 0954 f+ "the caller's rbx" t.o
with_rbp 0
check "... the frame pointer" finds error 0954 f+ "the caller's rbp" t.o
with_rbp 8
check "... the return address" finds error 0954 f+ 'return address' t.o
with_rbp -16
check "... below" silent 0954 t.o

# ---- registers that are variables of the whole program ----

cat >global.c <<'C'
register long variable asm("r15");
void set(long a)
{
	variable = a;
}
void add(void)
{
	variable++;
}
C
if [ -n "$gcc_cc" ]; then
	for level in -O0 -O2; do
		for tables in -fasynchronous-unwind-tables \
			      -fno-asynchronous-unwind-tables; do
			"$gcc_cc" -g $level $tables -fPIC -c global.c -o t.o || exit 99
			check "a global register variable, $level $tables" \
				expect_status 0 check_object t.o
		done
	done
	"$gcc_cc" -g -O2 -fPIC -shared -nostdlib t.o -o t.so || exit 99
	check "... in a linked file" expect_status 0 check_object t.so
	echo 'long other(long a) { return a; }' >other.c
	"$gcc_cc" -g -c other.c -o other.o && ld -r other.o t.o -o both.o ||
		exit 99
	check "... in two joined objects" expect_status 0 check_object both.o
	sed 's/r15/r14/; s/variable++/asm("xor %%r15d, %%r15d" : : )/' global.c \
		>asm.c
	"$gcc_cc" -g -O2 -c asm.c -o t.o || exit 99
	check "... and another register" finds error 0953 add+0x 'r15' t.o
	check "... once" [ "$(check_object t.o | grep -c RP0953)" -eq 1 ]
	"$gcc_cc" -O2 -c global.c -o t.o || exit 99
	check "... which nothing shows" finds error 0953 set+0x 'r15' t.o
else
	skip "global register variables" "no gcc"
fi

# A call leaves nothing below the stack pointer.
below()
{
	in_f <<S
	mov	%rbx, -16(%rsp)
	.cfi_offset rbx, -24
	mov	%rdi, %rbx
	$1
	mov	-16(%rsp), %rbx
	.cfi_restore rbx
	ret
S
}
below 'call h'
check "a call" finds error 0954 f+ "the caller's rbx" t.o
below nop
check "none" silent 0954 t.o
tap_end
