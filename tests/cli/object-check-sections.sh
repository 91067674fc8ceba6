#!/bin/bash
# SPDX-License-Identifier: MIT
# Places inside functions that others refer to, symbols without type or size,
# sections of one name; and what looks like these and is none.
. "$(dirname "$0")/common.inc"
. "$(dirname "$0")/object-check.inc"
cd "$tmp" || exit 99

# in_f FILE <<assembly: beside a function f, with a label inside at +0x7
in_f()
{
	{
		cat <<'S'
	.text
	.globl	f
	.type	f, @function
f:	.cfi_startproc
	mov	%rdi, %rax
	add	$7, %eax
	nop
inside:	add	$1, %rax
	ret
	.cfi_endproc
	.size	f, . - f
S
		cat
	} | object "$1"
}

g='	.globl	g
	.type	g, @function
g:	.cfi_startproc'
g_end='	.cfi_endproc
	.size	g, . - g'

# ---- RP0911 ----

in_f t.o </dev/null
check "nobody refers to it" silent 0911 t.o
in_f t.o <<S
	.section .text.g, "ax", @progbits
$g
	jmp	inside
$g_end
S
check "a jump from another section" finds warning 0911 'f+0x7 (.text+0x7)' \
	'g\+0x0 \(\.text\.g\+0x0\) branches here' t.o
in_f t.o <<S
	.section .text.g, "ax", @progbits
$g
	test	%edi, %edi
	jz	inside
	jmp	f
$g_end
S
check "a conditional one" finds warning 0911 f+0x7 'g\+0x2 ' t.o
check "a jump to the function itself is none" \
	[ "$(check_object -v t.o | grep -c RP0911)" -eq 1 ]
in_f t.o <<S
	.section .text.g, "ax", @progbits
$g
	call	inside
	ret
$g_end
S
check "a call" finds warning 0911 f+0x7 'g\+0x0 ' t.o
in_f t.o <<S
	.section .text.g, "ax", @progbits
$g
	lea	inside(%rip), %rax
	ret
$g_end
S
check "its address" finds warning 0911 f+0x7 'g\+0x0 .* takes the address' t.o
in_f t.o <<S
	.section .text.g, "ax", @progbits
$g
	lea	f(%rip), %rax
	lea	f_end(%rip), %rdx
	ret
$g_end
	.set	f_end, inside + 5
S
check "addresses of start and end" silent 0911 t.o
in_f t.o <<'S'
	.section .data.rel.ro, "aw", @progbits
	.quad	f, inside
S
check "data" finds warning 0911 f+0x7 '\.data\.rel\.ro\+0x8 refers' t.o
in_f t.o <<'S'
	.section my_table, "a", @progbits
	.long	inside - .
S
check "a table of its own" finds warning 0911 f+0x7 'my_table\+0x0 refers' t.o
in_f t.o <<'S'
	.section __ex_table, "a", @progbits
	.long	inside - .
	.section .debug_mine, "", @progbits
	.quad	inside
	.section __patchable_function_entries, "a", @progbits
	.quad	inside
S
check "tables about code" silent 0911 t.o
in_f t.o <<S
	.p2align 4
$g
	jmp	inside
$g_end
S
check "from the same section: a note" finds note 0911 f+0x7 'g\+0x0 ' t.o
in_f t.o <<'S'
	.globl	inside
S
check "a global label: a note" finds note 0911 f+0x7 'global label inside' t.o

cat >switch.c <<'C'
int a(int), b(int), c(int), d(int), e(int), g(int);
int f(int x, int y);
int f(int x, int y)
{
	static const void *const labels[] = { &&one, &&two, &&three };

	switch (x) {
	case 0: return a(y); case 1: return b(y); case 2: return c(y);
	case 3: return d(y); case 4: return e(y); case 5: return g(y);
	}
	goto *labels[y];
one:	a(x);
two:	b(x);
three:	return c(x);
}
C
for cc in $(compilers); do
	for flags in -O0 -O2 "-O2 -fPIC" "-O2 -fno-pie" \
	    "-O2 -ffunction-sections -fPIC"; do
		"$cc" -g $flags -c switch.c -o switch.o || exit 99
		check "$(basename "$cc") $flags: jump tables, labels" \
			silent 0911 switch.o
	done
done
if command -v g++ >/dev/null; then
	cat >throw.cc <<'C'
void may(int); void other();
void f(int x) { try { may(x); } catch (int y) { may(y); other(); } }
C
	g++ -O2 -g -ffunction-sections -c throw.cc -o throw.o || exit 99
	check "landing pads" silent 0911 throw.o
fi
cat >cold.c <<'C'
__attribute__((cold)) void bad(int);
int f(int x); int f(int x) { if (x > 3) { bad(x); bad(x + 1); } return x + 7; }
C
"$CC" -O2 -freorder-blocks-and-partition -c cold.c -o cold.o || exit 99
check "hot and cold parts" silent 0911 cold.o

# ---- RP0913, RP0914 ----

object t.o <<'S'
	.text
	.globl	untyped
untyped: mov	%rdi, %rax
	ret
	.size	untyped, . - untyped
	.p2align 4
	.type	unsized, @function
unsized: mov	%rdi, %rax
	ret
S
check "without type" finds warning 0913 untyped+0x0 '\.type untyped, @function' \
	t.o
check "without size" finds warning 0914 unsized+0x0 '\.size unsized' t.o
check "with size" [ "$(check_object -v t.o | grep -c 'untyped.*RP0914')" -eq 0 ]
check "with type" [ "$(check_object -v t.o | grep -c 'unsized.*RP0913')" -eq 0 ]
object t.o <<'S'
#define RP_LINKAGE_SHORT_NAMES
#include <repoint/linkage.h>
	.text
FUNC(f)
.Llocal: mov	%rdi, %rax
LABEL(inner)
	add	$7, %rax
	ret
END(f)
S
check "RP_FUNC: type" silent 0913 t.o
check "RP_FUNC: size" silent 0914 t.o

# ---- RP0915 ----

two()
{
	object t.o <<S
	.section $1
	.type	f, @function
f:	ret
	.size	f, . - f
	.section $2
	.type	g, @function
g:	ret
	.size	g, . - g
S
}
two '.text.a, "ax", @progbits, unique, 1' '.text.a, "ax", @progbits, unique, 2'
check "two sections of one name" finds warning 0915 'g+0x0 (.text.a' 'have one name' t.o
two 'mine, "ax", @progbits, unique, 1' 'mine, "aw", @progbits, unique, 2'
check "with other flags" finds error 0915 mine 'other flags' t.o
two '.text.a, "axG", @progbits, a, comdat' '.text.a, "axG", @progbits, b, comdat'
check "in two groups" silent 0915 t.o
two '.text.a, "ax", @progbits' '.text.b, "ax", @progbits'
check "of two names" silent 0915 t.o
check "-ffunction-sections" silent 0915 switch.o
tap_end
