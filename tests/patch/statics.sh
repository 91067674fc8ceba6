#!/bin/bash
# SPDX-License-Identifier: MIT
# Names that are not the program's only ones: static functions and variables,
# static locals, __func__, string literals.
. "$(dirname "$0")/common.inc"

# Two files define the same static names; both keep state.
put equal-names/one.c <<'EOT'
#include "case.h"
static int state = 100;
static ALONE int step(int by)
{
	return state += by;
}
int one(int by) { return step(by) + step(by); }
EOT
put equal-names/two.c <<'EOT'
#include "case.h"
static int state = 200;
static ALONE int step(int by)
{
	return state += by * WAS_IS(1, 10);
}
int two(int by) { return step(by) + step(by); }
EOT
put equal-names/show.c <<'EOT'
#include "case.h"
int one(int by), two(int by);
void show(void)
{
	printf("%d %d\n", one(1), two(1));
}
EOT
replaced=step
try equal-names "the second file's function, with the second file's state" <<EOT
before:
203 403
applied:
207 434
reverted:
211 447
EOT

# Two files of one name in two directories.
put equal-files/a/util.c <<'EOT'
#include "case.h"
static int state = 1;
static ALONE int next(void) { return state++; }
int a_next(void) { return next(); }
EOT
put equal-files/b/util.c <<'EOT'
#include "case.h"
static int state = 1001;
static ALONE int next(void) { return WAS_IS(state++, state += 100); }
int b_next(void) { return next(); }
EOT
put equal-files/show.c <<'EOT'
#include "case.h"
int a_next(void), b_next(void);
void show(void) { printf("%d %d\n", a_next(), b_next()); }
EOT
replaced=next
try equal-files "the right file's function and variable" <<EOT
before:
1 1001
applied:
2 1102
reverted:
3 1102
EOT

# State of static locals goes on, those of equal names in several functions too.
put locals/case.c <<'EOT'
#include "case.h"
static ALONE int first(void) { static int n = 10; return n++; }
static ALONE int second(void) { static int n = 20; return n++ + WAS_IS(0, 1000); }
static ALONE int third(void)
{
	static int n = 30;
	int sum = n++;

	{
		static int n = 50;
		sum += WAS_IS(0, 1000) + n;
		n += 100;
	}
	return sum;
}
void show(void) { printf("%d %d %d\n", first(), second(), third()); }
EOT
replaced="second third"
try locals "counters go on" <<EOT
before:
10 20 80
applied:
11 1021 1181
reverted:
12 22 282
EOT

# A static local that is new starts with its initial value, next to one that
# is not new, and keeps what it counts.
put new-local/case.c <<'EOT'
#include "case.h"
static ALONE int count(void)
{
	static int n = 10;
#ifdef FIXED
	static int more = 500;
	static int zero;
	more += 100;
	zero++;
	return n++ + more + zero;
#else
	return n++;
#endif
}
void show(void) { int a = count(); printf("%d %d\n", a, count()); }
EOT
replaced=count data="more zero"
try new-local "new ones begin, old ones go on" <<EOT
before:
10 11
applied:
613 715
reverted:
14 15
EOT

# A static local that is removed leaves its neighbour of another number alone.
put fewer-locals/case.c <<'EOT'
#include "case.h"
static ALONE int early(void)
{
#ifdef FIXED
	return OPAQUE(7);
#else
	static int n = 10;
	return n++;
#endif
}
static ALONE int late(void) { static int n = 70; return n++; }
void show(void) { printf("%d %d\n", early(), late()); }
EOT
replaced=early
try fewer-locals "numbers of names mean nothing" <<EOT
before:
10 70
applied:
7 71
reverted:
11 72
EOT

put func/case.c <<'EOT'
#include "case.h"
#include <string.h>
static ALONE const char *name(void) { return OPAQUE(__func__); }
static ALONE int pretty(void)
{
	return OPAQUE(strstr(__PRETTY_FUNCTION__, "pretty")[WAS_IS(0, 1)]);
}
static ALONE int length(void) { return OPAQUE(sizeof(__func__) + WAS_IS(0, 1000)); }
void show(void) { printf("%s %c %d\n", name(), pretty(), length()); }
EOT
replaced="length pretty"
try func "__func__ and __PRETTY_FUNCTION__" <<EOT
before:
name p 7
applied:
name r 1007
reverted:
name p 7
EOT

# Merged literals, of each width; a suffix of another one; literals that only
# moved are not a change; arrays that are not merged.
put literals/case.c <<'EOT'
#include "case.h"
#include <wchar.h>
#ifdef FIXED
NOINLINE const char *added(void) { return "a literal before all others"; }
#endif
static ALONE const char *same(void) { return OPAQUE("unchanged literal"); }
static ALONE const char *tail(void) { return OPAQUE(&WAS_IS("literal", "unchanged literal")[WAS_IS(0, 2)]); }
static ALONE const wchar_t *wide(void) { return OPAQUE(WAS_IS(L"wide", L"wider")); }
static ALONE const char *array(int i)
{
	static const char text[] = "not merged";
	return OPAQUE(text + i + WAS_IS(0, 4));
}
static ALONE const char *nul(void) { return OPAQUE(WAS_IS("a\0b", "a\0c")); }
void show(void)
{
	printf("%s|%s|%ls|%s|%s\n", same(), tail(), wide(), array(OPAQUE(0)),
	       nul() + 2);
}
EOT
replaced="tail wide array nul"
try literals "new and old ones" <<EOT
before:
unchanged literal|literal|wide|not merged|b
applied:
unchanged literal|changed literal|wider|merged|c
reverted:
unchanged literal|literal|wide|not merged|b
EOT

# Lines that moved, and what names them: __LINE__ is no change.
put line-only/case.c <<'EOT'
#include "case.h"
#ifdef FIXED


#endif
static ALONE int where(void) { return __LINE__; }
static ALONE const char *text(void) { return "a text"; }
void show(void) { printf("%d %s\n", where() > 0, text()); }
EOT
is_nothing()
{
	build "$1" "$2" "$3" || return 1
	diff_case
	cat "$dir/report" "$dir/messages"
	[ $status -eq 3 ]
}
variants line-only "nothing to patch" is_nothing

# The same inputs give the same bytes, from whatever directory.
put same-bytes/case.c <<'EOT'
#include "case.h"
#include <stdlib.h>
static ALONE long number(const char *s) { return WAS_IS(1, strtol(s, 0, 0)); }
static ALONE int total(void) { static int n; return n += WAS_IS(1, 2); }
void show(void) { printf("%ld %d\n", number("77"), total()); }
EOT
are_same()
{
	build "$1" "$2" "$3" || return 1
	diff_case "$dir/first.rpp" && [ $status -eq 0 ] || return 1
	diff_case "$dir/second.rpp"
	cmp "$dir/first.rpp" "$dir/second.rpp" || {
		"$REPOINT" patch show "$dir/first.rpp" | head -3
		"$REPOINT" patch show "$dir/second.rpp" | head -3; }
	mkdir -p "$dir/else/where" && cp -r "$dir/old" "$dir/new" "$dir/else"
	(cd "$dir/else/where" && "$REPOINT" patch diff --name first \
		--binary "../../$(basename "$target")" -o x.rpp ../old ../new) &&
	cmp "$dir/first.rpp" "$dir/else/where/x.rpp"
}
options=(--name first)
kinds="pie shared"
variants same-bytes "the same payload" are_same

tap_end
