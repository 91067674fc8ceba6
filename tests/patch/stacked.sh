#!/bin/bash
# SPDX-License-Identifier: MIT
# Payloads on top of payloads, and shadow variables, which outlive them.
. "$(dirname "$0")/common.inc"

# second CASE COMPILER KIND: builds further versions of the case, each compared
# with the one before it, on top of its payload
after()
{
	local want=$1 case=$2 compiler=$3 kind=$4
	build "$case" "$compiler" "$kind" || return 1
	diff_case "$dir/first.rpp"
	[ $status -eq 0 ] || { cat "$dir/messages" "$dir/report"; return 1; }
	rm -rf "$dir/again"
	objects_of "$case" "$compiler" "$kind" "$dir/again" \
		-ffunction-sections -fdata-sections -DFIXED -DAGAIN || return 1
	status=0
	"$REPOINT" patch diff --binary "$target" --after "$dir/first.rpp" \
		-o "$dir/second.rpp" "$dir/$against" "$dir/again" || return 1
	run_patched "$dir/first.rpp" "$dir/second.rpp" >"$dir/out" 2>&1 ||
		echo "exit status $?" >>"$dir/out"
	diff -u "$want" "$dir/out" || return 1
	# Without the first one there is no second one.
	if [ "$against" = new ]; then
		run_patched "$dir/second.rpp" >"$dir/out" 2>&1
		grep "first is not applied" "$dir/out"
	fi
}

# A second payload refers to what the first one brought: a function, and data
# that keeps its state.
put functions/case.c <<'EOT'
#include "case.h"
int brought_state;
int brought(int n);
#ifdef FIXED
int brought_state = 100;
NOINLINE int brought(int n) { LONG_ENOUGH; return n + brought_state++; }
#endif
ALONE int one(int n)
{
	LONG_ENOUGH;
	return WAS_IS(OPAQUE(n), brought(n));
}
ALONE int two(int n)
{
	LONG_ENOUGH;
#ifdef AGAIN
	return brought(n) * 10 + brought_state;
#else
	return OPAQUE(n);
#endif
}
void show(void) { int a = one(1); printf("%d %d\n", a, two(1)); }
EOT
sed -i '/^int brought_state;$/d' "$tmp/functions/case.c"
against=new
cat >"$tmp/functions.want" <<EOT
before:
1 1
applied:
101 1
applied:
102 1133
reverted:
104 1
reverted:
1 1
EOT
variants functions "functions and data of the first one" after \
	"$tmp/functions.want"

# Shadow variables in a program that has never heard of Repoint. Both payloads
# are made against the original program; the second one finds what the first
# one attached.
put shadow/case.c <<'EOT'
#include "case.h"
#include <repoint/livepatch.h>
struct object { int n; };
static struct object objects[3] = { { 1 }, { 2 }, { 3 } };
ALONE int use(struct object *o)
{
	LONG_ENOUGH;
#ifdef FIXED
	int *uses = (int *)rp_shadow_get_or_alloc(o, 7, sizeof(*uses), NULL, NULL);
# ifdef AGAIN
	return o->n + *uses * 1000;
# else
	return o->n + ++*uses * 10;
# endif
#else
	return OPAQUE(o->n);
#endif
}
void show(void)
{
	printf("%d ", use(&objects[0]));
	printf("%d ", use(&objects[0]));
	printf("%d\n", use(&objects[1]));
	objects[2].n = OPAQUE(3);
}
EOT
against=old
cat >"$tmp/shadow.want" <<EOT
before:
1 1 2
applied:
11 21 12
applied:
2001 2001 1002
reverted:
31 41 22
reverted:
1 1 2
EOT
kinds="pie shared"
variants shadow "shadow variables" after "$tmp/shadow.want"

tap_end
