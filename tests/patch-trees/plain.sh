#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Objects without -ffunction-sections: the assembler resolves distances within
# .text itself, and in a payload they are others. Each has to be a relocation
# again, or the new code goes, or points, to a place that is not there.

set -u
here=$(cd "$(dirname "$0")" && pwd)
RP_SOURCE=${RP_SOURCE:-$(cd "$here/../.." && pwd)}
REPOINT=${REPOINT:-${RP_TOOL:?RP_TOOL names the program repoint}}
. "$RP_SOURCE/tests/tap.sh"

case $(${CC:-cc} -dumpmachine 2>/dev/null) in
x86_64*) ;;
*) skip_all "plain objects: not x86-64" ;;
esac

mkdir "$tmp/old" "$tmp/new"
cat >"$tmp/old/x.c" <<'END'
#include <stdlib.h>
static int by_number(const void *a, const void *b)
{ return *(const int *)a - *(const int *)b; }
static __attribute__((noinline)) int half(int a) { return a / 2 + atoi("1"); }
int above(int a) { return a * 100003 + 5; }
void sort(int *v, size_t n) { qsort(v, half(n), sizeof(*v), by_number); }
int below(int a) { return half(a) + 1; }
END

# build COMPILER: both objects, the library, the payload
build()
{
	(cd "$tmp/old" && "$1" -O2 -g -fPIC -c x.c &&
	 "$1" -shared -Wl,--build-id x.o -o ../x.so) &&
	(cd "$tmp/new" && "$1" -O2 -g -fPIC -c x.c) &&
	"$REPOINT" patch diff --show-first-changed --binary "$tmp/x.so" \
		-o "$tmp/x.rpp" "$tmp/old/x.o" "$tmp/new/x.o" >"$tmp/report" &&
	readelf -rW "$tmp/x.rpp" >"$tmp/relocs"
}

# is_shifted COMPILER: above() alone changed, although all behind it moved
is_shifted()
{
	sed 's/a [*] 100003/a * 30 + rand() * 1234567/' "$tmp/old/x.c" \
		>"$tmp/new/x.c"
	build "$1" || return
	cat "$tmp/report"
	[ "$(grep -c replaced "$tmp/report")" -eq 1 ] &&
		grep -q 'replaced *above' "$tmp/report"
}

for compiler in gcc clang; do
	command -v $compiler >/dev/null || {
		skip "$compiler: plain objects" "no $compiler"
		continue
	}
	sed 's/sizeof(\*v), by/sizeof(v[1]) * 2, by/' "$tmp/old/x.c" \
		>"$tmp/new/x.c"
	check "$compiler: a payload of plain objects" build $compiler
	check "$compiler: only what changed" grep -q 'replaced *sort' "$tmp/report"
	check "$compiler: a function's address is a relocation" \
		grep -q 'PC32.*by_number' "$tmp/relocs"
	check "$compiler: a call of a static function is one" \
		grep -q '\(PC32\|PLT32\).*half' "$tmp/relocs"
	check "$compiler: what moved did not change" is_shifted $compiler
done
tap_end
