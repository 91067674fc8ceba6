# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Hooks of all kinds: in their order, and when they veto, hang and crash. Data of
# the program, and shadow variables, from one payload to the next.
. "$(dirname "$0")/common.inc"

hooked() # NAME OLD NEW
{
	payload "$1-1" hooked hooked "$2" "$3" && payload "$1-2" hooked twin "$2" "$3" &&
	"$REPOINT" patch diff --binary hooked --name "$1" -o "$1.rpp" \
		"hooked-hooked-$2.o" "hooked-hooked-$3.o" "hooked-twin-$2.o" "hooked-twin-$3.o"
}
hooked_program()
{
	program hooked hooked hooked_main twin load serve && hooked fix 1 2 && hooked next 1 3
}
need hooked_program
need start ./hooked
p=$pid
for kind in spin sleep churn; do
	need replies "$p" ok load "$kind" 1
done
# The root of shadow variables comes with the first payload, and stays.
need patch 0 apply "$p" fix.rpp
need patch 0 revert "$p" fix
need ask "$p" log
mappings "$p" >before

apply_hooks="1a 1b 2c 2d" revert_hooks="2e 1f 1g"
order()
{
	patch 0 apply "$p" fix.rpp && replies "$p" "$apply_hooks ." log && works "$p" 2 &&
	patch 0 revert "$p" fix && replies "$p" "$revert_hooks ." log && works "$p" 1 &&
	same_mappings "$p" before
}
# try NAME COMMAND...: what it leaves if it fails is no later test's business
try()
{
	local failed=$tap_failed
	check "$@"
	[ "$failed" = "$tap_failed" ] && return
	ask "$p" mode 0 >/dev/null && run_tool revert --all "$p"
	ask "$p" log >/dev/null
}
try "their order, and the version at each" order
replaced()
{
	patch 0 apply "$p" fix.rpp && ask "$p" log && patch 0 replace "$p" next.rpp &&
	replies "$p" "2e 2a 2b 3f 3c 3g 3d ." log && works "$p" 3 &&
	patch 0 revert "$p" next && replies "$p" "3e 1f 1g ." log && works "$p" 1
}
try "of a replacement" replaced

mode()
{
	replies "$p" ok mode "$1"
}
veto()
{
	mode 11 && patch 2 apply "$p" fix.rpp && says "pre-apply hook pre_apply.*vetoed.*-16.*\[RP0814\]" &&
	replies "$p" "1a ." log && works "$p" 1 && applied "$p" && mode 0 &&
	same_mappings "$p" before
}
try "pre-apply: veto" veto
veto_revert()
{
	patch 0 apply "$p" fix.rpp && mode 41 && patch 2 revert "$p" fix &&
	says "pre-revert hook pre_revert.*vetoed.*\[RP0814\]" && works "$p" 2 &&
	applied "$p" fix && mode 0 && patch 0 revert "$p" fix && works "$p" 1 && ask "$p" log
}
try "pre-revert: veto" veto_revert

retries()
{
	mode 11 && patch 2 apply --json --retry 3 "$p" fix.rpp && json "p[0]['attempts'] == 4" &&
	replies "$p" "1a 1a 1a 1a ." log && mode 0
}
try "a veto can be tried again" retries

# What a hook does is not undone, but the process lives, and so does the next run.
# A hook that crashes has all the time that a busy machine may take until it does.
dies() # MODE PATTERN SECONDS
{
	mode "$1" && patch 1 apply --hook-timeout "$3" "$p" fix.rpp &&
	says "pre-apply hook pre_apply.*\[RP0815\]" "$2" && mode 0 && works "$p" 1 &&
	applied "$p" && ask "$p" log && order
}
try "pre-apply: never returns" dies 12 "(time|return).*\[RP0815\]" 2
try "pre-apply: crashes" dies 13 "(SIGSEGV|signal 11|Segmentation).*\[RP0815\]" 30
try "pre-apply: aborts" dies 14 "(SIGABRT|signal 6|Aborted).*\[RP0815\]" 30
try "pre-apply: an endless loop" dies 15 "\[RP0815\]" 2

# Behind the switch it is applied, whatever hooks do.
after_switch() # MODE: it is patched, and can be reverted
{
	mode "$1" && { run_tool apply --hook-timeout 2 "$p" fix.rpp; cat patch.err; mode 0; } &&
	works "$p" 2 && applied "$p" fix && patch 0 revert "$p" fix && works "$p" 1 &&
	ask "$p" log && order
}
try "apply: crashes" after_switch 23
try "apply: an endless loop" after_switch 25
try "post-apply: crashes" after_switch 33
try "post-apply: never returns" after_switch 32
after_revert() # MODE
{
	patch 0 apply "$p" fix.rpp && mode "$1" &&
	{ run_tool revert --hook-timeout 2 "$p" fix; cat patch.err; mode 0; } &&
	works "$p" 1 && applied "$p" && ask "$p" log && order
}
try "revert: crashes" after_revert 53
try "post-revert: crashes" after_revert 63
try "post-revert: never returns" after_revert 62
try "nothing is left" eval 'works "$p" 1 && same_mappings "$p" before'

shadows()
{
	replies "$p" 0 count && patch 0 apply "$p" fix.rpp && replies "$p" 1 count &&
	replies "$p" 2 count && patch 0 revert "$p" fix && replies "$p" 0 count &&
	patch 0 apply "$p" next.rpp && replies "$p" 3 count && patch 0 replace "$p" fix.rpp &&
	replies "$p" 4 count && patch 0 revert "$p" fix && works "$p" 1
}
try "shadow variables outlive payloads" shadows
forked()
{
	patch 0 apply "$p" fix.rpp && replies "$p" 5 count && child "$p" &&
	replies "$child" 6 count && replies "$p" 6 count && replies "$p" 7 count &&
	replies "$child" 7 count && patch 0 revert "$child" fix && replies "$child" 0 count &&
	replies "$p" 8 count && patch 0 revert "$p" fix
}
try "and are a child's own" forked
try "it works" works "$p" 1
finish
