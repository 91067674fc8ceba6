#!/bin/bash
# SPDX-License-Identifier: MIT
# What moved to another object, is there twice, or once under two names: aliases,
# weak and common symbols, inline functions, tables that the linker collects.
. "$(dirname "$0")/common.inc"

put function/a.c <<'EOT'
#include "case.h"
#ifndef FIXED
int moved(int x) { LONG_ENOUGH; return x + 1; }
#endif
int stays(void) { return 3; }
EOT
put function/b.c <<'EOT'
#include "case.h"
#ifdef FIXED
int moved(int x) { LONG_ENOUGH; return x + 2; }
#endif
int stays_too(void) { return 3; }
EOT
put function/show.c <<'EOT'
#include "case.h"
extern int moved(int), stays(void), stays_too(void);
void show(void) { printf("%d %d\n", moved(1), stays() + stays_too()); }
EOT
kinds="pie shared"
refuse function "a function that moved, and changed" RP0727 \
	"b.o: .*moved: was in a.o.*leave it there"

# The variable is where it was, whoever defines it.
put variable/a.c <<'EOT'
#ifdef FIXED
extern int counter;
#else
int counter = 5;
#endif
int bump(void) { return ++counter; }
EOT
put variable/b.c <<'EOT'
#include "case.h"
#ifdef FIXED
int counter = 5;
#else
extern int counter;
#endif
ALONE int peek(void) { LONG_ENOUGH; return counter * WAS_IS(1, 100); }
EOT
put variable/show.c <<'EOT'
#include "case.h"
extern int bump(void), peek(void);
void show(void) { int b = bump(); printf("%d %d\n", b, peek()); }
EOT
cat >"$tmp/variable.want" <<EOT
before:
6 6
applied:
7 700
reverted:
8 8
EOT
only gcc
replaced=peek
variants variable "a variable that moved" try_with "$tmp/variable.want"
# clang's bump() takes the address from the GOT, in a position-independent program.
only clang
replaced=peek kinds="nopie shared"
variants variable "a variable that moved" try_with "$tmp/variable.want"
only clang
replaced="bump peek" kinds=pie
variants variable "a variable that moved" try_with "$tmp/variable.want"

put common-size/case.c <<'EOT'
#include "case.h"
char buffer[WAS_IS(16, 32)];
int after = 7;
ALONE int fill(void)
{
	for (unsigned int i = 0; i < sizeof(buffer); i++)
		buffer[i] = 'x';
	return buffer[0];
}
void show(void) { printf("%d %d\n", fill(), after); }
EOT
flags=-fcommon kinds=pie
refuse common-size "a common variable that grew" RP0705 "buffer: .*16 to 32"

put common-value/case.c <<'EOT'
#include "case.h"
#ifdef FIXED
int limit = 9;
#else
int limit;
#endif
ALONE int get(void) { LONG_ENOUGH; return limit + WAS_IS(0, 100); }
ALONE void set(int x) { limit = x; }
void show(void) { static int k; set(++k); printf("%d\n", get()); }
EOT
flags=-fcommon kinds=pie
refuse common-value "a common variable that got a value" RP0706 \
	"limit: .*RP_LIVEPATCH_KEEP(limit)"

# Two names of one function; what is a detour for one is a detour for both.
put alias/a.c <<'EOT'
#include "case.h"
int one(int x) { LONG_ENOUGH; return x + 1; }
int two(int x) { LONG_ENOUGH; return x + 2; }
#ifdef FIXED
int public(int x) __attribute__((alias("two")));
#else
int public(int x) __attribute__((alias("one")));
#endif
EOT
put alias/show.c <<'EOT'
#include "case.h"
extern int public(int), one(int), two(int);
void show(void) { printf("%d %d %d\n", public(1), one(1), two(1)); }
EOT
kinds=pie
refuse alias "an alias of another function than before" RP0728 \
	"public: was another name of one, and is two now"

put alias-parts/a.c <<'EOT'
#include "case.h"
int first(int x) { LONG_ENOUGH; return x * 3 + 1; }
#ifdef FIXED
int second(int x) { LONG_ENOUGH; return x > 3 ? 99 : x * 3 + 1; }
#else
int second(int x) __attribute__((alias("first")));
#endif
EOT
put alias-parts/show.c <<'EOT'
#include "case.h"
extern int first(int), second(int);
void show(void) { printf("%d %d\n", first(5), second(5)); }
EOT
kinds=pie
refuse alias-parts "an alias that became a function" RP0728 \
	"second: was another name of first"

