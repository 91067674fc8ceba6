#!/bin/bash
# SPDX-License-Identifier: MIT
# What the stack walk finds: each number once where the fault is, and not where
# almost the same code is right.
. "$(dirname "$0")/common.inc"
. "$(dirname "$0")/object-check.inc"
cd "$tmp" || exit 99

# in_f FILE <<assembly: a function f of this, and g and h, which are right
in_f()
{
	{
		cat <<'S'
	.text
	.globl	f
	.type	f, @function
f:
S
		cat
		cat <<'S'
	.ifndef	f_end
f_end:
	.endif
	.size	f, f_end - f
	.p2align 4
	.globl	g
	.type	g, @function
g:	mov	%rdi, %rax
	add	$7, %rax
	ret
	.size	g, . - g
	.section .text.h, "ax", @progbits
	.globl	h
	.type	h, @function
h:	.cfi_startproc
	mov	%rdi, %rax
	add	$7, %rax
	ret
	.cfi_endproc
	.size	h, . - h
S
	} | object "$1"
}

# ---- RP0912 ----

in_f t.o <<'S'
	mov	%rdi, %rax
	add	$1, %rax
S
check "runs on over fill" finds warning 0912 'f+0x3 (.text+0x3)' 'runs on into g' t.o
check "... it is said once, and not of g" \
	[ "$(check_object -v t.o | grep -c RP0912)" -eq 1 ]
in_f t.o <<'S'
	mov	%rdi, %rax
	jmp	g
S
check "jumps there" silent 0912 t.o
falls()
{
	object t.o <<S
#include <repoint/linkage.h>
	.text
RP_FUNC(f)
	$1
	$2
RP_END(f)
RP_FUNC(g, 64)
	add	\$1, %rax
	ret
RP_END(g)
S
}
falls 'mov %rdi, %rax' ''
check "runs on" finds warning 0912 f+0x 'runs on into g' t.o
falls 'mov %rdi, %rax' 'RP_FALLTHROUGH(g)'
check "... as it says" silent 0912 t.o
check "... with its frame gone" silent 0943 t.o
falls 'push %rbx' 'RP_FALLTHROUGH(g)'
check "... with its frame" finds error 0943 f+0x 'goes on into g' t.o

in_f t.o <<'S'
	mov	%rdi, %rax
	nop
S
check "a NOP where a return was" finds warning 0912 f+0x0 'into g' t.o
in_f t.o <<'S'
	mov	%rdi, %rax
f_end:	ret
S
check "the size leaves out the return" \
	finds warning 0912 f+0x0 'code that is in no function' t.o
in_f t.o <<'S'
	mov	%rdi, %rax
	call	exit
S
check "behind a call that may not return" silent 0912 t.o
in_f t.o <<'S'
	mov	%rdi, %rax
	ret
	.section .text.last, "ax", @progbits
	.type	last, @function
last:	mov	%rdi, %rax
	.size	last, . - last
	.text
S
check "to the end of the section" finds warning 0912 last+0x0 'end of its section' t.o
in_f t.o <<'S'
	mov	%rdi, %rax
	ret
	.section rp_patchlet_code, "ax", @progbits
	.type	one, @function
one:	mov	%rdi, %rax
	.size	one, . - one
	.type	two, @function
two:	mov	%rsi, %rax
	.size	two, . - two
	.text
S
check "patchlets, which are copied" silent 0912 t.o

# ---- RP0941 ----

in_f t.o <<'S'
	test	%edi, %edi
	jz	1f
	push	%rax
1:	xor	%eax, %eax
	ret
S
check "one way pushes" finds error 0941 f+0x5 'rsp\+16.*rsp\+8|rsp\+8.*rsp\+16' t.o
in_f t.o <<'S'
	test	%edi, %edi
	jz	1f
	push	%rax
	pop	%rax
1:	xor	%eax, %eax
	ret
S
check "and pops" silent 0941 t.o

# ---- RP0942, RP0943 ----

in_f t.o <<'S'
	push	%rbx
	ret
S
check "returns to a register" finds error 0942 f+0x1 'rsp\+16' t.o
in_f t.o <<'S'
	mov	%rdi, %rbp
	ret
S
check "loses rbp" finds error 0942 f+0x3 'rbp lost' t.o
in_f t.o <<'S'
	push	%rbp
	mov	%rdi, %rbp
	pop	%rbp
	ret
