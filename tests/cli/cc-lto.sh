#!/bin/bash
# SPDX-License-Identifier: MIT
# repoint cc -flto: says what it does instead, and the linker keeps relocations.
. "$(dirname "$0")/common.inc"
data=$(cd "$(dirname "$0")/data" && pwd)
cd "$tmp" || exit 99
echo 'int f(int x) { return x; }' >plain.c
echo 'int rp_tramp__a(int); int main(void) { return rp_tramp__a(-1); }' >m.c
cp "$data/tramp.c" .

# One line for a file that makes static calls, none for another.
notes()
{
	"$REPOINT" cc "$1" -flto -c m.c 2>err && "$REPOINT" cc "$1" -flto -c plain.c \
		2>>err
	cat err
	[ "$(wc -l <err)" -eq 1 ] && grep -q '^m.o: note: .*\[RP0204\]' err
}

keeps_relocations()
{
	readelf -SW prog | grep '\.rela\.text' && ./prog
}

separately()
{
	"$REPOINT" cc "$1" ${2-} -flto -O2 -c m.c 2>err &&
	"$1" ${2-} -c tramp.c && "$REPOINT" cc "$1" ${2-} -flto -O2 m.o tramp.o -o prog &&
	keeps_relocations
}

together()
{
	"$1" -c tramp.c &&
	"$REPOINT" cc "$1" ${2-} -flto -O2 m.c tramp.o -o prog 2>err &&
	cat err && [ "$(grep -c RP0204 err)" -eq 1 ] && keeps_relocations
}

for cc in $(compilers); do
	n=$(basename "$cc")
	check "$n -c: a note if there is anything to note" notes "$cc"
	ld=
	if [ "$n" = clang ]; then
		command -v ld.lld >/dev/null || { skip "clang links" "no lld"
			continue; }
		ld=-fuse-ld=lld
	fi
	check "$n: compile, then link" separately "$cc" $ld
	check "$n: in one command" together "$cc" $ld
	check "$n -fno-lto takes it back" \
		"$REPOINT" cc "$cc" -flto -fno-lto -c m.c -o nolto.o
	check "$n: so it is annotated" [ "$(sites nolto.o)" -eq 1 ]
done
tap_end
