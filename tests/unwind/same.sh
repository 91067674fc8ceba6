#!/bin/bash
# SPDX-License-Identifier: MIT
# `repoint object orc --from-eh-frame` and libdw say the same of every address
# of a program and of what it loads.
#
# usage: same.sh SAME_TABLES MAKE_TABLE PROGRAM...
set -u
. "$RP_SOURCE/tests/tap.sh"
. "$RP_SOURCE/tests/unwind/tables.sh"

same_tables=$1 make_table=$2
shift 2

same()
{
	"$make_table" "$1" "$tmp/libdw.orc" &&
	RP_TABLES=tool make_one - "$1" "$tmp/tool.orc" &&
	"$same_tables" "$tmp/libdw.orc" "$tmp/tool.orc"
}

for program; do
	what_is_loaded "$program"
done | sort -u >"$tmp/files"
while read -r file; do
	check "${file##*/}" same "$file"
done <"$tmp/files"
tap_end
