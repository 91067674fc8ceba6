#!/bin/bash
# SPDX-License-Identifier: MIT
# Code that is right and looks wrong to a stack walk: compilers' unusual options,
# assembly with rules of its own. Beside each, almost the same that is wrong.
. "$(dirname "$0")/../cli/common.inc"
. "$(dirname "$0")/../cli/object-check.inc"
cd "$tmp" || exit 99

# code FILE.o <<assembly of functions
code()
{
	{
		cat <<'S'
	.text
	.macro	func name
	.globl	\name
	.type	\name, @function
\name:	.cfi_startproc
	.endm
	.macro	done name
	.cfi_endproc
	.size	\name, . - \name
	.p2align 4
	.endm
	func	h
	mov	%rdi, %rax
	ret
	done	h
S
		cat
	} | object "$1"
}

# in_f <<assembly: t.o, with a function f of this
in_f()
{
	{
		echo 'func f'
		cat
		echo 'done f'
	} | code t.o
}

# fine FILE...: no finding of the class but notes
fine()
{
	check_object --only stack,sections "$@" >found
	[ $? -lt 2 ] || { cat found; return 1; }
	cat found
	grep -Eq '^[1-9][0-9]* files?, ' found && ! grep -E '(error|warning):' found
}

# ---- retpolines, in place ----

# retpoline BEFORE INSTRUCTION AFTER
retpoline()
{
	in_f <<S
	$1
	call	1f
0:	pause
	lfence
	jmp	0b
1:	${2-}
	ret
	$3
S
}
retpoline '' 'mov %rax, (%rsp)' ''
check "a tail call through a retpoline" fine t.o
retpoline 'sub $8, %rsp; .cfi_def_cfa_offset 16' 'mov %rax, (%rsp)' ''
check "... with a frame" finds warning 0945 f+0x14 'rsp\+16' t.o
retpoline '' 'lea 8(%rsp), %rsp' ''
check "a return through one" fine t.o
retpoline 'push %rax; .cfi_def_cfa_offset 16' 'lea 8(%rsp), %rsp' ''
check "... with a frame" finds error 0942 f+0x 'rsp\+16' t.o
retpoline '' 'push %rax' ''
check "what looks like one" finds error 0942 f+0x 'rsp\+24' t.o
retpoline 'sub $8, %rsp; .cfi_def_cfa_offset 16; jmp 3f; 2:' \
	'mov %rax, (%rsp)' \
	'3: call 2b; add $8, %rsp; .cfi_def_cfa_offset 8; ret'
check "a call through one" fine t.o
retpoline 'sub $8, %rsp; .cfi_def_cfa_offset 16; jmp 3f; 2:' \
	'mov %rax, (%rsp)' '3: call 2b; ret'
check "... and the frame left" finds error 0942 f+0x 'rsp\+16' t.o

cat >thunk.c <<'C'
extern int (*p)(int), (*q[4])(int);
int h(int);
int one(int x) { return p(x); }
int two(int x) { int r = h(x); return q[x & 3](r); }
int three(int x) { int r = p(x); return h(r) + 1; }
C
# gcc_takes OPTION
gcc_takes()
{
	[ -n "$gcc_cc" ] &&
		echo 'int x;' | "$gcc_cc" "$@" -xc -c -o takes.o - 2>takes.log
}
compiled()
{
	local file=$1 level
	shift
	for level in -O0 -O2 '-O2 -fno-omit-frame-pointer'; do
		"$gcc_cc" $level -w "$@" -c "$file" -o t.o && fine t.o || return
	done
}
if gcc_takes -mindirect-branch=thunk-inline; then
	check "gcc -mindirect-branch=thunk-inline" compiled thunk.c \
		-mindirect-branch=thunk-inline
	check "gcc -mfunction-return=thunk-inline" compiled thunk.c \
		-mfunction-return=thunk-inline
	check "gcc, both" compiled thunk.c -mindirect-branch=thunk-inline \
		-mfunction-return=thunk-inline
