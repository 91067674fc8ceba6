#!/bin/bash
# SPDX-License-Identifier: MIT
# No false alarm on ordinary code: our own sources and what C++ does, by each
# compiler, at each level, in the flavours that distributions build.
#
# usage: own.sh        RP_TOOL, RP_BUILD name the tool and the build
set -u
RP_SOURCE=${RP_SOURCE:-$(cd "$(dirname "$0")/../.." && pwd)}
. "$RP_SOURCE/tests/tap.sh"
. "$RP_SOURCE/tests/object-check/clean.inc"
here=$RP_SOURCE/tests/object-check

[ "$(uname -m)" = x86_64 ] || skip_all "the tool is for x86-64"

sources=("$here/things.cc" "$here/subject.c"
	"$RP_SOURCE"/object/{elf/edit,debug/compare,annotate/patchlet_code}.c
	"$RP_SOURCE"/payload/payload.c)
# Frame pointers, tables of exceptions without unwinding at each instruction,
# cold parts, and sections of their own: each in one flavour at least.
flavours=(
	"-fPIC -fcf-protection=full -fstack-protector-strong -g"
	"-fno-pie -fcf-protection=none -fno-omit-frame-pointer"
	"-fPIE -fno-plt -ffunction-sections -fdata-sections"
)

compile_one()
{
	local source=$1 out=$tmp/$name/${1##*/} compiler=$cc std=gnu11
	case $source in
	*.cc)
		compiler=$cxx
		std=gnu++17
		;;
	esac
	# shellcheck disable=SC2086 # lists of words
	$compiler -std=$std -D_GNU_SOURCE -I"$RP_SOURCE/include" $options \
		-c "$source" -o "$out.o" || echo "$source" >>"$tmp/$name.failed"
}
export -f compile_one

compiled()
{
	mkdir -p "$tmp/$name"
	printf '%s\n' "${sources[@]}" |
		xargs -P 2 -I '{}' bash -c 'compile_one "$1"' one '{}' \
		>"$tmp/$name.log" 2>&1
	[ ! -e "$tmp/$name.failed" ] || {
		cat "$tmp/$name.log"
		return 1
	}
}

silent()
{
	compiled && clean "$tmp/$name"/*.o
}

# The linker's work: one object of all, and a shared object.
merged()
{
	ld -r "$tmp/$name"/*.o -o "$tmp/$name.merged.o" &&
	clean "$tmp/$name.merged.o"
}

linked()
{
	# shellcheck disable=SC2086 # a list of words
	$cxx -shared $options "$tmp/$name"/things.cc.o \
		"$tmp/$name"/edit.c.o -o "$tmp/$name.so" &&
	clean "$tmp/$name.so"
}

export tmp RP_SOURCE cc cxx options name
for pair in gcc:g++ clang:clang++; do
	cc=${pair%:*}
	cxx=${pair#*:}
	command -v $cc >/dev/null && command -v $cxx >/dev/null || continue
	for level in -O0 -O1 -O2 -O3 -Os; do
		for i in "${!flavours[@]}"; do
			options="$level ${flavours[i]}"
			name=$cc$level-$i
			check "$cc $options" silent
		done
	done
	name=$cc-O2-0
	options="-O2 ${flavours[0]}"
	check "$cc, one object of all" merged
	check "$cc, a shared object" linked
done

built()
{
	find "$RP_BUILD" -name '*.o' -path '*.p/*' ! -path '*/tests/*' | sort |
		while read -r file; do
		readelf -SW "$file" | grep -q gnu.lto_ || echo "$file"
	done >"$tmp/built"
	# shellcheck disable=SC2046 # one word each
	clean $(cat "$tmp/built")
}
[ -z "${RP_BUILD:-}" ] || check "this build's objects" built
tap_end
