#!/bin/bash
# SPDX-License-Identifier: MIT
# Ctrl-C: it ends the tool at once, but for a file that is being replaced.
. "$(dirname "$0")/common.inc"
cd "$tmp" || exit 99

"$CC" -shared -fPIC -O2 "$RP_SOURCE/tests/cli/hold.c" -o hold.so || exit 99
echo 'int f(int x) { return x + 1; }' >f.c
"$CC" -O2 -c f.c -o f.o || exit 99
if ! env --default-signal=INT LD_PRELOAD=./hold.so "$REPOINT" --version >/dev/null 2>&1; then
	skip "Ctrl-C" "nothing can be preloaded to this tool"
	tap_end
fi

# begin FUNCTION WORD...: the tool, held in that function; $tool
begin()
{
	rm -f held go late
	for file in a b c; do cp f.o $file.o || return; done
	# Background commands of scripts ignore SIGINT: not this one.
	env --default-signal=INT LD_PRELOAD=./hold.so HOLD="$1" HELD=held GO=go LATE=late \
		"$REPOINT" object "${@:2}" >out 2>&1 &
	tool=$!
	for _ in {1..3000}; do
		[ -e held ] && return
		kill -0 $tool 2>/dev/null || break
		sleep 0.02
	done
	echo "it was not held"
	cat out
	return 1
}

# ended SIGNAL NUMBER: by the signal, and nothing is left behind
ended()
{
	local status=0
	wait $tool || status=$?
	[ -e late ] && { echo "not before it could go on"; return 1; }
	[ $status = $((128 + $1)) ] || { echo "status $status"; cat out; return 1; }
	[ -z "$(ls -A | grep '^\.repoint')" ] || { ls -A; return 1; }
}

# Nothing is being written: nobody lets it go on.
at_once()
{
	begin read "${@:3}" && kill -"$1" $tool && ended "$2"
}
check "check" at_once INT 2 check a.o
check "check of several" at_once INT 2 check -j 2 a.o b.o c.o
check "orc of several" at_once INT 2 orc -n -j 2 a.o b.o c.o
check "SIGTERM" at_once TERM 15 check -j 2 a.o b.o c.o
check "SIGHUP" at_once HUP 1 check -j 2 a.o b.o c.o

# A temporary file is written, and is about to get its name: it gets it, and no other
# file is begun.
replacing()
{
	begin rename orc "$@" || return
	kill -INT $tool
	sleep 0.3
	kill -0 $tool || { echo "it did not wait"; return 1; }
	ls -A | grep -q '^\.repoint' || { echo "no temporary file"; return 1; }
	touch go
	ended 2 || return
	local file written=0
	for file in a b c; do
		if cmp -s f.o $file.o; then
			continue
		fi
		"$REPOINT" object orc -v $file.o | grep 'has its table already' || return
		written=$((written + 1))
	done
	echo "$written written"
	[ "$written" -ge 1 ] && [ "$written" -le 2 ]
}
check "a file that is being replaced" replacing -j 1 a.o b.o c.o
check "several that are" replacing -j 2 a.o b.o c.o
tap_end
