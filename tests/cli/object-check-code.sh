#!/bin/bash
# SPDX-License-Identifier: MIT
# Where code is and where it goes: fill between functions, programs that nothing
# describes, tables of jumps that are damaged, sizes that cannot be right.
. "$(dirname "$0")/common.inc"
. "$(dirname "$0")/object-check.inc"
cd "$tmp" || exit 99

link()
{
	"$CC" -nostdlib -nostartfiles "$@"
}

# ---- zero bytes between functions ----

# filled FILE N: a function, N zero bytes, and a function that it calls; without
# symbols
filled()
{
	object "$1.o" <<S
	.text
	.globl	_start
	.type	_start, @function
_start:	.cfi_startproc
	sub	\$8, %rsp
	.cfi_def_cfa_offset 16
	call	next
	add	\$8, %rsp
	.cfi_def_cfa_offset 8
	ret
	.cfi_endproc
	.size	_start, . - _start
	.skip	$2, 0
	.type	next, @function
next:	.cfi_startproc
	push	%rbp
	.cfi_def_cfa_offset 16
	pop	%rbp
	.cfi_def_cfa_offset 8
	ret
	.cfi_endproc
	.size	next, . - next
S
	link -s "$1.o" -o "$1"
}

for n in 1 2 5 9; do
	filled filled $n
	check "$n zero bytes" expect_status 0 check_object filled
	check "$n zero bytes: nothing is said of them" silent 0948 filled
done

object data.o <<'S'
	.text
	.globl	_start
	.type	_start, @function
_start:	.cfi_startproc
	call	next
	ret
	.cfi_endproc
	.size	_start, . - _start
	.byte	0, 0, 0xe8		# no fill: not zero
	.type	next, @function
next:	.cfi_startproc
	push	%rbp
	.cfi_def_cfa_offset 16
	ret
	.cfi_endproc
	.size	next, . - next
S
link -s data.o -o data
check "what begins behind other bytes is checked" finds error 0942 .text+0xa \
	'returns although' data

# ---- programs that nothing describes ----

cat >plain.c <<'C'
static int g;
__attribute__((noinline)) static int fill(int n, char *p)
{
	for (int i = 0; i < n; i++)
		p[i] = (char)i;
	return p[n - 1];
}
__attribute__((noinline)) static int large(int n)
{
	char buf[512];

	return fill(n & 511, buf) + g;
}
__attribute__((noreturn, noinline)) static void leave(int n)
{
	for (;;)
		g = n;
}
__attribute__((noinline)) static int may_leave(int n)
{
	if (n > 9)
		leave(n);
	return large(n) * 3;
}
void _start(void)
{
	leave(may_leave(3));
}
C
for level in -O0 -O2 -Os; do
	link $level -s -static -fno-pie -fno-asynchronous-unwind-tables \
		-fno-stack-protector plain.c -o plain || exit 99
	check "no symbol and no FDE, $level" expect_status 0 check_object plain
	check "no symbol and no FDE, $level: looked at" \
		eval 'check_object --stats plain 2>&1 |
		      grep -Eq "looked at: [5-9] functions, "'
done

# A function that is called, behind constants that decoding runs over it from.
object behind.o <<'S'
	.text
	.globl	_start
_start:	call	called
	ret
	.p2align 4
	.quad	0x0606060606060606
	.byte	0x48, 0xb8
called:	push	%rbp
	ret
S
link -s behind.o -o behind
check "where a call goes to, code begins" finds note 0942 '.text+0x1b' \
	'returns although' behind
check "... and nothing else is said of the call" silent 0949 behind

# A function that is not called, among others.
object alone.o <<'S'
	.text
	.globl	_start
_start:	call	called
	ret
	.p2align 4
alone:	push	%rbp
	jmp	1f
1:	ret
	.p2align 4
called:	ret
S
link -s alone.o -o alone
check "what is not called is said to be left out" finds note 0948 .text \
	'4 bytes of code .*not looked at' alone
