#!/bin/sh
# SPDX-License-Identifier: MIT
# What the sites of examples/ops become, and that its lock is one.
#
# usage: ops.sh     environment: CC, RP_SOURCE, RP_LIB
set -u

. "$RP_SOURCE/tests/tap.sh"

example=$RP_SOURCE/examples/ops
unset RP_CPU_MASK RP_LOG
case $($CC -dumpmachine) in
x86_64*) ;;
*) skip_all "the example is for x86-64" ;;
esac
if $CC --version | grep -q clang; then
	align="-malign-branch-boundary=16 -malign-branch=call,jmp,indirect"
else
	align="-Wa,-malign-branch-boundary=16,-malign-branch=call+jmp+indirect"
fi

compile()
{
	# shellcheck disable=SC2086
	$CC -std=gnu11 $align "$@" -I"$RP_SOURCE/include" "$example"/*.c \
		"$RP_LIB" -Wl,--emit-relocs -lpthread -o "$tmp/ops"
}

# counts [NAME=VALUE]: both counts are right
counts()
{
	env "$@" "$tmp/ops" >"$tmp/out" || { cat "$tmp/out"; return 1; }
	cat "$tmp/out"
	grep -q ' 1000000 of 1000000,' "$tmp/out" &&
		grep -q ' 4000000 of 4000000,' "$tmp/out"
}

# stage WHEN LOCK UNLOCK NOW: what the sites are then, as patterns
stage()
{
	sed -n "/^  $1 /,/counted/p" "$tmp/out" >"$tmp/stage"
	cat "$tmp/stage"
	grep -q "^    lock .*   $2\$" "$tmp/stage" &&
		grep -q "^    unlock .*   $3\$" "$tmp/stage" &&
		grep -q "^    now .*   $4\$" "$tmp/stage"
}

# bound_is_said PATTERN
bound_is_said()
{
	RP_LOG=ops "$tmp/ops" >/dev/null 2>"$tmp/err" || return 1
	cat "$tmp/err"
	grep -q "^repoint: ops: table .*$1" "$tmp/err"
}

check "it compiles" compile -O2
check "it counts" counts
# Elsewhere some of the sites stay what they were.
if ! RP_LOG=text_poke "$tmp/ops" 2>&1 | grep -q 'change 16'; then
	skip "sites" "one store changes fewer than 16 bytes here"
else
	if grep -qw nonstop_tsc /proc/cpuinfo; then
		now=rdtsc
	else
		now="direct call"
	fi
	if [ "$(getconf _NPROCESSORS_ONLN)" -gt 1 ]; then
		unlock='movl $0, (%rdi)'
	else
		unlock="direct call"
	fi
	check "one thread: no lock" stage "one thread" nop nop "$now"
	check "threads: a lock" stage threads "direct call" "$unlock" "$now"
	check "it counts by the system's clock" \
		counts RP_CPU_MASK=nonstop_tsc
	check "the system's clock is called" \
		stage threads "direct call" "$unlock" "direct call"
fi
check "what was bound is said" bound_is_said '[1-9][0-9]* sites: [1-9][0-9]* direct'
check "it compiles without optimisation" compile -O0
check "it counts through the tables" counts
tap_end
