#!/bin/bash
# SPDX-License-Identifier: MIT
# Unwind information that cannot be followed, or is damaged.
#
# usage: damaged.sh ROWS ENTRIES PADS MUTATED
set -u
. "$RP_SOURCE/tests/tap.sh"
rows=$1 pads=$3 mutated=$4
src=$RP_SOURCE/tests/object-frames

# What is not sound ends the rows of its function, not of the others.
unknown='an instruction that is unknown, or cut off'
senseless='an instruction that makes no sense where it is'
cat >"$tmp/expected" <<EOF
fault_unknown: 4 of 8 bytes: $unknown
fault_restore: 4 of 8 bytes: $senseless
fault_beyond: 4 of 8 bytes: an instruction that goes back, or beyond the function
fault_expression: 4 of 8 bytes: $unknown
fault_offset: 4 of 8 bytes: $senseless
fault_deep: 4 of 8 bytes: $senseless
fault_change: 4 of 8 bytes: $senseless
EOF
check_faults()
{
	"$rows" --faults "$1" >"$tmp/faults" && diff "$tmp/expected" "$tmp/faults"
}
check "faults assemble" $CC -c "$src/faults.S" -o "$tmp/faults.o"
check "faults of an object" check_faults "$tmp/faults.o"
check "faults link" $CC -shared -nostdlib "$tmp/faults.o" -o "$tmp/faults.so"
check "faults of a library" check_faults "$tmp/faults.so"

# What is damaged in a way that leaves no way on is refused, with a place.
refuses()
{
	printf '\t.section .eh_frame,"a",@progbits\n' >"$tmp/bad.s"
	printf '%b' "$2" >>"$tmp/bad.s"
	$CC -c "$tmp/bad.s" -o "$tmp/bad.o" || return 1
	"$rows" --faults "$tmp/bad.o" 2>"$tmp/message"
	status=$?
	cat "$tmp/message"
	[ "$status" -eq 2 ] && grep -q "eh_frame+0x[0-9a-f]*: $1" "$tmp/message"
}
cie='.Lcie: .long 2f-1f\n1: .long 0\n.byte 1\n.asciz "zR"\n.byte 1,0x78,16,1,0x1b\n.byte 12,7,8\n2:\n'
check "a record that is cut off" refuses 'a record that is cut off' '.byte 1,0\n'
check "a record beyond the end" refuses 'a record beyond the end' '.long 40,0\n'
check "a record of 64 bits" refuses 'a record of the 64-bit format' \
	'.long -1,8,0,0,0\n'
check "a CIE of version 2" refuses 'a CIE of an unknown version' \
	'.long 8,0\n.byte 2,0,1,0x78\n'
check "an augmentation without end" refuses 'an augmentation without end' \
	'.long 8,0\n.byte 1,0x7a,0x7a,0x7a\n'
check "an unknown augmentation" refuses 'an unknown augmentation' \
	'.long 12,0\n.byte 1,0x71,0,1,0x78,16,0,0\n'
check "another return address" refuses 'a return address that is not rip' \
	'.long 12,0\n.byte 1,0,1,0x78,15,0,0,0\n'
check "a CIE that moves" refuses 'an instruction that goes on to other code' \
	'.long 12,0\n.byte 1,0,1,0x78,16,0x41,0,0\n'

# An FDE that cannot be read is left out; those behind it are not.
cat >"$tmp/good.s" <<'EOF'
	.text
	.type	good, @function
good:	.zero	8, 0x90
	.size	good, 8
	.section .eh_frame
	.long	4f - 3f
3:	.long	. - .Lcie
	.long	good - ., 8
	.byte	0, 0x44, 14, 24
4:
EOF
leaves_out()
{
	printf '\t.section .eh_frame,"a",@progbits\n%b' "$cie$2" >"$tmp/bad.s"
	cat "$tmp/good.s" >>"$tmp/bad.s"
	$CC -c "$tmp/bad.s" -o "$tmp/bad.o" || return 1
	"$rows" --faults "$tmp/bad.o" >"$tmp/message" &&
	"$rows" --list "$tmp/bad.o" >"$tmp/list" || return
	cat "$tmp/message" "$tmp/list"
	[ "$(wc -l <"$tmp/message")" = 1 ] &&
	grep -q "^\.eh_frame+0x14, .* not read: $1" "$tmp/message" &&
	[ "$(wc -l <"$tmp/list")" = 2 ] &&
	! grep 'compile it again' "$tmp/message"
}
check "an FDE without a CIE" leaves_out 'an FDE without a CIE' '.long 8,400,0\n'
check "code beyond its section" leaves_out 'an FDE for code beyond its section' \
	'.long 2f-1f\n1: .long .-.Lcie\n.long good-.\n.long 100\n.byte 0\n2:\n'
check "a relocation that does not fit" leaves_out 'a pointer with a relocation' \
	'.long 2f-1f\n1: .long .-.Lcie\n.long good\n.long 1\n.byte 0\n2:\n'
check "a relocation of a size" leaves_out "a relocation of a function's size" \
	'.long 2f-1f\n1: .long .-.Lcie\n.long good-.\n.long elsewhere\n.byte 0\n2:\n'
check "a pointer beyond the record" leaves_out 'a pointer that is cut off' \
	'.long 2f-1f\n1: .long .-.Lcie\n.byte 0\n2:\n'

