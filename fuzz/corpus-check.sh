#!/bin/sh
# SPDX-License-Identifier: MIT
# Makes the objects that fuzzing of checks starts from: corpus-check.sh DIRECTORY
#
# Small ones with all that is looked at: sites, alternatives, tables of jumps,
# frames, landing pads, and the kernel's annotations in both layouts.
set -eu
dir=$1
mkdir -p "$dir"
root=$(cd "$(dirname "$0")/.." && pwd)
cases=$root/tests/kernel-objects/cases

for cc in gcc clang; do
	command -v $cc >/dev/null || continue
	for flags in "-O2 -fPIC" "-O0 -fno-pie" \
			"-Os -fno-pie -fcf-protection -ffunction-sections"; do
		# shellcheck disable=SC2086 # a list of words
		$cc -std=gnu11 $flags -I"$root/include" -c \
			"$root/tests/object-check/subject.c" \
			-o "$dir/$cc-subject$(echo "$flags" | tr -d ' ').o"
	done
done
for linux in 601 612; do
	for file in "$cases"/*.S; do
		name=${file##*/}
		gcc -DLINUX=$linux -c "$file" -o "$dir/${name%.S}-$linux.o"
	done
	for name in realigned tables static-key cold; do
		gcc -std=gnu11 -DLINUX=$linux -Os -fno-pie -mcmodel=kernel \
			-mno-red-zone -fcf-protection=none \
			-fno-asynchronous-unwind-tables -c "$cases/$name.c" \
			-o "$dir/$name-$linux.o"
	done
done
printf 'struct a { a(); ~a(); }; int g(int); int f(int n) { a x; try { a y; return
	g(n); } catch (int i) { return i; } }' |
	gcc -O2 -c -x c++ - -o "$dir/landing.o" || :
printf '.globl f\n.type f, @function\nf: xchg %%eax, %%esp\n.size f, . - f\n' |
	gcc -c -x assembler - -o "$dir/last.o"
