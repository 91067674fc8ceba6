#!/bin/sh
# SPDX-License-Identifier: MIT
# The behaviour matrix of ops, one slice: how sites come to be known, and what
# programs are linked as, with one compiler. The program checks what its calls
# do and that their bytes are what was asked for.
#
# usage: matrix.sh COMPILER LANGUAGE LIBREPOINT_A LIBREPOINT_SO TOOL
# shellcheck disable=SC2034,SC2086 # read by matrix.inc; lists of options
set -u

root=${RP_SOURCE:?}
cc=$1
lang=$2
lib_a=$(realpath "$3")
lib_so=$(realpath "$4")
tool=$(realpath "$5")
. "$root/tests/tap.sh"
. "$root/tests/ops/matrix.inc"

command -v "$cc" >/dev/null || skip_all "no $cc"
command -v "$(driver)" >/dev/null || skip_all "no $(driver)"

# slice NAME COMPILE_OPTIONS LINK_OPTIONS LINKAGES IMPLEMENTATIONS
slice()
{
	extra_c=$2
	extra_ld=$3
	for linkage in $4; do
		for impl in $5; do
			check "$cc $lang $opt $linkage $impl $1" \
				combination "$impl" "$linkage"
		done
	done
}

every="generic bare annotated emit-relocs"
known="annotated emit-relocs"

for opt in -O0 -O1 -O3 -Os; do
	slice '' '' '' PIE "$every"
done
opt=-O2
slice '' '' '' PIE "$every"
slice '' '' '' "no-PIE no-PIE-so static static-PIE shared dlopened" "$known"

case $cc in
clang*) have_lto=$(command -v ld.lld) ;;
*)      have_lto=yes ;;
esac
if [ "$have_lto" ]; then
	opt="-O2 -flto"
	slice '' '' '' PIE "$every"
	slice '' '' '' "no-PIE static shared" emit-relocs
	# What nobody saw is called through the table.
	slice '' '' '' shared bare
else
	skip "$cc $lang -flto" "no ld.lld"
fi

opt=-O2
gc="-ffunction-sections -fdata-sections"
slice gc-sections "$gc" -Wl,--gc-sections "PIE shared" "$known"
slice no-plt -fno-plt '' PIE "$known"
slice cet -fcf-protection=full '' PIE "$known"
if command -v ld.lld >/dev/null; then
	slice lld '' -fuse-ld=lld "PIE no-PIE shared" "$known"
	slice lld-gc-sections "$gc" '-fuse-ld=lld -Wl,--gc-sections' PIE \
		"$known"
else
	skip "$cc $lang lld" "no ld.lld"
fi
if [ "$cc" = gcc ]; then
	opt="-O2 -flto -flto-partition=max"
	slice '' '' '' PIE emit-relocs
fi
tap_end
