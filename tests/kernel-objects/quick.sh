#!/bin/bash
# SPDX-License-Identifier: MIT
# Small files of what kernel sources do, compiled as the kernel is, given to the
# kernel's objtool and to ours: equal tables and equal findings.
#
# usage: quick.sh VERSION TABLES       RP_TOOL names the tool
#
# A case says in comments what it is compiled with (levels, flags), and which
# more arguments objtool gets (objtool).
set -u
RP_SOURCE=${RP_SOURCE:-$(cd "$(dirname "$0")/../.." && pwd)}
. "$RP_SOURCE/tests/tap.sh"
. "$RP_SOURCE/tests/kernel-objects/oracle.inc"
version=$1
export TABLES=$2
cases=$RP_SOURCE/tests/kernel-objects/cases

find_objtool "$version" || skip_all "no linux-kbuild-$version here"
[ "$(uname -m)" = x86_64 ] || skip_all "objtool is for x86-64"

said()
{
	sed -n "s|^/\* $1: \(.*\) \*/\$|\1|p" "$2"
}

# As the kernel's makefiles have it for x86-64.
flags="-std=gnu11 -ffreestanding -fno-pie -fcf-protection=none -mcmodel=kernel
	-mno-red-zone -mno-sse -mno-mmx -fno-stack-protector -fno-strict-aliasing
	-fno-asynchronous-unwind-tables"
case $version in
6.1) flags+=" -DLINUX=601" ;;
6.12) flags+=" -DLINUX=612" ;;
esac

one()
{
	local cc=$1 level=$2 source=$3
	# shellcheck disable=SC2046,SC2086 # lists of words
	$cc $flags $level $(said flags "$source") -c "$source" -o "$tmp/one.o" &&
	compare "$version" "$tmp/one.o" "$tmp/one" $usual_arguments \
		$(said objtool "$source") && return
	cat "$tmp/one/differences" "$tmp/one/theirs.log" "$tmp/one/ours.log" \
		"$tmp/one/ours.check"
	return 1
}

for cc in gcc clang; do
	command -v $cc >/dev/null || continue
	for source in "$cases"/*.c; do
		# shellcheck disable=SC2046 # a list of words
		$cc $(said flags "$source") -S -o /dev/null -xc /dev/null \
			>/dev/null 2>&1 || continue
		for level in $(said levels "$source"); do
			for frame in '' ' -fno-omit-frame-pointer'; do
				check "$cc ${source##*/} $level$frame" \
					one $cc "$level$frame" "$source"
			done
		done
	done
	for source in "$cases"/*.S; do
		[ $cc = clang ] || check "${source##*/}" one $cc -O2 "$source"
	done
done
tap_end
