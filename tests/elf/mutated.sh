#!/bin/bash
# SPDX-License-Identifier: MIT
# Objects changed at random: whatever is accepted is annotated soundly.
#
# usage: mutated.sh CRAFT DRIVER        the driver is built from fuzz/
set -u
. "$RP_SOURCE/tests/tap.sh"

"$1" --list | while read -r name _; do
	"$1" "$name" >"$tmp/$name.o"
done
check "the crafted objects as they are" "$2" "$tmp"/*.o
check "20000 mutations of sound ones" "$2" -n 20000 -s 1 "$tmp"/sound*.o
if "$RP_SOURCE/fuzz/corpus.sh" "$tmp/seeds" >"$tmp/log" 2>&1; then
	check "20000 mutations of compiled ones" \
		"$2" -n 20000 -s 2 "$tmp"/seeds/*.o
else
	not_ok "objects to start from" "$tmp/log"
fi
tap_end
