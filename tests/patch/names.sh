#!/bin/bash
# SPDX-License-Identifier: MIT
# Names that are not what they seem: of statics that a library has too, with
# numbers from the compiler or from __LINE__, of lines and files in constants.
. "$(dirname "$0")/common.inc"

# put_moved CASE/FILE: the same, with a line that was inserted at the top
put_moved()
{
	{
		printf '#ifdef FIXED\n# line 4\n#endif\n'
		cat
	} | put "$1"
}

# A static of another object has the name of a function of the C library: an
# undefined name is the library's.
put import/a.c <<'EOT'
static __attribute__((noinline)) long random(void)
{
	static int count;
	return count += 7;
}
long own(void) { return random() + 3; }
EOT
put import/b.c <<'EOT'
#include "case.h"
#include <stdlib.h>
extern long own(void);
ALONE long get(void)
{
	srandom(42);
	LONG_ENOUGH;
	return random() + WAS_IS(0, 1);
}
void show(void) { long o = own(); printf("%ld %ld\n", o, get()); }
EOT
replaced=get
try import "a static that has the name of a library's function" <<EOT
before:
10 71876166
applied:
17 71876167
reverted:
24 71876166
EOT

# The same registers, another meaning: callers in other objects stay.
put signedness/a.c <<'EOT'
#include "case.h"
int check(WAS_IS(int, unsigned int) n) { LONG_ENOUGH; return n > 100 ? -1 : 0; }
EOT
put signedness/b.c <<'EOT'
#include "case.h"
extern int check(int);
void show(void) { printf("%d\n", check(-5)); }
EOT
cp -r "$tmp/signedness" "$tmp/signedness-exported"
replaced=check kinds="pie nopie"
try signedness "an argument that became unsigned" <<EOT
before:
0
applied:
-1
reverted:
0
EOT

kinds=shared
refuse signedness-exported "one that other modules may call" RP0717 \
	"check: was int check(int), is int check(unsigned int)"

# What lives on keeps its code: closures are numbered, a new one before an old
# one has the old one's name.
put closure/case.cc <<'EOT'
#include "case.h"
#include <functional>
std::function<int(int)> stored;
ALONE int call(const std::function<int(int)> &f) { return f(1); }
ALONE void enroll(int a)
{
	int b = a * 2, c = 3;
#ifdef FIXED
	printf("%d ", call([&](int x) { return a + x + 1000; }));
#endif
	if (!stored)
		stored = [a, b, c](int x) { return a + b + c + x; };
}
void show(void) { enroll(5); printf("%d\n", stored(1)); }
EOT
cat >"$tmp/closure.want" <<EOT
before:
19
applied:
1006 19
reverted:
19
EOT
closure()
{
	build "$1" "$2" "$3" && diff_case || return 1
	cat "$dir/report" "$dir/messages"
	[ $status -eq 0 ] || return 1
	# The closures' functions are new ones; none is replaced.
	[ "$(listed "$dir/report" | grep '^replaced')" = \
		"replaced _Z6enrolli" ] || return 1
	run_patched "$dir/case.rpp" >"$dir/out" 2>&1
	diff -u "$tmp/closure.want" "$dir/out"
}
cxx
kinds="pie shared"
variants closure "a closure before one that is stored" closure

# Statics of one name in blocks of one function: which one is the old one is
# known by a number only, and the number is another one's now.
block_statics()
{
	cat <<'EOT'
#include "case.h"
ALONE int count(int a)
{
#ifdef FIXED
	if (a > 100) {
		static int n;
		n += 1000;
		return n;
	}
#endif
	{
		static int n;
		n++;
		if (n > 1000)
			puts("many");
		return n;
	}
}
void show(void) { int first = count(1); printf("%d %d\n", first, count(200)); }
EOT
}
block_statics | put blocks/case.c
kinds=pie
refuse blocks "statics of one name in one function" RP0719 \
	"cannot be told.*a name of its own"
block_statics | put blocks-cxx/case.cc
cxx
kinds=pie
refuse blocks-cxx "statics of one name in one C++ function" RP0719 \
	"_ZZ5countiE1n: .*cannot be told.*a name of its own"

# The number in a name is the line's, and the lines have moved by one.
put_moved once/case.c <<'EOT'
#include "case.h"
#define CAT2(a, b) a##b
#define CAT(a, b) CAT2(a, b)
#define ONCE(s) do { \
	static int CAT(once_, __LINE__); \
	if (!CAT(once_, __LINE__)++) \
		puts(s); \
} while (0)
ALONE void first(int x) { if (x) ONCE("first"); }
ALONE void second(int x) { if (x) ONCE("second" WAS_IS("", "!")); }
void show(void) { first(1); second(1); puts("shown"); }
EOT
cp -r "$tmp/once" "$tmp/once-clang"
only gcc
replaced=second kinds="pie shared"
try once "statics that have a line's number in the name" <<EOT
before:
first
second
shown
applied:
shown
reverted:
shown
EOT

