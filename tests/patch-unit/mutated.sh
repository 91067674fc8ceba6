#!/bin/bash
# SPDX-License-Identifier: MIT
# Objects changed at random: whatever opens is equal to itself, and is compared
# with a copy that differs in a byte.
#
# usage: mutated.sh DRIVER        built from fuzz/
set -u
. "$RP_SOURCE/tests/tap.sh"

cat >"$tmp/all.c" <<'EOF'
#include <stdlib.h>
static int count;
static const char *const names[] = { "one", "two", "three" };
static int step(int x) { static int last; return last += x; }
__attribute__((noinline)) static int odd(int x, int y)
{
	if (y < 0)
		abort();
	return x * y + count++;
}
int choose(int x, double *d)
{
	static const void *const places[] = { &&a, &&b };

	switch (x) {
	case 0: return step(3);
	case 1: return names[x][1];
	case 2: *d = 3.25 * *d; return odd(x, 7);
	case 3: return (int)*d;
	case 4: return count;
	case 5: return __LINE__;
	}
	goto *places[x & 1];
a:	return odd(x, 1);
b:	return step(odd(x, 2));
}
EOF
n=0
for flags in "-O2 -g" "-O2 -fPIC -ffunction-sections -fdata-sections" \
	"-Os -fno-pie" "-O0 -g -gz=zlib"; do
	n=$((n + 1))
	# shellcheck disable=SC2086 # options
	check "compile $flags" "${CC:-cc}" $flags -c "$tmp/all.c" -o "$tmp/$n.o"
done
check "the objects as they are" "$1" "$tmp"/?.o

# No assembler writes it: a section's symbol that is in no section.
absolute_section()
{
	local offset index
	cat >"$tmp/absolute.s" <<'S'
	.section .rodata.one, "a"
	.quad	0
	.data
	.quad	.rodata.one
S
	"${CC:-cc}" -c "$tmp/absolute.s" -o "$tmp/absolute.o" || return
	offset=$(readelf -SW "$tmp/absolute.o" |
		sed -n 's/.* \.symtab  *SYMTAB  *[0-9a-f]* \([0-9a-f]*\) .*/\1/p')
	# The one that the relocation names.
	index=$(readelf -rW "$tmp/absolute.o" |
		awk '/R_X86_64_64/ { print substr($2, 1, length($2) - 8); exit }')
	[ -n "$offset" ] && [ -n "$index" ] || return
	printf '\361\377' | dd of="$tmp/absolute.o" bs=1 conv=notrunc \
		seek=$((0x$offset + 0x$index * 24 + 6)) 2>"$tmp/dd.log" &&
	readelf -sW "$tmp/absolute.o" | grep -q 'SECTION LOCAL .* ABS'
}
check "a section's symbol without a section: is made" absolute_section
check "... is read" "$1" "$tmp/absolute.o"
check "6000 mutations of them" "$1" -n 6000 -s 1 "$tmp"/?.o
tap_end
