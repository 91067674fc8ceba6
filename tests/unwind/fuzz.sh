#!/bin/bash
# SPDX-License-Identifier: MIT
# Table files changed at random: refused, or searched and walked by soundly.
#
# usage: fuzz.sh DRIVER MAKE_TABLE FILE...
set -u
. "$RP_SOURCE/tests/tap.sh"

driver=$1 make_table=$2
shift 2
seeds=()
for file; do
	"$make_table" "$file" "$tmp/${#seeds[@]}.orc" || exit 99
	seeds+=("$tmp/${#seeds[@]}.orc")
done
check "the tables as they are" "$driver" "${seeds[@]}"
check "20000 mutations" "$driver" -n 20000 -s 1 "${seeds[@]}"
tap_end
