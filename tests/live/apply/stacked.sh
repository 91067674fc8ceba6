# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Payloads beside each other, on top of each other, and one for all of them.
. "$(dirname "$0")/common.inc"

parts_program()
{
	local s
	for s in parts twin parts_main load serve; do
		object "$tmp/parts-$s.o" "$s.c" \
			-DVERSION="$([ $s = parts ] && echo 111 || echo 1)" || return 1
	done
	gcc -pie -pthread -Wl,--build-id -o parts parts-{parts,twin,parts_main,load,serve}.o
}
need parts_program
need payload first parts parts 111 211
need payload second parts parts 111 121
need payload third parts parts 121 123 --after second.rpp
need payload all parts parts 111 223
need payload again parts parts 111 311
need payload twins parts twin 1 2

need start ./parts
p=$pid
need replies "$p" ok load spin 1
need replies "$p" ok load churn 1
mappings "$p" >before
is()
{
	works "$p" && replies "$p" "$1" parts
}
check "as it was" is 111
check "what is missing is named" refused 2 "second is not applied, and this payload needs it.*\[RP0819\]" \
	apply "$p" third.rpp
check "two beside each other" eval 'patch 0 apply "$p" first.rpp && is 211 &&
	patch 0 apply "$p" second.rpp && is 221 && applied "$p" first second'
check "one on top" eval 'patch 0 apply "$p" third.rpp && is 223 &&
	applied "$p" first second third'
check "what others need stays" refused 2 "third stands on second: revert it first.*\[RP0820\]" \
	revert "$p" second
check "still all there" is 223
check "the first one can go" eval 'patch 0 revert "$p" first && is 123 &&
	applied "$p" second third'
check "and come back" eval 'patch 0 apply "$p" first.rpp && is 223 &&
	applied "$p" second third first'
check "top down" eval 'patch 0 revert "$p" third && is 221 && patch 0 revert "$p" second &&
	is 211 && applied "$p" first'
check "one on top again, then all at once" eval 'patch 0 apply "$p" second.rpp &&
	patch 0 apply "$p" third.rpp && patch 0 revert --all "$p" &&
	says "reverted third, second, first" && is 111 && same_mappings "$p" before'
cumulative()
{
	patch 0 apply "$p" first.rpp && patch 0 apply "$p" second.rpp &&
	patch 0 apply "$p" third.rpp && patch 0 apply "$p" twins.rpp && works "$p" 2 &&
	patch 0 replace "$p" all.rpp && says "removes   twins, third, second, first" &&
	is 223 && works "$p" 1 && applied "$p" all && patch 0 revert "$p" all && is 111 &&
	same_mappings "$p" before
}
check "a cumulative one in place of all" cumulative
check "replace by one that needs what goes" eval 'patch 0 apply "$p" second.rpp &&
	refused 2 "second would be taken away, and this payload needs it.*\[RP0819\]" replace "$p" third.rpp &&
	is 121 && patch 0 revert "$p" second'
over()
{
	patch 0 apply "$p" first.rpp && patch 0 apply "$p" again.rpp && is 311 &&
	refused 2 "again stands on first: revert it first.*\[RP0820\]" revert "$p" first &&
	is 311 && patch 0 revert "$p" again && is 211 && applied "$p" first &&
	patch 0 apply "$p" again.rpp && is 311 && patch 0 revert --all "$p" && is 111
}
check "another one of the same function" over
check "as before" eval 'is 111 && same_mappings "$p" before'
finish
