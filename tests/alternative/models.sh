#!/bin/sh
# SPDX-License-Identifier: MIT
# The variants that processors get that this machine is not.
#
# usage: models.sh MODELS: the program of models.c, linked statically
set -u

root=${RP_SOURCE:?}
models=$1
. "$root/tests/tap.sh"

command -v qemu-x86_64 >/dev/null || skip_all 'no qemu-x86_64'

# Emulated from 7.2 on.
avx2()
{
	qemu-x86_64 --version |
	awk 'NR == 1 { split($3, v, "."); exit !(v[1] * 100 + v[2] >= 702) }'
}

# model NAME MASK sse4.2 popcnt avx2 bmi2 avx512f erms fsrm best; -: either
model()
{
	name=$1
	mask=$2
	shift 2
	RP_LOG=warn RP_CPU_MASK=$mask qemu-x86_64 -cpu "$name" "$models" \
		>"$tmp/out" 2>"$tmp/err"
	status=$?
	grep -v 'warning: TCG doesn.t support' "$tmp/err"
	cat "$tmp/out"
	[ $status = 0 ] || {
		echo "exit status $status"
		return 1
	}
	for feature in sse4.2 popcnt avx2 bmi2 avx512f erms fsrm best; do
		case $1 in
		-) ;;
		*) grep -qx "$feature $1" "$tmp/out" || {
			echo "$feature is not $1"
			return 1
		} ;;
		esac
		shift
	done
}

# Without AVX2 it is what SSE4.2 has.
if avx2; then
	a=1 b=2
else
	a=0 b=1
fi
check "qemu64" model qemu64 '' 0 0 0 0 0 0 0 0
check "Nehalem" model Nehalem '' 1 1 0 0 0 0 0 1
check "SandyBridge" model SandyBridge '' 1 1 0 0 0 0 0 1
check "Haswell" model Haswell '' 1 1 $a 1 0 1 0 $b
check "Skylake-Server" model Skylake-Server '' 1 1 $a 1 - 1 0 -
check "EPYC" model EPYC '' 1 1 $a 1 0 0 0 $b
check "max" model max '' 1 1 $a 1 - 1 - -
tap_end