else
	skip "gcc's thunks" "no gcc that has them"
fi

# ---- functions that save registers ----

stubs()
{
	in_f <<S
	sub	\$200, %rsp
	.cfi_def_cfa_offset 208
	lea	80(%rsp), %rax
	call	__sse_savms64_14
	.cfi_offset rbx, -200
	.cfi_offset rbp, -208
	mov	%rdi, %rbp
	call	h
	lea	80(%rsp), %rsi
	lea	120(%rsi), %r10
	$1
S
}
stubs 'jmp __sse_resms64x_14'
check "a jump to what takes the frame down" fine t.o
stubs 'jmp h'
check "... to another function" finds error 0943 f+0x 'rsp\+208' t.o
stubs 'call __sse_resms64_14; add $200, %rsp; .cfi_def_cfa_offset 8; ret'
check "restored by a call" fine t.o
stubs 'call h; add $200, %rsp; .cfi_def_cfa_offset 8; ret'
check "... of another function" finds error 0942 f+0x 'rbp at cfa-208' t.o

# ---- the start of a program ----

start()
{
	object t.o <<S
	.text
	.globl	_start
	.type	_start, @function
_start:	$1
	and	\$-16, %rsp
	call	main
	$2
	.size	_start, . - _start
S
}
start 'xor %ebp, %ebp' hlt
check "the start of a program" fine t.o
start 'endbr64; xor %rbp, %rbp' hlt
check "... with a landing" fine t.o
start nop hlt
check "... without its mark" finds error 0946 _start+0x 'rounded' t.o

in_f <<'S'
	test	%edi, %edi
	jz	1f
	hlt
	mov	%rdi, %rax
	mov	%rax, %rdi
	ret
1:	ret
S
check "behind hlt" fine t.o
in_f <<'S'
	mov	$60, %eax
	syscall
S
check "exit" fine t.o
in_f <<'S'
	mov	$39, %eax
	syscall
S
check "getpid" finds warning 0912 f+0x5 'runs on' t.o
object t.o <<'S'
	.section .init, "ax", @progbits
	.globl	_init
	.type	_init, @function
_init:	push	%rax
	.size	_init, 1
S
object u.o <<'S'
	.section .init, "ax", @progbits
	pop	%rax
	ret
S
check "pieces of _init" fine t.o u.o
"$CC" -nostdlib -static -no-pie t.o u.o -o linked -Wl,-e,_init || exit 99
check "... together" fine linked

# ---- out of a frame ----

cat >nested.c <<'C'
int h(int), g(int (*)(int));
int nest(int x)
{
	__label__ a, b;
	int r = 0;
	int in(int y)
	{
		if (y > 3)
			goto a;
		if (y < 1)
			goto b;
		r += y;
		return h(y);
	}
	r += g(in);
	return r;
a:	return -r;
b:	return h(r);
}
C
cat >setjmp.c <<'C'
extern void *buf[5];
int h(int);
int set(int x)
{
	if (__builtin_setjmp(buf))
		return h(x);
	return h(x + 1) + 2;
}
void leap(void)
{
	__builtin_longjmp(buf, 1);
}
C
if [ -n "$gcc_cc" ]; then
	check "gotos out of a nested function" compiled nested.c
	check "... at a fixed address" compiled nested.c -fno-pie
	check "setjmp and longjmp of gcc" compiled setjmp.c
	check "... at a fixed address" compiled setjmp.c -fno-pie
else
	skip "nested functions, setjmp" "no gcc"
fi
# taken CODE: an address in f, which nothing jumps to
taken()
{
	in_f <<S
	lea	$1(%rip), %rax
	mov	%rax, (%rdi)
	ret
1:	mov	%rsi, %rax
	mov	%rax, %rsi
	ret
S
}
taken 1f
check "code whose address is taken" fine t.o
taken h
check "... is not" finds warning 0944 f+0xb '3 instructions' t.o
# The number is the address of what follows, if programs are not moved.
in_f <<'S'
	movq	$0x20018, (%rdi)
	ret
	mov	%rsi, %rax
	mov	%rax, %rsi
	ret
