#!/bin/sh
# SPDX-License-Identifier: MIT
# The same for AArch64, by clang, which assembles for every machine: detours of
# 4 bytes, 8 behind a landing pad. Run by qemu.
# shellcheck disable=SC2034,SC2086 # common.inc uses some; lists of options
. "$(dirname "$0")/common.inc"
cc=clang
command -v clang >/dev/null || skip_all "no clang"
target=--target=aarch64-linux-gnu
echo 'int x;' >"$tmp/x.c"
clang $target -c -o "$tmp/x.o" "$tmp/x.c" 2>/dev/null ||
	skip_all "clang without AArch64"

in_text()
{
	[ $mode = split ] && echo ".text.$1" || echo .text
}

runs()
{
	clang $target -O1 -ffreestanding $flags -c -o "$tmp/main.o" \
		"$here/aarch64-main.c" &&
	ld.lld -o "$tmp/program" "$tmp/main.o" "$file" &&
	qemu-aarch64 "$tmp/program"
}

has_bti()
{
	readelf -n "$file" | grep 'AArch64 feature: BTI'
}

lacks_bti()
{
	! has_bti
}

text_aligned()	# code is at multiples of 4, whatever its alignment
{
	readelf -SW "$file" | sed 's/^ *\[ *[0-9]*\] //' |
	awk '$1 ~ /^\.text/ { n++; print; if ($NF % 4) bad = 1 }
	     END { exit bad || !n }'
}

nop=1f2003d5
ret=c0035fd6
for protection in none standard; do
	if [ $protection = none ]; then
		size=4 entry='' bti=lacks_bti
	else
		size=8 entry=5f2403d5 bti=has_bti
	fi
	for mode in whole split; do
		how="$mode $protection"
		file=$tmp/$mode-$protection.o
		flags=-mbranch-protection=$protection
		[ $mode = whole ] || flags="$flags -DRP_SPLIT_SECTIONS"
		assemble "$file" "$here/aarch64.S" $target $flags -Werror ||
			exit 99
		check "$how: a function" symbol_is short_one \
			"$size FUNC GLOBAL HIDDEN $(in_text short_one)"
		check "$how: a local one" symbol_is helper \
			"$((size + 4)) FUNC LOCAL DEFAULT $(in_text helper)"
		check "$how: its bytes" bytes_are short_one "$entry$ret"
		check "$how: the last one" bytes_are last "$entry$ret"
		if [ $mode = split ]; then
			check "$how: falling through is a jump" \
				bytes_are empty "${entry}00000014"
			check "$how: instructions are aligned" text_aligned
		else
			check "$how: an empty function has room for a detour" \
				bytes_are empty "$entry$nop"
			check "$how: traps between functions" \
				gap_is short_one helper '(000020d4)+'
			check "$how: no traps in a fall" \
				gap_is empty second "($nop)+"
		fi
		check "$how: BTI" $bti
		if command -v qemu-aarch64 >/dev/null &&
		   command -v ld.lld >/dev/null; then
			check "$how: runs" runs
		else
			skip "$how: runs" "no qemu-aarch64 or ld.lld"
		fi
	done
done
tap_end
