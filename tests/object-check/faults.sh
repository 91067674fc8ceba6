#!/bin/bash
# SPDX-License-Identifier: MIT
# Good objects, broken in one place each: `object check` finds every class of
# faults, by the right number, and nothing before.
#
# usage: faults.sh MUTATE        RP_TOOL names the tool
#
# Environment:
#   RP_FAULTS   mutations of each class (10)
#   RP_SEED     the first seed (1)
set -u
RP_SOURCE=${RP_SOURCE:-$(cd "$(dirname "$0")/../.." && pwd)}
. "$RP_SOURCE/tests/tap.sh"
mutate=$1
times=${RP_FAULTS:-10}
first=${RP_SEED:-1}
here=$RP_SOURCE/tests/object-check
common="-std=gnu11 -I$RP_SOURCE/include"

[ "$(uname -m)" = x86_64 ] || skip_all "the tool is for x86-64"

# compiled NAME COMPILER OPTION...: one more object, with its tables
compiled()
{
	local name=$1
	shift
	# shellcheck disable=SC2086 # a list of words
	"$@" $common -c -o "$tmp/good/$name.o" &&
	"$RP_TOOL" object annotate "$tmp/good/$name.o"
}

make_objects()
{
	local cc name
	mkdir -p "$tmp/good"
	for cc in gcc clang; do
		command -v $cc >/dev/null || continue
		compiled $cc-sites $cc -O2 -fPIC "$here/subject.c" &&
		compiled $cc-flat $cc -O1 -fno-pie -fcf-protection=none \
			"$here/subject.c" &&
		compiled $cc-frames $cc -O2 -fno-omit-frame-pointer \
			"$here/subject.c" || return
		for name in elf/edit atoms/split elf/places; do
			compiled $cc-${name##*/} $cc -O2 -g -fPIC \
				"$RP_SOURCE/object/$name.c" || return
		done
		compiled $cc-small $cc -Os -fno-pie -fcf-protection \
			"$RP_SOURCE/object/insn/flow.c" || return
	done
	objects=("$tmp"/good/*.o)
}

# -v, as notes are no finding, and what is listed must not end too early
checked()
{
	local file=$1 status=0
	shift
	timeout 60 "$RP_TOOL" object check -v "$@" "$file" >"$tmp/log" 2>&1 ||
		status=$?
	return $status
}

good()
{
	checked "$1" && return
	cat "$tmp/log"
	return 1
}

# What else it says does not matter: a fault has consequences.
found()
{
	local ids=$1 id
	for id in $ids; do
		! grep -q ": \(warning\|error\): .*\[RP0$id\]$" "$tmp/log" || return 0
	done
	return 1
}

# Objects that are refused for indirect branches that are rightly there are no
# subject for that class.
options_of()
{
	options=()
	[ "$1" != indirect-inserted ] || options=(--require retpoline)
}

# one CLASS IDS SEED: status 3 if no object has anything of the kind
one()
{
	local class=$1 ids=$2 seed=$3 i what object status
	for ((i = 0; i < ${#objects[@]}; i++)); do
		object=${objects[(seed + i) % ${#objects[@]}]}
		checked "$object" "${options[@]}" || continue
		what=$("$mutate" "$class" "$seed" "$object" "$tmp/bad.o")
		status=$?
		[ $status != 3 ] || continue
		[ $status = 0 ] || return 1
		echo "${object##*/}, seed $seed: $what"
		status=0
		checked "$tmp/bad.o" "${options[@]}" || status=$?
		[ $status = 1 ] && found "$ids" && return
		echo "exit status $status, and none of $ids:"
		cat "$tmp/log"
		return 1
	done
	return 3
}

caught()
{
	local class=$1 ids=$2 seed n=0 status
	options_of "$class"
	for ((seed = first; seed < first + times; seed++)); do
		status=0
		one "$class" "$ids" "$seed" || status=$?
		case $status in
		0) n=$((n + 1)) ;;
		3) ;;
		*) return 1 ;;
		esac
	done
	[ $n -gt 0 ] || echo "no object has anything of the kind"
	[ $n -gt 0 ]
}

make_objects >"$tmp/make.log" 2>&1 || {
	not_ok "objects to break" "$tmp/make.log"
	tap_end
}
for object in "${objects[@]}"; do
	check "${object##*/} is good" good "$object"
done
"$mutate" --list >"$tmp/classes" || exit 99
while read -r class ids; do
	check "$class" caught "$class" "$ids"
done <"$tmp/classes"
tap_end