S
for flag in -static -static-pie; do
	"$CC" -nostdlib "$flag" t.o -o "linked$flag" -Wl,-e,f,-Ttext=0x20000 ||
		exit 99
done
check "its address in a program that is not moved" fine linked-static
check "... that is" finds warning 0944 f+0x8 '3 instructions' linked-static-pie
leap()
{
	in_f <<S
	push	%rbp
	.cfi_def_cfa_offset 16
	.cfi_offset rbp, -16
	mov	%rsp, %rbp
	.cfi_def_cfa_register rbp
	mov	8(%rdi), %rax
	$1
	mov	(%rdi), %rbp
	jmp	*%rax
S
}
leap 'mov 16(%rdi), %rsp'
check "a leap" fine t.o
leap 'nop'
check "... with this stack" finds warning 0945 f+ 'rbp' t.o

# __builtin_eh_return: to a frame further out, by a return.
cat >unwind.c <<'C'
void h(void *);
void always(long distance, void *to)
{
	char room[40];

	h(room);
	__builtin_unwind_init();
	__builtin_eh_return(distance, to);
}
long sometimes(long distance)
{
	char room[40];

	h(room);
	if (distance > 5)
		__builtin_eh_return(distance, room);
	h(room + 1);
	return distance + 1;
}
C
for cc in $(compilers); do
	for flags in -O0 -O2 '-O2 -fno-omit-frame-pointer' -Os \
		     '-O2 -fcf-protection'; do
		for tables in -fasynchronous-unwind-tables \
			      -fno-asynchronous-unwind-tables; do
			# shellcheck disable=SC2086
			"$cc" $flags $tables -w -c unwind.c -o t.o || exit 99
			check "unwinding of ${cc##*/} $flags $tables" fine t.o
		done
	done
done

# unwinds PLACE [RESTORE [LAST]]: as gcc and clang do it, where the CFI of both
# says nothing of the new stack
unwinds()
{
	in_f <<S
	push	%rbp
	.cfi_def_cfa_offset 16
	.cfi_offset rbp, -16
	mov	%rsp, %rbp
	.cfi_def_cfa_register rbp
	push	%rbx
	.cfi_offset rbx, -24
	mov	%rdi, %rbx
	mov	%rsi, 8(%rbp, %rbx)
	$1
	${2-mov -8(%rbp), %rbx}
	mov	(%rbp), %rbp
	.cfi_def_cfa rsp, 8
	mov	%rcx, %rsp
	${3-ret}
S
	objcopy --remove-section=.eh_frame --remove-section=.rela.eh_frame \
		t.o bare.o || exit 99
}
unwinds 'lea 8(%rbp, %rbx), %rcx'
check "by hand" fine bare.o
unwinds 'lea (%rbp, %rbx), %rcx; add $8, %rcx'
check "... in two steps" fine bare.o
unwinds 'mov %rbp, %rcx; lea 8(%rcx, %rbx), %rcx'
check "... by a copy of the frame pointer" fine bare.o
unwinds 'lea 8(%rbp, %rbx), %rcx' 'mov %rbx, %rax'
check "... which leaves a register" finds error 0942 f+0x 'rbx at cfa-24' bare.o
unwinds 'lea 8(%rdx, %rbx), %rcx'
check "... to a place that has nothing to do with the frame" \
	finds error 0946 f+0x . bare.o
unwinds 'mov %rdi, %rcx'
check "... to one that is given" finds error 0946 f+0x . bare.o
unwinds 'lea 8(%rbp, %rbx), %rcx' 'mov -8(%rbp), %rbx' 'nop; ret'
check "... and more is done there" finds error 0946 f+0x . bare.o

# without a frame pointer
in_f <<'S'
	push	%rbx
	.cfi_def_cfa_offset 16
	.cfi_offset rbx, -16
	sub	$32, %rsp
	.cfi_def_cfa_offset 48
	mov	%rsi, 40(%rsp, %rdi)
	mov	32(%rsp), %rbx
	lea	40(%rsp, %rdi), %rsp
	.cfi_def_cfa_offset 8
	ret
