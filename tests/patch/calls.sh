#!/bin/bash
# SPDX-License-Identifier: MIT
# New functions, data and strings, calls of other objects, function pointers.
. "$(dirname "$0")/common.inc"

# New functions call each other, new data has state, relocated tables too.
put new/case.c <<'EOT'
#include "case.h"
static int old_count = 5;
#ifdef FIXED
struct row { const char *name; int (*fn)(int); };
static int total = 1000;
static int seen[4];
static NOINLINE int even(int n);
static NOINLINE int odd(int n) { return n == 0 ? 0 : even(OPAQUE(n - 1)); }
static NOINLINE int even(int n) { return n == 0 ? 1 : odd(OPAQUE(n - 1)); }
static const struct row rows[] = { { "even", even }, { "odd", odd } };
static const struct row *volatile table[] = { &rows[0], &rows[1] };
#endif
ALONE int work(int n)
{
#ifdef FIXED
	for (int i = 0; i < 2; i++)
		printf("%s %d, ", table[i]->name, table[i]->fn(n));
	seen[n & 3]++;
	return OPAQUE(total += old_count++ + seen[n & 3]);
#else
	(void)OPAQUE(n);
	return OPAQUE(old_count++);
#endif
}
void show(void) { int a = work(2); printf("%d %d\n", a, work(3)); }
EOT
replaced=work added="even odd" data="seen table total"
try new "functions, tables, state of the payload" <<EOT
before:
5 6
applied:
even 1, odd 0, even 0, odd 1, 1008 1017
reverted:
9 10
EOT

# Libraries export more than a program imports: strtoull, snprintf.
put import/case.c <<'EOT'
#include "case.h"
#include <stdlib.h>
#include <string.h>
ALONE int parse(const char *s)
{
#ifdef FIXED
	char buffer[32];
	snprintf(buffer, sizeof(buffer), "%sff", s);
	return strtoull(buffer, NULL, 16);
#else
	LONG_ENOUGH;
	return OPAQUE((int)s[0]);
#endif
}
void show(void) { printf("%d\n", parse("1")); }
EOT
imports_not()
{
	build "$2" "$3" "$4" || return 1
	! nm -D "$target" | grep strtoull || return 1
	try_one "$2" "$3" "$4" "$1"
}
cat >"$tmp/import.want" <<EOT
before:
49
applied:
511
reverted:
49
EOT
replaced=parse
variants import "calls that the binary did not make" imports_not "$tmp/import.want"

# An object of a library, by its address in the payload's GOT.
put variable/case.c <<'EOT'
#include "case.h"
#include <time.h>
#include <unistd.h>
ALONE int names(void)
{
#ifdef FIXED
	fputs("to stdout, ", stdout);
	return OPAQUE(tzname[0] == NULL || optind == 1);
#else
	return OPAQUE(7);
#endif
}
void show(void) { printf("%d\n", names()); }
EOT
replaced=names flags=-fPIC kinds="pie shared"
try variable "variables of a library" <<EOT
before:
7
applied:
to stdout, 1
reverted:
7
EOT

# libm is not linked: nothing says that it is there.
put no-library/case.c <<'EOT'
#include "case.h"
#include <math.h>
ALONE double root(double d) { LONG_ENOUGH; return WAS_IS(d, cbrt(d)); }
void show(void) { printf("%d\n", (int)root(27)); }
EOT
refuse no-library "a function of a library that is not linked" RP0713 cbrt

put library/case.c <<'EOT'
#include "case.h"
#include <math.h>
double (*volatile keep)(double) = sin;
ALONE double root(double d) { LONG_ENOUGH; return WAS_IS(d / 2, cbrt(d)); }
void show(void) { printf("%d\n", (int)(root(27) + 0.5)); }
EOT
link="-Wl,--no-as-needed -lm" replaced=root
try library "of one that is" <<EOT
before:
14
applied:
3
reverted:
14
EOT

# Addresses: a replaced function's is what it was, whoever takes it.
put pointers/case.c <<'EOT'
#include "case.h"
static ALONE int handler(int n) { LONG_ENOUGH; return n + WAS_IS(1, 100); }
static ALONE int other(int n) { return n + 2; }
ALONE int exported(int n) { LONG_ENOUGH; return n + WAS_IS(3, 300); }
static int (*volatile current)(int) = handler;
static int (*volatile current_exported)(int) = exported;
ALONE int check(int (*fn)(int))
{
#ifdef FIXED
	printf("%d %d %d, ", fn == handler, fn == current,
	       current_exported == exported);
#endif
	return fn == handler ? 1 : fn == other ? 2 : 0;
}
void show(void)
{
	int first = check(current), second = check(other);
	printf("%d %d %d\n", first, second, current(1) + current_exported(1));
}
EOT
replaced="check exported handler"
try pointers "handlers compare equal" <<EOT
before:
1 2 6
applied:
1 1 1, 0 0 1, 1 2 402
reverted:
1 2 6
EOT

# Aliases: one function, two names; the payload has one replacement.
put alias/case.c <<'EOT'
#include "case.h"
ALONE int real(int n) { LONG_ENOUGH; return n + WAS_IS(1, 100); }
int other_name(int n) __attribute__((alias("real")));
int weak_name(int n) __attribute__((weak, alias("real")));
static int value = 5;
extern int value_too __attribute__((alias("value"), visibility("hidden")));
ALONE int use(int n) { return WAS_IS(value, value_too * 2) + weak_name(n) - other_name(n); }
void show(void) { printf("%d %d %d %d\n", real(1), other_name(1), weak_name(1), use(1)); }
EOT
replaced="real use"
try alias "aliases of functions and variables" <<EOT
before:
2 2 2 5
applied:
101 101 101 10
reverted:
2 2 2 5
EOT

# Weak: one that is defined elsewhere, one that is nowhere, one that is replaced.
put weak/case.c <<'EOT'
#include "case.h"
extern int nowhere(int n) __attribute__((weak));
extern int nothing __attribute__((weak));
int elsewhere(int n) __attribute__((weak));
__attribute__((weak)) int here(int n) { LONG_ENOUGH; return n + WAS_IS(1, 100); }
ALONE int use(int n)
{
#ifdef FIXED
	if (nowhere)
		return nowhere(n);
	if (&nothing)
		return nothing;
	return elsewhere ? elsewhere(n) * 10 : -1;
#else
	return elsewhere(n);
#endif
}
void show(void) { printf("%d %d\n", use(1), here(1)); }
EOT
put weak/elsewhere.c <<'EOT'
int elsewhere(int n) { return n + 1; }
EOT
replaced="here use" kinds="pie shared" flags=-fPIC
try weak "weak symbols" <<EOT
before:
2 2
applied:
20 101
reverted:
2 2
EOT

tap_end
