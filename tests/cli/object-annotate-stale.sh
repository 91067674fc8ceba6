#!/bin/bash
# SPDX-License-Identifier: MIT
# A table that does not say what the code says is written anew.
. "$(dirname "$0")/common.inc"

"$CC" -O2 -c "$(dirname "$0")/data/use.c" -o "$tmp/use.o" || exit 99
annotate "$tmp/use.o"
n=$(sites "$tmp/use.o")
cp "$tmp/use.o" "$tmp/good.o"

# spoil COMMAND...: change the table; annotating must bring the file back
rewritten()
{
	cp "$tmp/good.o" "$tmp/use.o"
	"$@" || return
	! cmp -s "$tmp/use.o" "$tmp/good.o" || return
	annotate -v "$tmp/use.o" | grep ': annotated: ' || return
	[ "$(sites "$tmp/use.o")" -eq "$n" ] && is_clean "$tmp/use.o" &&
	annotate -v "$tmp/use.o" | grep 'already annotated'
}

other_kind()
{
	objcopy --dump-section rp_static_call_sites="$tmp/table" "$tmp/use.o"
	printf '\7' | dd of="$tmp/table" bs=1 seek=4 conv=notrunc status=none
	objcopy --update-section rp_static_call_sites="$tmp/table" "$tmp/use.o"
}


no_relocations()
{
	objcopy --remove-relocations=rp_static_call_sites "$tmp/use.o"
}

check "another kind in a record" rewritten other_kind
check "no relocations" rewritten no_relocations
tap_end
