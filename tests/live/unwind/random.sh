#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Stopped at random instants: the walk is what the program knows itself.
# A compiler may be several words; tap.sh sets $tmp, variants.inc $cc.
# shellcheck disable=SC1091,SC2086,SC2154
. "$(dirname "$0")/../../tap.sh"
. "$(dirname "$0")/variants.inc"
driver=$1
dir=$(dirname "$0")
stops=${RP_UNWIND_STOPS:-1000}

while IFS='|' read -r name command; do
	target=$tmp/tree-$name
	if ! $command -finstrument-functions "$dir/tree.c" -o "$target" \
			2>"$tmp/cc.log"; then
		not_ok "build $name" "$tmp/cc.log"
		continue
	fi
	check "$name: at random instants" \
		"$driver" random "$stops" "$target"
done < <(variants)

# In the dynamic linker, resolving.
slots=8
if $cc -O2 -no-pie -fno-pie -finstrument-functions -fcf-protection=none \
		-Wl,-z,lazy -Wl,-z,norelro -DLAZY_SLOTS=$slots "$dir/tree.c" \
		-o "$tmp/tree-lazy" 2>"$tmp/cc.log"; then
	check 'lazy binding: at random instants' \
		"$driver" random "$stops" "$tmp/tree-lazy"
else
	not_ok 'build with lazy binding' "$tmp/cc.log"
fi
tap_end
