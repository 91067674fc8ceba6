#!/bin/bash
# SPDX-License-Identifier: MIT
# More sections than fit into 16 bits (SHN_XINDEX), before and after.
. "$(dirname "$0")/common.inc"
data=$(cd "$(dirname "$0")/data" && pwd)
cd "$tmp" || exit 99

# many N DIRECTIVE: a function in a section of its own, N times. Without
# unwind tables the assembler leaves the sections without symbols.
many()
{
	awk -v n="$1" -v unwind="$2" 'BEGIN {
		for (i = 0; i < n; i++)
			printf "\t.section .text.f%d,\"ax\",@progbits\n" \
				"\t.globl f%d\nf%d:\n%s\tcall rp_tramp__a\n" \
				"%s\tret\n", i, i, i,
				unwind ? "\t.cfi_startproc\n" : "",
				unwind ? "\t.cfi_endproc\n" : "" }' >many.s
	"$CC" -c many.s -o many.o
}

# Without -r, which takes readelf minutes here.
all_there()
{
	annotate -v many.o | grep ": annotated: $1 sites" &&
	is_clean many.o -hSsgW &&
	annotate -v many.o | grep ": already annotated: $1 sites"
}

runs()
{
	local s
	for s in tramp use walk main; do
		"$CC" -I"$RP_INC" -c "$data/$s.c" -o $s.o || return
	done
	annotate use.o && "$CC" -o prog many.o tramp.o use.o walk.o main.o &&
	./prog >out && cat out &&
	grep -q "^$(($1 + $(sites use.o))) sites, 0 bad" out
}

check "assemble 17000 functions" many 17000 1
check "their tables make it more than 65280 sections" all_there 17000
check "they link and run" runs 17000
check "assemble 33000 functions without symbols for sections" many 33000 ""
check "annotate more than 65280 sections" all_there 33000
check "they link and run" runs 33000
tap_end
