#!/bin/sh
# SPDX-License-Identifier: MIT
# Patchlets as people write them: in files of assembly, in asm statements, in
# several files, in C and C++; and through link-time optimisation, which moves,
# renames and clones what they belong to. What rp_op_asm() keeps is tried with
# the same compilers.
#
# usage: patchlets.sh COMPILER LIBREPOINT_A TOOL
# shellcheck disable=SC2046,SC2086 # lists of options, of files without blanks
set -u

root=${RP_SOURCE:?}
cc=$1
lib_a=$(realpath "$2")
tool=$(realpath "$3")
. "$root/tests/tap.sh"
src=$root/tests/ops
cxx=$(echo "$cc" | sed 's/gcc$/g++/; s/clang$/clang++/')

command -v "$cc" >/dev/null || skip_all "no $cc"
command -v "$cxx" >/dev/null || skip_all "no $cxx"

# program LANGUAGE COMPILER_COMMAND OPTIONS...: the files in their order, and
# then the other way round
program()
{
	lang=$1
	command=$2
	shift 2
	rm -rf "$tmp/objects"
	mkdir "$tmp/objects" || return
	(
		cd "$tmp/objects" &&
		$command "$@" -Wall -Wextra -Werror -I"$root/include" -c \
			-x "$lang" "$src/patchlet-a.c" "$src/patchlet-b.c" \
			"$src/patchlet-c.c" "$src/patchlet-d.c" \
			"$src/patchlet-main.c" &&
		$cc -I"$root/include" -c "$src/patchlet-code.S"
	) || return
	set -- "$@" $linker -o "$tmp/program"
	[ "$lang" = c ] || set -- "$@" -lstdc++
	$cc "$tmp"/objects/*.o "$lib_a" -pthread "$@" && "$tmp/program" &&
	$cc $(ls -r "$tmp"/objects/*.o) "$lib_a" -pthread "$@" &&
	"$tmp/program"
}

for lang in c c++; do
	linker=
	for opt in -O0 -O2; do
		check "$cc $lang $opt" program $lang "$cc" $opt
		check "$cc $lang $opt annotated" \
			program $lang "$tool cc $cc" $opt
	done
	case $cc in
	clang*)
		if ! command -v ld.lld >/dev/null; then
			skip "$cc $lang -flto" "no ld.lld"
			continue
		fi
		linker=-fuse-ld=lld
		for lto in -flto -flto=thin; do
			check "$cc $lang $lto" \
				program $lang "$cc" -O2 $lto
		done ;;
	*)
		for partition in balanced max one none; do
			check "$cc $lang -flto $partition" program $lang "$cc" \
				-O2 -flto -flto-partition=$partition
		done ;;
	esac
done

# registers COMPILER OPTIONS...
registers()
{
	driver=$1
	shift
	$cc "$@" -Wall -Wextra -Werror -I"$root/include" -c \
		-o "$tmp/registers.o" "$src/registers.c" &&
	$driver "$@" -o "$tmp/registers" -x none "$tmp/registers.o" "$lib_a" \
		-pthread &&
	"$tmp/registers"
}

no_red_zone="-mno-red-zone -DRP_NO_RED_ZONE"
for opt in -O0 -O2 -Os; do
	for zone in '' "$no_red_zone"; do
		check "$cc registers $opt $zone" registers "$cc" $opt $zone
		check "$cc registers $opt $zone -fPIC" \
			registers "$cc" $opt $zone -fPIC -fcf-protection
		check "$cxx registers $opt $zone" \
			registers "$cxx" $opt $zone -x c++
	done
done
check "$cc registers generic" registers "$cc" -O2 -DRP_GENERIC
check "$cc registers no-PIE" \
	registers "$cc" -O2 -fno-pie -no-pie -Wno-unused-command-line-argument
# The control: what is to be stepped over is there, with what steps over it off.
check "$cc red zone is in use" \
	sh -c '! "$@"' - sh "$src/red-zone.sh" "$cc" "$lib_a" "$tmp/control"
tap_end
