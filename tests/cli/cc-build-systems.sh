#!/bin/bash
# SPDX-License-Identifier: MIT
# make, CMake and Meson build with repoint cc, and the program has its sites.
. "$(dirname "$0")/common.inc"
data=$(cd "$(dirname "$0")/data" && pwd)
cd "$tmp" || exit 99
mkdir project && cp "$data"/*.c project || exit 99
srcs="tramp.c use.c walk.c main.c"
PATH=$(dirname "$(realpath "$REPOINT")"):$PATH
export PATH
unset CFLAGS LDFLAGS MAKEFLAGS MAKELEVEL DESTDIR

has_sites()
{
	"$1" >out && cat out && grep -Eq '^([6-9]|1[0-9]) sites, 0 bad' out
}

with_make()
{
	cat >project/Makefile <<-EOF
	CFLAGS = -O2 -I$RP_INC
	prog: $(for s in $srcs; do printf '%s.o ' "${s%.c}"; done)
	EOF
	echo '	$(CC) $(CFLAGS) -o $@ $^' >>project/Makefile
	make -C project CC="repoint cc $CC" && has_sites project/prog
}

with_cmake()
{
	cat >project/CMakeLists.txt <<-EOF
	cmake_minimum_required(VERSION 3.13)
	project(prog C)
	include_directories($RP_INC)
	add_executable(prog $srcs)
	EOF
	cmake -S project -B cmake -DCMAKE_C_COMPILER="${CC%% *}" \
		-DCMAKE_C_COMPILER_LAUNCHER="repoint;cc" &&
	cmake --build cmake && has_sites cmake/prog
}

with_meson()
{
	cat >project/meson.build <<-EOF
	project('prog', 'c')
	executable('prog', '${srcs// /\', \'}',
	  c_args: '-I$RP_INC')
	EOF
	printf "[binaries]\nc = ['repoint', 'cc', '%s']\n" "${CC%% *}" >native
	meson setup meson project --native-file native && ninja -C meson &&
	has_sites meson/prog
}

for system in make cmake meson; do
	if command -v $system >/dev/null; then
		check "$system" with_$system
	else
		skip "$system" "no $system"
	fi
done
tap_end
