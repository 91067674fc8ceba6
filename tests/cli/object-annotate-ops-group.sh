#!/bin/bash
# SPDX-License-Identifier: MIT
# Tables of ops sites of functions in COMDAT groups are in the group, and
# dropped with it.
. "$(dirname "$0")/common.inc"
data=$(cd "$(dirname "$0")/data" && pwd)

for i in 1 2; do
	cat >"$tmp/g$i.cc" <<-EOF
	extern "C" {
	#include "$data/ops.h"
	}
	inline __attribute__((noinline)) int one(int x)
	{
		return data.first(x) + 5;
	}
	template <class T> __attribute__((noinline)) T two(T x)
	{
		return bss.second(x);
	}
	int user$i(int x) { return one(x) + two<int>(x); }
	EOF
done

# Each group: text, its table, the table's relocations.
in_groups()
{
	"$1" $3 -c "$tmp/g1.cc" -o "$tmp/g1.o" &&
	"$1" $3 -c "$tmp/g2.cc" -o "$tmp/g2.o" &&
	"$2" $3 -I"$RP_INC" -c "$data/ops_use.c" -o "$tmp/ops_use.o" &&
	annotate "$tmp/g1.o" "$tmp/g2.o" "$tmp/ops_use.o" || return
	readelf -gW "$tmp/g1.o" | tee "$tmp/groups"
	[ "$(grep -c ' rp_op_sites$' "$tmp/groups")" -eq 2 ] &&
	[ "$(grep -c ' .relarp_op_sites$' "$tmp/groups")" -eq 2 ] &&
	is_clean "$tmp/g1.o"
}

counts()
{
	"$@" -o "$tmp/prog" "$tmp"/*.o && "$tmp/prog" | tee "$tmp/out"
	grep -q "^12 sites, 0 bad" "$tmp/out"
}

for s in ops_table ops_walk main; do
	"$CC" -O2 -fPIE -I"$RP_INC" -c "$data/$s.c" -o "$tmp/$s.o" || exit 99
done
for cc in gcc clang; do
	cxx=${cc/gcc/g}
	[ "$cc" = clang ] && cxx=clang
	cxx=$cxx++
	command -v $cxx >/dev/null && command -v $cc >/dev/null || continue
	for flags in "-O1 -fPIE" "-O2 -fPIE" \
	    "-O2 -fPIE -fno-exceptions -fno-asynchronous-unwind-tables"; do
		check "$cxx $flags: tables are in groups" \
			in_groups $cxx $cc "$flags"
		check "the second copy is dropped with its records" counts $cc
		command -v ld.lld >/dev/null &&
			check "lld too" counts $cc -fuse-ld=lld
	done
done
tap_end
