#!/bin/bash
# SPDX-License-Identifier: MIT
# `repoint object check` says where in the source a finding is, also with
# -gsplit-dwarf: line tables stay in the object, whatever became of the .dwo.
. "$(dirname "$0")/common.inc"
. "$(dirname "$0")/object-check.inc"
cd "$tmp" || exit 99

# Too short for a detour: a note. The other section gives the unit ranges.
cat >short.c <<'C'
__attribute__((section(".text.other"))) int other(int x)
{
	return x;
}

int short_one(int x)
{
	return x;
}
C
echo 'int main(void) { return 0; }' >main.c

# lines FILE: those of both functions
lines()
{
	check_object -v "$1" >found
	cat found
	grep -Eq ': note: other\+0x0 \(\.text[^,]*, .*short\.c:2\)' found &&
	grep -Eq ': note: short_one\+0x0 \(\.text[^,]*, .*short\.c:7\)' found
}

# is_split FILE: or the test shows nothing
is_split()
{
	readelf --debug-dump=info --dwarf-depth=1 "$1" 2>/dev/null >units
	grep -q 'DW_AT_\(GNU_\)\?dwo_name' units
}

# split COMPILER NAME OPTION...
split()
{
	local cc=$1 name=$2
	shift 2
	rm -f ./*.o ./*.dwo program
	if ! "$cc" -O2 "$@" -c short.c -o short.o 2>err ||
			! "$cc" -O2 -c main.c -o main.o; then
		skip "$name" "$(head -1 err)"
		return
	fi
	check "$name: is split" is_split short.o
	check "$name" lines short.o
	"$cc" main.o short.o -o program || exit 99
	check "$name: a program" lines program
	rm -f ./*.dwo
	check "$name: without the .dwo" lines short.o
	check "$name: a program, without the .dwo" lines program
	"$cc" -g -O2 -c main.c -o main.o && ld -r main.o short.o -o both.o ||
		exit 99
	check "$name: behind one that is not split" lines both.o
}

for cc in $(compilers); do
	for v in 4 5; do
		split "$cc" "${cc##*/}, DWARF $v" -gdwarf-$v -gsplit-dwarf
	done
	split "$cc" "${cc##*/}, compressed" -g -gsplit-dwarf -gz
	split "$cc" "${cc##*/}, -ffunction-sections" -g -gsplit-dwarf \
		-ffunction-sections
done
[ -z "$clang_cc" ] || split "$clang_cc" "clang, in one file" -g \
	-gsplit-dwarf=single

in_json()
{
	check_object --json short.o >json
	cat json
	grep -q '"source": "short\.c", "line": 7,' json
}
"$CC" -g -gsplit-dwarf -O2 -c short.c -o short.o || exit 99
check "in JSON" in_json
tap_end