S
check "keeps it" silent 0942 t.o
in_f t.o <<'S'
	sub	$8, %rsp
	jmp	h
S
check "a tail call with a frame" finds error 0943 f+0x4 'rsp\+16' t.o
in_f t.o <<'S'
	sub	$8, %rsp
	call	h
	add	$8, %rsp
	jmp	h
S
check "without" silent 0943 t.o

# A page at a time, until rsp is where r11 points.
probes()
{
	in_f t.o <<S
	.cfi_startproc
	push	%rbp
	.cfi_def_cfa_offset 16
	.cfi_offset rbp, -16
	mov	%rsp, %rbp
	.cfi_def_cfa_register rbp
	push	%rbx
	.cfi_offset rbx, -24
	lea	-0x9000(%rsp), %r11
1:	sub	\$0x1000, %rsp
	orq	\$0, (%rsp)
	cmp	%r11, %rsp
	jne	1b
	mov	%rdi, %rbx
	call	h
	add	\$$1, %rsp
	pop	%rbx
	pop	%rbp
	.cfi_def_cfa rsp, 8
	ret
	.cfi_endproc
S
}
probes 0x9000
check "a large frame that is probed" silent 0942 t.o
check "... nor is anything else" silent 0947 t.o
probes 0x8ff0
check "... and not taken down" finds error 0942 f+ 'rbx at cfa-24' t.o

# There is no way behind a call that does not return.
thrown()
{
	in_f t.o <<S
	.cfi_startproc
	push	%rbp
	.cfi_def_cfa_offset 16
	.cfi_offset rbp, -16
	mov	%rsp, %rbp
	.cfi_def_cfa_register rbp
	call	$1
	jmp	h
	.cfi_endproc
S
}
thrown __cxa_throw
check "a jump that nothing leads to" silent 0943 t.o
thrown h
check "... that something does" finds error 0943 f+0x9 . t.o

in_f t.o <<'S'
	.cfi_startproc
	push	%rbp
	.cfi_def_cfa_offset 16
	.cfi_offset rbp, -16
	mov	%rsp, %rbp
	.cfi_def_cfa_register rbp
	push	%rbx
	.cfi_offset rbx, -24
	sub	$8, %rsp
	mov	%rdi, %rbx
	test	%edi, %edi
	jz	1f
	call	__cxa_throw
	jmp	2f
1:	call	h
2:	add	$8, %rsp
	pop	%rbx
	pop	%rbp
	.cfi_def_cfa rsp, 8
	ret
	.cfi_endproc
S
check "such a jump into what is reached" silent 0941 t.o
in_f t.o <<'S'
	.cfi_startproc
	lea	8(%rsp), %r10
	.cfi_def_cfa r10, 0
	and	$-64, %rsp
	push	-8(%r10)
	push	%rbp
	mov	%rsp, %rbp
	.cfi_escape 0x10, 6, 2, 0x76, 0
	push	%r10
	.cfi_escape 0x0f, 3, 0x76, 0x78, 6
	sub	$56, %rsp
.Lf:	mov	-8(%rbp), %r10
	.cfi_def_cfa r10, 0
	leave
	lea	-8(%r10), %rsp
	.cfi_def_cfa rsp, 8
	ret
	.cfi_endproc
f_end:
	.section .text.unlikely, "ax", @progbits
	.type	f.cold, @function
f.cold:	.cfi_startproc
	.cfi_escape 0x10, 6, 2, 0x76, 0
	.cfi_escape 0x0f, 3, 0x76, 0x78, 6
	mov	%rax, %rdi
	jmp	.Lf
	.cfi_endproc
	.size	f.cold, . - f.cold
	.text
S
check "a part that joins a rounded stack" silent 0941 t.o

# Reloaded by a register that holds what rsp was.
by_rsi()
{
	in_f t.o <<S
	.cfi_startproc
	push	%rbx
	.cfi_def_cfa_offset 16
	.cfi_offset rbx, -16
	mov	%rsp, %rax
	.cfi_def_cfa_register rax
	sub	\$64, %rsp
	and	\$-64, %rsp
	mov	%rax, 24(%rsp)
	.cfi_escape 0x0f, 5, 0x77, 0x18, 6, 0x23, 16
	mov	%rdi, %rbx
	call	h
	mov	24(%rsp), %rsi
	.cfi_def_cfa rsi, 16
	mov	$1(%rsi), %rbx
	.cfi_restore rbx
	lea	8(%rsi), %rsp
	.cfi_def_cfa rsp, 8
	ret
	.cfi_endproc
S
}
by_rsi 0
check "reloaded by another register" silent 0942 t.o
by_rsi 8
check "... from elsewhere" finds error 0942 f+ 'rbx at cfa-16' t.o

