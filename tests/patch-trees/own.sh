#!/bin/bash
# SPDX-License-Identifier: MIT
#
# diff(X, X) of our own objects: there is nothing to patch. Files of equal bytes
# are not compared at all, so one side is always another file.
#
#   marked, stripped  all objects of this build, and copies with one more section
#                     or without debug information
#   shifted           the library's sources with other line numbers
#   renumbered        and with static variables in front, so that compilers number
#                     the others otherwise; in another directory
#   plain, -O0, clang the same without -ffunction-sections, ...

set -u
here=$(cd "$(dirname "$0")" && pwd)
RP_SOURCE=${RP_SOURCE:-$(cd "$here/../.." && pwd)}
REPOINT=${REPOINT:-${RP_TOOL:?RP_TOOL names the program repoint}}
CC=${CC:-cc}
. "$RP_SOURCE/tests/tap.sh"
sections="-ffunction-sections -fdata-sections"

command -v objcopy >/dev/null || skip_all "no objcopy"
case $($CC -dumpmachine 2>/dev/null) in
x86_64*) ;;
*) skip_all "object trees: not x86-64" ;;
esac

# is_same OLDDIR NEWDIR: nothing to patch, and every object was compared.
is_same()
{
	local status=0

	"$REPOINT" patch diff --json "$1" "$2" >"$tmp/report" || status=$?
	cat "$tmp/report"
	[ "$status" -eq 3 ] || { echo "exit status $status"; return 1; }
	grep -q '"identical": 0,' "$tmp/report" &&
	! grep -q '"unchanged": 0,' "$tmp/report"
}

# is_changed OLDDIR NEWDIR
is_changed()
{
	local status=0

	"$REPOINT" patch diff --json "$1" "$2" || status=$?
	[ "$status" -eq 2 ]
}

# derived DIR NEWDIR OBJCOPY-OPTION...
derived()
{
	local from=$1 to=$2 file
	shift 2
	for file in "$from"/*.o; do
		objcopy "$@" "$file" "$to/${file##*/}" || return
	done
}

# What libelf and the differ can read: no bitcode of -flto.
collect_own()
{
	local file n=0

	mkdir -p "$tmp/own" "$tmp/marked" "$tmp/stripped"
	for file in $(find "$RP_BUILD/src" "$RP_BUILD/object" "$RP_BUILD/patch" \
			"$RP_BUILD/payload" "$RP_BUILD/tools" "$RP_BUILD/livepatch" \
			-name '*.o' 2>/dev/null | sort); do
		! readelf -SW "$file" | grep -q gnu.lto_ || continue
		n=$((n + 1))
		cp "$file" "$tmp/own/$n-${file##*/}"
	done
	echo mark >"$tmp/mark"
	derived "$tmp/own" "$tmp/marked" --add-section ".mark=$tmp/mark"
	derived "$tmp/own" "$tmp/stripped" -g --add-section ".mark=$tmp/mark"
	[ $n -gt 20 ]
}

# compile COMPILER OPTIONS FROM TO: all of the sources there
compile()
{
	local compiler=$1 options=$2 from=$3 to=$4

	mkdir -p "$to"
	(cd "$from" && printf '%s\0' ./*.c | xargs -0 -P 2 -I{} sh -c "$compiler -w -std=gnu11 \
		-g $options -I'$RP_SOURCE/include' -I'$RP_SOURCE/src' \
		-c {} -o '$to'/{}.o") 2>"$tmp/compile.log" ||
		{ head -n 20 "$tmp/compile.log"; return 1; }
}

make_sources()
{
	mkdir -p "$tmp/src/old" "$tmp/src/shifted" "$tmp/src/renumbered"
	cp "$RP_SOURCE"/src/*.c "$RP_SOURCE"/tests/patch-random/shapes.c \
		"$tmp/src/old" &&
	cp "$tmp/src/old"/*.c "$tmp/src/shifted" &&
	sh "$here/shift.sh" "$tmp/src/shifted"/*.c || return
	for file in "$tmp/src/shifted"/*.c; do
		{
			echo "static __attribute__((unused)) int rp_numbers(void)"
			echo "{ static int count, emulated, name;"
			echo "  return count++ + emulated++ + name++; }"
			cat "$file"
		} >"$tmp/src/renumbered/${file##*/}"
	done
}

# both NAME COMPILER OPTIONS: shifted and renumbered sources
both()
{
	local name=$1 compiler=$2 options=$3 other
	local dir=$tmp/objects-$name

	compile "$compiler" "$options" "$tmp/src/old" "$dir/old" || return
	for other in shifted renumbered; do
		compile "$compiler" "$options" "$tmp/src/$other" "$dir/$other" &&
			is_same "$dir/old" "$dir/$other" || return
	done
}

check "our own objects" collect_own
check "one more section" is_same "$tmp/own" "$tmp/marked"
check "without debug information" is_same "$tmp/own" "$tmp/stripped"
check "with debug information again" is_same "$tmp/stripped" "$tmp/own"

check "sources with other lines" make_sources
check "other lines: sections" both sections "$CC" "-O2 -fPIC $sections"
check "other lines: plain" both plain "$CC" "-O2 -fPIC"
if command -v clang >/dev/null; then
	check "other lines: clang" both clang clang "-O2 -fPIE $sections"
else
	skip "other lines: clang" "no clang"
fi

# Were it not so, all of the above would say nothing.
sed 's/"cannot be parsed"/"is not understood"/' "$tmp/src/old/shapes.c" \
	>"$tmp/src/shifted/shapes.c"
mkdir -p "$tmp/one/old" "$tmp/one/new"
check "a change is seen" compile "$CC" "-O2 $sections" "$tmp/src/shifted" \
	"$tmp/one/new"
cp "$tmp/objects-sections/old/shapes.c.o" "$tmp/one/old"
find "$tmp/one/new" -name '*.o' ! -name shapes.c.o -delete
check "a change is found" is_changed "$tmp/one/old" "$tmp/one/new"
tap_end