check "... and is no finding" expect_status 0 check_object alone

object nothing.o <<'S'
	.text
	.byte	6, 6, 6, 6
S
check "code that is none at all" finds warning 0948 .text+0x0 \
	'no code of this file is looked at' nothing.o

# A string that the size of the function takes in: "rc4(" is a jump and half of
# something.
printf '.globl f\n.type f, @function\nf: .cfi_startproc\n%s\nret\n.cfi_endproc\n%s\n.size f, . - f\n' \
	'lea 1f(%rip), %rax' '1: .ascii "rc4(8x,int)"; .byte 0x90, 0xc3, 0xc3' | object string.o
check "a string behind a function" finds note 0949 f+0x8 \
	'jump out of its section' string.o
check "... is no error" eval '! check_object string.o | grep "error:"'
printf '.globl f\n.type f, @function\nf: .cfi_startproc\n%s\nret\n.cfi_endproc\n%s\n.size f, . - f\n' \
	'test %rdi, %rdi; je 1f' '1: .ascii "rc4(8x,int)"; .byte 0x90, 0xc3, 0xc3' | object string.o
check "... that is jumped to" finds error 0949 f+0x6 'jump out of its section' string.o

# ---- tables of jumps ----

# table FILE ENTRIES [BOUND [CODE WORD]]: of a switch over 0...BOUND, by distances;
# CODE loads an entry from the table at %rax, and jumps
table()
{
	object "$1" <<S
	.text
	.globl	f
	.type	f, @function
f:	.cfi_startproc
	cmp	\$${3:-2}, %edi
	ja	1f
	mov	%edi, %edi
	lea	table(%rip), %rax
	${4:-movslq (%rax, %rdi, 4), %rdx; add %rax, %rdx; jmp *%rdx}
1:	ret
2:	mov	\$2, %eax
	jmp	1b
3:	mov	\$3, %eax
	jmp	1b
	.cfi_endproc
	.size	f, . - f
	.section .rodata, "a"
	.p2align 3
table:	${5:-.long}	$2
S
}

table t.o '2b - table, 3b - table, 1b - table'
check "a sound table" expect_status 0 check_object t.o
table t.o '2b - table, 3b - table + 2, 1b - table'
check "an entry that leads into an instruction" finds error 0949 f+0x15 \
	'entry at .rodata\+0x4 leads to f\+0x21 .*no instruction begins' t.o
table t.o '2b - table, 3b - table + 2' 1
check "... of two" finds error 0949 f+0x15 'leads to f\+0x21' t.o
table t.o '2b - table, 3b - table' 3
check "fewer entries than the code checks for" finds error 0949 f+0x15 \
	'a table of 4 entries, of which there are 2 at .rodata' t.o

cat >cases.c <<'C'
int e(int);
int f(int n)
{
	switch (n) {
	case 0: return e(1);
	case 1: return e(2) + 4;
	case 2: return e(5) * 2;
	case 3: return 7;
	case 4: return e(n) - 1;
	case 6: return e(9);
	}
	return 0;
}
int g(int n)
{
	switch (n & 7) {
	case 0: return e(1);
	case 1: return e(2) + 4;
	case 2: case 5: return e(5) * 2;
	case 3: return 7;
	case 4: return e(n) - 1;
	case 6: return e(9);
	}
	__builtin_unreachable();
}
C
for cc in $(compilers); do
	for flags in '-O0 -fPIC' '-O1' '-O2 -fPIC' '-O2 -fno-pie' '-O3' '-Os'; do
		# shellcheck disable=SC2086
		"$cc" $flags -c cases.c -o cases.o || exit 99
		check "tables of $(basename "$cc") $flags" \
			expect_status 0 check_object cases.o
	done
done

