# SPDX-License-Identifier: MIT
# Programs that notice any change of themselves lend their thread to the driver.
# Usage: inject.sh DRIVER
here=$(dirname "$0")
. "$here/../../tap.sh"
. "$here/../program.inc"

# start PROGRAM [MODE]: sets $pid and $counter
start()
{
	launch "$@"
	wait_for has_counter
}

has_counter()
{
	counter=$(sed -n 's/^counter //p' "$tmp/out")
	[ -n "$counter" ]
}

# finish: it must have found nothing
finish()
{
	local status=0
	ended || status=1
	cat "$tmp/out"
	[ $status = 0 ] && grep -q '^ok ' "$tmp/out"
}

run()
{
	program=$1 mode=$2 command=$3
	shift 3
	start "$program" "$mode" || return 1
	timeout 200 "$driver" "$command" "$pid" "$counter" "$@"
	code=$?
	finish && [ "$code" = 0 ]
}

# The sums that both sides print must be equal.
signals()
{
	start "$1" "$2" || return 1
	timeout 200 "$driver" signals "$pid" 400 >"$tmp/sent" || return 1
	finish || return 1
	cat "$tmp/sent"
	[ "ok $(cat "$tmp/sent")" = "$(tail -n 1 "$tmp/out")" ]
}

refused()
{
	start "$1" tiny || return 1
	timeout 60 "$driver" choose "$pid" >"$tmp/why" || return 1
	finish || return 1
	cat "$tmp/why"
	grep -q 'below their stack pointer' "$tmp/why" &&
		! grep -q 'could begin' "$tmp/why"
}

stands()
{
	grep -q 'State:.T' "/proc/$pid/status"
}

# Nobody sees it run; into its stop it goes back by itself, when its turn comes.
stopped()
{
	start "$1" "$2" || return 1
	kill -STOP "$pid"
	wait_for stands || return 1
	timeout 200 "$driver" still "$pid" 50 || return 1
	wait_for stands || return 1
	finish
}

# Not the shell that becomes it, and all of it is there: this comes last.
is_bare()
{
	[ "/proc/$pid/exe" -ef "$tmp/bare" ] && grep -q vdso "/proc/$pid/maps"
}

# Nothing to use: it is written behind the code, and taken away again.
bare()
{
	"$cc" -nostdlib -static -o "$tmp/bare" "$here/bare.S" || return 1
	sweep
	"$tmp/bare" &
	pid=$!
	counter=$(nm "$tmp/bare" | sed -n 's/ B counter//p')
	[ -n "$counter" ] || return 1
	wait_for is_bare || return 1
	before=$("$driver" code "$pid")
	timeout 100 "$driver" storm "$pid" "$counter" 200 0 || return 1
	after=$("$driver" code "$pid")
	echo "$before $after"
	[ "$before" = "$after" ] || return 1
	timeout 100 "$driver" kill "$pid" "$counter" || return 1
	kill -KILL "$pid"
	wait "$pid" 2>/dev/null
	pid=
}

build()
{
	"$@" -std=gnu11 -O1 -idirafter /usr/include \
		-idirafter /usr/include/x86_64-linux-gnu "$here/target.c" \
		>"$tmp/cc.log" 2>&1
}

if ! build "$cc" -o "$tmp/target"; then
	cat "$tmp/cc.log" >&2
	exit 99
fi

# possible MODE: it does not say, in its first rounds, that something is missing
possible()
{
	start "$tmp/target" "$1" &&
		timeout 100 "$driver" storm "$pid" "$counter" 1 0 2>/dev/null
	! grep -q SKIP "$tmp/out"
}

for mode in registers nanosleep poll futex select ppoll spin; do
	check "$mode: 1000 times" run "$tmp/target" "$mode" storm 1000 0
done
# A timeout that starts again each time needs to be left alone for a while.
check "epoll: 100 times" run "$tmp/target" epoll storm 100 30000

for mode in registers nanosleep poll futex; do
	check "$mode: killed at each call" run "$tmp/target" "$mode" kill
	check "$mode: killed at each call, stopped" \
		run "$tmp/target" "$mode" kill-stopped
done

for mode in registers spin nanosleep sigsuspend; do
	check "$mode: signals arrive once" signals "$tmp/target" "$mode"
done

if possible tiles; then
	check "tiles: 1000 times" run "$tmp/target" tiles storm 1000 0
	check "tiles: killed at each call" run "$tmp/target" tiles kill
else
	skip "tiles: 1000 times" "no AMX"
	skip "tiles: killed at each call" "no AMX"
fi

if possible sequence; then
	check "restartable sequences are aborted" \
		run "$tmp/target" sequence sequences 1000 0
else
	skip "restartable sequences are aborted" "no rseq"
fi

check "a process that is stopped stays so" stopped "$tmp/target" nanosleep
check "a small stack is refused" refused "$tmp/target"
check "no instructions to use" bare

for how in "static $cc -static" "no-pie $cc -no-pie" "static-pie $cc -static-pie" \
	"musl musl-gcc" "musl-static musl-gcc -static"; do
	name=${how%% *}
	command=${how#* }
	if ! command -v "${command%% *}" >/dev/null; then
		skip "$name: 1000 times" "no ${command%% *}"
		skip "$name: killed at each call" "no ${command%% *}"
		continue
	fi
	# shellcheck disable=SC2086 # words are wanted
	if ! build $command -o "$tmp/$name"; then
		not_ok "$name: build" "$tmp/cc.log"
		continue
	fi
	check "$name: 1000 times" run "$tmp/$name" registers storm 1000 0
	check "$name: killed at each call" run "$tmp/$name" registers kill
done

tap_end
