#!/bin/bash
# SPDX-License-Identifier: MIT
# However repoint patch build ends, the tree is what it was.
. "$(dirname "$0")/patch-build.inc"
command -v make >/dev/null || skip_all "no make"

project()
{
	sources "$1" && makefile "$1" && make -s -C "$1" CC="$CC"
	mkdir -p "$1/empty" && ln -s calc.c "$1/src/link.c"
	chmod 0640 "$1/src/calc.h"
	touch -d '2020-02-03 04:05:06.789' "$1/src/calc.c" "$1/empty"
	touch -h -d '2020-02-03 04:05:06' "$1/src/link.c"
	make -s -C "$1" CC="$CC"
}

# Waits in the middle of the second build, and has a job that is in a session of
# its own.
slow="touch new-file; setsid sleep 300 & rm -f src/main.o; make CC='$CC'
	if grep -q 'i + 1' src/calc.c; then touch $tmp/waiting; sleep 300; fi"

# await_waiting PID: that run is where it waits
await_waiting()
{
	local i
	for i in $(seq 600); do
		[ -e waiting ] && return
		kill -0 "$1" 2>/dev/null || return
		sleep 0.1
	done
}

# interrupted SIGNAL: one run, ended by the signal
interrupted()
{
	rm -f waiting out.rpp
	# The shell has its background commands ignore SIGINT.
	env --default-signal "$REPOINT" patch build --source one \
		--patch fix.diff --binary one/prog -o out.rpp \
		-- sh -c "$slow" 2>signal.log &
	local pid=$!
	await_waiting "$pid"
	cat signal.log
	[ -e waiting ] || { kill -9 $pid; return 1; }
	grep -q 'i + 1' one/src/calc.c && [ -e one/new-file ] || return
	kill "-$1" $pid
	wait $pid 2>/dev/null
	died=$?
}

# by_signal NAME NUMBER
by_signal()
{
	state one >before
	interrupted "$1" || return
	state one >after
	diff -u before after || return
	[ "$died" -eq $((128 + $2)) ] && [ ! -e out.rpp ] &&
	! ls -d repoint-build-* 2>/dev/null && no_processes
}

# Nothing that belongs to the build is left behind: what is killed ends when its turn
# comes, what is not sleeps on for longer than this.
no_processes()
{
	local i
	for i in $(seq 200); do
		[ -n "$(grep -lzs "^RP_PATCH_SIDE=$tmp" /proc/[0-9]*/environ)" ] ||
			return 0
		sleep 0.1
	done
	return 1
}

killed()
{
	state one >before
	interrupted KILL || return
	state one >after
	! diff before after >/dev/null || return
	unchanged_since_before "$REPOINT" patch build --source one \
		--patch fix.diff --binary one/prog -o out.rpp -- make CC="$CC"
}

unchanged_since_before()
{
	"$@" 2>again.log
	local status=$?
	cat again.log
	state one >after
	diff -u before after && grep -F RP0604 again.log && no_processes &&
	! ls -d repoint-build-* 2>/dev/null && return $status
}

undo()
{
	interrupted KILL &&
	unchanged_since_before "$REPOINT" patch build --source one --undo &&
	expect_status 0 "$REPOINT" patch build --source one --undo
}

failing_build()
{
	patch_of 's/return sum;/return nothing;/' calc.c >broken.diff
	unchanged one expect_status 1 build one broken.diff -- \
		make CC="$CC" 2>failing.log
	cat failing.log
	diff -u before after && grep -F RP0602 failing.log &&
	grep -F 'nothing' failing.log && [ -s stage/new.log ]
}

not_applying()
{
	sed 's/sum += i/sum -= i/' fix.diff >wrong.diff
	unchanged one expect_status 1 build one wrong.diff -- \
		make CC="$CC" 2>applying.log
	cat applying.log
	diff -u before after && grep -F RP0601 applying.log &&
	[ ! -e stage/old/journal ]
}

# The file that runs is the same one afterwards, and keeps running; builds that
# write in place cannot get at it.
running()
{
	one/prog wait >/dev/null &
	local pid=$! inode status=0
	until [ "/proc/$pid/exe" -ef one/prog ]; do
		kill -0 $pid || return
		sleep 0.1
	done
	inode=$(stat -c %i one/prog)
	unchanged one build one fix.diff -- \
		sh -c "cp prog copy && cat copy >prog && make CC='$CC'" ||
			status=$?
	kill -0 $pid && [ "$(stat -c %i one/prog)" = "$inode" ] &&
	[ "$(readlink /proc/$pid/exe)" = "$(realpath one/prog)" ] || status=99
	kill $pid
	wait $pid 2>/dev/null
	return $status
}

two_at_once()
{
	rm -f waiting
	"$REPOINT" patch build --source one --patch fix.diff \
		--binary one/prog -o out.rpp -- sh -c "$slow" 2>/dev/null &
	local pid=$! status=0
	await_waiting $pid
	expect_status 1 "$REPOINT" patch build --source one --patch fix.diff \
		--binary one/prog -o out.rpp -- make 2>two.log || status=1
	cat two.log
	kill $pid
	wait $pid 2>/dev/null
	return $status
}

# A mark that came with a source leads nowhere.
foreign_mark()
{
	project mark && mkdir precious && touch precious/manifest &&
	echo 12 >precious/mark && echo keep >precious/file &&
	printf '%s\n1.0\n' "$tmp/precious" >mark/.repoint-patch-build
	expect_status 1 "$REPOINT" patch build --source mark --undo 2>mark.log
	cat mark.log
	[ -e precious/file ] && grep -F RP0604 mark.log
}

# Files with two names keep them, whatever is done to them; directories of
# version control are left alone.
kinds()
{
	project kinds && ln kinds/src/util.o kinds/other.o &&
	mkdir kinds/.git kinds/locked && echo x >kinds/locked/file &&
	echo x >kinds/data && chmod 0555 kinds/locked && mkfifo kinds/fifo
	state kinds >before
	build kinds fix.diff -- sh -c "make CC='$CC'; echo z >>other.o
		echo z >.git/new; chmod 0755 locked; rm -r locked empty
		rm src/link.c; mkdir src/link.c; chmod 0600 src/main.c
		ln -sf /nowhere data; mkdir -p new/dir; echo z >new/dir/file"
	[ -e kinds/.git/new ] || return
	rm kinds/.git/new
	sed -i 's/^\(.git d .*\) [0-9.]* $/\1/' before
	state kinds | sed 's/^\(.git d .*\) [0-9.]* $/\1/' >after
	diff -u before after && [ kinds/src/util.o -ef kinds/other.o ]
}

project one
check "SIGINT" by_signal INT 2
check "SIGTERM" by_signal TERM 15
check "SIGHUP" by_signal HUP 1
check "killed, and run again" killed
check "killed, and --undo" undo
check "the patched tree does not build" failing_build
check "the patch does not apply" not_applying
check "the binary runs meanwhile" running
check "two runs at once" two_at_once
check "a mark that is not ours" foreign_mark
check "all kinds of files" kinds
tap_end