put alias-stays/a.c <<'EOT'
#include "case.h"
int first(int x) { LONG_ENOUGH; return WAS_IS(x * 3 + 1, x > 3 ? 99 : x * 3 + 1); }
#ifdef FIXED
int second(int x) { LONG_ENOUGH; return x * 3 + 1; }
#else
int second(int x) __attribute__((alias("first")));
#endif
EOT
cp "$tmp/alias-parts/show.c" "$tmp/alias-stays/"
kinds=pie
refuse alias-stays "an alias of what the fix is in" RP0728 \
	"second: was another name of first"

# gcc makes one of two virtual functions that are alike.
put folded/kinds.h <<'EOT'
#include "case.h"
struct base { virtual int f(int) = 0; virtual ~base(); };
struct a : base { virtual void key(); int f(int) override; };
struct b : base { virtual void key(); int f(int) override; };
int ext(int);
EOT
put folded/f.cc <<'EOT'
#include "kinds.h"
NOINLINE int a::f(int x)
{
	int s = 0;
	for (int i = 0; i < x; i++)
		s += ext(i) * 3;
#ifdef FIXED_A
	if (x > 3)
		return 99;
#endif
	return s;
}
NOINLINE int b::f(int x)
{
	int s = 0;
	for (int i = 0; i < x; i++)
		s += ext(i) * 3;
#ifdef FIXED_B
	if (x > 3)
		return 99;
#endif
	return s;
}
EOT
put folded/show.cc <<'EOT'
#include "kinds.h"
base::~base() {}
int ext(int i) { return i; }
void a::key() {}
void b::key() { puts(""); }
static a one;
static b two;
void show(void)
{
	base *volatile p = &one, *volatile q = &two;
	printf("%d %d\n", p->f(5), q->f(5));
}
EOT
for side in A B; do
	cp -r "$tmp/folded" "$tmp/folded-$side"
	only gcc
	cxx
	kinds=pie new_flags="-DFIXED -DFIXED_$side"
	refuse folded-$side "one of two functions that gcc made one" RP0728 \
		"_ZN1b1fEi: was another name of _ZN1a1fEi"
done

# lld makes one of two functions of a program.
put icf/case.c <<'EOT'
#include "case.h"
ALONE int f(int x)
{
	LONG_ENOUGH;
#ifdef FIXED
	if (x > 3)
		return 99;
#endif
	return x * 3 + 1;
}
ALONE int g(int x) { LONG_ENOUGH; return x * 3 + 1; }
void show(void) { printf("%d %d\n", f(5), g(5)); }
EOT
if command -v ld.lld >/dev/null; then
	flags=-ffunction-sections link="-fuse-ld=lld -Wl,--icf=all" kinds=pie
	refuse icf "one of two functions that the linker made one" RP0728 \
		"f: is one with g.*without --icf"
fi

put weak/a.c <<'EOT'
__attribute__((weak)) int hook(int x) { return x + 1; }
EOT
put weak/b.c <<'EOT'
#ifdef FIXED
int hook(int x) { return x + 5; }
#endif
int other(void) { return 1; }
EOT
put weak/show.c <<'EOT'
#include "case.h"
extern int hook(int), other(void);
void show(void) { printf("%d %d\n", hook(1), other()); }
EOT
kinds=pie
refuse weak "a definition beside a weak one" RP0727 "b.o: .*hook: is new here"

# The weak one is not in the binary: the strong one alone is patched.
put overridden/a.c <<'EOT'
#include "case.h"
__attribute__((weak)) int hook(int x) { LONG_ENOUGH; return x + WAS_IS(1, 2); }
int use(int x) { return hook(x) * 2; }
EOT
put overridden/b.c <<'EOT'
#include "case.h"
int hook(int x) { LONG_ENOUGH; return WAS_IS(x, 50) + 5; }
EOT
put overridden/show.c <<'EOT'
#include "case.h"
extern int use(int);
void show(void) { printf("%d\n", use(5)); }
EOT
replaced=hook
try overridden "a weak function that another one overrides" <<EOT
before:
20
applied:
110
reverted:
20
EOT
tap_end