S
check "... from the stack pointer" fine t.o
in_f <<'S'
	push	%rbx
	.cfi_def_cfa_offset 16
	sub	$32, %rsp
	.cfi_def_cfa_offset 48
	mov	32(%rsp), %rbx
	lea	32(%rsp, %rdi), %rsp
	ret
S
objcopy --remove-section=.eh_frame --remove-section=.rela.eh_frame t.o bare.o
check "... from elsewhere in the frame" finds error 0946 f+0x . bare.o

# a return by a pop and a jump
popped()
{
	in_f <<S
	push	%rbx
	.cfi_def_cfa_offset 16
	.cfi_offset rbx, -16
	mov	%rdi, %rbx
	${1-pop	%rbx}
	.cfi_def_cfa_offset 8
	pop	%rcx
	.cfi_def_cfa_offset 0
	.cfi_register rip, rcx
	jmp	*${2-%rcx}
S
}
popped
check "a return by a pop and a jump" fine t.o
popped 'add $8, %rsp'
check "... with a register that is not restored" \
	finds warning 0945 f+0x 'rbx at cfa-16' t.o
popped 'pop %rbx' %rdx
check "... to elsewhere" finds warning 0945 f+0x 'cfa at rsp\+0' t.o

# Nothing is behind it, in the whole object.
in_f <<'S'
	xchg	%eax, %esp
S
check "a load of rsp as the last instruction" finds error 0946 f+0x0 'stack pointer' t.o

# ---- rules of assembly ----

spared()
{
	in_f <<S
	push	%rbx
	.cfi_def_cfa_offset 16
	.cfi_offset rbx, -16
	push	%r12
	.cfi_def_cfa_offset 24
	.cfi_offset r12, -24
	mov	%rdi, %rbx
	$1
	mov	8(%rsp), %rbx
	add	\$16, %rsp
	.cfi_def_cfa_offset 8
	ret
S
}
spared nop
check "saved, and not changed" fine t.o
spared 'mov %rdi, %r12'
check "... changed" finds error 0942 f+0x 'r12 at cfa-24' t.o

# ways [BEFORE [INSTRUCTION]]: of two returns, one is where rbx is not changed
ways()
{
	in_f <<S
	push	%rbx
	.cfi_def_cfa_offset 16
	.cfi_offset rbx, -16
	${1-nop}
	test	%edi, %edi
	je	2f
1:	mov	%rdi, %rbx
	call	h
	add	%rbx, %rax
	${2-nop}
	pop	%rbx
	.cfi_def_cfa_offset 8
	ret
	.cfi_def_cfa_offset 16
2:	mov	\$1, %eax
	add	\$8, %rsp
	.cfi_def_cfa_offset 8
	ret
S
}
ways
check "changed on another way" fine t.o
ways 'xor %ebx, %ebx'
check "... before that parts" finds error 0942 f+0x 'rbx at cfa-16' t.o
ways nop 'jne 2f'
check "... that leads there" finds error 0942 f+0x 'rbx at cfa-16' t.o
ways nop 'jmp *%rax'
check "... that leads nobody knows where" \
	finds error 0942 f+0x 'rbx at cfa-16' t.o

# copied FIRST SECOND: pushes of copies of rbx and r12, and pops
copied()
{
	in_f <<S
	mov	%rbx, %rax
	mov	%r12, %rcx
	mov	%rcx, %rdx
	push	%rax
	.cfi_def_cfa_offset 16
	.cfi_offset rbx, -16
	push	%rdx
	.cfi_def_cfa_offset 24
	.cfi_offset r12, -24
	mov	%rdi, %rbx
	mov	%rdi, %r12
	lea	(%rbx, %r12), %rax
	pop	$1
	.cfi_def_cfa_offset 16
	pop	$2
	.cfi_def_cfa_offset 8
	ret
S
}
copied %r12 %rbx
check "copies that are pushed" fine t.o
copied %rbx %r12
check "... and popped crosswise" finds error 0942 f+0x 'r12 at cfa-24' t.o
in_f <<'S'
	mov	%rbx, %rax
	mov	%rdi, %rax
	push	%rax
	.cfi_def_cfa_offset 16
	mov	%rdi, %rbx
	pop	%rbx
	.cfi_def_cfa_offset 8
	ret
