#!/bin/bash
# SPDX-License-Identifier: MIT
#
# real.sh [TREE...]: diff(X, X) of trees that others wrote: zlib, nginx, sqlite3,
# redis, as Debian has their sources. Each is built twice at the same place, the
# second time with other line numbers. There is nothing to patch between
#
#   lines     the two builds
#   stripped  the first, and the same without debug information
#   marked    the first, and the same with one more section, so that no object is
#             skipped for having the same bytes
#
# It downloads and takes minutes, so it runs only where RP_REAL=1 says so; RP_REAL_DIR
# keeps what was made. RP_REAL_CFLAGS: the options.

. "${RP_SOURCE:-$(dirname "$0")/../..}/tests/tap.sh"
set -u
here=$(cd "$(dirname "$0")" && pwd)
REPOINT=${REPOINT:-${RP_TOOL:?RP_TOOL names the program repoint}}
flags=${RP_REAL_CFLAGS:--g -O2 -ffunction-sections -fdata-sections}
work=${RP_REAL_DIR:-$tmp/real}
jobs=${RP_REAL_JOBS:-2}
export SOURCE_DATE_EPOCH=1600000000 LC_ALL=C
unset MAKEFLAGS MFLAGS MAKELEVEL

[ "${RP_REAL:-}" = 1 ] || skip_all "trees of Debian: RP_REAL is not 1"
case $(uname -m) in
x86_64) ;;
*) skip_all "trees of Debian: not x86-64" ;;
esac
for program in apt-get dpkg-source make objcopy; do
	command -v $program >/dev/null || skip_all "trees of Debian: no $program"
done

# A list of sources of our own: the system's is left as it is.
apt()
{
	apt-get -o Dir::Etc::sourcelist=/dev/null \
		-o Dir::Etc::sourceparts="$work/apt/parts" \
		-o Dir::State::lists="$work/apt/lists" \
		-o APT::Sandbox::User=root -qq "$@"
}

apt_lists()
{
	local file

	[ ! -e "$work/apt/ready" ] || return 0
	mkdir -p "$work/apt/parts" "$work/apt/lists/partial" "$work/packages"
	for file in /etc/apt/sources.list.d/*.sources; do
		[ ! -e "$file" ] || sed 's/^Types:.*/Types: deb-src/' "$file" \
			>"$work/apt/parts/${file##*/}"
	done
	for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
		[ ! -s "$file" ] || sed -n 's/^deb /deb-src /p' "$file" \
			>"$work/apt/parts/$(basename "$file" .list)-src.list"
	done
	apt update && touch "$work/apt/ready"
}

fetch()
{
	[ ! -d "$work/$1/src" ] || return 0
	(cd "$work/packages" && apt source --download-only "$1") || return
	mkdir -p "$work/$1"
	dpkg-source --no-check -x "$work/packages/$1"_*.dsc "$work/$1/src" \
		>/dev/null 2>&1
}

