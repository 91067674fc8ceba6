# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# One process, one payload after the other: what the commands do and print.
. "$(dirname "$0")/common.inc"

need program plain twin plain load serve
need payload fix plain twin 1 2 --description "returns two" --patch-version 1.2
need payload fix3 plain twin 1 3
need start ./plain
p=$pid
for kind in spin sleep pipe churn; do
	need replies "$p" ok load "$kind" 1
done
check "it runs" works "$p" 1
mappings "$p" >before

nothing_listed()
{
	patch 0 list "$p" && says "^plain \($p\): no live patches$"
	patch 0 list --json "$p" && json "p[0]['pid'] == $p" &&
		json "p[0]['patches'] == []"
}
check "list: nothing" nothing_listed

check_changes_nothing()
{
	patch 0 check "$p" fix.rpp && says "could be applied fix" "^  replaces  .*left" &&
	patch 0 check --json "$p" fix.rpp && json "d['command'] == 'check'" &&
		json "p[0]['result'] == 'done' and p[0]['stops'] >= 1" &&
	applied "$p" && works "$p" 1 && same_mappings "$p" before
}
check "check: says that it fits, and changes nothing" check_changes_nothing

apply_text()
{
	patch 0 apply "$p" fix.rpp &&
	says "^plain \($p\): applied fix, in plain$" \
		"^  replaces  left, pair, right, version$|^  replaces  .*version" \
		"^  stopped   [0-9]+ threads for [0-9.]+ (us|ms), stacks checked in" &&
	[ ! -s patch.err ] && works "$p" 2
}
check "apply: all workers see it" apply_text
list_text()
{
	patch 0 list "$p" &&
	says "^plain \($p\): *$" "^  fix 1.2: applied 20.*, 4 functions of .*plain, [0-9]+ KB$" \
		"^ +returns two$" && patch 0 list -v "$p" &&
	says "^ +0x[0-9a-f]+ -> 0x[0-9a-f]+  version$"
}
check "list: the payload" list_text
list_json()
{
	patch 0 list --json "$p" && json "p[0]['comm'] == 'plain'" &&
	json "p[0]['patches'][0]['name'] == 'fix'" &&
	json "p[0]['patches'][0]['version'] == '1.2'" &&
	json "p[0]['patches'][0]['description'] == 'returns two'" &&
	json "sorted(f['name'] for f in p[0]['patches'][0]['functions']) == \
		['left', 'pair', 'right', 'version']" &&
	json "all(f['new'] > p[0]['patches'][0]['address'] for f in p[0]['patches'][0]['functions'])"
}
check "list --json: likewise" list_json
check "list --all: has it" eval 'patch 0 list --all && says "^plain \($p\):"'
check "apply: a second time" \
	refused 2 "plain \($p\): error: fix is applied to process $p already \[RP0817\]" \
	apply "$p" fix.rpp
check "the first one still works" works "$p" 2

same_name()
{
	mkdir -p other && cp fix3.rpp other && payload other/fix plain twin 1 3 --name fix &&
	refused 2 "another payload of the name fix is applied.*replace.*\[RP0817\]" \
		apply "$p" other/fix.rpp
}
check "apply: another payload of the same name" same_name
check "apply: another one for a variable that was set" \
	refused 2 "setting does not have the value that the patch expects.*\[RP0810\]" \
	apply "$p" fix3.rpp
check "apply: nothing happened" works "$p" 2

replace_text()
{
	patch 0 replace "$p" fix3.rpp && says "replaced fix3, in plain" "^  removes   fix$" &&
	works "$p" 3 && applied "$p" fix3
}
check "replace: the other one instead" replace_text
check "revert: of what is not applied" \
	refused 2 "no payload fix is applied to process $p.*patch list $p \[RP0818\]" revert "$p" fix
revert_text()
{
	patch 0 revert "$p" fix3 && says "reverted fix3, in plain" "^  restores  .*left" &&
	works "$p" 1 && applied "$p" && same_mappings "$p" before
}
check "revert: the old code, nothing left" revert_text
check "revert: again" refused 2 "no payload is applied to process $p.*\[RP0818\]" \
	revert "$p" fix3