S
check "... and another value is pushed" finds error 0942 f+0x 'rbx lost' t.o
# late CODE: what is done before the copy is pushed
late()
{
	in_f <<S
	mov	%rbx, %rax
	.cfi_register rbx, rax
	mov	%rdi, %rbx
	$1
	push	%rax
	.cfi_def_cfa_offset 16
	.cfi_offset rbx, -16
	lea	(%rbx, %rbx), %rax
	pop	%rbx
	.cfi_def_cfa_offset 8
	.cfi_restore rbx
	ret
S
}
late 'lea 1(%rbx), %rdx'
check "... only then" fine t.o
late 'call h'
check "... and a call has changed it" finds error 0942 f+0x 'rbx lost' t.o
late 'imul %rdi'
check "... or another instruction" finds error 0942 f+0x 'rbx lost' t.o

inside()
{
	in_f <<S
	sub	\$8, %rsp
	.cfi_def_cfa_offset 16
	call	1f
	add	\$8, %rsp
	.cfi_def_cfa_offset 8
	ret
	.cfi_def_cfa_offset 24
1:	add	%rdi, %rax
	$1
	ret
S
}
inside nop
check "a routine inside a function" fine t.o
inside 'push %rax; .cfi_def_cfa_offset 32'
check "... that leaves what it pushed" finds error 0942 f+0x 'rsp\+32' t.o

gone()
{
	in_f <<S
	test	%edi, %edi
	jz	1f
	push	%rbx
	.cfi_def_cfa_offset 16
	.cfi_offset rbx, -16
	mov	%rdi, %rbx
	$1
	.cfi_restore rbx
2:	add	\$8, %rsp
	.cfi_def_cfa_offset 8
	ret
1:	sub	\$8, %rsp
	.cfi_def_cfa_offset 16
	jmp	2b
S
}
gone 'call x'
check "behind a call that cannot come back" fine t.o
gone 'nop'
check "... not behind a call" finds error 0941 f+0x 'rbx at cfa-16' t.o

# What code without a name stores, and .eh_frame does not speak of.
stored()
{
	object t.o <<S
	.text
	.cfi_startproc
	sub	\$24, %rsp
	.cfi_def_cfa_offset 32
	lea	(%rdi,%rsi), %r13
	mov	%r13, (%rsp)
	$1
	add	(%rsp), %rax
	add	\$24, %rsp
	.cfi_def_cfa_offset 8
	ret
	.cfi_endproc
S
	"$CC" -nostdlib -static -no-pie -s t.o -o linked -Wl,-e,0 || exit 99
}
stored 'lea (%rdx,%rdx), %r13'
check "a value that is stored" fine linked
stored '.cfi_offset r13, -32; mov %rdi, %r13'
check "... said to be saved" finds error 0942 .text+ 'r13 at cfa-32' linked

# Where a way cannot be gone compilers jump to the end of a part: another function's
# begins there. strays TARGET
strays()
{
	object t.o <<S
	.text
	.cfi_startproc
	mov	%rdi, %rax
	test	%edi, %edi
	jz	$1
	ret
	.cfi_endproc
	.p2align 4
	.cfi_startproc
	sub	\$24, %rsp
	.cfi_def_cfa_offset 32
	test	%edi, %edi
	jz	other
	add	\$24, %rsp
	.cfi_def_cfa_offset 8
	ret
	.cfi_endproc
	.p2align 4
	.cfi_startproc
	.cfi_def_cfa_offset 32
other:	mov	%rdi, %rax
inside:	add	\$24, %rsp
	.cfi_def_cfa_offset 8
	ret
	.cfi_endproc
S
	"$CC" -nostdlib -static -no-pie -s t.o -o linked -Wl,-e,0 || exit 99
}
strays other
check "a way that cannot be gone" fine linked
check "... is said" finds note 0912 .text+0x5 'never gone' linked
strays inside
check "a jump into another function" finds error 0947 .text+0x 'rsp\+8' linked

