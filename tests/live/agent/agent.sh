# SPDX-License-Identifier: MIT
# Functions of programs are called by a thread that is not theirs.
# Usage: agent.sh DRIVER
here=$(dirname "$0")
. "$here/../../tap.sh"
. "$here/../program.inc"

# start PROGRAM MODE: sets $pid
start()
{
	library=
	[ -e "$1.so" ] && library=$1.so
	launch "$1" "$2" ${library:+"$library"}
	wait_for grep -q '^ready' "$tmp/out" && return 0
	cat "$tmp/out"
	return 1
}

finish()
{
	local status=0
	ended || status=1
	sed '1,/^ready/d' "$tmp/out"
	[ $status = 0 ] && grep -q '^ok' "$tmp/out"
}

address()
{
	sed -n "s/^$1 //p" "$tmp/out"
}

# run PROGRAM MODE COMMAND [FUNCTION|WORD]...
run()
{
	start "$1" "$2" || return 1
	command=$3
	shift 3
	args=
	for word; do
		found=$(address "$word")
		args="$args ${found:-$word}"
	done
	# shellcheck disable=SC2086 # words are wanted
	timeout 200 "$driver" "$command" "$pid" $args
	code=$?
	finish && [ "$code" = 0 ]
}

threads()
{
	sed -n 's/^Threads:[^0-9]*//p' "/proc/$pid/status"
}

has_threads()
{
	[ "$(threads)" = "$1" ]
}

# The tool is killed while the thread has nothing to do: it ends by itself.
idle()
{
	start "$1" threads || return 1
	before=$(threads)
	timeout 60 "$driver" idle "$pid"
	[ $? = 137 ] || return 1
	wait_for has_threads "$before" && finish
}

build()
{
	how=$1 name=$2
	# shellcheck disable=SC2086 # words are wanted
	$how -std=gnu11 -O1 -o "$tmp/$name" "$here/target.c" -pthread -ldl \
		>"$tmp/cc.log" 2>&1 || return 1
	case $how in
	*-static) return 0 ;;
	esac
	# shellcheck disable=SC2086 # words are wanted
	$how -shared -fPIC -o "$tmp/$name.so" "$here/library.c" \
		>"$tmp/cc.log" 2>&1
}

for how in "dynamic $cc" "static $cc -static" "musl musl-gcc" \
	"musl-static musl-gcc -static"; do
	name=${how%% *}
	command=${how#* }
	if ! command -v "${command%% *}" >/dev/null; then
		skip "$name" "no ${command%% *}"
		continue
	fi
	if ! build "$command" "$name"; then
		not_ok "$name: build" "$tmp/cc.log"
		continue
	fi
	program=$tmp/$name
	for mode in single threads blocked; do
		check "$name, $mode: results" run "$program" $mode sum sum
		check "$name, $mode: what libc needs of a thread" \
			run "$program" $mode call tls text threads stack calls
	done
	# Where no other thread takes locks, a hook must not allocate.
	check "$name: memory under load" run "$program" threads repeat memory 20
	check "$name: while all are stopped" run "$program" threads held stack
	check "$name: timeout, asleep" run "$program" threads fail sleep timeout
	check "$name: timeout, busy" run "$program" single fail spin timeout
	for function in crash abort divide overflow raise; do
		check "$name: $function" run "$program" single fail $function fault
		check "$name: $function, threads" \
			run "$program" threads fail $function fault
	done
	check "$name: ends its thread" run "$program" single fail end end
	check "$name: ends the program" run "$program" threads fail exit end
	check "$name: tool killed, idle" idle "$program"
	check "$name: tool killed at each call" \
		run "$program" threads kill text counter
done

tap_end
