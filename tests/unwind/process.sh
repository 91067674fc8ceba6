#!/bin/bash
# SPDX-License-Identifier: MIT
# The example of another process: its threads' stacks, where code is in several
# mappings, and where segments' addresses are not their offsets in the file.
#
# usage: process.sh EXAMPLE MAKE_TABLE WAITER SOURCE_OF_WAITER
set -u
. "$RP_SOURCE/tests/tap.sh"
. "$RP_SOURCE/tests/unwind/tables.sh"

example=$(realpath "$1") make_table=$(realpath "$2") source=$(realpath "$4")
cp "$3" "$tmp/waiter" || exit 99
cd "$tmp" || exit 99
mkfifo in
pid=

clean_up()
{
	[ -z "$pid" ] || kill -KILL "$pid" 2>/dev/null
	rm -rf "$tmp"
}
trap clean_up EXIT

# start PROGRAM: and wait until both threads do
start()
{
	local i
	"./$1" <in >out 2>&1 &
	pid=$!
	exec 3>in
	for ((i = 0; i < 3000; i++)); do
		[ "$(grep -l '^0 0x0 ' /proc/$pid/task/*/syscall 2>/dev/null |
			wc -l)" -lt 2 ] || return 0
		sleep 0.02
	done
	cat out
	return 1
}

stop()
{
	exec 3>&-
	wait "$pid"
	local status=$?
	pid=
	return "$status"
}

# name FILE+ADDRESS: the function that called from there
name()
{
	addr2line -fe "${1%+*}" "$(printf %#x $((${1##*+} - 1)))" | head -1
}

# names: of all frames of the threads, a line for each one
names()
{
	local line
	while read -r line; do
		case $line in
		thread*) echo ;;
		"the end") printf 'END' ;;
		"$tmp"/*) printf '%s ' "$(name "$line")" ;;
		/*) printf 'library ' ;;
		*) printf '%s ' "$line" ;;
		esac
	done <stacks
	echo
}

# walks PROGRAM: both stacks, to their ends
walks()
{
	start "$1" || return
	"$example" "$pid" orc >stacks 2>err
	local status=$?
	cat stacks err
	names >named
	cat named
	stop && [ "$status" -eq 0 ] &&
	grep -Eq '^(library )+wait_here inner split main (library )+_start END$' \
		named &&
	grep -Eq '^(library )+wait_here inner behind run (library )+END$' named &&
	[ "$(grep -c '^thread ' stacks)" -eq 2 ]
}

# build NAME OPTION...: the waiter, and its table
build()
{
	local out=$1
	shift
	"$CC" -O2 -fomit-frame-pointer -fno-optimize-sibling-calls "$source" \
		-Wl,--build-id -pthread -o "$out" "$@" 2>err &&
	make_tables orc "$make_table" "$tmp/$out"
}

mkdir orc empty
make_tables orc "$make_table" "$tmp/waiter" || skip_all "$reason"
start waiter || exit 99
"$example" "$pid" orc >stacks 2>err
if grep -q 'not permitted' err; then
	stop
	skip_all "a process may not be traced here"
fi
mappings=$(grep -c 'x.* /.*/waiter$' "/proc/$pid/maps")
"$example" "$pid" empty >stacks.none 2>err.none
stop || exit 99
check "the code is in three mappings" [ "$mappings" -eq 3 ]
check "both threads, to the end" walks waiter
check "without tables it says so" grep -q '^  No such file' stacks.none
if build moved -no-pie -Wl,-Ttext-segment=0x600000; then
	check "a program that is not moved" walks moved
else
	skip "a program that is not moved" "$(head -1 err)"
fi
if build lld -fuse-ld=lld; then
	check "offsets that are not addresses" walks lld
else
	skip "offsets that are not addresses" "$(head -1 err)"
fi
usage()
{
	"$example" >usage 2>&1
	[ $? -eq 64 ] && grep -q '^usage' usage
}
check "usage" usage
gone()
{
	! "$example" 2147483647 orc 2>err && grep -q 'No such' err
}
check "no such process" gone
tap_end
