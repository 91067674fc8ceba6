#!/bin/sh
# SPDX-License-Identifier: MIT
# What the matrix does not cross with everything: options of compilers and
# linkers that move, drop, strip or harden what our tables are about.
#
# usage: extra.sh COMPILER LIBREPOINT_A LIBREPOINT_SO TOOL
# shellcheck disable=SC2034,SC2086 # read by lib.sh; lists of options
set -u

root=${RP_SOURCE:?}
cc=$1
lib_a=$(realpath "$2")
lib_so=$(realpath "$3")
tool=$(realpath "$4")
lang=c
opt=-O2
. "$root/tests/tap.sh"
. "$root/tests/matrix/lib.sh"

command -v "$cc" >/dev/null || skip_all "no $cc"

# One relocatable object of all, as the kernel and some build systems make.
combine()
{
	ld -r -o "$out/all.o" "$dir/user.o" "$dir/definer.o" "$dir/main.o" &&
	$cc $opt -pie ${1:-} -o "$out/matrix" "$out/all.o" "$lib_a" -pthread
}

# The wrapper did not see this object: the tool does it afterwards.
combine_then_annotate()
{
	ld -r -o "$out/all.o" "$dir/user.o" "$dir/definer.o" "$dir/main.o" &&
	"$tool" object annotate "$out/all.o" &&
	$cc $opt -pie -o "$out/matrix" "$out/all.o" "$lib_a" -pthread
}

# slice NAME COMPILE_OPTIONS LINK_OPTIONS [POST [MODE_OF_EMIT_RELOCS]], for
# each of $linkages
slice()
{
	extra_c=$2
	extra_ld=$3
	post=${4:-}
	for linkage in $linkages; do
		for impl in generic out-of-line annotated; do
			check "$cc $1 $linkage $impl" \
				combination "$impl" "$linkage"
		done
		# gold fails on these two together, whatever the program.
		case $extra_ld in
		*gold*gc-sections*) ;;
		*)
			check "$cc $1 $linkage emit-relocs" \
				combination emit-relocs "$linkage" "${5:-}" ;;
		esac
	done
}

# slice_with PROGRAM NAME ...: if there is such a program
slice_with()
{
	if command -v "$1" >/dev/null; then
		shift
		slice "$@"
	else
		skip "$cc $2" "no $1"
	fi
}

gc="-ffunction-sections -fdata-sections"
strip_all="strip matrix"
strip_unneeded="strip --strip-unneeded matrix"

linkages='PIE static-PIE'
slice hidden-calls -DRP_STATIC_CALL_HIDDEN ''
linkages='PIE shared'
slice gc-sections "$gc" -Wl,--gc-sections
slice cet -fcf-protection=full ''
slice no-plt -fno-plt ''
slice hidden -fvisibility=hidden ''
slice no-semantic-interposition -fno-semantic-interposition -Wl,-Bsymbolic
slice bind-now '' -Wl,-z,now,-z,relro
slice O3-unrolled '-O3 -funroll-loops' ''
slice debug '-g3 -gdwarf-4' -Wl,--compress-debug-sections=zlib
# Without symbols the relocations are gone too: back out of line.
slice strip '' '' "$strip_all" any
slice strip-unneeded '' '' "$strip_unneeded" any
slice_with ld.lld lld '' -fuse-ld=lld
slice_with ld.lld lld-gc-sections "$gc" '-fuse-ld=lld -Wl,--gc-sections'
slice_with ld.lld lld-icf "$gc" '-fuse-ld=lld -Wl,--icf=all'
slice_with ld.gold gold '' -fuse-ld=gold
slice_with ld.gold gold-gc-sections "$gc" '-fuse-ld=gold -Wl,--gc-sections'

extra_c=
extra_ld=
post='combine -Wl,--emit-relocs'
check "$cc ld-r emit-relocs" combination emit-relocs PIE
post='combine'
check "$cc ld-r annotated" combination annotated PIE
post=combine_then_annotate
check "$cc ld-r annotated afterwards" combination out-of-line PIE any
tap_end
