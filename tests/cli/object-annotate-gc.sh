#!/bin/bash
# SPDX-License-Identifier: MIT
# --gc-sections drops records of dropped functions, and no others: with lld,
# and with GNU ld under -z start-stop-gc.
. "$(dirname "$0")/common.inc"
data=$(dirname "$0")/data

for s in tramp use walk main; do
	"$CC" -Os -ffunction-sections -I"$RP_INC" -c "$data/$s.c" \
		-o "$tmp/$s.o" || exit 99
done
annotate "$tmp/use.o"
all=$(sites "$tmp/use.o")

# Exactly the site in unused() is gone.
drops_one()
{
	"$CC" "$@" -Wl,--gc-sections -o "$tmp/prog" "$tmp"/*.o || return
	! nm "$tmp/prog" | grep -w unused || return
	"$tmp/prog" | tee "$tmp/out"
	grep -q "^$((all - 1)) sites, 0 bad" "$tmp/out"
}

keeps_all()
{
	"$CC" "$@" -o "$tmp/prog" "$tmp"/*.o && "$tmp/prog" | tee "$tmp/out"
	grep -q "^$all sites, 0 bad" "$tmp/out"
}

check "without --gc-sections all records stay" keeps_all
check "ld -z start-stop-gc" drops_one -Wl,-z,start-stop-gc
if command -v ld.lld >/dev/null; then
	check "lld" drops_one -fuse-ld=lld
else
	skip "lld" "no lld"
fi
tap_end
