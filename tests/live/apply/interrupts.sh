# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# The tool is interrupted while it waits: the process is as before, at once.
. "$(dirname "$0")/common.inc"

need program busy held busy twin load serve
need payload fix busy held 1 2
need start ./busy
p=$pid
need replies "$p" ok load spin 1
need replies "$p" ok load sleep 1
mappings "$p" >before

let_go()
{
	await untouched "$1" >/dev/null || untouched "$1"
}

# Background processes of scripts ignore SIGINT: not this one.
interrupted() # SIGNAL VERB WORD...
{
	local signal=$1 tool status=0
	shift
	ask "$p" enter poll || return 1
	python3 -c 'import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execv(sys.argv[1], sys.argv[1:])' "$REPOINT" patch "$@" --timeout 60 >patch.out 2>patch.err &
	tool=$!
	await traced "$p" && sleep 0.8
	kill -0 $tool || { echo "it did not wait"; cat patch.err; return 1; }
	kill -"$signal" $tool
	wait $tool || status=$?
	echo "exit status $status"
	[ $status -ne 0 ] && let_go "$p" && replies "$p" "$was" held &&
	replies "$p" "$was" leave && goes_on "$p"
}
# What it had mapped may still be there, for the next run to find.
nothing_applied()
{
	patch 0 list --json "$p" && json "all(x['state'] == 'prepared' for x in p[0]['patches'])"
}
was=1
for signal in INT TERM HUP KILL; do
	check "apply, SIG$signal" interrupted $signal apply "$p" fix.rpp
	check "nothing is applied" nothing_applied
done
clean()
{
	patch 0 apply "$p" fix.rpp && patch 0 revert "$p" fix && works "$p" 1 &&
	same_mappings "$p" before
}
check "the next run clears what was left" clean
need patch 0 apply "$p" fix.rpp
was=2
for signal in INT TERM KILL; do
	check "revert, SIG$signal" interrupted $signal revert "$p" fix
	check "it is still applied" applied "$p" fix
done
check "revert" eval 'patch 0 revert "$p" fix && works "$p" 1 && same_mappings "$p" before'

# A process that ends meanwhile.
ends() # HOW
{
	local tool status=0
	start ./busy && local q=$pid && ask "$q" enter poll || return 1
	run_tool apply --timeout 60 "$q" fix.rpp &
	tool=$!
	await traced "$q" && sleep 0.5
	if [ "$1" = quit ]; then
		tell "$q" quit
	else
		kill -"$1" "$q"
	fi
	wait $tool || status=$?
	echo "exit status $status"
	[ $status = 1 ] && says "has ended.*\[RP0826\]" && gone "$q"
}
check "the process is killed meanwhile" ends KILL
check "the process is terminated meanwhile" ends TERM
check "the process exits meanwhile" ends quit

# Two of them at the same time: one has to wait for the other, or is refused.
two()
{
	local first status=0
	ask "$p" enter poll || return 1
	run_tool apply --timeout 60 "$p" fix.rpp &
	first=$!
	await traced "$p" && sleep 0.5
	timeout "$limit" "$REPOINT" patch apply --timeout 0.2 "$p" fix.rpp \
		>second.out 2>second.err || status=$?
	grep -q "\[RP0803\]" second.err && [ $status = 2 ] && replies "$p" 1 leave &&
	wait $first && works "$p" && replies "$p" 2 held && patch 0 revert "$p" fix ||
		{ echo "exit status $status"; cat second.err patch.err; return 1; }
}
check "two at the same time" two
check "as before" eval 'works "$p" 1 && same_mappings "$p" before'
finish
