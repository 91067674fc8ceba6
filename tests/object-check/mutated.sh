#!/bin/bash
# SPDX-License-Identifier: MIT
# Objects changed at random: checks and unwind tables neither crash nor hang, and
# what they say is about the file.
#
# usage: mutated.sh DRIVER              the driver is built from fuzz/
#
# Environment:
#   RP_MUTATIONS   how many (3000)
#   RP_SEED        the first seed (1)
set -u
. "$RP_SOURCE/tests/tap.sh"

if "$RP_SOURCE/fuzz/corpus-check.sh" "$tmp/seeds" >"$tmp/log" 2>&1; then
	check "${RP_MUTATIONS:=3000} mutations" \
		"$1" -n "$RP_MUTATIONS" -s "${RP_SEED:-1}" "$tmp"/seeds/*.o
else
	not_ok "objects to start from" "$tmp/log"
fi
tap_end
