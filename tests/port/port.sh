#!/bin/sh
# SPDX-License-Identifier: MIT
# The library on architectures that it does not know: src/arch/generic, by
# cross compilers that are installed, and by this machine's as RP_NO_ARCH. The
# programs are those of tests/text that are not tied to an architecture.
#
# usage: port.sh
# shellcheck disable=SC2086 # lists of options
set -u

root=${RP_SOURCE:?}
. "$root/tests/tap.sh"

compile_library()
{
	mkdir "$tmp/$name" && cd "$tmp/$name" &&
	$cc -std=gnu11 -O2 -Wall -Wextra -Werror -I"$root/include" \
		-I"$root/src" -c "$root"/src/*.c "$root"/src/arch/generic/*.c &&
	ar rcs librepoint.a ./*.o
}

# Static, so that the emulator needs no root directory of that architecture.
run_program()
{
	$cc -std=gnu11 -O2 -Wall -Wextra -Werror -DTEST_MODE=SITE_GENERIC \
		-I"$root/include" -static -o "$tmp/$name/program" "$@" \
		"$tmp/$name/librepoint.a" -pthread &&
	$run "$tmp/$name/program"
}

# What a program is made of, in the order in which constructors shall run.
run_test()
{
	keys=${1%/*}/static-call-constructor-keys.c
	case $1 in
	*/static-call-constructor.c)
		set -- "${1%.c}-first.c" "$1" "$keys" ;;
	*/static-call-preinit.c)
		set -- "$1" "$keys" ;;
	esac
	run_program "$@"
}

# port NAME COMPILER EMULATOR
port()
{
	name=$1 cc=$2 run=$3
	check "$name: the library compiles" compile_library
	for path in "$root"/tests/port/*.c "$root"/tests/text/*.c; do
		file=${path##*/}
		case $file in
		arch-* | *-first.c | *-keys.c) ;;
		*) check "$name: ${file%.c}" run_test "$path" ;;
		esac
	done
}

# cross TRIPLE EMULATOR: if there are both, by whichever name the latter has
cross()
{
	if ! command -v "$1-gcc" >/dev/null; then
		skip "$1" "no $1-gcc"
	elif command -v "$2" >/dev/null; then
		port "$1" "$1-gcc" "$2"
	elif command -v "$2-static" >/dev/null; then
		port "$1" "$1-gcc" "$2-static"
	else
		skip "$1" "no $2"
	fi
}

port native "gcc -DRP_NO_ARCH" ''
cross aarch64-linux-gnu qemu-aarch64
cross riscv64-linux-gnu qemu-riscv64
tap_end
