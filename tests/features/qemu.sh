#!/bin/sh
# SPDX-License-Identifier: MIT
# The right features on processors that qemu makes up.
#
# usage: qemu.sh LIST
set -u

. "${RP_SOURCE:?}/tests/tap.sh"
list=$1

qemu=$(command -v qemu-x86_64 || command -v qemu-x86_64-static) ||
	skip_all "no qemu-x86_64"

# expect NAME=0|1...: lines of the list
expect()
{
	bad=0
	for want; do
		grep -qxF "${want%=*} ${want#*=}" "$tmp/found" || {
			echo "not so: $want"
			bad=1
		}
	done
	return "$bad"
}

# model CPU NAME=0|1...
model()
{
	cpu=$1
	shift
	if "$qemu" -cpu "$cpu" "$list" >"$tmp/found" 2>"$tmp/qemu.log"; then
		check "$cpu" expect always=1 sse2=1 x86-64=1 "$@"
	else
		not_ok "$cpu" "$tmp/qemu.log"
	fi
}

# qemu has AVX since 7.2, and no AVX-512: what it cannot do it takes out of
# each model, so the claims here are about what it can.
model qemu64 pni=1 ssse3=0 sse4_1=0 sse4_2=0 popcnt=0 avx=0 avx2=0 erms=0 \
	x86-64-v2=0
model Conroe pni=1 ssse3=1 sse4_1=0 popcnt=0 x86-64-v2=0
model Nehalem ssse3=1 sse4_1=1 sse4_2=1 popcnt=1 cx16=1 aes=0 xsave=0 avx=0 \
	avx2=0 bmi1=0 x86-64-v2=1 x86-64-v3=0
model Westmere sse4_2=1 aes=1 pclmulqdq=1 avx=0
model Haswell avx=1 avx2=1 fma=1 f16c=1 bmi1=1 bmi2=1 abm=1 movbe=1 erms=1 \
	xsave=1 osxsave=1 rdrand=1 adx=0 avx512f=0 sse4a=0 x86-64-v3=1 x86-64-v4=0
model Broadwell avx2=1 adx=1 avx512f=0
model Opteron_G4 avx=1 sse4a=1 avx2=0 bmi1=0 fma=0 x86-64-v2=1 x86-64-v3=0
model EPYC avx2=1 fma=1 bmi2=1 sse4a=1 adx=1 clflushopt=1 erms=0 \
	avx512f=0 x86-64-v3=1
model max avx2=1 x86-64-v3=1

# Bits of CPUID that stay while what they need goes.
model Haswell,-xsave osxsave=0 avx=0 avx2=0 fma=0 f16c=0 sse4_2=1 bmi2=1
model Haswell,-avx avx=0 avx2=0 fma=0 f16c=0 sse4_2=1 bmi2=1 x86-64-v3=0
# Leaf 7 is above the maximum.
model Haswell,level=6 avx=1 fma=1 avx2=0 bmi1=0 bmi2=0 erms=0 fsgsbase=0
model Haswell,xlevel=0x80000000 abm=0 lahf_lm=0 avx2=1 lm=0 x86-64-v2=0
tap_end
