#!/bin/bash
# SPDX-License-Identifier: MIT
# No false alarm on programs that others wrote: objects and results of redis,
# nginx, zlib and sqlite3, as Debian has their sources.
#
# usage: real.sh       RP_TOOL names the tool
#
# It downloads and takes minutes, so it runs only where RP_REAL=1 says so; see
# tests/patch-real/debian.inc for RP_REAL_CACHE.
#
# Environment:
#   RP_REAL_CC     compilers ("gcc clang")
#   RP_REAL_FLAGS  options, separated by commas
set -u
RP_SOURCE=${RP_SOURCE:-$(cd "$(dirname "$0")/../.." && pwd)}
REPOINT=${REPOINT:-${RP_TOOL:?RP_TOOL names the program repoint}}
. "$RP_SOURCE/tests/tap.sh"
. "$RP_SOURCE/tests/object-check/clean.inc"

[ "${RP_REAL:-}" = 1 ] || skip_all "RP_REAL=1 is not set"
[ "$(uname -m)" = x86_64 ] || skip_all "the tool is for x86-64"

unavailable()
{
	echo "$1" >"$tmp/unavailable"
	exit 1
}

unfixed()
{
	exit 99
}

. "$RP_SOURCE/tests/patch-real/debian.inc"
read -ra compilers <<<"${RP_REAL_CC:-gcc clang}"
IFS=, read -ra choices <<<"${RP_REAL_FLAGS:--g -O2 -fPIC,-O0,-O1 -fno-pie,-O3 -fno-plt,-Os -fcf-protection}"

# Recipes of our own, for what is not patched elsewhere: each is built in the
# tree as it is, with $compiler and $choice.
recipe_redis() { :; }
recipe_nginx() { :; }
recipe_zlib() { :; }
recipe_sqlite3() { :; }

build_redis()
{
	make -j2 -C src MALLOC=libc CC="$compiler" OPTIMIZATION= \
		REDIS_CFLAGS="$choice" CFLAGS="$choice" REDIS_LDFLAGS="$link" \
		redis-server
}

build_nginx()
{
	[ -e objs/Makefile ] || ./configure --with-cc="$compiler" \
		--with-cc-opt="$choice -Wno-error" --with-ld-opt="$link" \
		--without-http_rewrite_module --without-http_gzip_module || return
	make -j2 -f objs/Makefile binary
}

build_zlib()
{
	CC=$compiler CFLAGS=$choice ./configure --static &&
	make -j2 libz.a
}

build_sqlite3()
{
	CC=$compiler CFLAGS=$choice LDFLAGS=$link \
		./configure --disable-tcl --disable-shared &&
	make -j2 BCC=gcc sqlite3.o
}

# A copy of the tree for each: no build sees what another one left.
built()
{
	local tree=$tmp/build link=
	case $choice in *-fno-pie*) link=-no-pie ;; esac
	rm -rf "$tree" && cp -a "$source" "$tree" &&
	(cd "$tree" && "build_$name") >"$tmp/build.log" 2>&1 || {
		tail -n 20 "$tmp/build.log"
		return 1
	}
	find "$tree" -name '*.o' -size +0 | sort >"$tmp/objects"
	for file in src/redis-server objs/nginx; do
		[ ! -e "$tree/$file" ] || echo "$tree/$file" >>"$tmp/objects"
	done
}

silent()
{
	# shellcheck disable=SC2046 # one word each
	built && clean $(cat "$tmp/objects")
}

# Its sources may be gone where the lists are older than the archive: that is no
# reason to leave out the others.
sources()
{
	(package "$1") && name=$1 && source=$tmp/$1
}

for program in ${RP_REAL_PROGRAMS:-zlib sqlite3 nginx redis}; do
	sources "$program" || {
		skip "$program" "$(cat "$tmp/unavailable")"
		continue
	}
	for compiler in "${compilers[@]}"; do
		command -v "$compiler" >/dev/null || continue
		for choice in "${choices[@]}"; do
			check "$program: $compiler $choice" silent
		done
	done
done
tap_end
