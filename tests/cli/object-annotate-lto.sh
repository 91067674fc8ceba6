#!/bin/bash
# SPDX-License-Identifier: MIT
# Objects of -flto hold no code yet: a note, exit status 0, file untouched.
. "$(dirname "$0")/common.inc"
cd "$tmp" || exit 99
echo 'int rp_tramp__x(int); int f(int a) { return rp_tramp__x(a); }' >x.c

slim()
{
	"$1" -flto -O2 -c x.c -o x.o && cp x.o before.o &&
	annotate x.o 2>err && cmp x.o before.o && cat err &&
	grep -x 'x.o: note: compiled with -flto: nothing to annotate; link with -Wl,--emit-relocs \[RP0119\]' err
}

fat()
{
	"$1" -flto -ffat-lto-objects -O2 -c x.c -o x.o && annotate x.o 2>err &&
	[ ! -s err ] && [ "$(sites x.o)" -eq 1 ] && is_clean x.o
}

for cc in $(compilers); do
	check "$(basename "$cc") -flto" slim "$cc"
done
[ -z "$gcc_cc" ] || check "gcc -ffat-lto-objects" fat "$gcc_cc"
tap_end
