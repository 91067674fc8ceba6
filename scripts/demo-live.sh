#!/bin/bash
# SPDX-License-Identifier: MIT
# A server is patched while it works: examples/live-patch, eight connections, no
# network. Takes some seconds.
#
# usage: demo-live.sh        RP_TOOL: the program repoint (default: build/tools/)
# shellcheck disable=SC2034,SC2119,SC2120 # shared with what is included
set -u

RP_SOURCE=$(cd "$(dirname "$0")/.." && pwd)
. "$RP_SOURCE/examples/live-patch/demo.inc"

expected=(VULNERABLE FIXED VULNERABLE FIXED)

server_command()
{
	command=(./kvd "$1" 4)
}

probe()
{
	local answer
	answer=$(ask 'RANGE motd 0 16\n' 2>/dev/null)
	exchange 'RANGE motd 0 16' "$answer"
	case $answer in
	=welcome?*) verdict VULNERABLE "it is somebody else's password" ;;
	'ERROR '*) verdict FIXED "" ;;
	*) verdict UNKNOWN "" ;;
	esac
}

mkdir "$tmp/source" && cd "$tmp/source" || exit 1
cp "$RP_SOURCE"/examples/live-patch/{*.c,*.h,Makefile,fix.patch} . || exit 1

say 'A small key-value server, four threads. Its build knows nothing of patches.'
run make -s
run cp kvd ..
start_server
command_line "../kvd $port 4 &"
quote "process $pid"
echo

say 'Eight connections ask it all the time. Who asks for more of a value than there
is gets what lies behind it:'
start_load -H -r 'SET key%c %n\n=>OK' -r 'GET key%c\n=>=%n' \
	-r 'RANGE key%c 4 4\n=>=*' -r 'PING\n=>PONG' line "$port" ||
	die "the load does not start" "$tmp/load.err"
load_more 20000
probe

say 'The fix, and a live patch that is made of it:'
quote "$(sed -n '/^[-+][^-+]/p' fix.patch)"
echo
run "$repoint" patch build --source . --patch fix.patch --binary ../kvd -- make -s
echo

say 'Applied to the process that runs:'
load_phase during
patch_process apply "$pid" fix.rpp
probe
run "$repoint" patch list "$pid"
echo
load_more 20000

say 'Taken away, and put back:'
patch_process revert "$pid" fix
probe
patch_process replace "$pid" fix.rpp
probe

load_phase after
load_more 20000
summary
