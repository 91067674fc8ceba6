#!/bin/sh
# SPDX-License-Identifier: MIT
# Anyone can vendor the library: `cc -Iinclude -c` on its files is enough, and
# what comes out works.
#
# usage: no-build-system.sh SOURCE_ROOT ARCH
set -u

root=$1
arch=$2
. "$root/tests/tap.sh"

arch_files()
{
	for f in "$root/src/arch/$arch"/*.[cS]; do
		[ ! -e "$f" ] || echo "$f"
	done
}

# With the compiler's default standard and no other flag, as vendors do it.
compile()
{
	mkdir -p "$tmp/$1" && cd "$tmp/$1" || return 1
	# shellcheck disable=SC2046 # names of ours, without blanks
	$2 "-I$root/include" -c "$root"/src/*.c $(arch_files)
}

run_linked()
{
	cd "$tmp/$1" &&
	$2 "-I$root/include" -o user "$root/tests/install/user.c" ./*.o &&
	./user
}

try()
{
	if ! command -v "${2%% *}" >/dev/null; then
		skip "$1 compiles it" "no ${2%% *}"
		skip "$1: a program runs" "no ${2%% *}"
		return
	fi
	check "$1 compiles it" compile "$1" "$2"
	check "$1: a program runs" run_linked "$1" "$2 -pthread"
}

try gcc gcc
try clang clang
# The kernel's headers are no part of musl's directory; distributions that use
# musl have them in /usr/include.
try musl-gcc "musl-gcc -static -idirafter /usr/include \
	-idirafter /usr/include/$(uname -m)-linux-gnu"
tap_end
