#!/bin/bash
# SPDX-License-Identifier: MIT
# What compilers make of functions: clones, parts, inlined copies.
. "$(dirname "$0")/common.inc"

# has_symbols PATTERN... CASE COMPILER KIND, then as try_with: the compiler did
# what the case is about
with_symbols()
{
	local patterns=$1 want=$2 pattern
	shift 2
	build "$@" || return 1
	for pattern in $patterns; do
		nm "$target" | grep -q "$pattern" ||
			{ echo "no symbol like $pattern"; return 1; }
	done
	try_one "$@" "$want"
}

# try_clones CASE WHAT PATTERNS: as try(), with symbols that have to be there
try_clones()
{
	local want=$tmp/$1.want
	cat >"$want"
	variants "$1" "$2" with_symbols "$3" "$want"
}

# A part that is cold, and stays so: both halves move.
put cold/case.c <<'EOT'
#include "case.h"
#include <stdlib.h>
__attribute__((cold, noinline)) static void complain(int n)
{
	printf("complaint %d\n", n);
}
ALONE int checked(int n)
{
	if (n > 3) {
		complain(n * WAS_IS(1, 100));
		n = -n + WAS_IS(0, 5);
	}
	return n + 1;
}
void show(void) { int a = checked(OPAQUE(2)); printf("%d %d\n", a, checked(OPAQUE(7))); }
EOT
compilers=gcc replaced=checked
try_clones cold "function with a cold part" "checked.cold" <<EOT
before:
complaint 7
3 -6
applied:
complaint 700
3 -1
reverted:
complaint 7
3 -6
EOT

# Only what is in the cold part changes.
put only-cold/case.c <<'EOT'
#include "case.h"
__attribute__((cold, noinline)) static void complain(const char *s)
{
	printf("complaint %s\n", s);
}
ALONE int checked(int n)
{
	if (n > 3) {
		complain(WAS_IS("old", "new"));
		n = -n;
	}
	return n + 1;
}
void show(void) { int a = checked(OPAQUE(2)); printf("%d %d\n", a, checked(OPAQUE(7))); }
EOT
compilers=gcc replaced=complain.constprop
try_clones only-cold "change in the cold part" "checked.cold" <<EOT
before:
complaint old
3 -6
applied:
complaint new
3 -6
reverted:
complaint old
3 -6
EOT

# A cold part that is shorter than a detour: nobody enters it but its function.
put short-cold/case.c <<'EOT'
#include "case.h"
ALONE int checked(const volatile int *p, int n)
{
	if (__builtin_expect(n > 3, 0)) {
		if (!p)
			return *p;
		__builtin_trap();
	}
	return n + WAS_IS(1, 100);
}
void show(void) { printf("%d\n", checked(NULL, OPAQUE(2))); }
EOT
compilers=gcc replaced=checked
try_clones short-cold "a short cold part" "checked.cold" <<EOT
before:
3
applied:
102
reverted:
3
EOT

# Scalar replacement: the function takes members instead of the struct.
put isra/case.c <<'EOT'
#include "case.h"
struct box { int a, b, c, d; };
static NOINLINE int sum(struct box *box, int n)
{
	static int calls = 0;
	calls++;
	return box->b + box->d * WAS_IS(1, 100) + calls;
}
ALONE int use(int x)
{
	struct box box = { x, x + 1, x + 2, x + 3 };
	return sum(&box, x);
}
ALONE int use_again(int x)
{
	struct box box = { x, 2 * x, 3 * x, 4 * x };
	return sum(&box, x);
}
void show(void) { int a = use(OPAQUE(1)); printf("%d %d\n", a, use_again(OPAQUE(10))); }
EOT
compilers=gcc replaced=sum.constprop.0.isra
try_clones isra ".isra" "sum.*isra" <<EOT
before:
7 62
applied:
405 4024
reverted:
11 66
EOT

# Constant propagation: a clone for one value, and the function itself.
put constprop/case.c <<'EOT'
#include "case.h"
static NOINLINE int mix(int x, int how, int add)
{
	static int calls = 0;
	calls += 1;
	for (int i = 0; i < x; i++)
		__asm__ volatile("" ::: "memory");
	if (how == 3)
		return x * WAS_IS(2, 20) + add + calls;
	return x - how + calls;
}
ALONE int one(int x) { return mix(x, 3, 7); }
ALONE int two(int x) { return mix(x + 1, 3, 7); }
void show(void) { int a = one(OPAQUE(1)); printf("%d %d\n", a, two(OPAQUE(10))); }
EOT
compilers=gcc replaced=mix.constprop
try_clones constprop ".constprop" "mix.constprop" <<EOT
before:
10 31
applied:
30 231
reverted:
14 35
EOT

