#!/bin/sh
# SPDX-License-Identifier: MIT
# The choices of examples/features: on this processor as RP_CPU_MASK leaves it,
# and on others, by qemu-x86_64.
#
# usage: features.sh     environment: CC, RP_SOURCE, RP_LIB
set -u

. "$RP_SOURCE/tests/tap.sh"

example=$RP_SOURCE/examples/features
unset RP_CPU_MASK RP_LOG
case $($CC -dumpmachine) in
x86_64*) ;;
*) skip_all "the example is for x86-64" ;;
esac

# Static: the emulated processor has no other's libc to load.
compile()
{
	# shellcheck disable=SC2086
	$CC -std=gnu11 -O2 -static -I"$RP_SOURCE/include" "$example"/*.[cS] \
		"$RP_LIB" -lpthread -o "$tmp/features"
}

# chosen COMMAND...: "copy fill crc32c crc32c-word", and everything is right
chosen()
{
	"$@" >"$tmp/out" 2>"$tmp/err" &&
		grep -q ' 0 wrong results$' "$tmp/out" &&
		awk '$1 == "copy" || $1 == "fill" { n++; sub(/rep .*/, "rep")
			$0 = $0; printf "%s ", $2 }
		     $1 == "crc32c" { n++; printf "%s ", $2 }
		     $1 == "crc32c," { n++; print $3 }
		     END { exit n != 4 }' "$tmp/out"
}

# is WANT COMMAND...
is()
{
	want=$1
	shift
	got=$(chosen "$@") && [ "$got" = "$want" ] && return
	echo "wanted: $want; got: $got"
	cat "$tmp/out" "$tmp/err"
	return 1
}

# ---- this processor ----

# has NAME: neither missing nor masked; what is built upon it goes with it
has()
{
	case ",$mask," in
	*,all,* | *",$1,"*) return 1 ;;
	esac
	case $1 in
	avx2) has avx || return ;;
	avx) has sse4_2 || return ;;
	crc_clmul) has sse4_2 && has pclmulqdq; return ;;
	esac
	grep -qw "$1" "$tmp/flags"
}

expected()
{
	copy=sse2 fill=sse2 crc=table word=table
	if has erms; then copy=rep fill=rep; fi
	if has avx2; then copy=avx2 fill=avx2; fi
	if has fsrm; then copy=rep; fi
	if has fsrs; then fill=rep; fi
	if has sse4_2; then crc=sse4.2 word=crc32q; fi
	if has crc_clmul; then crc=clmul; fi
	echo "$copy $fill $crc $word"
}

masked()
{
	is "$(expected)" env RP_CPU_MASK="$mask" "$tmp/features"
}

# ---- others ----

# TCG has AVX2 since 7.2; newer versions may know more of the newest models.
emulated()
{
	is "$2" qemu-x86_64 -cpu "$1" "$tmp/features"
}

qemu_version()
{
	qemu-x86_64 --version 2>/dev/null |
		sed -n 's/.*version \([0-9]*\)\.\([0-9]*\).*/\1 \2/p' |
		awk '{ print $1 * 100 + $2 }'
}

check "it compiles" compile
[ "$tap_failed" -eq 0 ] || tap_end

grep -m1 '^flags' /proc/cpuinfo >"$tmp/flags"
# Kernels before 6.3 do not show this one.
grep -qw fsrs "$tmp/flags" && hidden= || hidden=,fsrs
for mask in none all avx2 fsrm fsrm,fsrs fsrm,fsrs,avx2 fsrm,fsrs,erms \
	fsrm,fsrs,avx2,erms pclmulqdq sse4_2 crc_clmul; do
	mask=$mask$hidden
	check "masked here: $mask" masked
done

version=$(qemu_version)
while read -r model want; do
	if [ -z "$version" ]; then
		skip "emulated: $model" "no qemu-x86_64"
	elif [ "$version" -lt 702 ]; then
		skip "emulated: $model" "no qemu-x86_64 that knows AVX2 (7.2)"
	else
		check "emulated: $model" emulated "$model" "$want"
	fi
done <<'END'
qemu64         sse2 sse2 table table
Conroe         sse2 sse2 table table
Nehalem        sse2 sse2 sse4.2 crc32q
SandyBridge    sse2 sse2 clmul crc32q
IvyBridge      rep rep clmul crc32q
Haswell        avx2 avx2 clmul crc32q
EPYC           avx2 avx2 clmul crc32q
Skylake-Server avx2 avx2 clmul crc32q
END
tap_end
