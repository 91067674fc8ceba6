#!/bin/bash
# SPDX-License-Identifier: MIT
# ld -r merges tables; annotating again gives each text section its own.
. "$(dirname "$0")/common.inc"
data=$(dirname "$0")/data

for s in tramp use walk main; do
	"$CC" -O2 -ffunction-sections -fno-asynchronous-unwind-tables \
		-I"$RP_INC" -c "$data/$s.c" -o "$tmp/$s.o" || exit 99
done
annotate "$tmp/use.o"
n=$(sites "$tmp/use.o")

# Every table that holds anything is as long as its text has sites.
tables()
{
	readelf -SW "$1" | awk '$0 ~ / rp_static_call_sites / {
		sub(/.*PROGBITS/, ""); if ($3 !~ /^0+$/) n++ } END { print n+0 }'
}

relink()
{
	"$1" -r -o "$tmp/r.o" "$tmp/use.o" "$tmp/tramp.o" &&
	annotate "$tmp/r.o" && is_clean "$tmp/r.o" &&
	[ "$(sites "$tmp/r.o")" -eq "$n" ] &&
	[ "$(tables "$tmp/r.o")" -eq "$(tables "$tmp/use.o")" ] &&
	cp "$tmp/r.o" "$tmp/r1.o" && annotate "$tmp/r.o" &&
	cmp "$tmp/r.o" "$tmp/r1.o"
}

runs()
{
	"$CC" -o "$tmp/prog" "$tmp/r.o" "$tmp/walk.o" "$tmp/main.o" &&
	"$tmp/prog" >"$tmp/out" && cat "$tmp/out" &&
	grep -q "^$n sites, 0 bad" "$tmp/out"
}

check "ld -r, then annotate" relink ld
check "the result runs" runs
if command -v ld.lld >/dev/null; then
	check "ld.lld -r, then annotate" relink ld.lld
	check "the result runs" runs
else
	skip "ld.lld -r" "no lld"
fi
tap_end
