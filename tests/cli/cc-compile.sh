#!/bin/bash
# SPDX-License-Identifier: MIT
# repoint cc -c: objects come out annotated and aligned.
. "$(dirname "$0")/common.inc"
data=$(cd "$(dirname "$0")/data" && pwd)
cd "$tmp" || exit 99
printf 's:\tcall rp_tramp__a\n\tret\n' >s.s
printf '#define T rp_tramp__a\ns:\tcall T\n\tret\n' >big.S
cp "$data/use.c" .
cp use.c sp\ ace.c
# Hidden: clang aligns no call that it writes as one through the PLT.
awk 'BEGIN {
	print "#pragma GCC visibility push(hidden)"
	print "int rp_tramp__a(int); int many(int); int many(int x) { int r = 0;"
	for (i = 0; i < 200; i++)
		printf "if (x & %d) r ^= rp_tramp__a(x + %d);\n", 2 ^ (i % 20), i
	print "return r; }" }' >many.c

is_annotated()
{
	annotate -v "$1" | grep ': already annotated: [1-9]'
}

# makes CC OBJECTS ARGUMENTS...
makes()
{
	local cc=$1 objects=$2 o
	shift 2
	rm -f ./*.o
	"$REPOINT" cc "$cc" "$@" 2>err || { cat err; return 1; }
	[ ! -s err ] || { cat err; return 1; }
	for o in $objects; do
		is_annotated "$o" || return
	done
}

aligned()
{
	"$1" $2 -c many.c -o many.o && annotate -v many.o &&
	! annotate -v many.o | grep ', 0 cross' || return
	"$REPOINT" cc "$1" $2 -c many.c -o many.o && annotate -v many.o &&
	annotate -v many.o | grep '200 sites, 0 cross'
}

with_space()
{
	"$REPOINT" cc "$1" -O2 -c "sp ace.c" && is_annotated "sp ace.o"
}

for cc in $(compilers); do
	n=$(basename "$cc")
	check "$n -c" makes "$cc" use.o -O2 -c use.c
	check "$n -c -o" makes "$cc" x.o -O2 -c use.c -o x.o
	check "$n -ox.o" makes "$cc" x.o -O2 -c use.c -ox.o
	check "$n, several sources" makes "$cc" "use.o s.o big.o" -c use.c s.s big.S
	check "$n -x" makes "$cc" x.o -c -x c -o x.o - <use.c
	check "$n, source elsewhere" makes "$cc" use.o -c "$data/use.c"
	echo "-O2 -c 'use.c' -o \"r x.o\"" >args
	check "$n, response file" makes "$cc" "" @args
	check "$n, its output" is_annotated "r x.o"
	check "$n, a name with a space" with_space "$cc"
	for flags in -O2 -Os "-O2 -fno-plt"; do
		check "$n $flags: calls in blocks of 16 bytes" \
			aligned "$cc" "$flags"
	done
	check "$n -c -o /dev/null" makes "$cc" "" -c use.c -o /dev/null
done
check "/dev/null is still there" [ -c /dev/null ]
tap_end
