#!/bin/sh
# SPDX-License-Identifier: MIT
# The records that hooks and data markers leave in object files: fields,
# relocations, order, flags of the sections; C and C++, PIC or not.
#
# usage: records.sh COMPILER READ_RECORDS
set -u

root=${RP_SOURCE:?}
cc=$1
reader=$(realpath "$2")
src=$root/tests/livepatch/records.c
. "$root/tests/tap.sh"
command -v "$cc" >/dev/null || skip_all "no $cc"

# compile LANGUAGE OPTIONS...
compile()
{
	lang=$1
	shift
	"$cc" -x "$lang" -Wall -Wextra -Werror -I"$root/include" "$@" \
		-c "$src" -o "$tmp/records.o"
}

# _ZL6hidden, _ZZ3usevE5calls, calls.1: the name in the source
plain()
{
	sed -E 's/ _ZL[0-9]+([a-z]+)/ \1/; s/ _ZZ3usevE[0-9]+([a-z]+)/ \1/
		s/ use\.([a-z]+)/ \1/; s/(calls|other)\.[0-9]+/\1/
		s/ _Z(L?)[0-9]+([a-z]+)v( |$)/ \2\3/
		s/( [a-z]+)v$/\1/'
}

# The order of hooks matters, that of data does not.
arrange()
{
	grep '^hook' "$1"
	grep '^data' "$1" | sort
}

# records LANGUAGE OPTIONS...
records()
{
	sed -n "s|.*//= ||p" "$src" | if [ "$1" = c ]; then
		sed 's/^c //'
	else
		grep -v '^c '
	fi >"$tmp/wanted"
	[ "$(wc -l <"$tmp/wanted")" -ge 23 ] || return 1
	compile "$@" || return 1
	"$reader" "$tmp/records.o" >"$tmp/raw" || return 1
	plain <"$tmp/raw" >"$tmp/found"
	arrange "$tmp/wanted" >"$tmp/wanted.arranged"
	arrange "$tmp/found" >"$tmp/found.arranged"
	diff -u "$tmp/wanted.arranged" "$tmp/found.arranged"
}

for lang in c c++; do
	for level in -O0 -O2 -Os; do
		for pic in -fPIC -fPIE -fno-pic; do
			check "$lang $level $pic" records "$lang" $level $pic
		done
	done
	check "$lang sections" records "$lang" -O2 -fPIC -ffunction-sections \
		-fdata-sections -g
done
check "c11" records c -std=c11 -O2 -fPIC
check "c++11" records c++ -std=c++11 -O2 -fPIC
check "hidden" records c -O2 -fPIC -fvisibility=hidden
tap_end
