#!/bin/bash
# SPDX-License-Identifier: MIT
# Tables of functions in COMDAT groups are in the group, and dropped with it.
. "$(dirname "$0")/common.inc"
data=$(dirname "$0")/data
cxx=${CXX:-c++}
command -v ${cxx%% *} >/dev/null || skip_all "no C++ compiler"

for i in 1 2; do
	cat >"$tmp/g$i.cc" <<-EOF
	extern "C" int rp_tramp__a(int);
	inline int shared_one(int x) { return rp_tramp__a(x) + 5; }
	template <class T> T shared_two(T x) { return rp_tramp__a(x) + 6; }
	int user$i(int x) { return shared_one(x) + shared_two<int>(x); }
	EOF
	$cxx -O0 -c "$tmp/g$i.cc" -o "$tmp/g$i.o" || exit 99
done
for s in tramp use walk main; do
	"$CC" -O2 -I"$RP_INC" -c "$data/$s.c" -o "$tmp/$s.o" || exit 99
done

# Each group: text, its table, the table's relocations.
in_groups()
{
	readelf -gW "$1" >"$tmp/groups" && cat "$tmp/groups"
	[ "$(grep -c ' rp_static_call_sites$' "$tmp/groups")" -eq 2 ] &&
	[ "$(grep -c ' .relarp_static_call_sites$' "$tmp/groups")" -eq 2 ] &&
	grep -q '\[_Z10shared_onei\]' "$tmp/groups" &&
	grep -q '\[_Z10shared_twoIiET_S0_\]' "$tmp/groups"
}

# Without unwind tables sections have no symbols; inserting some renumbers
# those that groups are named after.
without_symbols()
{
	$cxx -O0 -fno-exceptions -fno-asynchronous-unwind-tables \
		-c "$tmp/g1.cc" -o "$tmp/bare" &&
	annotate "$tmp/bare" && in_groups "$tmp/bare" && is_clean "$tmp/bare"
}

counts()
{
	"$CC" -o "$tmp/prog" "$tmp"/*.o "$@" && "$tmp/prog" | tee "$tmp/out"
	grep -q "^$(($(sites "$tmp/use.o") + 2)) sites, 0 bad" "$tmp/out"
}

check "annotate" annotate "$tmp/g1.o" "$tmp/g2.o" "$tmp/use.o"
check "tables are in groups" in_groups "$tmp/g1.o"
check "readelf is content" is_clean "$tmp/g1.o"
check "groups keep their names" without_symbols
check "the second copy is dropped with its records" counts
command -v ld.lld >/dev/null && check "lld too" counts -fuse-ld=lld
tap_end
