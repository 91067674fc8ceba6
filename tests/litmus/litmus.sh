#!/bin/sh
# SPDX-License-Identifier: MIT
# `repoint litmus` on this machine: what we ship survives, with proof that the
# threads met, and what is unsound is seen to tear.

. "$(dirname "$0")/../tap.sh"

tool=${RP_TOOL:?}
json=$tmp/map.json

# cells PROTOCOL RESULT: how many of the row
cells()
{
	grep -c "\"protocol\": \"$1\", .*\"result\": \"$2\"" "$json"
}

# cell PROTOCOL OFFSET RESULT
cell()
{
	grep -q "\"protocol\": \"$1\", .*\"offset\": $2, \"result\": \"$3\"" \
		"$json"
}

says()
{
	grep -q "$1" "$json"
}

has_64_cells()
{
	for protocol in engine store8 int3 store4 cross8 procmem5 \
		int3-nosync bytes; do
		[ "$(cells $protocol '[a-z-]*')" -eq 64 ] || return 1
		grep -q "^$protocol *[-.X?!]\{64\}\$" "$tmp/map" || return 1
	done
}

# The smallest of all survivors' counts: none may rest on hearsay.
met_everywhere()
{
	sed -n 's/.*"result": "survived".*"overlapped": \([0-9]*\), .*"switches": \([0-9]*\), .*/\1 \2/p' \
		"$json" | awk '
		$1 < 64 || $2 < 16 { print "met too rarely:", $0; bad = 1 }
		END { print NR, "cells"; exit bad || !NR }'
}

store8_covers_its_blocks()
{
	block=$(sed -n 's/.*"block": \([0-9]*\),.*/\1/p' "$json")
	[ "$(cells store8 survived)" -eq $(((block - 4) * 64 / block)) ]
}

exits()
{
	want=$1
	shift
	"$@"
	got=$?
	[ $got -eq "$want" ] || { echo "exit status $got"; return 1; }
}

# Other work on the machine may keep the threads apart: once more, for longer.
run()
{
	for seconds in 15 45; do
		"$tool" litmus --seconds $seconds --json "$json" \
			>"$tmp/map" 2>&1
		status=$?
		sed 's/^/# /' "$tmp/map"
		[ $status -eq 77 ] || return
	done
}

lists()
{
	"$tool" litmus --list | grep -q '^int3 '
}

interrupt()
{
	"$tool" litmus --seconds 60 >"$tmp/partial" 2>&1 &
	pid=$!
	# It has begun with the map: SIGTERM does not simply end it.
	for _ in $(seq 300); do
		[ -z "$(cat "/proc/$pid/task/$pid/children")" ] || break
		sleep 0.1
	done
	sleep 1
	kill -TERM $pid
	wait $pid
	got=$?
	cat "$tmp/partial"
	[ $got -eq 77 ] || { echo "exit status $got"; return 1; }
	grep -q '^Interrupted' "$tmp/partial" &&
		grep -q '^bytes *[-.X?!]*?[-.X?!]*$' "$tmp/partial"
}

check 'litmus usage: unknown protocol' \
	exits 64 "$tool" litmus --protocols store4,nothing
check 'litmus usage: offset 64' exits 64 "$tool" litmus --offsets 1,64
check 'litmus usage: offset range backwards' \
	exits 64 "$tool" litmus --offsets 7-3
check 'litmus usage: stray argument' exits 64 "$tool" litmus 12
check 'litmus lists its protocols' lists

cpu=$(taskset -cp $$ | sed 's/.*: \([0-9]*\).*/\1/')
check 'litmus on one CPU says that nothing can be shown' \
	exits 77 taskset -c "$cpu" "$tool" litmus --seconds 1

if [ "$(nproc)" -lt 2 ]; then
	skip 'litmus map' 'a tear needs two CPUs'
	tap_end
fi

run
check 'litmus map has 64 cells in each row' has_64_cells
check 'litmus exits 0: what we ship survived' [ "$status" -eq 0 ]
check 'litmus says so in JSON' says '"verdict": "held"'
check 'litmus engine survived at 64 offsets' [ "$(cells engine survived)" -eq 64 ]
check 'litmus int3 survived at 64 offsets' [ "$(cells int3 survived)" -eq 64 ]
check 'litmus store8 survived inside each block' store8_covers_its_blocks
check 'litmus survivors met their writers' met_everywhere

if [ "$(cells bytes torn)" -gt 0 ]; then
	check 'litmus has teeth' says '"teeth": true'
else
	skip 'litmus has teeth' 'stores of single bytes do not tear here'
fi
if cell store4 60 torn || cell store4 61 torn || cell store4 62 torn; then
	ok 'litmus store4 across two lines tears'
else
	skip 'litmus store4 across two lines tears' \
		'stores across two cache lines do not tear here'
fi
check 'litmus interrupted prints a partial map' interrupt
tap_end