json_cycle()
{
	patch 0 apply --json "$p" fix.rpp && json "d['command'] == 'apply'" &&
	json "p[0]['result'] == 'done' and p[0]['name'] == 'fix'" &&
	json "sorted(p[0]['functions']) == ['left', 'pair', 'right', 'version']" &&
	json "p[0]['threads'] >= 5 and p[0]['stopped_ns'] > 0" && works "$p" 2 &&
	patch 2 apply --json "$p" fix.rpp &&
	json "p[0]['result'] == 'refused' and p[0]['diagnostic'] == 'RP0817'" &&
	json "'already' in p[0]['message']" &&
	patch 0 replace --json "$p" fix3.rpp && json "p[0]['reverted'] == ['fix']" &&
	works "$p" 3 &&
	patch 0 revert --json "$p" fix3 && json "p[0]['reverted'] == ['fix3']" &&
	works "$p" 1 && same_mappings "$p" before
}
check "all of them as JSON" json_cycle
check "--quiet prints nothing" eval 'patch 0 apply -q "$p" fix.rpp && [ ! -s patch.out ] &&
	patch 0 revert -q "$p" fix && [ ! -s patch.out ]'
check "--verbose says what happens" eval 'patch 0 apply -v "$p" fix.rpp &&
	says "^  prepared  [0-9]+ KB mapped" && patch 0 revert -v "$p" fix'
revert_all()
{
	patch 0 apply "$p" fix.rpp && works "$p" 2 && patch 0 revert --all "$p" &&
	says "reverted fix" && works "$p" 1
}
check "revert --all" revert_all
check "as before" same_mappings "$p" before

# Another tool takes it away, or puts another one there, while this one reads.
need compile -fPIC -shared -I"$RP_SOURCE" -o between.so "$live/between.c"
between() # COMMAND PATTERN
{
	patch 0 apply "$p" fix.rpp &&
	BETWEEN="$1 >between.log 2>&1" tool_wrap="env LD_PRELOAD=$tmp/between.so" \
		patch 0 list "$p" && [ -s between.log ] && says "$2"
}
check "list: reverted meanwhile" between "'$REPOINT' patch revert $p fix" "no live patches"
check "list: replaced meanwhile" between "'$REPOINT' patch replace $p fix3.rpp" \
	"no live patches|fix3: applied"
check "what came meanwhile is there" eval 'applied "$p" fix3 &&
	patch 0 revert "$p" fix3 && works "$p" 1'
check "as before" same_mappings "$p" before

check "replace where nothing is applied" eval 'patch 0 replace "$p" fix.rpp &&
	works "$p" 2 && patch 0 revert "$p" fix && works "$p" 1'

# The command line.
usage()
{
	patch 64 "$@" && [ -s patch.err ] && [ ! -s patch.out ]
}
check "apply: no words" usage apply
check "apply: no payload" usage apply "$p"
check "apply: too many words" usage apply "$p" fix.rpp fix.rpp
check "apply: unknown option" usage apply --nonsense "$p" fix.rpp
check "apply: --timeout of nothing" usage apply --timeout x "$p" fix.rpp
check "apply: --timeout below zero" usage apply --timeout -1 "$p" fix.rpp
check "apply: --retry of nothing" usage apply --retry 1x "$p" fix.rpp
check "apply: --hook-timeout 0" usage apply --hook-timeout 0 "$p" fix.rpp
check "apply: --contexts of what is none" usage apply --contexts some "$p" fix.rpp
check "apply: --timeout without a value" usage apply "$p" fix.rpp --timeout
check "revert: no name" usage revert "$p"
check "revert: --all and a name" usage revert --all "$p" fix
check "list: nothing to list" usage list
check "list: two" usage list "$p" "$p"
check "a pid that is none" refused 1 "is not the number of a process.*--name x1" \
	apply x1 fix.rpp
for n in 0 -5 99999999999999999999; do
	check "pid $n" refused 1 "is not the number of a process" apply -- "$n" fix.rpp
done
help_text()
{
	local verb
	for verb in apply revert replace check list; do
		patch 0 "$verb" --help && says "^Usage: repoint patch $verb" || return 1
	done
}
check "--help" help_text
check "--allow-active of a function that is not replaced" \
	refused 1 "--allow-active main: no such function is replaced.*\[RP0831\]" \
	apply --allow-active main "$p" fix.rpp
check "it works after all of that" eval 'works "$p" 1 && same_mappings "$p" before'
finish