# ---- RP0944, RP0945 ----

in_f t.o <<'S'
	mov	%rdi, %rax
	ret
	mov	%rsi, %rax
	ret
S
check "nothing leads there" finds warning 0944 f+0x4 '2 instructions' t.o
in_f t.o <<'S'
	test	%edi, %edi
	jz	1f
	mov	%rdi, %rax
	ret
1:	mov	%rsi, %rax
	ret
S
check "a jump does" silent 0944 t.o
in_f t.o <<'S'
	push	%rbx
	jmp	*%rax
S
check "a jump to anywhere, with a frame" finds warning 0945 f+0x1 'not known' t.o
in_f t.o <<'S'
	push	%rbx
	pop	%rbx
	jmp	*%rax
S
check "a tail call" silent 0945 t.o

# ---- RP0946 ----

in_f t.o <<'S'
	and	$-64, %rsp
	call	h
	ret
S
check "rounded, and no way back" finds error 0946 f+0x0 'rounded' t.o
in_f t.o <<'S'
	mov	%rdi, %rsp
	ret
S
check "another stack" finds error 0946 f+0x0 'not understood' t.o
in_f t.o <<'S'
	push	%rbp
	mov	%rsp, %rbp
	and	$-64, %rsp
	call	h
	leave
	ret
S
check "rounded, with a frame pointer" silent 0946 t.o

# .eh_frame that takes no notice of it is no witness.
for lost in 'mov $0x1000, %rsp' 'xchg %rdi, %rsp' 'lea (%rsp,%rdi), %rsp' \
	'and $-32, %rsp' 'leave'; do
	in_f t.o <<S
	.cfi_startproc
	$lost
	call	h
	ret
	.cfi_endproc
S
	check "$lost, and .eh_frame as before" finds error 0946 f+0x0 . t.o
	check "... no table is made of it" \
		eval '! "$RP_TOOL" object orc t.o >orc.log 2>&1'
done
in_f t.o <<'S'
	.cfi_startproc
	push	%rbx
	.cfi_def_cfa_offset 16
	.cfi_offset rbx, -16
	mov	%rsp, (%rdi)
	mov	(%rsi), %rsp
	pop	%rbx
	.cfi_def_cfa_offset 8
	ret
	.cfi_endproc
S
check "a switch to a stack that was left so" silent 0946 t.o
in_f t.o <<'S'
	.cfi_startproc
	mov	16(%rdi), %rsp
	mov	8(%rdi), %rax
	jmp	*%rax
	.cfi_endproc
S
check "gone for good" silent 0946 t.o

# ---- RP0947 ----

cfi()
{
	in_f t.o <<S
	.cfi_startproc
	push	%rbx
	.cfi_def_cfa_offset $1
	.cfi_offset rbx, $2
	mov	%rdi, %rbx
	pop	%rbx
	.cfi_def_cfa_offset 8
	ret
	.cfi_endproc
S
}
cfi 16 -16
check "right" silent 0947 t.o
cfi 24 -16
check "a wrong offset" finds error 0947 f+0x1 'rsp\+24' t.o
cfi 16 -24
check "a register elsewhere" finds error 0947 f+0x1 'rbx at cfa-24' t.o
in_f t.o <<'S'
	.cfi_startproc
	.cfi_escape 0x02, 2, 0x0e, 16
	mov	%rdi, %rax
	ret
	.cfi_endproc
S
check "rules that change inside an instruction" \
	finds error 0947 f+0x0 '2 bytes into this instruction' t.o
in_f t.o <<'S'
	.cfi_startproc
	push	%rbx
	.cfi_escape 0x3f
	mov	%rdi, %rax
	pop	%rbx
	ret
	.cfi_endproc
S
check "an instruction that there is none" finds error 0947 f+ \
	'cannot be followed: an instruction that is unknown.*\.eh_frame\+0x' t.o
