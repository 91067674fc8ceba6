#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# .eh_frame as libdw reads it, in all that some programs load; and stacks of
# nonsense.
# A compiler may be several words; tap.sh sets $tmp, variants.inc $cc.
# shellcheck disable=SC1091,SC2086,SC2154
. "$(dirname "$0")/../../tap.sh"
. "$(dirname "$0")/variants.inc"
driver=$1
dir=$(dirname "$0")

check_program()
{
	check "$1: as libdw reads it" "$driver" tables "$tmp/room"
	check "$1: nonsense" "$driver" garbage 20000 "$tmp/room"
}

$cc "$dir/room.c" -o "$tmp/room" && check_program 'C'
if $cxx -x c++ "$dir/room.c" -o "$tmp/room" 2>/dev/null; then
	check 'C++: as libdw reads it' "$driver" tables "$tmp/room"
else
	skip 'C++: as libdw reads it' 'no C++ compiler'
fi
if has_static && $cc -static "$dir/room.c" -o "$tmp/room"; then
	check_program 'static'
else
	skip 'static' 'no static libc'
fi
if has_musl && musl-gcc "$dir/room.c" -o "$tmp/room"; then
	check 'musl: nonsense' "$driver" garbage 20000 "$tmp/room"
else
	skip 'musl: nonsense' 'no musl'
fi
tap_end