# For each tree: configure, build, and the files whose lines are shifted.
configure_zlib() { CFLAGS=$flags ./configure; }
build_zlib() { make -j"$jobs" libz.a; }
sources_zlib() { ls ./*.c ./*.h; }

configure_nginx()
{
	./configure --with-cc-opt="$flags" --with-threads --with-debug \
		--without-http_rewrite_module --without-pcre \
		--without-http_gzip_module --with-stream \
		--with-http_dav_module --with-http_realip_module \
		--with-http_auth_request_module --with-mail
}
build_nginx() { make -j"$jobs" -f objs/Makefile binary; }
sources_nginx() { find src -name '*.[ch]'; }

# The one big file, as programs take it in, and with its assertions.
# The latter count lines, and sums of line numbers are no line numbers.
configure_sqlite3()
{
	./configure --disable-tcl && make sqlite3.c shell.c &&
	sed -i '/define testcase(X)/s/sqlite3Coverage.*__LINE__;//' sqlite3.c
}
# shellcheck disable=SC2086 # flags are words
build_sqlite3()
{
	${CC:-cc} $flags -w -fPIC -I. -DSQLITE_ENABLE_FTS5 -DSQLITE_ENABLE_RTREE \
		-c sqlite3.c -o sqlite3.o &&
	${CC:-cc} $flags -w -I. -DSQLITE_DEBUG -c sqlite3.c -o sqlite3-debug.o &&
	${CC:-cc} $flags -w -I. -c shell.c -o shell.o
}
sources_sqlite3() { ls sqlite3.c shell.c; }

configure_redis() { :; }
build_redis()
{
	make distclean && make -j"$jobs" MALLOC=libc BUILD_TLS=no USE_SYSTEMD=no \
		OPTIMIZATION= REDIS_CFLAGS="$flags" CFLAGS="$flags"
}
sources_redis()
{
	find src deps/hiredis deps/lua/src deps/linenoise deps/hdr_histogram \
		-name '*.[ch]'
}

build()
{
	(cd "$work/$1/src" && "build_$1") >>"$work/$1/log" 2>&1
}

snapshot()
{
	(cd "$work/$1/src" && find . -name '*.o' -print0 |
		tar -c --null -T - -f -) | (mkdir -p "$work/$1/$2" &&
		tar -x -C "$work/$1/$2" -f -)
}

# derived TREE NAME OBJCOPY-OPTION...
derived()
{
	local tree=$1 name=$2 file
	shift 2
	(cd "$work/$tree/first" && find . -name '*.o') | while read -r file; do
		mkdir -p "$work/$tree/$name/${file%/*}"
		objcopy "$@" "$work/$tree/first/$file" "$work/$tree/$name/$file"
	done
}

make_tree()
{
	local tree=$1

	[ ! -e "$work/$tree/ready" ] || return 0
	fetch "$tree" || { echo "cannot fetch $tree" >&2; return 77; }
	rm -rf "$work/$tree/first" "$work/$tree/second" "$work/$tree/log"
	(cd "$work/$tree/src" && "configure_$tree") \
		>>"$work/$tree/log" 2>&1 || return
	build "$tree" && snapshot "$tree" first || return
	(cd "$work/$tree/src" && "sources_$tree") |
		(cd "$work/$tree/src" && xargs sh "$here/shift.sh") || return
	find "$work/$tree/src" -name '*.o' -delete
	build "$tree" && snapshot "$tree" second || return
	derived "$tree" stripped -g
	echo mark >"$work/mark"
	derived "$tree" marked --add-section ".mark=$work/mark"
	touch "$work/$tree/ready"
}

# is_same TREE OTHER: nothing to patch, and it has been looked at.
is_same()
{
	local status=0 begin end

	begin=$(date +%s%N)
	"$REPOINT" patch diff --json --show-first-changed "$work/$1/first" \
		"$work/$1/$2" >"$work/$1/$2.json" 2>"$work/$1/$2.err" || status=$?
	end=$(date +%s%N)
	head -n 20 "$work/$1/$2.err"
	sed -n 's/^  "\(objects\|identical\|unchanged\|functions_compared\)": \([0-9]*\),/\1 \2/p' \
		"$work/$1/$2.json" | tr '\n' ' ' >"$work/$1/$2.numbers"
	echo "# $1 $2: $(cat "$work/$1/$2.numbers")in $(((end - begin) / 1000000)) ms"
	[ "$status" -eq 3 ] || { echo "exit status $status"; return 1; }
	# Some do not depend on lines: they are few, or nothing was compared.
	awk '{ exit !($6 > 20 * $4) }' "$work/$1/$2.numbers"
}

mkdir -p "$work"
apt_lists >&2 || skip_all "trees of Debian: no sources can be fetched"
[ $# -gt 0 ] || set -- zlib nginx sqlite3 redis
for tree; do
	status=0
	make_tree "$tree" || status=$?
	if [ $status -ne 0 ]; then
		tail -n 20 "$work/$tree/log" >"$tmp/log" 2>/dev/null
		not_ok "$tree is built" "$tmp/log"
		continue
	fi
	for other in second stripped marked; do
		check "$tree: nothing to patch: $other" is_same "$tree" $other
		grep '^#' "$tmp/tap.log"
	done
done
tap_end