# clang puts the function's name before it: refused, but not exchanged.
only clang
kinds="pie shared"
refuse once-clang "statics that have a line's number in the name" RP0719 \
	"second.once_[0-9]*: .*cannot be told"

# A constant moved by as much as its line: it is not the line's number.
put_moved limit/case.c <<'EOT'
#include "case.h"
#define CAP	WAS_IS(16, 17)
int slots[64];
ALONE int put(int i, int v)
{
	LONG_ENOUGH;
	if (i >= CAP - 1)
		return -1;
	slots[i] = v;
	return 0;
}
void show(void) { printf("%d\n", put(15, 3)); }
EOT
replaced=put
try limit "a constant that is nearly its line's number" <<EOT
before:
-1
applied:
0
reverted:
-1
EOT

# In a table that names the file, and in a text that does.
put_moved table/case.c <<'EOT'
#include "case.h"
struct level { const char *file; int level; };
static const struct level level = { __FILE__, WAS_IS(7, 8) };
ALONE int lines(int x)
{
	if (x)
		puts("x");
	if (x > 1)
		puts("y");
	return x;
}
ALONE int is_above(int x)
{
	const struct level *volatile p = &level;
	LONG_ENOUGH;
	return p->level > x;
}
void show(void) { printf("%d %d\n", lines(1), is_above(7)); }
EOT
replaced=is_above kinds="pie shared"
try table "a number beside the name of the file" <<EOT
before:
x
1 0
applied:
x
1 1
reverted:
x
1 0
EOT

put_moved text/case.c <<'EOT'
#include "case.h"
ALONE int lines(int x)
{
	if (x)
		puts("x");
	if (x > 1)
		puts("y");
	return x;
}
ALONE int hello(int x)
{
	LONG_ENOUGH;
	puts("case.c proto " WAS_IS("4", "5"));
	return x;
}
void show(void) { printf("%d\n", hello(7)); }
EOT
replaced=hello kinds="pie shared"
try text "a number in a text that names the file" <<EOT
before:
case.c proto 4
7
applied:
case.c proto 5
7
reverted:
case.c proto 4
7
EOT

# Two files of one name: the linker threw the one's variable away, the other
# one's is not it.
for side in 1 2; do
	put collected/d$side/util.c <<EOT
#include "case.h"
static int x;
static int count = $((side == 1 ? 1 : 100));
int unused$side(void) { return ++x; }
ALONE int get$side(void)
{
	LONG_ENOUGH;
#if $side == 1 && defined(FIXED)
	x += 5;
	return x + ++count;
#endif
	return ++count;
}
EOT
done
put collected/show.c <<'EOT'
#include "case.h"
extern int get1(void), get2(void), unused2(void);
void show(void) { printf("%d %d %d\n", get1(), get2(), unused2()); }
EOT
flags="-ffunction-sections -fdata-sections" link=-Wl,--gc-sections \
	kinds="pie nopie"
refuse collected "a variable that is not linked, of two files of one name" \
	RP0703 "d1/util.o: .*x: .*util.c"

# ld -r: two objects with the same names, and a third one is put between them.
put joined/a.c <<'EOT'
#include "case.h"
static int state = 1;
static ALONE int helper(int x) { state++; return state * 10 + x; }
int ua(int x) { return helper(x); }
EOT
put joined/b.c <<'EOT'
#include "case.h"
static int state = 1;
static ALONE int helper(int x) { state += 2; return state * 10 + x; }
extern int uc(int x);
ALONE int ub(int x) { LONG_ENOUGH; return helper(x) + WAS_IS(0, uc(3) * 1000000); }
EOT
put joined/c.c <<'EOT'
#include "case.h"
#ifdef FIXED
static int state = 1;
static ALONE int helper(int x) { state += 3; return state + x + 7; }
int uc(int x) { return helper(x) + 1; }
#endif
EOT
put joined/show.c <<'EOT'
#include "case.h"
extern int ua(int x), ub(int x);
void show(void) { int a = ua(1); printf("%d %d\n", a, ub(1)); }
EOT
joined()
{
	build "$1" "$2" "$3" &&
	ld -r -o "$dir/old/joined.o" "$dir/old/a.o" "$dir/old/b.o" &&
	ld -r -o "$dir/new/joined.o" "$dir/new/a.o" "$dir/new/c.o" \
		"$dir/new/b.o" || return 1
	rm "$dir"/old/[abc].o "$dir"/new/[abc].o
	format=-v
	diff_case
	cat "$dir/messages"
	[ $status -eq 2 ] && [ ! -e "$dir/case.rpp" ] &&
	grep -q "joined.o: .*state: .*cannot be told.*\[RP0719\]" "$dir/messages"
}
kinds="pie shared"
variants joined "statics of joined objects" joined

tap_end
