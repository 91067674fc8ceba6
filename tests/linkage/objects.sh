#!/bin/sh
# SPDX-License-Identifier: MIT
# What the macros assemble to: symbols, sections, sizes, bytes, fill.
#
# usage: objects.sh COMPILER
. "$(dirname "$0")/common.inc"
cc=$1
command -v "$cc" >/dev/null || skip_all "no $cc"

# Sizes are without and with endbr64; sections for whole and split.
symbols()
{
	check "$how: a short function" symbol_is short_one \
		"$detour FUNC GLOBAL HIDDEN $(in_text short_one)"
	check "$how: a longer one" symbol_is with_helper \
		"$((12 + endbr)) FUNC GLOBAL HIDDEN $(in_text with_helper)"
	check "$how: a local one" symbol_is helper \
		"$detour FUNC LOCAL DEFAULT $(in_text helper)"
	check "$how: an exported one" symbol_is exported \
		"$((7 + endbr)) FUNC GLOBAL PROTECTED $(in_text exported)"
	check "$how: the last one of a section" symbol_is last \
		"$detour FUNC GLOBAL HIDDEN $(in_text last)"
	check "$how: a label" symbol_is early \
		"0 NOTYPE GLOBAL HIDDEN $(in_text labelled)"
	check "$how: a local label" symbol_is negative \
		"0 NOTYPE LOCAL DEFAULT $(in_text labelled)"
	check "$how: data" symbol_is counter \
		"4 OBJECT GLOBAL HIDDEN $(in_data counter)"
	check "$how: local data" symbol_is state \
		"8 OBJECT LOCAL DEFAULT $(in_data state)"
	check "$how: a label in data" symbol_is state_second \
		"0 NOTYPE GLOBAL HIDDEN $(in_data state)"
	check "$how: constants" symbol_is letters \
		"2 OBJECT GLOBAL HIDDEN $(in_rodata letters)"
	check "$how: local constants" symbol_is private_letter \
		"1 OBJECT LOCAL DEFAULT $(in_rodata private_letter)"
	check "$how: no other symbol" no_more_symbols
}

no_more_symbols()
{
	readelf -sW "$file" | awk '
		$7 ~ /^[0-9]+$/ && $4 != "SECTION" { n++; print }
		END { print n; exit n != 17 }'
}

aligned()	# aligned NAME BYTES
{
	found=$(symbol "$1") || return 1
	echo "$found"
	[ $((${found%% *} % $2)) -eq 0 ] && section_aligned "${found##* }" "$2"
}

section_aligned()
{
	readelf -SW "$file" | sed 's/^ *\[ *[0-9]*\] //' |
	awk -v name="$1" -v n="$2" '
		$1 == name { print; ok = $NF >= n } END { exit !ok }'
}

alignments()
{
	check "$how: 16 bytes" aligned second 16
	check "$how: 16 bytes for a local one" aligned helper 16
	check "$how: as the argument says" aligned with_helper 64
	check "$how: data, 8 bytes" aligned counter 8
	check "$how: data, as the argument says" aligned state 64
}

# A label at offset 1 of a function would be inside a detour.
label_has_room()
{
	a=$(symbol labelled) && b=$(symbol early) || return 1
	echo "labelled $a, early $b"
	[ $((${b%% *} - ${a%% *})) -eq "$detour" ]
}

section_flags_are()
{
	readelf -SW "$file" | sed 's/^ *\[ *[0-9]*\] //' |
	awk -v name="$1" -v flags="$2" '
		$1 == name { print; ok = $7 == flags } END { exit !ok }'
}

no_wide_stack()
{
	readelf -SW "$file" | sed 's/^ *\[ *[0-9]*\] //' |
	awk '$1 == ".note.GNU-stack" { n++; bad = $7 ~ /X/ }
	     END { exit bad || n != 1 }'
}

whole()
{
	in_text() { echo .text; }
	in_data() { echo .data; }
	in_rodata() { echo .rodata; }
	how="whole $protection"
	symbols
	alignments
	check "$how: without alignment right behind the one before" \
		gap_is short_one unaligned ''
	check "$how: between functions is what traps" \
		gap_is unaligned helper '(cc)+'
	check "$how: before a function that is fallen into are NOPs" \
		gap_is first second '(66|2e|0f|1f|84|44|40|80|00|90)+'
	check "$how: a function that falls through: no jump" \
		bytes_are first "$entry"83c70a"$nops_first"
}

split()
{
	in_text() { echo ".text.$1"; }
	in_data() { echo ".data.$1"; }
	in_rodata() { echo ".rodata.$1"; }
	how="split $protection"
	symbols
	alignments
	check "$how: .text flags" section_flags_are .text.short_one AX
	check "$how: .data flags" section_flags_are .data.counter WA
	check "$how: .rodata flags" section_flags_are .rodata.letters A
	check "$how: a function that falls through: a jump" \
		bytes_are first "$entry"83c70ae900000000
	check "$how: back in .text, which is empty" \
		[ "$(bytes .text 0 1)" = '' ]
}

for protection in none full; do
	if [ $protection = full ]; then
		endbr=4 detour=9 entry=f30f1efa nops_first=9090
	else
		endbr=0 detour=5 entry='' nops_first=9090
	fi
	for mode in whole split; do
		file=$tmp/$mode-$protection.o
		flags=-fcf-protection=$protection
		[ $mode = whole ] || flags="$flags -DRP_SPLIT_SECTIONS"
		# shellcheck disable=SC2086 # a list
		assemble "$file" "$here/functions.S" $flags -Werror || exit 99
		$mode
		check "$how: the bytes of a short function, padded" \
			bytes_are short_one "${entry}89f8c3cccc"
		check "$how: the bytes of the shortest" \
			bytes_are last "${entry}c3cccccccc"
		check "$how: a label is not inside a detour" label_has_room
		check "$how: the stack stays without execution" no_wide_stack
	done
done

# The header's configuration.
for n in 1 8 64; do
	file=$tmp/align.o
	assemble "$file" "$here/functions.S" -DRP_FUNCTION_ALIGNMENT=$n \
		-fcf-protection=none || exit 99
	check "RP_FUNCTION_ALIGNMENT=$n" aligned second $n
	[ $n -ne 1 ] || check "without alignment: the minimum size" \
		gap_is exported last ''
done
# What is not annotated stays in the section that the file chose.
back()
{
	[ "$(bytes .text 0 1)" = 41 ] && [ "$(bytes .text 1 2)" = '' ] &&
	[ "$(bytes .data 0 1)" = 42 ] && [ "$(bytes .rodata 0 1)" = 43 ]
}
file=$tmp/back.o
cat >"$tmp/back.S" <<'E2'
#include <repoint/linkage.h>
	.text
RP_FUNC(a)
	ret
RP_END(a)
	.byte	0x41
	.data
RP_DATA(b)
	.long	1
RP_END(b)
	.byte	0x42
	.section .rodata
RP_RODATA(c)
	.long	1
RP_END(c)
	.byte	0x43
E2
assemble "$file" "$tmp/back.S" -DRP_SPLIT_SECTIONS || exit 99
check "split: what follows is in the section before" back
assemble "$tmp/g.o" "$here/functions.S" -g -Werror -std=c11 || :
check "-g -std=c11" [ -s "$tmp/g.o" ]
tap_end
