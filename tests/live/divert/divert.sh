#!/bin/bash
# SPDX-License-Identifier: MIT
# Threads are made to leave functions, wait, and go on.
#
# usage: divert.sh TARGET DRIVER [throw]
set -u

. "$(dirname "$0")/../../tap.sh"

target=$(realpath "$1")
driver=$(realpath "$2")
throw=${3:-}
pid=
holder=

stop()
{
	local p
	for p in $holder $pid; do
		kill -9 "$p" 2>/dev/null
		wait "$p" 2>/dev/null
	done
	pid=
	holder=
}
trap 'stop; rm -rf "$tmp"' EXIT

# start THREADS [MODE]
start()
{
	local i
	stop
	: >"$tmp/out"
	"$target" "$@" >"$tmp/out" &
	pid=$!
	for ((i = 0; i < 3000; i++)); do
		mailbox=$(cat "$tmp/out")
		[ -n "$mailbox" ] && return
		sleep 0.02
	done
	echo "the target does not start"
	exit 1
}

mappings()
{
	grep -c '^[0-9a-f-]* r-[-x]p 00000000 00:00 0 *$' "/proc/$pid/maps"
}

# cycles N [throw|known]: the unwinder is told
cycles()
{
	local before
	before=$(mappings)
	timeout 200 "$driver" cycles "$pid" "$mailbox" "$@" || return 1
	[ "$(mappings)" -eq "$before" ] || return 1
	lives
}

# It makes progress, and no result was wrong.
lives()
{
	local first now errors i
	read -r first errors < <("$driver" read "$pid" "$mailbox")
	for ((i = 0; i < 3000; i++)); do
		read -r now errors < <("$driver" read "$pid" "$mailbox") || return 1
		[ "$errors" -eq 0 ] || return 1
		[ "$now" -gt $((first + 20)) ] && return 0
		sleep 0.02
	done
	return 1
}

run_mode()
{
	start "$1" "$2"
	cycles "$3"
}

killed()
{
	local i
	start 4
	for ((i = 0; i < 5; i++)); do
		: >"$tmp/held"
		"$driver" hold "$pid" "$mailbox" >"$tmp/held" &
		holder=$!
		until grep -q held "$tmp/held"; do
			kill -0 "$holder" || return 1
			sleep 0.01
		done
		kill -9 "$holder"
		wait "$holder" 2>/dev/null
		holder=
		lives || return 1
		! grep -q 'State:.*[tT] ' "/proc/$pid/task"/*/status || return 1
	done
	"$driver" cycles "$pid" "$mailbox" 50
}

thrown()
{
	start 4 throw
	cycles 300 throw
}

cancelled()
{
	start 4 cancel
	cycles 200 known
}

start 1
if ! timeout 60 "$driver" cycles "$pid" "$mailbox" 1 2>"$tmp/err" >/dev/null &&
   grep -q 'not permitted' "$tmp/err"; then
	skip_all 'ptrace is not permitted here'
fi
check one-thread run_mode 1 '' 200
check threads run_mode 8 '' 300
check threads-end run_mode 6 exit 200
check signals run_mode 4 signals 200
check signals-on-a-stack run_mode 4 stack 200
check tool-is-killed killed
if [ -n "$throw" ]; then
	check exceptions thrown
	check cancelled cancelled
fi
stop
tap_end
