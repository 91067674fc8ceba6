#!/bin/bash
# SPDX-License-Identifier: MIT
# Annotating twice is annotating once; strip and objcopy do not change that.
. "$(dirname "$0")/common.inc"

"$CC" -O2 -g -ffunction-sections -c "$(dirname "$0")/data/use.c" \
	-o "$tmp/use.o" || exit 99

unchanged()
{
	cp -p "$tmp/use.o" "$tmp/before.o"
	touch -d '2001-01-01' "$tmp/use.o"
	annotate "$tmp/use.o" >"$tmp/out" && [ ! -s "$tmp/out" ] &&
	cmp "$tmp/use.o" "$tmp/before.o" &&
	[ "$(stat -c %Y "$tmp/use.o")" = "$(date -d 2001-01-01 +%s)" ] &&
	annotate -v "$tmp/use.o" | grep ': already annotated: [1-9]'
}

is_changed()
{
	! cmp "$tmp/use.o" "$tmp/before.o"
}

cp "$tmp/use.o" "$tmp/before.o"
check "first run" annotate "$tmp/use.o"
check "it changes the file" is_changed
check "second run changes nothing" unchanged
check "strip -g" strip -g "$tmp/use.o"
check "nothing to do after it" unchanged
check "strip --strip-unneeded" strip --strip-unneeded "$tmp/use.o"
check "nothing to do after it" unchanged
check "objcopy" objcopy --compress-debug-sections "$tmp/use.o"
check "nothing to do after it" unchanged
# No symbol for the section, but a local label that is not at its beginning.
cat >"$tmp/label.s" <<'EOF'
	.section .text.z, "ax", @progbits
	nop
label:	call	rp_tramp__a
EOF
label_as_base()
{
	"$CC" -c "$tmp/label.s" -o "$tmp/use.o" && annotate "$tmp/use.o" &&
	readelf -rW "$tmp/use.o" | grep 'R_X86_64_PC32 .* label + 0'
}

check "a label that a record refers to" label_as_base
check "nothing to do after it" unchanged
check "readelf is content" is_clean "$tmp/use.o"
tap_end
