# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# From one thread to a thousand, RP_LONG=1: ten thousand; threads that come and go.
. "$(dirname "$0")/common.inc"

need program plain twin plain load serve
need payload fix plain twin 1 2
exec 3>&1

cycle()
{
	local i
	for ((i = 0; i < $2; i++)); do
		patch 0 apply --json --timeout 60 "$1" fix.rpp && works "$1" 2 || return 1
		[ "$i" -gt 0 ] || python3 -c '
import json
p = json.load(open("patch.out"))["processes"][0]
print("# %d threads: stopped for %.2f ms (%.2f until they stood, %.2f for stacks), stop %d" % (
	p["threads"], p["stopped_ns"] / 1e6, p["stop_ns"] / 1e6, p["check_ns"] / 1e6, p["stops"]))' >&3
		patch 0 revert --timeout 60 "$1" fix && works "$1" 1 || return 1
	done
	applied "$1" && same_mappings "$1" before
}

many() # NAME TIMES KIND N...
{
	local name=$1 times=$2
	shift 2
	need start ./plain
	while [ $# -gt 0 ]; do
		need replies "$pid" ok load "$1" "$2"
		shift 2
	done
	need works "$pid" 1
	mappings "$pid" >before
	check "$name" cycle "$pid" "$times"
	end_process "$pid"
}
many "1 thread" 10
many "2 threads that compute" 10 spin 2
many "16 threads that compute" 5 spin 16
many "64 threads in system calls" 5 sleep 16 poll 16 epoll 16 futex 16
many "64 threads of all kinds" 5 spin 4 sleep 20 pipe 10 churn 10 idle 20
many "1000 threads that sleep" 2 idle 1000
many "1000 threads in system calls and computing" 2 idle 900 sleep 50 futex 40 spin 4
# Each cannot be stopped in less time than another one needs to come.
start_churn()
{
	need start ./plain
	need replies "$pid" ok load churn 40
	cp /dev/null before
}
# Their stacks come and go.
churning()
{
	local i
	for i in {1..15}; do
		patch 0 apply --timeout 60 "$pid" fix.rpp && works "$pid" 2 &&
		patch 0 revert --timeout 60 "$pid" fix && works "$pid" 1 || return 1
	done
}
start_churn
check "threads that start and end all the time" churning
end_process "$pid"
if long; then
	limit=600
	if [ "$(ulimit -u)" = unlimited ] || [ "$(ulimit -u)" -gt 12000 ]; then
		many "10000 threads" 1 idle 10000
	else
		skip "10000 threads" "ulimit -u is $(ulimit -u)"
	fi
fi
finish
