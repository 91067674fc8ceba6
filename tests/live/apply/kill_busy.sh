# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# The tool is killed while it waits for threads that go through what is replaced
# all the time, and has sent them to a waiting place.
. "$(dirname "$0")/kill.inc"

need program busy held busy twin load serve
both_parts()
{
	payload held busy held 1 2 && payload twin busy twin 1 2 &&
	"$REPOINT" patch diff --binary busy -o fix.rpp busy-held-1.o busy-held-2.o \
		busy-twin-1.o busy-twin-2.o
}
need both_parts
rpp=fix.rpp
need start ./busy
p=$pid
need replies "$p" ok load spin 1
need replies "$p" ok load sleep 1
need replies "$p" ok hot works 2
need replies "$p" ok hot sleeps 2
need patch 0 apply "$p" fix.rpp
need patch 0 revert "$p" fix
mappings "$p" >maps.apply
# Where it is put differs from time to time: only what else there is counts.
same_mappings()
{
	if [ "$2" = maps.revert ]; then
		[ "$(mappings "$1" | grep -c ' r--p $')" -le 2 ] ||
			{ cat "/proc/$1/maps"; return 1; }
	else
		mappings "$1" | diff -u "$2" - || { echo "mappings have changed"; return 1; }
	fi
}
# Those that go through it: nobody was left where he waited.
all_move()
{
	replies "$p" "$1 $1" hot
}
for calls in ptrace pwrite64; do
	kill_at_each "apply, $calls" "$calls" apply "$p" fix.rpp
	check "all threads go on" all_move 1
	run_tool apply "$p" fix.rpp
	kill_at_each "revert, $calls" "$calls" revert "$p" fix
	check "all threads go on" all_move 2
	run_tool revert "$p" fix
done
check "as before" eval 'works "$p" 1 && all_move 1 && same_mappings "$p" maps.apply'
finish