# shared WAY: a return that a way leads to which has saved nothing
shared()
{
	in_f <<S
	test	%edi, %edi
	jz	$1
	push	%rbx
	.cfi_def_cfa_offset 16
	.cfi_offset rbx, -16
	mov	%rdi, %rbx
	call	h
	pop	%rbx
	.cfi_def_cfa_offset 8
1:	${2-}
	ret
S
}
shared 1f
check "a return that is shared" fine t.o
shared 1f 'call h'
check "... and a call before it" finds error 0947 f+0x 'rbx at cfa-16' t.o

given_back()
{
	object t.o <<S
	.text
	.type	f, @function
f:	mov	%rsp, %r10
	and	\$-32, %rsp
	sub	\$64, %rsp
	$1
	ret
	.size	f, . - f
S
}
given_back 'mov %r10, %rsp'
check "rounded, and given back" fine t.o
given_back 'lea 8(%r10), %rsp'
check "... another" finds error 0942 f+0x 'rsp\+0' t.o

rounded()
{
	in_f <<S
	push	%r13
	.cfi_def_cfa_offset 16
	.cfi_offset r13, -16
	lea	16(%rsp), %r13
	.cfi_def_cfa r13, 0
	and	\$-32, %rsp
	push	-8(%r13)
	push	%rbp
	mov	%rsp, %rbp
	.cfi_escape 0x10, 6, 2, 0x76, 0
	push	%r13
	.cfi_escape 0x0f, 3, 0x76, 0x78, 6
	sub	\$24, %rsp
	mov	(%rdi), %r13
	add	\$24, %rsp
	pop	%rdx
	.cfi_def_cfa rdx, 0
	pop	%rbp
	lea	$1(%rdx), %rsp
	.cfi_def_cfa rsp, 16
	pop	%r13
	.cfi_def_cfa_offset 8
	ret
S
}
rounded -16
check "rounded, and another register leads back" fine t.o
rounded -24
check "... elsewhere" finds error 0942 f+0x . t.o

# Signal handlers return to the first byte; unwinders look at the one before.
signal()
{
	object t.o <<S
	.text
	.type	f, @function
f:	ret
	.size	f, . - f
	.byte	0x0f, 0x1f, 0x40	# nopl 0(%rax)
	.cfi_startproc
	$1
	.byte	0
	.type	g, @function
g:	mov	\$15, %rax
	syscall
	.cfi_endproc
	.size	g, . - g
	.p2align 4
S
}
signal .cfi_signal_frame
check "what a signal handler returns to" fine t.o
signal nop
check "... of another kind" finds error 0947 . 'bytes into this' t.o
# ---- a jump that is never gone, to the function's end (clang -O0) ----

# stripped DESTINATION
stripped()
{
	object t.o <<S
	.text
	.type	f, @function
f:	.cfi_startproc
	push	%rbx
	.cfi_def_cfa_offset 16
	.cfi_offset %rbx, -16
	test	%eax, %eax
	jne	1f
	pop	%rbx
	.cfi_def_cfa_offset 8
	ret
	.cfi_def_cfa_offset 16
1:	call	abort@plt
	jmp	$1
	.cfi_endproc
	.size	f, . - f
2:	.p2align 4
	.type	g, @function
g:	.cfi_startproc
3:	mov	%rdi, %rax
	lea	1(%rax), %rax
4:	ret
	.cfi_endproc
	.size	g, . - g
S
	"$CC" -shared -nostdlib t.o -o t.so && strip t.so || exit 99
}
stripped 2f
check "to the fill behind it" fine t.so
stripped 4f
check "... into another function" finds error 0947 .text+ . t.so

tap_end
