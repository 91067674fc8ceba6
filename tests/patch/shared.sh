#!/bin/bash
# SPDX-License-Identifier: MIT
# What is there once in the whole program, or in a table of all of it: linker sets,
# tables of places in code, inline variables and functions of C++, constructors.
. "$(dirname "$0")/common.inc"

# Tables that the linker collects from all objects.
put_set()
{
	put "$1/case.c" <<EOT
#include "case.h"
struct cmd { char name[8]; int max; };
#define CMD	static const struct cmd __attribute__((section("cmds"), used))
CMD one = { "one", $2 };
CMD two = { "two", 2 };
${3:-}
extern const struct cmd __start_cmds[], __stop_cmds[];
void show(void)
{
	for (const struct cmd *c = __start_cmds; c < __stop_cmds; c++)
		printf("%s %d\n", c->name, c->max);
}
EOT
}
put_set set-new 5 '#ifdef FIXED
CMD three = { "three", 3 };
#endif'
kinds=pie
refuse set-new "a new entry of a collected table" RP0722 "three: .*cmds.*hook"

put_set set-changed "WAS_IS(500, 5)"
kinds=pie
refuse set-changed "an entry that changed" RP0726 "one: .*KEEP(one)"

# A table of places in a function, for a signal handler.
put places/case.c <<'EOT'
#include "case.h"
ALONE int fetch(volatile int *p)
{
	int v = -1;
	__asm__ volatile("1: movl (%1), %0\n2:\n"
		".pushsection ex_table, \"a\"\n.balign 8\n"
		".long 1b - ., 2b - .\n.popsection" : "+r"(v) : "r"(p));
	LONG_ENOUGH;
	return v + WAS_IS(0, 100);
}
extern int __start_ex_table[], __stop_ex_table[];
void show(void)
{
	int n = 7;
	printf("%d %d\n", fetch(&n), (int)(__stop_ex_table - __start_ex_table));
}
EOT
kinds="pie shared"
refuse places "a function with places in a table" RP0708 "fetch: .*ex_table"

# A branch whose prefix comes before what the fix is in; clang knows no such hint.
put prefix/case.c <<'EOT'
#include "case.h"
ALONE int f(int x)
{
	int r;
	__asm__ volatile("xor %0, %0; test %1, %1;"
		WAS_IS("je,pt", "jne,pt") " 1f; mov $7, %0; 1:"
		: "=&r"(r) : "r"(x) : "cc");
	LONG_ENOUGH;
	return r;
}
void show(void) { printf("%d %d\n", f(0), f(1)); }
EOT
only gcc
replaced=f
try prefix "a branch with a prefix" <<EOT
before:
0 7
applied:
7 0
reverted:
0 7
EOT

# What C++ has once in the whole program is the program's, whoever uses it first.
put unique/unique.h <<'EOT'
#include "case.h"
struct single { int v; static single &get(); };
inline NOINLINE single &single::get() { static single s{10}; return s; }
template<class T> struct counted { static int n; };
template<class T> int counted<T>::n = 3;
inline int variable = 50;
EOT
put unique/a.cc <<'EOT'
#include "unique.h"
int bump()
{
	counted<int>::n++;
	variable++;
	return ++single::get().v;
}
EOT
put unique/b.cc <<'EOT'
#include "unique.h"
extern int bump();
ALONE int peek(int x)
{
	LONG_ENOUGH;
#ifdef FIXED
	return single::get().v * 1000000 + counted<int>::n * 1000 + variable;
#endif
	return x * 3;
}
void show(void) { int b = bump(); printf("%d %d\n", b, peek(5)); }
EOT
cxx
flags=-std=c++17
cat >"$tmp/unique.want" <<EOT
before:
11 15
applied:
12 12005052
reverted:
13 15
EOT
unique()
{
	build "$1" "$2" "$3" && diff_case || return 1
	cat "$dir/report" "$dir/messages"
	[ $status -eq 0 ] || return 1
	# Functions may be copied; variables and their guards may not.
	! listed "$dir/report" | grep '^data' || return 1
	run_patched "$dir/case.rpp" >"$dir/out" 2>&1
	diff -u "$tmp/unique.want" "$dir/out"
}
kinds="pie shared"
variants unique "inline variables, singletons, members of templates" unique

