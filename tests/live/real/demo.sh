#!/bin/bash
# SPDX-License-Identifier: MIT
# The demonstration ends well, with figures, and leaves nothing behind.

set -u
RP_SOURCE=${RP_SOURCE:-$(cd "$(dirname "$0")/../../.." && pwd)}
. "$RP_SOURCE/tests/tap.sh"

# With a directory for its files, so that what is left is seen.
run_demo()
{
	mkdir "$tmp/demo"
	TMPDIR=$tmp/demo timeout -k 10 300 \
		"$RP_SOURCE/scripts/demo-live.sh" >"$tmp/out" 2>&1
	local status=$?
	cat "$tmp/out"
	return $status
}

shows()
{
	grep -q -e "$1" "$tmp/out" || {
		cat "$tmp/out"
		return 1
	}
}

leaves_nothing()
{
	local server
	server=$(sed -n 's/^  process //p' "$tmp/out")
	rmdir "$tmp/demo" && [ -n "$server" ] && [ ! -e "/proc/$server" ]
}

check 'the demonstration' run_demo
check 'it says which function' shows 'replaces *store_range'
check 'it says for how long' shows 'stopped *5 threads for [0-9.]* [mu]s'
check 'no request failed' shows '^  all  *[1-9][0-9]*  *0  *0$'
check 'it leaves nothing' leaves_nothing

tap_end
