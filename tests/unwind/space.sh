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
tap_end
