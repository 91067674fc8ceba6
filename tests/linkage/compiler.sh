#!/bin/sh
# SPDX-License-Identifier: MIT
# What a C compiler's own flags promise: -fmin-function-alignment keeps all
# functions apart, -falign-functions not in gcc. docs/linkage.md has the table;
# this is where it comes from.
#
# usage: compiler.sh COMPILER
# shellcheck disable=SC2086 # lists of options
. "$(dirname "$0")/common.inc"
cc=$1
command -v "$cc" >/dev/null || skip_all "no $cc"
file=$tmp/compiled.o

takes()
{
	"$cc" "$@" -E -x c /dev/null >/dev/null 2>&1
}

compile()
{
	"$cc" -w -fcf-protection=none -I"$root/include" "$@" -c -o "$file" \
		"$here/compiled.c" || exit 99
}

# apart BYTES NAME...: each starts at a multiple
apart()
{
	n=$1
	shift
	far=0
	for name in "$@"; do
		found=$(symbol $name) || { echo "$found"; return 1; }
		echo "$name $found"
		[ $((${found%% *} % n)) -eq 0 ] || far=1
	done
	return $far
}

plain="plain1 plain2 plain3 hot1 hot2 start1 start2 parted main"
cold="cold1 cold2 cold3"
takes -falign-functions=16 || skip_all "$cc has no -falign-functions"
all=
flag=-falign-functions
if takes -fmin-function-alignment=16; then
	flag=-fmin-function-alignment
	all=y
elif "$cc" --version | grep -q clang; then
	all=y
fi

# gap NAME FUNCTIONS: where the flag does not reach. A compiler that got better
# has nothing to show.
gap_of()
{
	if apart 16 $2 >"$tmp/apart"; then
		skip "$1: a gap" "$cc has no such gap"
	else
		ok "$1: a gap"
	fi
}

# With a section each, the linker keeps to the sections' alignments.
section_alignment()
{
	readelf -SW "$file" | sed 's/^ *\[ *[0-9]*\] //' |
	awk -v n="$1" -v pattern="$2" '
		$1 ~ pattern { seen++; if ($NF < n) { bad = 1; print } }
		END { exit bad || !seen }'
}

for opt in -O1 -O2 -O3; do
	compile $opt $flag=16
	check "$opt $flag=16: functions" apart 16 $plain
	if [ "$all" ]; then
		check "$opt $flag=16: cold functions" apart 16 $cold
	else
		gap_of "$opt $flag=16: cold functions" "$cold"
	fi
	compile $opt $flag=16 -ffunction-sections
	check "$opt $flag=16: a section each" \
		section_alignment 16 '^.text.(plain|hot|parted)'
done

compile -O0 $flag=16
check "-O0 $flag=16: all functions" apart 16 $plain $cold
compile -Os $flag=16
if [ "$all" ]; then
	check "-Os $flag=16: all functions" apart 16 $plain $cold
else
	gap_of "-Os $flag=16: all functions" "$plain"
fi

# What remains to be done by hand: an attribute, for each of the cold ones.
for opt in -O2 -Os; do
	compile $opt $flag=16 -DALIGN_COLD
	check "$opt: RP_FUNCTION_ALIGNED" apart 16 $cold
	compile $opt $flag=16 -DALIGN_COLD -DRP_FUNCTION_ALIGNMENT=64
	check "$opt: RP_FUNCTION_ALIGNED, RP_FUNCTION_ALIGNMENT=64" \
		apart 64 $cold
done

# The unlikely part of a function, behind cold functions or among them, has no
# alignment: an option prevents such parts.
has_part()
{
	symbol parted.cold >"$tmp/part"
}
compile -O2 $flag=16
if has_part; then
	if apart 16 parted.cold >"$tmp/apart"; then
		skip "the cold part of a function: a gap" "$cc has no such gap"
	else
		ok "the cold part of a function: a gap"
	fi
	compile -O2 $flag=16 -fno-reorder-blocks-and-partition
	! has_part
	check "-fno-reorder-blocks-and-partition: no such part" [ $? -eq 0 ]
else
	ok "no cold part of a function"
fi

# The last C function of the text: what comes behind it is the linker's.
# functions.S brings its own room, so linked last it closes the text.
last_has_room()
{
	cat >"$tmp/end.c" <<-E2
	void at_end(void);
	int main(void) { return 0; }
	void at_end(void) { }
	E2
	"$cc" -O2 $flag=16 -fcf-protection=none -o "$tmp/end" "$tmp/end.c" \
		$behind && (file=$tmp/end; far_enough 5 at_end)
}
behind=
if last_has_room >"$tmp/end.log"; then
	skip "the last C function: a gap" "$cc has no such gap"
elif grep -q 'behind at_end' "$tmp/end.log"; then
	ok "the last C function: a gap"
else
	not_ok "the last C function: a gap" "$tmp/end.log"
fi
assemble "$tmp/closing.o" "$here/functions.S" -fcf-protection=none || exit 99
behind=$tmp/closing.o
check "the last C function, assembly behind it" last_has_room
tap_end
