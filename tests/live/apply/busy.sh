# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Functions that are in use: refused with the place; and when they no longer are.
. "$(dirname "$0")/common.inc"

need program busy held busy twin load serve
need payload fix busy held 1 2
need start ./busy
p=$pid
need replies "$p" ok load sleep 1
mappings "$p" >before

# try NAME COMMAND...: what it leaves if it fails is no later test's business
try()
{
	local failed=$tap_failed
	check "$@"
	[ "$failed" = "$tap_failed" ] && return
	ask "$p" leave >/dev/null
	run_tool revert --all "$p"
}

is_refused() # TID FUNCTION
{
	patch 2 apply --timeout 0.3 "$p" fix.rpp &&
	says "busy \($p\): error: .*thread $1.*\[RP0806\]" "$2.*\[RP0806\]" \
		"timeout|--allow-active" && works "$p" && replies "$p" 1 held &&
	patch 2 apply --timeout 0 --json "$p" fix.rpp && json "p[0]['stops'] == 1" &&
	json "p[0]['diagnostic'] == 'RP0806'" && works "$p" && applied "$p" &&
	patch 2 check --timeout 0.1 "$p" fix.rpp && works "$p"
}
revert_is_refused()
{
	patch 2 revert --timeout 0.3 "$p" fix && says "thread $1.*\[RP0806\]" "$2" &&
	works "$p" && replies "$p" 2 held && applied "$p" fix
}
# What compilers may call it: the name of a function, or that of its clone.
in_use() # KIND FUNCTION RESULT1 RESULT2
{
	local tid
	ask "$p" enter "$1" && tid=$reply && is_refused "$tid" "$2" &&
	replies "$p" "$3" leave && patch 0 apply "$p" fix.rpp && works "$p" &&
	replies "$p" 2 held && ask "$p" enter "$1" && tid=$reply &&
	revert_is_refused "$tid" "$2" && replies "$p" "$4" leave &&
	patch 0 revert "$p" fix && works "$p" && replies "$p" 1 held
}
try "in poll()" in_use poll held 1 2
try "in sleep()" in_use sleep held 1 2
try "in a loop" in_use loop held 1 2
try "in a recursion" in_use recursion held_deep 1 2
try "in a callback of qsort()" in_use qsort held_compare 1 1
try "in a signal handler" in_use handler held_handler 1 2
try "in a signal handler with a stack of its own" in_use altstack held_handler 1 2
check "nothing is left" same_mappings "$p" before

# It waits, and is let go meanwhile.
waits()
{
	local tool status=0
	ask "$p" enter poll || return 1
	patch 0 "$1" --timeout 60 "${@:2}" &
	tool=$!
	await traced "$p" || status=1
	sleep 0.7
	goes_on "$p" && replies "$p" "$was" held || status=1
	kill -0 $tool || { echo "it did not wait"; status=1; }
	replies "$p" "$was" leave || status=1
	wait $tool && works "$p" && replies "$p" "$((3 - was))" held && return $status
}
was=1
try "apply waits until it returns" waits apply "$p" fix.rpp
was=2
try "revert waits until it returns" waits revert "$p" fix
wait_option()
{
	was=1
	ask "$p" enter poll || return 1
	patch 0 apply --wait "$p" fix.rpp &
	local tool=$!
	await traced "$p" && sleep 0.5
	replies "$p" 1 leave && wait $tool && replies "$p" 2 held && patch 0 revert "$p" fix
}
try "--wait" wait_option
retries()
{
	ask "$p" enter poll && patch 2 apply --json --timeout 0.05 --retry 2 "$p" fix.rpp &&
	json "p[0]['attempts'] == 3" && replies "$p" 1 leave
}
try "--retry" retries

allowed()
{
	ask "$p" enter poll && patch 2 apply --timeout 0.1 --allow-active tiny "$p" fix.rpp &&
	patch 0 apply --allow-active held "$p" fix.rpp && says "applied fix" &&
	works "$p" && replies "$p" 2 held && replies "$p" 1 leave && works "$p" &&
	patch 0 revert "$p" fix && replies "$p" 1 held
}
try "--allow-active: old code goes on until it returns" allowed

# Old code calls old code; all else is old until the switch, and new after it.
contract()
{
	local tool status=0
	ask "$p" enter caller && ask "$p" enter poll || return 1
	patch 0 apply --timeout 60 "$p" fix.rpp &
	tool=$!
	await traced "$p" || status=1
	sleep 0.5
	for _ in {1..20}; do
		replies "$p" 1 callee && replies "$p" 1 held || status=1
	done
	replies "$p" "111 1" leave || status=1
	wait $tool && replies "$p" 2 callee && ask "$p" enter caller &&
	replies "$p" 222 leave && patch 0 revert "$p" fix || status=1
	return $status
}
for n in 1 2 3; do
	try "a caller never sees a callee of the other version ($n)" contract
done
two_threads()
{
	local first second
	ask "$p" enter poll && first=$reply && ask "$p" enter recursion && second=$reply &&
	patch 2 apply --timeout 0.2 "$p" fix.rpp &&
	says "thread ($first|$second)" && replies "$p" "1 1" leave
}
try "two threads in use" two_threads
check "nothing is left" eval 'works "$p" && same_mappings "$p" before'
end_process "$p"

# A stack that no thread runs on.
contexts_program()
{
	local code="-fPIE -DCONTEXTS"
	program contexts held busy twin load serve && payload suspended contexts held 1 2
}
need contexts_program
suspended()
{
	start ./contexts && p=$pid && ask "$p" enter context &&
	patch 2 apply --timeout 0.3 "$p" suspended.rpp && says "held.*\[RP0827\]" &&
	works "$p" && replies "$p" 1 leave && patch 0 apply "$p" suspended.rpp &&
	replies "$p" 2 held && patch 0 revert "$p" suspended && replies "$p" 1 held
}
try "a suspended context" suspended
ignored()
{
	start ./contexts && p=$pid && ask "$p" enter context &&
	patch 0 apply --contexts ignore "$p" suspended.rpp && replies "$p" 1 leave &&
	replies "$p" 2 held && patch 0 revert "$p" suspended && replies "$p" 1 held
}
try "--contexts ignore: at the user's risk" ignored
finish
