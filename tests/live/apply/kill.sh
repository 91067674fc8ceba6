# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# The tool is killed in the middle: a process under load, nothing in its way.
. "$(dirname "$0")/kill.inc"

need program plain twin plain load serve
need payload fix plain twin 1 2
rpp=fix.rpp
need start ./plain
p=$pid
for kind in spin sleep futex; do
	need replies "$p" ok load "$kind" 1
done
need patch 0 apply "$p" fix.rpp
mappings "$p" | sed '/^[^ ]* [^ ]* $/d' >maps.revert
need patch 0 revert "$p" fix
mappings "$p" >maps.apply
# Where it is put differs from time to time: only what else there is counts.
same_mappings()
{
	if [ "$2" = maps.revert ]; then
		[ "$(mappings "$1" | grep -c ' r--p $')" -le 2 ] ||
			{ cat "/proc/$1/maps"; return 1; }
	else
		mappings "$1" | diff -u "$2" - || { echo "mappings have changed"; return 1; }
	fi
}
for calls in ptrace pwrite64; do
	kill_at_each "apply, $calls" "$calls" apply "$p" fix.rpp
	patch 0 list "$p" >/dev/null 2>&1
	run_tool apply "$p" fix.rpp
	kill_at_each "revert, $calls" "$calls" revert "$p" fix
	run_tool revert "$p" fix
done
check "as before" eval 'works "$p" 1 && same_mappings "$p" maps.apply'
finish
