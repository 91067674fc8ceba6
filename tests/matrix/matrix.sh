#!/bin/sh
# SPDX-License-Identifier: MIT
# The behaviour matrix, one slice: every implementation, linkage and language,
# with one compiler and one set of optimisation flags. The program checks what
# it does and that its calls are made in the way that was asked for.
#
# usage: matrix.sh COMPILER OPTIONS LIBREPOINT_A LIBREPOINT_SO TOOL
#        matrix.sh gcc '-O2 -flto' ...
# shellcheck disable=SC2034,SC2086 # read by lib.sh; lists of options
set -u

root=${RP_SOURCE:?}
cc=$1
opt=$2
lib_a=$(realpath "$3")
lib_so=$(realpath "$4")
tool=$(realpath "$5")
extra_c=
extra_ld=
post=
. "$root/tests/tap.sh"
. "$root/tests/matrix/lib.sh"

command -v "$cc" >/dev/null || skip_all "no $cc"
case "$cc $opt" in
clang*-flto*) command -v ld.lld >/dev/null || skip_all "no ld.lld" ;;
esac

for lang in c c++; do
	for linkage in PIE no-PIE static static-PIE shared; do
		for impl in generic out-of-line annotated emit-relocs; do
			check "$cc $opt $linkage $lang $impl" \
				combination "$impl" "$linkage"
		done
	done
done
tap_end