# One table of exceptions that cannot be read; the other one's pads are known.
check_tables()
{
	cat >"$tmp/tables.s" <<'EOF'
	.section .gcc_except_table, "a", @progbits
first:	.byte 0xff, 0xff, 1, 4f - 3f
3:	.uleb128 0, 100, 1, 0
4:
second:	.byte 0xff, 0xff, 1, 4f - 3f
3:	.uleb128 0, 1, 1, 0
4:	.text
	.irp name, first, second
	.cfi_startproc
	.cfi_lsda 0x1b, \name
	nop
	ret
	.cfi_endproc
	.endr
EOF
	$CC -c "$tmp/tables.s" -o "$tmp/tables.o" || return 1
	"$pads" "$tmp/tables.o" </dev/null >"$tmp/message"
	cat "$tmp/message"
	grep -q 'gcc_except_table+0x0: a call site outside' "$tmp/message" &&
	grep -q ': 1 landings' "$tmp/message"
}
check "one table of exceptions of two" check_tables

# Tables of a function's parts, each with a length that takes in those behind it.
check_parts()
{
	cat >"$tmp/parts.s" <<'EOF'
	.section .gcc_except_table, "a", @progbits
first:	.byte 0
	.quad first_pad
	.byte 0xff, 1
	.uleb128 4f - 3f
3:	.uleb128 0, 1, 1, 0
second:	.byte 0
	.quad second_pad
	.byte 0xff, 1
	.uleb128 4f - 3f
3:	.uleb128 0, 1, 1, 0
4:	.text
	.irp name, first, second
	.cfi_startproc
	.cfi_lsda 0x1b, \name
	nop
\name\()_pad:
	nop
	ret
	.cfi_endproc
	.endr
EOF
	$CC -c "$tmp/parts.s" -o "$tmp/parts.o" || return 1
	"$pads" "$tmp/parts.o" </dev/null >"$tmp/message"
	cat "$tmp/message"
	! grep -q 'gcc_except_table' "$tmp/message" &&
	grep -q ': 2 landings' "$tmp/message"
}
check "tables of a function's parts" check_parts

# Many functions that have one large table of exceptions in common: more work than
# there is file.
check_shared()
{
	cat >"$tmp/shared.s" <<'EOF'
	.section .gcc_except_table, "a", @progbits
table:	.byte 0xff, 0xff, 3
	.uleb128 2f - 1f
1:	.rept 500
	.long 0, 1, 0
	.byte 0
	.endr
2:	.text
	.rept 1000
	.cfi_startproc
	.cfi_lsda 0x1b, table
	nop
	.cfi_endproc
	.endr
EOF
	$CC -c "$tmp/shared.s" -o "$tmp/shared.o" || return 1
	"$pads" "$tmp/shared.o" </dev/null 2>"$tmp/message"
	status=$?
	cat "$tmp/message"
	[ "$status" -eq 1 ] && grep -q 'tables of exceptions that share' "$tmp/message"
}
check "a table of many functions" check_shared

# What follows in two FDEs of the same code: the first counts.
check_overlap()
{
	{
		printf '\t.section .eh_frame,"a",@progbits\n%b' "$cie"
		for range in 'code-. 8 16' 'code+4-. 8 24' 'code+2-. 4 32'; do
			# shellcheck disable=SC2086
			set -- $range
			printf '\t.long 2f-1f\n1: .long .-.Lcie\n\t.long %s, %s\n' \
				"$1" "$2"
			printf '\t.byte 0, 14, %s\n2:\n' "$3"
		done
		printf '\t.text\n\t.type code, @function\ncode: .zero 12, 0x90\n'
		printf '\t.size code, 12\n'
	} >"$tmp/overlap.s"
	$CC -c "$tmp/overlap.s" -o "$tmp/overlap.o" &&
	"$rows" --list "$tmp/overlap.o" >"$tmp/overlap.out" &&
	printf '0x0 to 0x8: CFA 4+16\n0x8 to 0xc: CFA 4+24\n' |
		diff - "$tmp/overlap.out"
}
check "FDEs that overlap" check_overlap

# Bytes at random.
cat >"$tmp/unit.cc" <<'EOF'
extern "C" void use(void *);
struct Guard { ~Guard() { use(this); } };
int catcher(int n)
{
	try { Guard g; use(&n); return n; } catch (int i) { return i; }
}
int other(int n) { Guard g; use(&n); return catcher(n) + n; }
int wide(int n) { struct alignas(64) { char c[99]; } w; use(&w); return w.c[n]; }
EOF
for cxx in g++ clang++; do
	command -v $cxx >/dev/null || continue
	$cxx -O2 -fPIC -c "$tmp/unit.cc" -o "$tmp/unit.o" &&
	$cxx -shared -nostdlib "$tmp/unit.o" -o "$tmp/unit.so" || continue
	check "$cxx: objects changed at random" "$mutated" "$tmp/unit.o" 4000
	check "$cxx: libraries changed at random" "$mutated" "$tmp/unit.so" 4000
done
$CC -c "$src/shapes.S" -o "$tmp/shapes.o" &&
$CC -shared -nostdlib "$tmp/shapes.o" -o "$tmp/shapes.so"
check "shapes changed at random" "$mutated" "$tmp/shapes.so" 2000
tap_end