# Too large to be inlined: a.o has it now, b.o always had, its address is taken.
put inline/inline.h <<'EOT'
#include "case.h"
extern int log_[];
#ifdef FIXED
NOINLINE
#endif
inline int f(int x)
{
	LONG_ENOUGH;
#ifdef FIXED
	if (x > 3)
		return 99;
#endif
	return x * 3 + 1;
}
EOT
put inline/a.cc <<'EOT'
#include "inline.h"
ALONE int ua(int x) { return f(x) + f(x + 1); }
EOT
put inline/b.cc <<'EOT'
#include "inline.h"
extern int ua(int x);
int (*volatile pointer)(int) = f;
void show(void) { printf("%d %d\n", ua(5), pointer(5)); }
EOT
cxx
replaced="_Z1fi _Z2uai"
kinds="pie shared"
try inline "an inline function that is not inlined any more" <<EOT
before:
35 16
applied:
198 99
reverted:
35 16
EOT

# A new object with a constructor, which will not run.
put constructor/case.c <<'EOT'
#include "case.h"
extern int entry(int);
ALONE int f(int x)
{
	LONG_ENOUGH;
#ifdef FIXED
	return entry(x);
#endif
	return x * 3 + 1;
}
void show(void) { printf("%d\n", f(5)); }
EOT
put constructor/table.c <<'EOT'
#include "case.h"
#ifdef FIXED
static int table[10];
__attribute__((constructor)) static void fill(void)
{
	for (int i = 0; i < 10; i++)
		table[i] = OPAQUE(i * i + 1);
}
int entry(int i) { return table[i % 10]; }
#endif
EOT
constructor()
{
	build "$1" "$2" "$3" || return 1
	rm -f "$dir/old/table.o" "$dir/case.rpp"
	format=-v
	diff_case
	cat "$dir/report" "$dir/messages"
	[ $status -eq 2 ] && [ ! -e "$dir/case.rpp" ] &&
	grep -q 'table.o: .*fill: .*\[RP0722\]' "$dir/messages"
}
kinds="pie shared"
variants constructor "a new object with a constructor" constructor

# The program has a copy of the library's variable.
put copied/case.c <<'EOT'
#include "case.h"
int value = 5;
int same(int x) { return x + value; }
ALONE int get(int i)
{
	LONG_ENOUGH;
#ifdef FIXED
	static int *const p[] = { &value, &value };
	static int (*const q[])(int) = { same, same };
	return *p[OPAQUE(i)] * 100 + q[OPAQUE(i)](0);
#else
	return value * 3 + i;
#endif
}
void show(void) { value++; printf("%d\n", get(0)); }
EOT
cat >"$tmp/copied.want" <<EOT
before:
18
applied:
707
reverted:
24
EOT
copied()
{
	build "$1" "$2" "$3" || return 1
	echo 'extern int value; int *of_program(void) { return &value; }' \
		>"$dir/copy.c"
	compile "$2" -fno-pie -fno-pic -c "$dir/copy.c" -o "$dir/copy.o" &&
	$2 -no-pie -o "$dir/program" "$(driver_of "$2" nopie)" "$dir/copy.o" \
		"$dir/libcase.so" -Wl,-rpath,"$dir" -ldl || return 1
	readelf -r "$dir/program" | grep -q 'R_X86_64_COPY.* value' || return 1
	diff_case
	cat "$dir/report" "$dir/messages"
	[ $status -eq 0 ] || return 1
	run_patched "$dir/case.rpp" >"$dir/out" 2>&1
	diff -u "$tmp/copied.want" "$dir/out"
}
kinds=shared
variants copied "a library's variable that the program copied" copied

# Linked with -x: a place, but no symbol of it.
put stripped/case.c <<'EOT'
#include "case.h"
static int state;
static ALONE int handle(int x)
{
	state++;
	return WAS_IS(0, x > 3 ? 90 : 0) + x * 3 + state;
}
static int (*const table[])(int) = { handle, handle };
static int (*current)(int);
ALONE void enroll(int i) { current = table[OPAQUE(i & 1)]; }
ALONE int call(int x) { return current(x); }
void show(void) { enroll(1); printf("%d\n", call(5)); }
EOT
link=-Wl,-x kinds="pie shared"
refuse stripped "a function whose symbol was discarded" RP0714 \
	"handle: has no symbol.*without -x"

tap_end
