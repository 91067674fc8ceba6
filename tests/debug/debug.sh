#!/bin/bash
# SPDX-License-Identifier: MIT
# Debuggers, profilers and probes on a program that patches itself.
#
# usage: debug.sh DEBUGGEE
set -u

. "$(dirname "$0")/../tap.sh"

debuggee=$(realpath "$1")
group=rp_$$
pid=

# Events are the kernel's, and outlive whoever made them.
clean_up()
{
	abandon
	if mountpoint -q "$tmp/tracefs"; then
		remove_probe 2>/dev/null
		umount "$tmp/tracefs"
	fi
	rm -rf --one-file-system "$tmp"
}
trap clean_up EXIT

# ---- a debuggee in the background, commands through a fifo ----

start()
{
	rm -f "$tmp/in" "$tmp/out"
	mkfifo "$tmp/in"
	"$debuggee" <"$tmp/in" >"$tmp/out" 2>&1 &
	pid=$!
	exec 3>"$tmp/in"
}

tell()
{
	echo "$*" >&3
}

# answer NUMBER: the line with that number, once it is there
answer()
{
	local line i
	for ((i = 0; i < 3000; i++)); do
		line=$(sed -n "$1p" "$tmp/out")
		if [ -n "$line" ]; then
			echo "$line"
			return
		fi
		sleep 0.02
	done
	echo "no answer $1"
}

# It has done all that it was told, or waits in that.
sleeps()
{
	local i
	for ((i = 0; i < 3000; i++)); do
		grep -q '^State:[[:space:]]*S' "/proc/$pid/status" && return
		sleep 0.02
	done
	echo "it does not come to sleep"
	return 1
}

# expect NUMBER PATTERN
expect()
{
	local line
	line=$(answer "$1")
	# shellcheck disable=SC2053 # a pattern
	[[ $line == $2 ]] || {
		echo "answer $1 is \"$line\", not \"$2\""
		return 1
	}
}

finish()
{
	exec 3>&-
	wait "$pid"
	local status=$?
	pid=
	[ "$status" -eq 0 ] || echo "exit status $status"
	return "$status"
}

abandon()
{
	exec 3>&-
	if [ -n "$pid" ]; then
		kill -KILL "$pid" 2>/dev/null
		wait "$pid" 2>/dev/null
		pid=
	fi
}

run_gdb()
{
	timeout -k 5 120 gdb -nx -batch -iex 'set debuginfod enabled off' \
		"$@" </dev/null
}

# has FILE REGEXP...: all of them
has()
{
	local file=$1 regexp
	shift
	for regexp; do
		if ! grep -Eq -- "$regexp" "$file"; then
			echo "not found: $regexp, in:"
			cat "$file"
			return 1
		fi
	done
}

# ---- gdb ----

# The debugger's breakpoint is there first: no update, and nobody is harmed.
# When it is gone, all is well.
gdb_breakpoint()
{
	printf '%s\n' call 'update two' call mark 'update two' call \
		>"$tmp/commands"
	run_gdb -ex 'break on_ready' -ex "run <$tmp/commands" \
		-ex 'break *site_address' -ex 'ignore 2 1000' \
		-ex 'break on_mark' -ex continue -ex 'delete 2' \
		-ex continue "$debuggee" >"$tmp/gdb" 2>&1
	has "$tmp/gdb" 'exited normally' || return
	grep -E '^(call|update): ' "$tmp/gdb" >"$tmp/answers"
	has "$tmp/answers" 'update: -84 .*breakpoint that is not ours' || return
	sed -i 's/-84 .*/refused/; s/ *$//' "$tmp/answers"
	printf '%s\n' 'call: 11' 'update: refused' 'call: 11' 'update: 0' \
		'call: 12' | diff - "$tmp/answers"
}

gdb_backtrace()
{
	start
	tell updates 200
	tell update blocks
	tell call
	expect 2 'update: 0*' && sleeps || return
	run_gdb -ex bt -ex 'x/i site_address' -ex 'info symbol caller' \
		-p "$pid" >"$tmp/gdb" 2>&1
	has "$tmp/gdb" '^#.* callee_blocks \(x=10\)' '^#.* caller \(x=(x@entry=)?10\)' \
		'^#.* main \(' 'call +0x[0-9a-f]+ <callee_blocks>' \
		'^caller in section .text' || return
	kill -0 "$pid"
}

# A breakpoint in a function that is reached by a patched call.
gdb_breakpoint_in_callee()
{
	printf '%s\n' 'updates 10' 'update two' call call >"$tmp/commands"
	run_gdb -ex 'break on_ready' -ex "run <$tmp/commands" \
		-ex 'tbreak callee_two' \
		-ex continue -ex bt -ex finish -ex continue \
		"$debuggee" >"$tmp/gdb" 2>&1
	has "$tmp/gdb" '^#1 .* caller \(x=(x@entry=)?10\)' 'Value returned is .* = 12' \
		'call: 12' 'exited normally'
}

# ---- the mapping ----

