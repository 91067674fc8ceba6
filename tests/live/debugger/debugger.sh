#!/bin/bash
# SPDX-License-Identifier: MIT
# What gdb makes of the symbols of payloads.
#
# usage: debugger.sh DEBUGGEE GDB_SCRIPT
set -u

. "$(dirname "$0")/../../tap.sh"

debuggee=$(realpath "$1")
script=$(realpath "$2")
pid=

stop()
{
	if [ -n "$pid" ]; then
		kill -9 "$pid"
		wait "$pid" 2>/dev/null
		pid=
	fi
}
trap 'stop; rm -rf "$tmp"' EXIT

waits()
{
	grep -q '^State:[[:space:]]*S' "/proc/$pid/status"
}

# start [jit]: $function is where the function is; it says so, and goes to wait
start()
{
	local i
	: >"$tmp/out"
	"$debuggee" "$tmp/symbols" "$@" >"$tmp/out" &
	pid=$!
	for ((i = 0; i < 3000; i++)); do
		function=$(cat "$tmp/out")
		[ -n "$function" ] && waits && return
		sleep 0.02
	done
	echo "the debuggee does not start"
	exit 1
}

# ask COMMAND...: what gdb answers
ask()
{
	local args=() command
	for command; do
		args+=(-ex "$command")
	done
	timeout 120 gdb -nx -batch -iex 'set debuginfod enabled off' \
		-p "$pid" "${args[@]}" >"$tmp/gdb" 2>&1 </dev/null
	cat "$tmp/gdb"
}

is_in_backtrace()
{
	sed -n 's/^#[0-9]* *\(0x[0-9a-f]* in \)\?\([a-z_?]*\).*/\2/p' "$tmp/gdb" |
		tr '\n' ' ' | grep 'wait_here fixed_function main $'
}

is_symbol()
{
	grep "^fixed_function + 10 in section .text" "$tmp/gdb" &&
		grep ' 0x[0-9a-f]*008 <fixed_limit>$' "$tmp/gdb" &&
		grep ' 0x[0-9a-f]*010 <fixed_low>$' "$tmp/gdb"
}

start
questions=("info symbol $function + 10" 'print &fixed_limit'
	'print &fixed_low' bt)
if ! ask 'print 40 + 2' | grep -q '= 42' ||
   grep -q 'ptrace: Operation not permitted' "$tmp/gdb"; then
	skip_all 'gdb cannot attach here'
fi

not_known()
{
	ask "${questions[@]}"
	! grep '<fixed_\|^fixed_' "$tmp/gdb"
}

add_symbol_file()
{
	ask "add-symbol-file $tmp/symbols" "${questions[@]}"
	is_symbol && is_in_backtrace
}

# Symbols alone do not unwind: the tables are used.
record()
{
	ask "source $script" repoint-symbols repoint-symbols "${questions[@]}"
	[ "$(grep -c '^fix-1: applied.* symbols loaded$' "$tmp/gdb")" -eq 2 ] &&
		is_symbol && is_in_backtrace
}

core_file()
{
	ask "generate-core-file $tmp/core"
	timeout 120 gdb -nx -batch -iex 'set debuginfod enabled off' \
		"$debuggee" "$tmp/core" -ex "source $script" \
		-ex repoint-symbols -ex bt >"$tmp/gdb" 2>&1
	cat "$tmp/gdb"
	grep '^fix-1: applied.* symbols loaded$' "$tmp/gdb" && is_in_backtrace
}

jit_interface()
{
	ask "${questions[@]}" "source $script" repoint-symbols
	is_symbol && is_in_backtrace &&
		grep '^fix-1: applied.* symbols are known$' "$tmp/gdb"
}

elf_is_sound()
{
	readelf -aW "$tmp/symbols" >"$tmp/readelf" 2>&1
	cat "$tmp/readelf"
	grep "$(printf '%016x' "$function")  *[0-9]* FUNC .* fixed_function$" \
		"$tmp/readelf" && ! grep -i warning "$tmp/readelf"
}

check symbols-not-known-without not_known
check symfile-elf-is-sound elf_is_sound
check symfile-in-gdb add_symbol_file
check record-in-gdb record
check record-in-core-file core_file
stop
start jit
questions[0]="info symbol $function + 10"
check jit-interface-in-gdb jit_interface
stop
tap_end
