#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Programs that wait at a known depth: the walk finds all of their return
# addresses, and the end.
# A compiler may be several words; tap.sh sets $tmp, variants.inc $cc.
# shellcheck disable=SC1091,SC2086,SC2154
. "$(dirname "$0")/../../tap.sh"
. "$(dirname "$0")/variants.inc"
driver=$1
dir=$(dirname "$0")

ways='poll sleep cond read clock spin join signal altstack sort bare expression'

while IFS='|' read -r name command; do
	target=$tmp/chain-$name
	if ! $command -fno-optimize-sibling-calls -DWITH_ASM "$dir/chain.c" \
			"$dir/bare.S" "$dir/expression.S" -o "$target" \
			2>"$tmp/cc.log"; then
		not_ok "build $name" "$tmp/cc.log"
		continue
	fi
	for way in $ways; do
		check "$name: $way" "$driver" known "$target" "$way"
	done
	check "$name: in a thread, poll" "$driver" known "$target" poll thread
	check "$name: in a thread, signal" \
		"$driver" known "$target" altstack thread
	check "$name: 50,000 frames" "$driver" known "$target" deep
done < <(variants)

if $cxx -O2 "$dir/throws.cc" -o "$tmp/throws" 2>/dev/null; then
	check 'an exception on its way' "$driver" known "$tmp/throws"
else
	skip 'an exception on its way' 'no C++ compiler'
fi
tap_end