# Anonymous kilobytes of the mapping that holds the site
anonymous()
{
	local at=$1
	awk -v at="$at" '
	function value(s,  i, v) {
		for (i = 1; i <= length(s); i++)
			v = v * 16 + index("0123456789abcdef",
				substr(s, i, 1)) - 1
		return v
	}
	/^[0-9a-f]+-[0-9a-f]+ / {
		split($1, range, "-")
		here = value(at) >= value(range[1]) &&
			value(at) < value(range[2])
		if (here)
			print $2, $NF
	}
	here && /^Anonymous:/ { print $2 }' "/proc/$pid/smaps"
}

# Patched pages are private copies, in a mapping of the file as before.
file_backed()
{
	local site
	start
	tell updates 3
	tell site
	site=$(answer 2)
	site=${site#site: 0x}
	anonymous "${site%% *}" >"$tmp/mapping"
	{
		read -r prot path
		read -r kilobytes
	} <"$tmp/mapping"
	if [ "$prot" != r-xp ] || [ "$path" != "$debuggee" ] ||
		[ "$kilobytes" -lt 4 ]; then
		echo "the mapping of the site is: $(tr '\n' ' ' \
			<"$tmp/mapping")"
		return 1
	fi
	finish
}

# ---- perf ----

perf_attach()
{
	start
	tell updates 200
	# So long that perf has come before the end.
	tell work 10
	answer 1
	perf record -q -e cpu-clock -g -o "$tmp/perf.data" -p "$pid" \
		sleep 1 >"$tmp/perf" 2>&1 || {
		cat "$tmp/perf"
		return 1
	}
	perf report -i "$tmp/perf.data" --stdio --no-children -g none \
		--sort dso,symbol >"$tmp/perf" 2>/dev/null
	has "$tmp/perf" 'debuggee +\[\.\] callee_spins' \
		'debuggee +\[\.\] caller' || return
	if grep -E '\[JIT\]|perf-[0-9]+\.map|\(deleted\)' "$tmp/perf"; then
		return 1
	fi
	expect 2 'work: 0 failed' || return
	finish
}

# ---- valgrind ----

# Without debug information: valgrind 3.19 gives up on that of clang 14.
memcheck()
{
	strip -g -o "$tmp/debuggee" "$debuggee" || return
	printf '%s\n' call 'update two' call 'updates 50' 'key on' branch \
		'key off' branch 'work 2' |
		timeout -k 5 200 valgrind --smc-check=all --error-exitcode=9 \
			"$tmp/debuggee" >"$tmp/answers" 2>"$tmp/valgrind" || {
		cat "$tmp/valgrind"
		return 1
	}
	has "$tmp/valgrind" 'ERROR SUMMARY: 0 errors' || return
	sed -i 's/ *$//' "$tmp/answers"
	printf '%s\n' 'call: 11' 'update: 0' 'call: 12' 'updates: 0 failed' \
		'key: 0' 'branch: 1' 'key: 0' 'branch: 0' 'work: 0 failed' |
		diff - "$tmp/answers"
}

# ---- uprobes ----

remove_probe()
{
	echo 0 >"$tmp/tracefs/events/$group/site/enable" &&
		echo "-:$group/site" >>"$tmp/tracefs/uprobe_events"
}

# Writes int3 over the site from within the kernel. Taken away, it leaves the
# bytes of the file: a call of the trampoline, which is as right.
uprobe()
{
	local events=$tmp/tracefs/uprobe_events site offset
	start
	tell update two
	tell site
	site=$(answer 2)
	offset=${site##* }
	echo "p:$group/site $debuggee:$offset" >>"$events" || return
	echo 1 >"$tmp/tracefs/events/$group/site/enable" || return
	tell call
	tell update one
	tell call
	expect 3 'call: 12' && expect 4 'update: -84 *not ours*' &&
		expect 5 'call: 12'
	local result=$?
	remove_probe
	[ "$result" -eq 0 ] || return
	tell call
	tell update one
	tell call
	expect 6 'call: 12' && expect 7 'update: 0*' && expect 8 'call: 11' &&
		finish
}

# Where nothing else uses them: the events are of the whole machine.
can_probe()
{
	mkdir "$tmp/tracefs"
	mount -t tracefs none "$tmp/tracefs" 2>/dev/null || return
	[ -w "$tmp/tracefs/uprobe_events" ]
}

# ----

check_and_abandon()
{
	check "$@"
	abandon
}

if ! command -v gdb >/dev/null; then
	skip gdb "no gdb"
elif ! run_gdb -ex starti /bin/true >"$tmp/gdb" 2>&1 ||
	! grep -q 'Program stopped' "$tmp/gdb"; then
	skip gdb "gdb cannot run programs here"
else
	check gdb-breakpoint-on-site gdb_breakpoint
	check_and_abandon gdb-attach-and-backtrace gdb_backtrace
	check gdb-breakpoint-in-callee gdb_breakpoint_in_callee
fi

check_and_abandon mapping-is-file-backed file_backed

if ! command -v perf >/dev/null ||
	! perf record -q -e cpu-clock -o "$tmp/perf.data" true \
		>/dev/null 2>&1; then
	skip perf-attach "perf record does not work here"
else
	check_and_abandon perf-attach perf_attach
fi

if ! command -v valgrind >/dev/null; then
	skip valgrind-memcheck "no valgrind"
else
	check valgrind-memcheck memcheck
fi

if can_probe; then
	check_and_abandon uprobe-on-site uprobe
else
	skip uprobe-on-site "no tracefs with uprobes can be mounted here"
fi
tap_end
