#!/bin/sh
# SPDX-License-Identifier: MIT
# What RP_LOG says of alternatives, in full.
#
# usage: log.sh LOG BAD: the programs of log.c and bad.c
set -u

root=${RP_SOURCE:?}
log=$1
bad=$2
. "$root/tests/tap.sh"

# Where it is put does not matter; where it is in the object does not, either.
said()
{
	sed 's|^repoint: alternative: /proc/self/exe+0x[0-9a-f]*: ||' "$tmp/err"
}

# log_is MASK ARGUMENTS...: standard input is what is expected, in order
log_is()
{
	cat >"$tmp/want"
	mask=$1
	shift
	RP_LOG=alternative RP_CPU_MASK=$mask "$log" "$@" 2>"$tmp/err" || {
		echo "exit status $?"
		cat "$tmp/err"
		return 1
	}
	said >"$tmp/found"
	diff "$tmp/want" "$tmp/found"
}

has()
{
	grep -qE "^flags.*\<$1\>" /proc/cpuinfo
}

# Of a feature that masks may take away: from the processor itself.
sse4_2_is='present'
yes=taken no='not taken'
has sse4_2 || {
	sse4_2_is='not in CPUID'
	yes='not taken' no=taken
}
serialize_is='not in CPUID'
has serialize && serialize_is=present

all_there()
{
	log_is serialize <<-END
	101 bytes: always (present): taken
	102 bytes: not always (present): not taken
	103 bytes: always (present): not taken, a later one is
	103 bytes: not serialize ($serialize_masked): taken
	104 bytes: sse4_2 ($sse4_2_is): $yes
	105 bytes: not sse4_2 ($sse4_2_is): $no
	106 bytes: sse4_1 ($sse4_2_is): $yes
	107 bytes: log-feature (present): taken
	108 bytes: synthetic (not set): not taken
	109 bytes: no feature (no feature of that number): not taken
	10 bytes: always (present): not taken, a later one is
	110 bytes: log-feature (present): taken
	111 bytes: serialize ($serialize_masked): not taken
	END
}

case $serialize_is in
present) serialize_masked='masked by RP_CPU_MASK' ;;
*)       serialize_masked=$serialize_is ;;
esac

# One that is masked takes with it what needs it: sse4_1 is what sse4_2 needs.
masked()
{
	case $sse4_2_is in
	present)
		itself='masked by RP_CPU_MASK'
		above='sse4_1 is masked by RP_CPU_MASK' ;;
	*)
		itself=$sse4_2_is above=$sse4_2_is ;;
	esac
	log_is sse4.1,log-feature,Serialize <<-END
	101 bytes: always (present): taken
	102 bytes: not always (present): not taken
	103 bytes: always (present): not taken, a later one is
	103 bytes: not serialize ($serialize_masked): taken
	104 bytes: sse4_2 ($above): not taken
	105 bytes: not sse4_2 ($above): taken
	106 bytes: sse4_1 ($itself): not taken
	107 bytes: log-feature (masked by RP_CPU_MASK): not taken
	108 bytes: synthetic (not set): not taken
	109 bytes: no feature (no feature of that number): not taken
	10 bytes: always (present): taken
	110 bytes: log-feature (masked by RP_CPU_MASK): not taken
	111 bytes: serialize ($serialize_masked): not taken
	END
}

# Only what can change is looked at again.
applied_again()
{
	RP_LOG=alternative "$log" again 2>"$tmp/all" || return 1
	sed '1,/^---/d' "$tmp/all" >"$tmp/err"
	said >"$tmp/found"
	cat >"$tmp/want" <<-END
	107 bytes: log-feature (not set): not taken
	108 bytes: synthetic (present): taken
	10 bytes: always (present): taken
	110 bytes: log-feature (not set): not taken
	END
	diff "$tmp/want" "$tmp/found"
}

silent()
{
	RP_LOG=$1 "$log" >"$tmp/err" 2>&1 || return 1
	cat "$tmp/err"
	[ ! -s "$tmp/err" ]
}

# One line of warning, with object, place and reason; and the old code.
refused()
{
	RP_LOG=warn "$bad" >"$tmp/out" 2>"$tmp/err" || return 1
	cat "$tmp/out" "$tmp/err"
	[ "$(wc -l <"$tmp/err")" = 1 ] &&
	grep -q '^runs the old code$' "$tmp/out" &&
	grep -q '^apply: -84$' "$tmp/out" &&
	grep -qE '^alternative for always: .* is no instruction .*\(site \+0x[0-9a-f]+ of /proc/self/exe\)' \
		"$tmp/out" &&
	grep -qE '^repoint: alternative: no alternative is applied, the original code runs: alternative for always: .* is no instruction .*: /proc/self/exe$' \
		"$tmp/err"
}

# Once, whatever else is said.
misspelt()
{
	RP_LOG=alternatives,,warn "$log" >/dev/null 2>"$tmp/err" || return 1
	cat "$tmp/err"
	[ "$(grep -c 'RP_LOG: "alternatives" is none of' "$tmp/err")" -eq 1 ] &&
		[ "$(wc -l <"$tmp/err")" -eq 1 ]
}

# Nothing is said to be taken that is not there.
refused_is_not_taken()
{
	RP_LOG=alternative "$bad" >"$tmp/out" 2>"$tmp/err" || return 1
	cat "$tmp/err"
	! grep -q ': taken$' "$tmp/err"
}


check "all is said" all_there
check "masks are said" masked
check "again: what can change" applied_again
check "a word of RP_LOG that is none" misspelt
check "silent without RP_LOG" silent ''
check "silent with RP_LOG=warn" silent warn
check "a bad record: one warning, the old code" refused
check "a bad record: nothing is said to be taken" refused_is_not_taken
tap_end
