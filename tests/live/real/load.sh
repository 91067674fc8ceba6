#!/bin/bash
# SPDX-License-Identifier: MIT
# The load generator: what a server does wrong is counted, as often as it does.
# shellcheck disable=SC2034,SC2119,SC2120 # shared with what is included

set -u
RP_SOURCE=${RP_SOURCE:-$(cd "$(dirname "$0")/../../.." && pwd)}
. "$RP_SOURCE/tests/tap.sh"
. "$RP_SOURCE/examples/live-patch/process.inc"
. "$RP_SOURCE/examples/live-patch/load.inc"
trap 'end_all; rm -rf "$tmp"' EXIT

unavailable()
{
	skip_all "$1"
}

${CC:-cc} -std=gnu11 -O2 -pthread -o "$tmp/faulty" \
	"$RP_SOURCE/tests/live/real/faulty.c" || exit 99

server_command()
{
	command=("$tmp/faulty" "$1" "$fault" 1000)
}

# "failed N reconnects N"
counts()
{
	sed -n '$s/^{"requests": [0-9]*, \("failed.*\), "phases.*/\1/p' \
		"$tmp/load.out" | tr -d '":,'
}

# finds FAULT FAILED RECONNECTS [OPTION...]: after 3000 requests
finds()
{
	local want status=0
	fault=$1
	want="failed $2 reconnects $3"
	shift 3
	start_server
	start_load "$@" line "$port" && load_more 3000 && stop_load || status=$?
	end_process "$pid"
	cat "$tmp/load.err" "$tmp/load.out"
	[ "$(counts)" = "$want" ] || return
	[ "$want" = "failed 0 reconnects 0" ] || [ "$status" = 1 ]
}

check 'nothing is wrong' finds none 0 0
check 'a connection is closed' finds close 1 1
check 'a connection is reset' finds reset 1 1
check 'half an answer' finds half 1 1
check 'a wrong answer' finds wrong 1 0
check 'an answer too many' finds twice 0 1
check 'no answer' finds silent 1 1 -T 5
# Much later than the server closes it, however busy the machine is.
check 'a connection that nothing is owed on is closed' \
	finds idle 0 1 -c 200 -w 500000

# An answer that is late counts in the phase that it belongs to: slowly, so that the
# phase has begun before.
late()
{
	fault=late
	start_server
	start_load -c 1 -w 5000 line "$port" || return
	kill -USR1 "$load_pid"
	load_more 1000
	load_phase last
	load_more 100
	stop_load || return
	end_process "$pid"
	cat "$tmp/load.out"
	sed -n '$s/.*"during".*"max_us": \([0-9]*\).*"last".*/\1/p' \
		"$tmp/load.out" >"$tmp/max"
	[ "$(cat "$tmp/max")" -ge 300000 ] &&
	grep -q '"during", "seconds": [0-9.]*, "requests": 1[0-9][0-9][0-9]' \
		"$tmp/load.out"
}
check 'a late answer is in the figures of its phase' late

all_noticed()
{
	local failed reconnects
	read -r _ _ failed _ reconnects _ < <(load_count)
	[ "${failed:-0}" -gt 0 ] && [ "${reconnects:-0}" -ge 8 ]
}

# Nobody is there any more: that is no pause.
dies()
{
	fault=none
	start_server
	start_load line "$port" || return
	end_process "$pid"
	for _ in {1..600}; do
		all_noticed && break
		sleep 0.05
	done
	! stop_load || return
	cat "$tmp/load.out"
	case $(counts) in
	"failed 0"* | *"reconnects "[0-7]) return 1 ;;
	esac
}
check 'the server ends' dies

asks()
{
	! "$RP_LOAD" "$@" </dev/null >"$tmp/usage" 2>&1 || return
	cat "$tmp/usage"
	grep -q -e '^usage:' "$tmp/usage"
}
check 'usage: no port' asks line
check 'usage: no such protocol' asks gopher 70
check 'usage: a request without an answer' asks -r PING line 70

tap_end
