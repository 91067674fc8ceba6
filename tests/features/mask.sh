#!/bin/sh
# SPDX-License-Identifier: MIT
# What RP_CPU_MASK takes away, and what it does not.
#
# usage: mask.sh LIST SYNTHETIC
set -u

. "${RP_SOURCE:?}/tests/tap.sh"
list=$1
synthetic=$2
unset RP_CPU_MASK RP_LOG

"$list" >"$tmp/all" || exit 99

# gone MASK NAME...: these are absent, and all others are as they were
gone()
{
	mask=$1
	shift
	RP_CPU_MASK=$mask "$list" >"$tmp/found" || return 1
	cp "$tmp/all" "$tmp/want"
	for name; do
		sed "s/^\($name\) 1\$/\1 0/" "$tmp/want" >"$tmp/want2"
		mv "$tmp/want2" "$tmp/want"
	done
	diff -u "$tmp/want" "$tmp/found"
}

everything_gone()
{
	RP_CPU_MASK=$1 "$list" | grep ' 1$' >"$tmp/found"
	cat "$tmp/found"
	[ "$(cat "$tmp/found")" = "always 1" ]
}

# With nothing else that would speak.
says()
{
	RP_LOG=cpu RP_CPU_MASK=$1 "$synthetic" 2>"$tmp/said" >/dev/null ||
		return 1
	cat "$tmp/said"
	[ "$(wc -l <"$tmp/said")" = 1 ] &&
	grep -q 'RP_CPU_MASK' "$tmp/said" &&
	grep -qF "$2" "$tmp/said" &&
	grep -qF 'docs/features.md' "$tmp/said"
}

says_nothing()
{
	RP_LOG=cpu RP_CPU_MASK=$1 "$synthetic" 2>"$tmp/said" >/dev/null ||
		return 1
	cat "$tmp/said"
	! [ -s "$tmp/said" ]
}

silent()
{
	RP_CPU_MASK=$1 "$synthetic" 2>"$tmp/said" >/dev/null || return 1
	! [ -s "$tmp/said" ]
}

# A program with more rights than its user.
setuid_ignores()
{
	cp "$list" "$tmp/setuid" && chown 0 "$tmp/setuid" &&
	chmod 4755 "$tmp/setuid" && chmod 755 "$tmp" &&
	RP_CPU_MASK=all setpriv --reuid 65534 --clear-groups "$tmp/setuid" \
		>"$tmp/found" &&
	diff -u "$tmp/all" "$tmp/found"
}

# What the file's owner may not give away cannot be tested.
setuid_works()
{
	[ "$(id -u)" = 0 ] && command -v setpriv >/dev/null &&
	! findmnt -n -o OPTIONS -T "$tmp" 2>/dev/null | grep -q nosuid
}

check "nothing" gone ''
check "one" gone erms erms
check "in capitals" gone ERMS erms
check "two" gone erms,clflush erms clflush
check "an alias" gone bmi bmi1 x86-64-v3 x86-64-v4
check "one that others need" gone sse4.2 sse4_2 avx avx2 fma f16c vaes \
	vpclmulqdq 'avx512.*' 'avx_.*' 'avx10.*' fma4 xop sm3 sm4 sha512 \
	'x86-64-v[234]' amx_avx512
check "twice" gone erms,erms,,ERMS, erms
check "with words that are no names" gone nonsense,erms,,%s%n erms
check "nothing but words that are no names" gone nonsense,avx2x
check "always cannot be masked" gone always
check "all" everything_gone all
check "all, among others" everything_gone nonsense,all,erms
long=$(head -c 100000 /dev/zero | tr '\0' x)
check "very long" gone "$long,erms" erms
check "a word that is no name is named" says 'erms,nonsense' '"nonsense"'
check "all of them are counted" says 'one,erms,two' 'the first of 2'
check "one that is very long" says "$long" '(the first of 1)'
check "always is no name here" says always '"always"'
check "names alone are not remarked upon" says_nothing 'erms,BMI,sse4.2'
# The first object that has features; the program itself comes later.
check "names of synthetic ones are not either" says_nothing 'erms,Dependency'
check "silent if nobody listens" silent nonsense
if setuid_works; then
	check "setuid programs ignore it" setuid_ignores
else
	skip "setuid programs ignore it" "a setuid program needs root"
fi
tap_end
