#!/bin/bash
# SPDX-License-Identifier: MIT
# A program patches itself by <repoint/livepatch_apply.h>: each case in a process
# of its own, whatever it was built with.
#
# usage: library.sh KIND [ARCHIVE]    glibc, static, cxx, musl, musl-static
set -u

kind=$1
archive=${2:-}
. "$RP_SOURCE/tests/tap.sh"
here=$RP_SOURCE/tests/live/library

[ "$(uname -m)" = x86_64 ] || skip_all 'live patches are for x86-64'
read -ra cc <<<"$CC"
std=-std=gnu11
language=c
link=()
case $kind in
glibc) ;;
static) link=(-static) ;;
cxx)
	[ -n "${CXX:-}" ] || skip_all 'no C++ compiler'
	std=-std=gnu++17
	language=c++
	;;
musl | musl-static)
	command -v musl-gcc >/dev/null || skip_all 'no musl-gcc'
	# For linux/futex.h
	cc=(musl-gcc -idirafter /usr/include
		-idirafter "/usr/include/$(uname -m)-linux-gnu")
	[ "$kind" = musl ] || link=(-static)
	;;
esac
programs=("${cc[@]}")
[ "$kind" != cxx ] || read -ra programs <<<"$CXX"
flags=(-O2 -g -pthread -ffunction-sections -fdata-sections
	-Wall -Wextra -Werror -I"$RP_SOURCE/include" -I"$here")

work_object()
{
	"${cc[@]}" "${flags[@]}" -std=gnu11 -DANSWER="$1" -c "$here/work.c" \
		-o "$tmp/work-$1.o"
}

# The archive of the build is for one libc; the source is for any.
program()
{
	local file objects=()
	[ -n "$archive" ] || {
		archive=$tmp/apply.o
		"${cc[@]}" "${flags[@]}" -std=gnu11 \
			-DRP_TOOL_PATH='"/nowhere"' -c \
			"$RP_SOURCE/livepatch/apply.c" -o "$archive" || return
	}
	for file in self self_signals self_resources; do
		"${programs[@]}" "${flags[@]}" $std -x $language \
			-c "$here/$file.c" -o "$tmp/$file.o" || return
		objects+=("$tmp/$file.o")
	done
	for file in 1 2 3; do
		work_object $file || return
	done
	"${programs[@]}" -pthread -Wl,--build-id "${link[@]}" -o "$tmp/self" "${objects[@]}" \
		"$tmp/work-1.o" "$archive"
}

payload()
{
	"$RP_TOOL" patch diff --binary "$tmp/self" -o "$tmp/$1.rpp" \
		"$tmp/work-1.o" "$tmp/work-$2.o"
}

run()
{
	timeout -k 5 120 "$tmp/self" "$1" "$RP_TOOL" "$tmp/fix.rpp" \
		"$tmp/other.rpp"
}

is_json()
{
	run list | python3 -c 'import json, sys; json.load(sys.stdin)'
}

if ! { program && payload fix 2 && payload other 3; } >"$tmp/build.log" 2>&1
then
	not_ok 'program and payloads are built' "$tmp/build.log"
	tap_end
fi
check 'apply, replace, revert, list' run basics
check 'nobody asks for the message' run silent
check 'arguments that are wrong' run arguments
check 'the tool is missing' run no-tool
check 'refused: the caller is in what is replaced' run in-use
check 'messages are cut' run short-messages
check 'list, of any size' run list
command -v python3 >/dev/null && check 'list is JSON' is_json ||
	skip 'list is JSON' 'no python3'
check 'other threads run' run threads
check 'errno of other threads' run errno
check 'two threads at once' run concurrent
check 'in a child, and in a child of a patched process' run in-child
check 'no SIGCHLD' run sigchld
check 'nothing for waitpid(-1) in another thread' run wait-loop
check 'a child of the program stays for it' run own-child
check 'signals blocked' run masks
check 'signals ignored' run ignored
check 'signals interrupt it' run interrupted
check 'no growth, no descriptor, no child left' run cycles
check 'few descriptors' run few-descriptors
check 'standard descriptors closed' run closed-descriptors
check 'children that stay' run children-that-stay
check 'the tool inherits the signal mask, and no descriptor' run inherited
tap_end