in_f t.o <<'S'
	.cfi_startproc
	push	%rbx
	.cfi_def_cfa_offset 16
	.cfi_escape 0x0b
	pop	%rbx
	.cfi_def_cfa_offset 8
	ret
	.cfi_endproc
S
check "a state restored that none was saved of" \
	finds error 0947 f+ 'makes no sense where it is' t.o
in_f t.o <<'S'
	.cfi_startproc
	push	%rbx
	.cfi_def_cfa_offset 16
	.cfi_offset rbx, -16
	.cfi_remember_state
	pop	%rbx
	.cfi_def_cfa_offset 8
	ret
	.cfi_restore_state
	pop	%rbx
	.cfi_def_cfa_offset 8
	ret
	.cfi_endproc
S
check "saved and restored" silent 0947 t.o
only()
{
	object t.o <<S
	.text
	.type	f, @function
f:	.cfi_startproc
	$1
	mov	%rdi, %rax
	ret
	.cfi_endproc
	.size	f, . - f
S
}
only '.cfi_escape 0x3f'
check "in the only function" finds error 0947 f+0x0 'cannot be followed' t.o
only ''
check "the only function is right" silent 0947 t.o

# .eh_frame tells of the frame's end only where registers are popped; a branch goes
# on with that.
late()
{
	object t.o <<S
	.text
	.globl	f
	.type	f, @function
f:	.cfi_startproc
	push	%rbx
	.cfi_def_cfa_offset 16
	.cfi_offset %rbx, -16
	sub	\$24, %rsp
	.cfi_def_cfa_offset 40
	call	*%rax
	add	\$24, %rsp
	test	%eax, %eax
	je	1f
	.cfi_def_cfa_offset 16
	pop	%rbx
	.cfi_def_cfa_offset 8
	ret
	.cfi_def_cfa_offset 40
1:	cmp	\$2, %edi
	$1
	.cfi_def_cfa_offset 16
	pop	%rbx
	.cfi_def_cfa_offset 8
	ret
	.cfi_endproc
	.size	f, . - f
S
}
late nop
check "later than it is" finds note 0947 f+0xb 'only some instructions later' t.o
check "... behind a branch" finds note 0947 f+0x11 'only some instructions later' t.o
late 'call *%rax'
check "... and a call" finds error 0947 f+0x11 'rsp\+40' t.o

# ---- RP0948, RP0949 ----

in_f t.o <<'S'
	test	%edi, %edi
	jz	1f
	ret
1:	.byte	6
	ret
S
check "no instruction" finds error 0948 f+0x5 '1 byte that is' t.o
in_f t.o <<'S'
	test	%edi, %edi
	jz	1f
	ret
1:	.byte	0x90
	ret
S
check "one" silent 0948 t.o
in_f t.o <<'S'
	test	%edi, %edi
	jz	1f + 1
	ret
1:	mov	%rdi, %rax
	ret
S
check "a jump into an instruction" finds error 0949 f+0x2 'no instruction begins' t.o
in_f t.o <<'S'
	test	%edi, %edi
	jz	1f
	ret
1:	mov	%rdi, %rax
	ret
S
check "to its start" silent 0949 t.o

# ---- RP0951 ----

in_f t.o <<'S'
	mov	%rdi, %rax
	ret
S
check "f has no CFI, h has" finds note 0951 f+0x0 '' t.o
check "h has" [ "$(check_object -v t.o | grep -c ' h+.*RP0951')" -eq 0 ]
only ''
check "all have" silent 0951 t.o

# ---- code without names ----

# Tables of jumps of several functions follow each other, and nothing else says
# where one ends. Their frames differ.
cat >tables.c <<'C'
int a(int), b(int), c(int), d(int), e(int), g(int, int *);
int a(int x) { asm volatile("" ::: "memory"); return x + 1; }
int b(int x) { asm volatile("" ::: "memory"); return x + 2; }
int c(int x) { asm volatile("" ::: "memory"); return x + 3; }
int d(int x) { asm volatile("" ::: "memory"); return x + 4; }
int e(int x) { asm volatile("" ::: "memory"); return x + 5; }
int g(int x, int *p) { asm volatile("" :: "r"(p) : "memory"); return x + 6; }
#define SWITCH(name, size)						\
	__attribute__((noinline, noclone)) int name(int x, int y)	\
	{								\
		int v[size], r = y;					\
		switch (x) {						\
		case 0: r += a(y) * b(x); break;			\
		case 1: r += b(y) * c(x); break;			\
		case 2: r += c(y) * d(x); break;			\
		case 3: r += d(y) * e(x); break;			\
		case 4: r += e(y) * a(x); break;			\
		case 5: r += g(y, v) * a(r); break;			\
		}							\
		return r + g(r, v) + x;					\
	}