# wide FILE ENTRIES: of the large code model, distances of 8 bytes
wide()
{
	table "$1" "$2" 2 'add (%rax, %rdi, 8), %rax; jmp *%rax' .quad
}
wide t.o '2b - table, 3b - table, 1b - table'
check "a table of the large code model" expect_status 0 check_object t.o
wide t.o '2b - table, 3b - table + 2, 1b - table'
check "... an entry that leads into an instruction" finds error 0949 f+0x12 \
	'entry at .rodata\+0x8 leads to f\+0x1e .*no instruction begins' t.o
link -shared t.o -o wide.so
check "... of a linked file" finds error 0949 f+0x12 \
	'no instruction begins' wide.so

cat >large.c <<'C'
int e(int);
void v(void);
extern int ext;
static int own;
static __attribute__((noinline)) int s(int a)
{
	own += a;
	return a * own + ext;
}
int tail(int a)
{
	ext = a;
	return e(a + 1);
}
int either(int a)
{
	return a > 3 ? e(a) : s(a - 1);
}
int cases(int a)
{
	switch (a) {
	case 0: return e(3);
	case 1: v(); return 9;
	case 2: return s(4);
	case 3: v(); return 7;
	case 4: ext = 3; return 1;
	case 5: return ext * 2;
	}
	return 0;
}
int loop(int a, int b)
{
	int r = 0;

	for (int i = 0; i < b; i++) {
		switch (a + i) {
		case 10: r += e(3); break;
		case 11: v(); r++; break;
		case 12: r ^= s(4); break;
		case 13: v(); r--; break;
		case 14: ext = 3; r++; break;
		case 15: r = ext * 2; break;
		}
	}
	return r;
}
int computed(int a, int b)
{
	static void *const to[] = { &&x, &&y, &&z };
	int r = b;

	goto *to[a];
x:	r += 3;
	if (r > 100)
		return e(r);
	goto *to[r & 1];
y:	v();
	r--;
	goto *to[2];
z:	return r + s(3);
}
C
for cc in $(compilers); do
	for flags in -O0 -O1 -O2 -Os '-O2 -fcf-protection'; do
		for model in -fno-pie -fPIC; do
			for tables in -fasynchronous-unwind-tables \
				      -fno-asynchronous-unwind-tables; do
				# shellcheck disable=SC2086
				"$cc" -mcmodel=large $flags $model $tables \
					-c large.c -o large.o || exit 99
				check "large, ${cc##*/} $flags $model $tables" \
					expect_status 0 check_object large.o
			done
		done
	done
done

# ---- sizes ----

# sized FILE SIZE
sized()
{
	object "$1" <<S
	.text
	.globl	f
	.type	f, @function
f:	mov	\$1, %eax
	ret
	.size	f, $2
S
}

sized s.o 6
check "a size that is right" silent 0914 s.o
sized s.o 3
check "a size that ends inside an instruction" finds warning 0914 f+0x0 \
	'ends inside an instruction' s.o
sized s.o 100
check "a size beyond the section" finds warning 0914 f+0x0 \
	'beyond the end of its section' s.o

# ---- parts of functions, each in its section ----

if [ -n "$clang_cc" ]; then
	cat >parts.cc <<'C'
void e(int);
int h(int);
struct held { ~held(); int x; };
struct base { virtual int f(int); int a; };
struct derived : virtual base { int f(int) override; };
int derived::f(int a)
{
	held k;

	for (int i = 0; i < a; i++) {
		try {
			held j;

			if (h(i))
				e(i);
			else
				throw a;
		} catch (int n) {
			held q;

			e(n);
		} catch (...) {
			e(2);
			throw;
		}
	}
	try {
		e(2);
	} catch (long l) {
		return (int)l;
	}
	return a;
}
C
	"$clang_cc" -O1 -fbasic-block-sections=all -c parts.cc -o parts.o ||
		exit 99
	check "tables of exceptions of parts" silent 0949 parts.o
fi

tap_end
