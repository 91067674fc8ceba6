#!/bin/sh
# SPDX-License-Identifier: MIT
# All forms of alternatives, as each compiler and linker makes them.
#
# usage: matrix.sh COMPILER OPTION LIBREPOINT_A LIBREPOINT_SO
#        OPTION: -O0 to -Os, or extra: what is not crossed with everything
# shellcheck disable=SC2086 # lists of options
set -u

root=${RP_SOURCE:?}
cc=$1
opt=$2
lib_a=$(realpath "$3")
lib_so=$(realpath "$4")
src=$root/tests/alternative
. "$root/tests/tap.sh"

command -v "$cc" >/dev/null || skip_all "no $cc"
case $cc in
*++) lang=c++ ;;
*)   lang=c ;;
esac

compile()
{
	"$cc" $opt $extra_c -Wall -Wextra -Werror -I"$root/include" "$@"
}

# objects MODEL OPTIONS: in $dir
objects()
{
	dir=$tmp/objects-$1
	[ ! -e "$dir" ] || return 0
	mkdir "$dir"
	(
		cd "$dir" &&
		for file in forms other callee; do
			compile $2 -x $lang -c "$src/$file.c" || exit 1
		done &&
		compile $2 -c "$src/assembly.S"
	)
}

program()
{
	objects "$1-main" "$2 -DFORMS_MAIN" &&
	(
		cd "$dir" &&
		"$cc" $opt $extra_c $extra_ld "$3" -o "$out/forms" \
			forms.o other.o callee.o assembly.o "$lib_a" -pthread
	)
}

# $1: how the program comes to the library. callee.o is one of its own: calls
# of it go through a PLT or the GOT.
library()
{
	objects shared -fPIC &&
	(
		cd "$dir" &&
		"$cc" $opt $extra_c $extra_ld -shared -o "$out/libcallee.so" \
			callee.o &&
		"$cc" $opt $extra_c $extra_ld -shared -o "$out/libforms.so" \
			forms.o other.o assembly.o "$out/libcallee.so" \
			"$lib_so" "-Wl,-rpath,$out:${lib_so%/*}"
	) || return 1
	case $1 in
	dlopened) compile -x $lang "$src/load.c" -x none -o "$out/forms" -ldl ;;
	*) compile -DLOAD_LINKED -x c "$src/load.c" -x none -o "$out/forms" \
		"$out/libforms.so" "-Wl,-rpath,$out" \
		"-Wl,-rpath-link,$out:${lib_so%/*}" ;;
	esac
}

# run STATE ENVIRONMENT...: silent means that nothing was refused
run()
{
	state=$1
	shift
	env RP_LOG=warn "$@" "$out/forms" "$state" "$out/libforms.so" \
		>"$out/log" 2>&1
	status=$?
	cat "$out/log"
	if [ $status != 0 ] || [ -s "$out/log" ]; then
		echo "($state) $*: exit status $status"
		return 1
	fi
}

no_textrel()
{
	for f in "$out/forms" "$out/libforms.so"; do
		[ ! -e "$f" ] || readelf -d "$f"
	done >"$tmp/dynamic"
	! grep TEXTREL "$tmp/dynamic"
}

combination()
{
	out=$tmp/out
	rm -rf "$out"
	mkdir "$out"
	case $1 in
	PIE)        program PIE -fPIE -pie ;;
	no-PIE)     program no-PIE -fno-pie -no-pie ;;
	static)     program no-PIE -fno-pie -static ;;
	static-PIE) program PIE -fPIE -static-pie ;;
	*)          library "$1" ;;
	esac &&
	no_textrel &&
	run '' FORMS= &&
	run ac FORMS=ac &&
	run 'fixed ac' FORMS=abc RP_CPU_MASK=forms-b &&
	run 'fixed ' FORMS=abc RP_CPU_MASK=all
}

# slice NAME COMPILE_OPTIONS LINK_OPTIONS, for each of $linkages
slice()
{
	extra_c=$2
	extra_ld=$3
	rm -rf "$tmp"/objects-*
	for linkage in $linkages; do
		check "$cc $1 $linkage" combination "$linkage"
	done
}

slice_with()
{
	if command -v "$1" >/dev/null; then
		shift
		slice "$@"
	else
		skip "$cc $2" "no $1"
	fi
}

gc='-ffunction-sections -fdata-sections'
case "$opt $lang" in
'extra c++')
	opt=-O2
	linkages='PIE dlopened'
	slice gc-sections "$gc" -Wl,--gc-sections
	linkages=PIE
	case $cc in
	clang*) slice_with ld.lld lto -flto -fuse-ld=lld ;;
	*)      slice lto -flto '' ;;
	esac
	;;
'extra c')
	opt=-O2
	linkages='PIE dlopened'
	slice_with ld.lld lld-gc-sections "$gc" '-fuse-ld=lld -Wl,--gc-sections'
	slice cet '-fcf-protection=full -fno-plt' ''
	linkages='no-PIE static-PIE linked'
	slice_with ld.lld lld '' -fuse-ld=lld
	linkages=PIE
	slice gc-sections "$gc" -Wl,--gc-sections
	slice_with ld.gold gold "$gc" -fuse-ld=gold
	slice generic -DRP_GENERIC ''
	slice avx-frame '-mavx2 -mstackrealign -fomit-frame-pointer' ''
	linkages='PIE static linked'
	case $cc in
	clang*) slice_with ld.lld lto -flto -fuse-ld=lld ;;
	*)      slice lto -flto ''
		linkages=PIE
		slice lto-partitions '-flto -flto-partition=max' '' ;;
	esac
	;;
'-O0 c' | '-O2 c' | '-Os c')
	linkages='PIE no-PIE static static-PIE linked dlopened'
	slice "$opt" '' ''
	;;
*)
	linkages='PIE no-PIE dlopened'
	slice "$opt" '' ''
	;;
esac
tap_end
