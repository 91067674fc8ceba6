#!/bin/sh
# SPDX-License-Identifier: MIT
# Each public header compiles alone, first and only, twice, as strict C11 and
# C++17, with gcc and clang, without a warning; each header of arch/ refuses.
#
# usage: header-alone.sh SOURCE_ROOT
set -u

root=$1
. "$root/tests/tap.sh"

warnings="-Wall -Wextra -Wshadow -Wundef -Wpedantic -Werror"

compile()
{
	# $1 header, $2 compiler, $3 standard, $4 suffix of the language
	printf '#include <repoint/%s>\n#include <repoint/%s>\n' "$1" "$1" \
		>"$tmp/alone.$4"
	# shellcheck disable=SC2086 # a list of options
	"$2" "-std=$3" $warnings -I"$root/include" -c -o "$tmp/alone.o" \
		"$tmp/alone.$4"
}

refused()
{
	if compile "$1" gcc c11 c >"$tmp/refused" 2>&1; then
		echo "it compiled"
		return 1
	fi
	cat "$tmp/refused"
	grep -q "#error \"Never include <repoint/$1> directly" "$tmp/refused"
}

one_compiler()
{
	if command -v "$2" >/dev/null; then
		check "$1 $3 $2" compile "$1" "$2" "$3" "$4"
	else
		skip "$1 $3 $2" "no $2"
	fi
}

cd "$root/include/repoint" || exit 99
for header in *.h; do
	one_compiler "$header" gcc c11 c
	one_compiler "$header" clang c11 c
	one_compiler "$header" g++ c++17 cpp
	one_compiler "$header" clang++ c++17 cpp
done
for header in arch/*.h; do
	check "$header refuses to be included alone" refused "$header"
done
tap_end
