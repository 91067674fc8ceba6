#!/bin/bash
# SPDX-License-Identifier: MIT
# The example, and which table files count: by build ID in a directory or
# beside the file, of this build and undamaged.
#
# usage: space.sh EXAMPLE MAKE_TABLE
set -u
. "$RP_SOURCE/tests/tap.sh"
. "$RP_SOURCE/tests/unwind/tables.sh"

mkdir "$tmp/orc" "$tmp/other"
cp "$1" "$tmp/stacks" || exit 99
make_tables "$tmp/orc" "$2" "$tmp/stacks" || skip_all "$reason"
id=$("$2" --id "$tmp/stacks")
own=$tmp/orc/$id.orc

# run NAME TABLES [DIRECTORY]: exit status, number of tables
run()
{
	"$tmp/stacks" ${2:+"$2"} >"$tmp/out" 2>&1
	local status=$?
	cat "$tmp/out"
	[ "$status" -eq 0 ] && grep -q "^$1 tables, " "$tmp/out"
}

# What is between "$1" and the next heading.
part()
{
	sed -n "/^$1/,/^[a-z]/p" "$tmp/out" | sed -n 's/^  //p'
}

names_in_order()
{
	local heading=$1 want
	shift
	part "$heading" >"$tmp/part"
	cat "$tmp/part"
	for want; do
		# each one behind the one before
		grep -q "^$want" "$tmp/part" || return
		sed -i "0,/^$want/d" "$tmp/part"
	done
}

refused()
{
	! "$tmp/stacks" "$tmp/other" >"$tmp/out" 2>&1 &&
	grep -q "$1" "$tmp/out"
}

check "tables of a directory" run 3 "$tmp/orc"
check "this thread's stack" \
	names_in_order "this thread" print_own main __libc_start_main _start \
	"the end"
check "the other thread's stack" \
	names_in_order "another thread" '.* interrupted$' wait_for_work \
	worker '.*' 'the end'
check "no directory, no table" run 0
cp "$own" "$tmp/stacks.orc"
check "a table beside the file" run 1
check "the one in the directory is not taken twice" run 3 "$tmp/orc"
rm "$tmp/stacks.orc"

for file in "$tmp/orc"/*; do
	[ "$file" = "$own" ] || cp "$file" "$tmp/other/$id.orc"
done
check "a table of another build does not count" run 0 "$tmp/other"
check "the walk says so" names_in_order "this thread" print_own \
	"No such file or directory"
head -c 1000 "$own" >"$tmp/other/$id.orc"
check "a damaged table is an error" refused "Invalid argument"
# named ENVIRONMENT...: the damaged file, in a line of its own
named()
{
	env "$@" "$tmp/stacks" "$tmp/other" >"$tmp/out" 2>&1
	cat "$tmp/out"
	grep -qxF "repoint: object: $own_of_other: no table, or a damaged one" \
		"$tmp/out"
}
own_of_other=$tmp/other/$id.orc
check "which one, with RP_LOG=object" named RP_LOG=object
check "which one, with RP_LOG=warn" named RP_LOG=warn
silent()
{
	! named -u RP_LOG
}
check "nothing without" silent
cp "$own" "$own_of_other"
printf '\2' | dd of="$own_of_other" bs=1 conv=notrunc 2>"$tmp/dd" \
	seek=$((0x$(readelf -SW "$own" | sed -n \
		's/.* \.orc_header  *[A-Z]* *[0-9a-f]* \([0-9a-f]*\) .*/\1/p')))
versioned()
{
	RP_LOG=object refused "Protocol not supported" && cat "$tmp/out" &&
	grep -qxF "repoint: object: $own_of_other: a table of another version" \
		"$tmp/out"
}
check "a table of another version" versioned

# As docs/unwind.md says it.
documented()
{
	mkdir "$tmp/documented" &&
	# shellcheck disable=SC2046 # several
	"$RP_TOOL" object orc --from-eh-frame -o "$tmp/documented" \
		"$tmp/stacks" $(ldd "$tmp/stacks" | grep -o '/[^ ]*') &&
	run 3 "$tmp/documented"
}
check "tables by one command" documented

# What walks stacks may be built as C++98; no warning comes of the header.
cxx98()
{
	echo '#include <repoint/unwind.h>' >"$tmp/header.cc" &&
	"$1" -std=c++98 -pedantic -Wall -Wextra -Werror -fsyntax-only \
		-I"$RP_SOURCE/include" "$tmp/header.cc"
}
for cxx in g++ clang++; do
	if command -v $cxx >/dev/null; then
		check "the header in C++98: $cxx" cxx98 $cxx
	else
		skip "the header in C++98: $cxx" "no $cxx"
	fi
done
tap_end