# Partial inlining: the test is inlined, the rest is a part of its own.
put part/case.c <<'EOT'
#include "case.h"
extern int printed(const char *format, ...) __asm__("printf");
static int work(int *p)
{
	if (__builtin_expect(!p, 1))
		return 0;
	int n = *p;
	for (int i = 0; i < 3; i++) {
		n += printed("w%d ", n) + WAS_IS(0, 100);
		n ^= printed("x%d ", n);
		n -= printed("y%d ", n);
	}
	*p = n;
	return n;
}
ALONE int one(int *p) { return work(p); }
ALONE int two(int *p) { return work(p) + 1; }
ALONE int three(int *p) { return work(p) + 2; }
void show(void)
{
	int a = OPAQUE(1), b = OPAQUE(2);
	printf("%d ", one(OPAQUE((int *)0)));
	printf("%d ", one(OPAQUE(&a)));
	printf("%d ", two(OPAQUE(&b)));
	printf("%d\n", three(OPAQUE((int *)0)));
}
EOT
compilers=gcc replaced=work.part
try_clones part ".part" "work.part" <<EOT
before:
0 w1 x4 y7 w4 x7 y4 w1 x4 y7 4 w2 x5 y6 w3 x6 y5 w2 x5 y6 4 2
applied:
0 w1 x104 y109 w104 x209 y212 w207 x312 y317 312 w2 x105 y108 w103 x208 y213 w208 x313 y316 312 2
reverted:
0 w1 x4 y7 w4 x7 y4 w1 x4 y7 4 w2 x5 y6 w3 x6 y5 w2 x5 y6 4 2
EOT

# Names that link-time optimization gives show how a program was built, and what
# may have been inlined across its objects.
put lto-priv/names.S <<'EOT'
	.text
	.type	tick.lto_priv.7, @function
tick.lto_priv.7:
	.cfi_startproc
	addl	$3, count(%rip)
	movl	count(%rip), %eax
	ret
	.cfi_endproc
	.size	tick.lto_priv.7, . - tick.lto_priv.7
	.globl	ticks
	.type	ticks, @function
ticks:
	.cfi_startproc
	jmp	tick.lto_priv.7
	.cfi_endproc
	.size	ticks, . - ticks
	.data
	.type	count, @object
	.size	count, 4
count:
	.long	10
	.section .note.GNU-stack,"",@progbits
EOT
put lto-priv/show.c <<'EOT'
#include "case.h"
int ticks(void);
ALONE int more(int n) { LONG_ENOUGH; return n + WAS_IS(1, 2); }
void show(void) { printf("%d\n", more(ticks())); }
EOT
refuse lto-priv ".lto_priv" RP0704 "tick.lto_priv.7"

# A static inline function changes: its callers do, exactly those, and one in
# another file that includes it as well.
put inlined/limit.h <<'EOT'
static inline int limit(int n) { return n > WAS_IS(10, 20) ? WAS_IS(10, 20) : n; }
EOT
put inlined/one.c <<'EOT'
#include "case.h"
#include "limit.h"
ALONE int uses(int n) { return limit(n) + 1; }
ALONE int uses_not(int n) { return n + 1; }
EOT
put inlined/two.c <<'EOT'
#include "case.h"
#include "limit.h"
ALONE int uses_too(int n) { return limit(n) * 2; }
EOT
put inlined/show.c <<'EOT'
#include "case.h"
int uses(int n), uses_not(int n), uses_too(int n);
void show(void) { printf("%d %d %d\n", uses(100), uses_not(100), uses_too(100)); }
EOT
replaced="uses uses_too"
try inlined "callers of what was inlined" <<EOT
before:
11 101 20
applied:
21 101 40
reverted:
11 101 20
EOT

# It grew: it is a function now, which is new.
put not-inline-any-more/case.c <<'EOT'
#include "case.h"
#ifdef FIXED
static NOINLINE int helper(int n)
{
	for (int i = 0; i < 3; i++)
		__asm__ volatile("" : "+r"(n));
	return n * 100;
}
#else
static inline int helper(int n) { return n * 2; }
#endif
ALONE int one(int n) { return helper(n) + 1; }
ALONE int two(int n) { return helper(n) + 2; }
void show(void) { printf("%d %d\n", one(1), two(1)); }
EOT
replaced="one two" added=helper
try not-inline-any-more "a function that was inlined" <<EOT
before:
3 4
applied:
101 102
reverted:
3 4
EOT

# The other way round.
put inline-now/case.c <<'EOT'
#include "case.h"
#ifdef FIXED
static inline __attribute__((always_inline)) int helper(int n) { return n * 100; }
#else
static NOINLINE int helper(int n)
{
	static int calls = 0;
	return n * 2 + calls++;
}
#endif
ALONE int one(int n) { return helper(n) + 1; }
ALONE int two(int n) { return helper(n) + 2; }
void show(void) { int a = one(1); printf("%d %d\n", a, two(1)); }
EOT
replaced="one two"
try inline-now "a function that is inlined now" <<EOT
before:
3 5
applied:
101 102
reverted:
5 7
EOT

tap_end
