#!/bin/bash
# SPDX-License-Identifier: MIT
# Functions in assembly: with linkage.h, and as people write them.
. "$(dirname "$0")/common.inc"

put linkage/case.S <<'EOT'
#include <repoint/linkage.h>
#ifdef FIXED
# define STEP 100
#else
# define STEP 1
#endif
RP_FUNC(step)
	leal	STEP(%rdi), %eax
	addl	%eax, total(%rip)
	movl	total(%rip), %eax
	ret
RP_END(step)
RP_FUNC(same)
	leal	7(%rdi), %eax
	nopw	(%rax)
	ret
RP_END(same)
	.data
	.type	total, @object
	.size	total, 4
total:	.long	10
	.section .note.GNU-stack,"",@progbits
EOT
put linkage/show.c <<'EOT'
#include "case.h"
int step(int n), same(int n);
void show(void) { int a = step(1); printf("%d %d\n", a, same(1)); }
EOT
replaced=step
try linkage "written with linkage.h" <<EOT
before:
12 8
applied:
113 8
reverted:
115 8
EOT

# Neither type nor size.
put untyped/case.S <<'EOT'
#ifdef FIXED
# define STEP 100
#else
# define STEP 1
#endif
	.text
	.globl	step
step:
	leal	STEP(%rdi), %eax
	nopw	(%rax)
	ret
	.section .note.GNU-stack,"",@progbits
EOT
put untyped/show.c <<'EOT'
#include "case.h"
int step(int n);
void show(void) { printf("%d\n", step(1)); }
EOT
refuse untyped "without type and size" RP0710 "step.*RP_FUNC"

# Entered at a label in its middle.
put entered/case.S <<'EOT'
#ifdef FIXED
# define STEP 100
#else
# define STEP 1
#endif
	.text
	.globl	step
	.type	step, @function
step:
	.cfi_startproc
	incl	%edi
	nopw	(%rax)
middle:
	leal	STEP(%rdi), %eax
	ret
	.cfi_endproc
	.size	step, . - step
	.globl	half
	.type	half, @function
half:
	.cfi_startproc
	nopw	(%rax)
	jmp	middle
	.cfi_endproc
	.size	half, . - half
	.section .note.GNU-stack,"",@progbits
EOT
put entered/show.c <<'EOT'
#include "case.h"
int step(int n), half(int n);
void show(void) { printf("%d %d\n", step(1), half(1)); }
EOT
refuse entered "entered in its middle" RP0708 "step.*half"

put falls-through/case.S <<'EOT'
#ifdef FIXED
# define STEP 100
#else
# define STEP 1
#endif
	.text
	.globl	above
	.type	above, @function
above:
	.cfi_startproc
	incl	%edi
	nopw	(%rax)
	.cfi_endproc
	.size	above, . - above
	.globl	step
	.type	step, @function
step:
	.cfi_startproc
	leal	STEP(%rdi), %eax
	nopw	(%rax)
	ret
	.cfi_endproc
	.size	step, . - step
	.section .note.GNU-stack,"",@progbits
EOT
put falls-through/show.c <<'EOT'
#include "case.h"
int step(int n), above(int n);
void show(void) { printf("%d %d\n", step(1), above(1)); }
EOT
refuse falls-through "another function runs into it" RP0708 "step.*above"

put no-unwind/case.S <<'EOT'
#ifdef FIXED
# define STEP 100
#else
# define STEP 1
#endif
	.text
	.globl	step
	.type	step, @function
step:
	leal	STEP(%rdi), %eax
	nopw	(%rax)
	ret
	.size	step, . - step
	.section .note.GNU-stack,"",@progbits
EOT
put no-unwind/show.c <<'EOT'
#include "case.h"
int step(int n);
void show(void) { printf("%d\n", step(1)); }
EOT
refuse no-unwind "without unwind information" RP0711 "step.*RP_FUNC"

# Too short: the jump would run over the next function. With a landing pad, four
# bytes more.
put short/case.S <<'EOT'
	.text
	.globl	short_function
	.type	short_function, @function
short_function:
	.cfi_startproc
#ifdef FIXED
	leal	100(%rdi), %eax
#else
	movl	%edi, %eax
#endif
	ret
	.cfi_endproc
	.size	short_function, . - short_function
	.section .note.GNU-stack,"",@progbits
EOT
put short/show.c <<'EOT'
#include "case.h"
int short_function(int n);
void show(void) { printf("%d\n", short_function(1)); }
EOT
refuse short "shorter than the detour" RP0707 "short_function: has 3 bytes.*needs 5"

put short-landing/case.S <<'EOT'
	.text
	.globl	short_function
	.type	short_function, @function
short_function:
	.cfi_startproc
	endbr64
#ifdef FIXED
	leal	100(%rdi), %eax
#else
	leal	1(%rdi), %eax
#endif
	ret
	.cfi_endproc
	.size	short_function, . - short_function
	.section .note.GNU-stack,"",@progbits
EOT
cp "$tmp/short/show.c" "$tmp/short-landing"
refuse short-landing "shorter than endbr64 and the detour" RP0707 \
	"short_function: has 8 bytes.*needs 9"

# As long as needed: exactly 5 and 9 bytes. The next function stays whole.
put just-long-enough/case.S <<'EOT'
	.text
	.p2align 4
	.globl	five
	.type	five, @function
five:
	.cfi_startproc
	leal	1(%rdi), %eax
#ifdef FIXED
	addl	$100, %eax
#else
	nop
#endif
	ret
	.cfi_endproc
	.size	five, . - five
	.globl	nine
	.type	nine, @function
nine:
	.cfi_startproc
	endbr64
	leal	2(%rdi), %eax
#ifdef FIXED
	addl	$200, %eax
#else
	nop
#endif
	ret
	.cfi_endproc
	.size	nine, . - nine
	.globl	next
	.type	next, @function
next:
	.cfi_startproc
	leal	3(%rdi), %eax
	ret
	.cfi_endproc
	.size	next, . - next
	.section .note.GNU-stack,"",@progbits
EOT
put just-long-enough/show.c <<'EOT'
#include "case.h"
int five(int n), nine(int n), next(int n);
void show(void) { printf("%d %d %d\n", five(1), nine(1), next(1)); }
EOT
replaced="five nine"
try just-long-enough "detours that just fit" <<EOT
before:
2 3 4
applied:
102 203 4
reverted:
2 3 4
EOT

# Landing pads stay: the detour is behind them.
put landing/case.c <<'EOT'
#include "case.h"
ALONE int work(int n) { LONG_ENOUGH; return n + WAS_IS(1, 100); }
static int (*volatile by_pointer)(int) = work;
void show(void) { printf("%d %d\n", work(1), by_pointer(1)); }
EOT
has_landing()
{
	try_one "$2" "$3" "$4" "$1" &&
	"$REPOINT" patch show "$dir/case.rpp" | grep -q "+4 .*work"
}
cat >"$tmp/landing.want" <<EOT
before:
2 2
applied:
101 101
reverted:
2 2
EOT
kinds=cet replaced=work
variants landing "compiled with -fcf-protection" has_landing "$tmp/landing.want"

tap_end
