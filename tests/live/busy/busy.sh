#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Is code in use?
# A compiler may be several words; tap.sh sets $tmp, variants.inc $cc.
# shellcheck disable=SC1091,SC2086,SC2154
. "$(dirname "$0")/../../tap.sh"
. "$(dirname "$0")/../unwind/variants.inc"
driver=$1
dir=$(dirname "$0")

# try NAME ANSWER WAY OPTION...
try()
{
	local name=$1 answer=$2 way=$3

	shift 3
	check "$name: $way $*: $answer" \
		"$driver" "$@" "$answer" "$target" "$way"
}

common()
{
	try "$1" none idle
	try "$1" none idle ignore
	try "$1" none idle-deep scan
	try "$1" frame frame text='is in old, called from '
	try "$1" none frame allowed
	try "$1" frame spin
	try "$1" frame thread
	try "$1" word lost text='return address into it at 0x'
	try "$1" none lost allowed
	try "$1" none lost-elsewhere
	try "$1" unknown no-stack text='where it ends is not known'
	try "$1" frame interrupted
	try "$1" word interrupted-lost
	try "$1" none idle at-entry ignore
	try "$1" frame idle behind-entry ignore
}

switching()
{
	try "$1" context suspended text='the program switches stacks'
	try "$1" none suspended ignore
	try "$1" none suspended allowed
	try "$1" context suspended-heap
	try "$1" context suspended-local
	try "$1" frame running
	try "$1" context below
	try "$1" word below-local
}

while IFS='|' read -r name command; do
	target=$tmp/target-$name
	contexts=
	case $name in
	glibc*) contexts=-DWITH_CONTEXTS ;;

	esac
	if ! $command -fno-optimize-sibling-calls $contexts "$dir/target.c" \
			"$dir/odd.S" -o "$target" 2>"$tmp/cc.log"; then
		not_ok "build $name" "$tmp/cc.log"
		continue
	fi
	common "$name"
	if [ -n "$contexts" ]; then
		switching "$name"
	fi
done < <(variants)
tap_end
