# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Threads that go through a function all the time: patched every time of 50. The
# times are printed, and do not count.
. "$(dirname "$0")/common.inc"

need program busy held busy twin load serve
need payload fix busy held 1 2

times=${RP_TIMES:-50}

hot_is()
{
	replies "$1" "$2 $2" hot && untouched "$1"
}

# cycles PID: prints what it took
cycles()
{
	local i longest=0 sum=0 ms
	for ((i = 0; i < times; i++)); do
		patch 0 apply --json --timeout 30 "$1" fix.rpp ||
			{ echo "the ${i}th time"; return 1; }
		ms=$(python3 -c 'import json
print(json.load(open("patch.out"))["processes"][0]["waited_ns"] // 1000000)')
		hot_is "$1" 2 && patch 0 revert --timeout 30 "$1" fix && hot_is "$1" 1 ||
			{ echo "the ${i}th time"; return 1; }
		sum=$((sum + ms))
		[ "$ms" -le "$longest" ] || longest=$ms
	done
	echo "# $kind, $n threads: $times times, on average $((sum / times)) ms, at most $longest ms" >&3
}
exec 3>&1
for kind_n in "tiny 1" "works 1" "sleeps 1" "tiny 8" "works 8" "sleeps 8"; do
	read -r kind n <<<"$kind_n"
	# Where more threads than processors spin, a stop takes their time slices.
	[ "$n" = 1 ] || times=${RP_TIMES:-10}
	need start ./busy
	need replies "$pid" ok load sleep 1
	need replies "$pid" ok hot "$kind" "$n"
	mappings "$pid" >before
	check "$kind, $n threads: each time" cycles "$pid"
	check "$kind, $n threads: all is well" works "$pid" 1
	check "$kind, $n threads: nothing is left" same_mappings "$pid" before
	end_process "$pid"
done
finish
