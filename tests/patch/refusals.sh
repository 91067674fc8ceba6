#!/bin/bash
# SPDX-License-Identifier: MIT
# What cannot be patched: exit status 2, no payload, and a message with the
# place, the reason, and the way out.
. "$(dirname "$0")/common.inc"
# The kinds are covered by other scripts: what is refused is seen in objects.
few() { kinds=${1:-pie}; }

put layout/case.c <<'EOT'
#include "case.h"
#include <stdlib.h>
struct session {
	int id;
#ifdef FIXED
	int failures;
#endif
	char name[16];
};
struct session *volatile current;
ALONE struct session *make(int id)
{
	struct session *s = calloc(1, sizeof(*s));
	s->id = id;
	s->name[0] = 'x';
	return s;
}
void show(void)
{
	if (!current)
		current = make(7);
	printf("%d %s\n", current->id, current->name);
}
EOT
few
refuse layout "a type that has a new member" RP0705 "session.*failures"

cp -r "$tmp/layout" "$tmp/layout-allowed"
options=(--allow-layout "struct session") replaced="make show"
few
layout_allowed()
{
	build "$1" "$2" "$3" && is_made "$2"
}
variants layout-allowed "the author says that none lives" layout_allowed

put size/case.c <<'EOT'
#include "case.h"
static int table[WAS_IS(4, 8)];
ALONE int at(int i) { LONG_ENOUGH; return table[i]++; }
void show(void) { printf("%d\n", at(1)); }
EOT
few
refuse size "a variable that grew" RP0705 table

put value/case.c <<'EOT'
#include "case.h"
static int limit = WAS_IS(10, 20);
ALONE int limited(int n) { LONG_ENOUGH; limit += n; return limit; }
void show(void) { printf("%d\n", limited(1)); }
EOT
refuse value "an initial value" RP0706 "limit: .*RP_LIVEPATCH_KEEP(limit)"

# Data in a file of its own, without any function.
put value-alone/data.c <<'EOT'
#include "case.h"
int limit = WAS_IS(10, 20);
EOT
put value-alone/show.c <<'EOT'
#include "case.h"
extern int limit;
void show(void) { printf("%d\n", limit); }
EOT
few "pie shared"
refuse value-alone "an initial value in a file without functions" RP0706 limit

put constant/data.c <<'EOT'
#include "case.h"
const int limits[] = { 1, WAS_IS(2, 20) };
EOT
put constant/show.c <<'EOT'
#include "case.h"
extern const int limits[];
void show(void) { printf("%d\n", limits[OPAQUE(1)]); }
EOT
few "pie shared"
refuse constant "a constant that others use" RP0726 limits

# A fix in what runs before main only, and a new constructor.
put constructor/case.c <<'EOT'
#include "case.h"
static int value;
__attribute__((constructor)) static void set_up(void)
{
	LONG_ENOUGH;
	value = OPAQUE(WAS_IS(1, 2));
}
void show(void) { printf("%d\n", value); }
EOT
refuse constructor "a constructor" RP0709 "set_up.*hook"

put new-constructor/case.c <<'EOT'
#include "case.h"
static int value;
#ifdef FIXED
__attribute__((constructor)) static void set_up(void)
{
	value = OPAQUE(2);
}
#endif
ALONE int get(int n) { LONG_ENOUGH; return value + n + WAS_IS(1, 2); }
void show(void) { printf("%d\n", get(1)); }
EOT
refuse new-constructor "a new constructor" RP0722 "set_up.*hook"

# Called from elsewhere: exported, or by an address that was taken.
put prototype/case.c <<'EOT'
#include "case.h"
#ifdef FIXED
ALONE int handle(int a, int b) { LONG_ENOUGH; return a * 2 + b; }
# define CALL handle(1, 2)
#else
ALONE int handle(int a) { LONG_ENOUGH; return a * 2; }
# define CALL handle(1)
#endif
int (*volatile pointer)() = (int (*)())handle;
void show(void) { printf("%d\n", CALL); }
EOT
few "pie shared"
refuse prototype "a prototype that others rely on" RP0717 "handle"

# Static, and called directly: the callers change with it.
put prototype-static/case.c <<'EOT'
#include "case.h"
#ifdef FIXED
static ALONE int handle(int a, int b) { LONG_ENOUGH; return a * 2 + b; }
# define CALL(n) handle(n, 40)
#else
static ALONE int handle(int a) { LONG_ENOUGH; return a * 2; }
# define CALL(n) handle(n)
#endif
ALONE int one(int n) { return CALL(n) + 1; }
ALONE int two(int n) { return CALL(n) + 2; }
void show(void) { printf("%d %d\n", one(1), two(1)); }
EOT
replaced="one two" added=handle
# clang propagates the new argument: only the body differs.
replaced_clang=handle added_clang=
try prototype-static "a prototype that only callers in the file know" <<EOT
before:
3 4
applied:
43 44
reverted:
3 4
EOT

# The binary was built with other options; or several places fit.
put mismatch/case.c <<'EOT'
#include "case.h"
ALONE int work(int n)
{
	int sum = 0;
	for (int i = 0; i < n; i++)
		sum += printf("%d ", i * WAS_IS(3, 4));
	return sum;
}
void show(void) { printf("%d\n", work(3)); }
EOT
mismatch()
{
	local kind=$3
	flags=-O0 && objects_of "$1" "$2" "$kind" "$tmp/$1.$2-$kind/plain" &&
	link_program "$1" "$2" "$kind" "$tmp/$1.$2-$kind" || return 1
	cp "$tmp/$1.$2-$kind/program" "$tmp/other"
	flags= binary=$tmp/other
	is_refused RP0702 "work: is not what the binary holds.*-allow-mismatch" \
		"$1" "$2" "$kind"
}
few
variants mismatch "a binary that was built with -O0" mismatch

# Two files of one name hold nothing but the same function: which one is which
# cannot be seen in the binary.
for side in a b; do
	put ambiguous/$side/util.c <<EOT
#include "case.h"
#define ONLY_$side	1
__attribute__((used)) static ALONE int twin(int n)
{
	LONG_ENOUGH;
#if defined(ONLY_a) && defined(FIXED)
	return n * 7;
#endif
	return n * 3;
}
EOT
done
put ambiguous/show.c <<'EOT'
#include "case.h"
void show(void) { printf("shown\n"); }
EOT
few
refuse ambiguous "two functions that are alike" RP0703 twin

put undefined/case.c <<'EOT'
#include "case.h"
#ifdef FIXED
extern int not_there(int n);
#else
# define not_there(n) ((n) * 2)
#endif
ALONE int work(int n) { LONG_ENOUGH; return not_there(n) + 1; }
void show(void) { printf("%d\n", work(3)); }
EOT
refuse undefined "a symbol that nobody defines" RP0713 not_there

tap_end