int one(int, int), two(int, int), three(int, int);
SWITCH(one, 4) SWITCH(two, 40) SWITCH(three, 400)
int main(int n, char **v)
{
	(void)v;
	return one(n, 1) + two(n, 2) + three(n, 3);
}
C
stripped()
{
	"$CC" -O2 -fno-inline -fno-pie -no-pie "$@" tables.c -o tables -s &&
	for id in 0941 0942 0947; do
		silent $id tables || return
	done
}
check "stripped: tables that follow each other" stripped
check "with frame pointers" stripped -fno-omit-frame-pointer

# other CFA: another function, by .eh_frame, begins behind f's last instruction
other()
{
	object t.o <<S
	.text
	.cfi_startproc
	mov	%rdi, %rax
	$2
	.cfi_endproc
	.cfi_startproc
	.cfi_def_cfa_offset $1
	.ifeq	$1 - 16
	add	\$8, %rsp
	.cfi_def_cfa_offset 8
	.endif
	ret
	.cfi_endproc
S
	"$CC" -nostdlib -static -no-pie -s t.o -o linked -Wl,-e,0 || exit 99
}
other 16 ''
check "runs on, with another stack" finds warning 0912 .text+0x0 \
	'into another function' linked
other 8 ''
check "runs on, with the same" silent 0912 linked
other 16 ret
check "does not run on" silent 0912 linked

# ---- RP0950, RP0952: a kernel's hints ----

# hint TYPE REGISTER: in the format of 6.1
hint()
{
	in_f t.o <<S
	mov	%rdi, %rax
hinted:	push	%rax
	pop	%rax
	ret
	.section .discard.unwind_hints, "a", @progbits
	.long	hinted - .
	.short	8
	.byte	$2, $1, 0
	.balign	4
	.text
S
}
hint 0 0
check "a stack that is not known" finds error 0950 f+0x3 'not known' \
	--abi linux-6.1 t.o
check "... no fault of the hint" silent 0952 --abi linux-6.1 t.o
hint 0 5
check "one that is" silent 0950 --abi linux-6.1 t.o
hint 9 5
check "a hint of no type" finds error 0952 f+0x3 'type 9' --abi linux-6.1 t.o
in_f t.o <<'S'
	mov	%rdi, %rax
	sysretq
	ret
S
check "another context, and no hint" finds error 0952 f+0x3 'hint' \
	--abi linux-6.12 t.o
in_f t.o <<'S'
	mov	%rdi, %rax
	ret
S
check "a return" silent 0952 --abi linux-6.12 t.o

# ---- .eh_frame that ends before its function ----

# ends BEFORE BEHIND [FUNCTION]: the directives end in the middle
ends()
{
	in_f t.o <<S
	.cfi_startproc
	mov	%rdi, %rax
	$1
	.cfi_endproc
	$2
S
}
ends 'add $1, %rax' 'add $2, %rax; ret'
check "an FDE that ends early" \
	finds warning 0947 f+0x7 'says nothing about what is here' t.o
check "... is said once" [ "$(check_object -v t.o | grep -c RP0947)" -eq 1 ]
check "... the others have none" silent 0942 t.o
"$CC" -nostdlib -shared t.o -o t.so || exit 99
check "... in a linked file" \
	finds warning 0947 f+0x7 'says nothing about what is here' t.so
ends 'test %edi, %edi; je 1f; ret' '1: int3'
check "... before a trap" silent 0947 t.o
ends 'add $1, %rax; ret' 'mov %rax, %rdi; mov %rdi, %rax; ret'
check "... before code that nothing leads to" silent 0947 t.o
ends 'mov $56, %eax' 'syscall; ret'
check "... at a system call that may make a child: a note" \
	finds note 0947 f+0x8 'says nothing about what is here' t.o
tap_end
