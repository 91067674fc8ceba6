#!/bin/sh
# SPDX-License-Identifier: MIT
# What `meson install` puts into a DESTDIR, and under a prefix, is complete,
# and a program builds against it through pkg-config alone: C and C++, shared,
# the archive in a dynamic executable, and fully static.
#
# usage: install.sh SOURCE_ROOT BUILD_ROOT PREFIX LIBDIR
set -u

root=$1
build=$2
prefix=$3
libdir=$4
. "$root/tests/tap.sh"

export PKG_CONFIG_ALLOW_SYSTEM_CFLAGS=1
unset LD_LIBRARY_PATH LIBRARY_PATH CPATH DESTDIR

same_files()
{
	# $1 directory in the source, $2 installed, $3 pattern
	(cd "$1" && find . -name "$3" | LC_ALL=C sort) >"$tmp/want"
	(cd "$2" && find . -type f | LC_ALL=C sort) >"$tmp/got"
	[ -s "$tmp/want" ] && diff -u --label source --label installed \
		"$tmp/want" "$tmp/got"
}

# The soname's link chain, and nothing that is only for the tests.
libraries()
{
	ls -l "$1" &&
	[ "$(readlink "$1/librepoint.so")" = librepoint.so.0 ] &&
	[ -f "$1/librepoint.so.0" ] && [ -f "$1/librepoint.a" ] &&
	[ -z "$(find "$1" -name '*inject*')" ]
}

# An archive that refers to the build's objects would be useless elsewhere.
not_thin()
{
	head -c 7 "$1" | grep -q '^!<arch>'
}

modversion()
{
	version=$(pkg-config --modversion repoint) &&
	echo "$version" &&
	grep -q "version: '$version'" "$root/meson.build"
}

build_and_run()
{
	# $1 name, $2 compiler, $3 language, rest: how to link
	out=$tmp/$1
	compiler=$2
	lang=$3
	shift 3
	# shellcheck disable=SC2046 # lists of options
	$compiler -x "$lang" -Wall -Wextra -Werror -O2 -pthread \
		$(pkg-config --cflags repoint) "$root/tests/install/user.c" \
		-x none -o "$out" "$@" || return 1
	LD_LIBRARY_PATH=$where "$out"
}

uses_shared()
{
	readelf -d "$tmp/$1" | grep -q 'NEEDED.*librepoint\.so\.0'
}

programs()
{
	# $1 prefix of the tests' names
	command -v g++ >/dev/null && langs="gcc:c g++:c++" || langs="gcc:c"
	libs=$(pkg-config --libs repoint)
	static=$(pkg-config --static --libs repoint)
	archive=$(echo "$static" |
		sed 's/-lrepoint/-Wl,-Bstatic -lrepoint -Wl,-Bdynamic/')
	# shellcheck disable=SC2086 # $libs and its like are lists
	for l in $langs; do
		cxx=${l#*:}
		cc=${l%:*}
		check "$1: $cxx, shared" build_and_run "$cxx-so" $cc $cxx $libs
		check "$1: $cxx, it is the shared one" uses_shared "$cxx-so"
		check "$1: $cxx, archive" \
			build_and_run "$cxx-a" $cc $cxx $archive
		check "$1: $cxx, static" \
			build_and_run "$cxx-static" $cc $cxx -static $static
		check "$1: $cxx, static PIE" \
			build_and_run "$cxx-spie" $cc $cxx -static-pie $static
	done
	[ "$langs" != "gcc:c" ] || skip "$1: c++" "no g++"
}

man_pages()
{
	for page in "$root"/docs/man/*.[1-8]; do
		[ -e "$page" ] || continue
		name=${page##*/}
		[ -f "$1/man${name##*.}/$name" ] ||
		[ -f "$1/man${name##*.}/$name.gz" ] || {
			echo "not installed: docs/man/$name"
			return 1
		}
	done
}

# $1 where they are: all of docs/ but the manual pages, as it is
documents()
{
	(cd "$root/docs" && find . -name man -prune -o -type f -print |
		LC_ALL=C sort) >"$tmp/want"
	(cd "$1" && find . -type f | LC_ALL=C sort) >"$tmp/got"
	[ "$(grep -c '\.md$' "$tmp/want")" -gt 5 ] &&
	grep -q '^\./plots/.*\.svg$' "$tmp/want" &&
	diff -u --label source --label installed "$tmp/want" "$tmp/got" &&
	diff -r -x man "$root/docs" "$1"
}

# What messages and manual pages refer to is where they say. $1 as above
documents_named()
{
	grep -rhoE 'docs/[a-z_]+\.md' "$root/src" "$root/object" \
		"$root/tools" "$root/docs/man" | sort -u >"$tmp/named"
	[ -s "$tmp/named" ] || return 1
	while read -r name; do
		[ -f "$1/${name#docs/}" ] || {
			echo "not installed: $name"
			return 1
		}
	done <"$tmp/named"
}

program_works()
{
	"$1" --version && "$1" --help >/dev/null
}

installed()
{
	# $1 prefix of the tests' names, $2 where $prefix is now
	where=$2/$libdir
	check "$1: headers" same_files "$root/include/repoint" \
		"$2/include/repoint" '*.h'
	check "$1: libraries" libraries "$where"
	check "$1: archive holds its objects" not_thin "$where/librepoint.a"
	check "$1: pkg-config knows the version" modversion
	programs "$1"
}

# 1. This build, into a DESTDIR.
dest=$tmp/dest
if ! meson install -C "$build" --no-rebuild --destdir "$dest" \
	>"$tmp/install.log" 2>&1; then
	not_ok "meson install --destdir" "$tmp/install.log"
	tap_end
fi
ok "meson install --destdir"
export PKG_CONFIG_SYSROOT_DIR="$dest"
export PKG_CONFIG_PATH="$dest$prefix/$libdir/pkgconfig"
installed DESTDIR "$dest$prefix"
if [ -x "$build/tools/repoint" ]; then
	check "DESTDIR: manual pages" man_pages "$dest$prefix/share/man"
	doc=$dest$prefix/share/doc/repoint
	check "DESTDIR: documents" documents "$doc"
	check "DESTDIR: documents that are named" documents_named "$doc"
	check "DESTDIR: program runs" program_works "$dest$prefix/bin/repoint"
else
	skip "DESTDIR: manual pages" "built without tools"
	skip "DESTDIR: documents" "built without tools"
	skip "DESTDIR: documents that are named" "built without tools"
	skip "DESTDIR: program runs" "built without tools"
fi

# 2. The library alone, with a prefix of its own. As a user would: no options
# but those, and a C compiler is all that it takes.
unset PKG_CONFIG_SYSROOT_DIR
own=$tmp/own
library_alone()
{
	meson setup "$tmp/b" "$root" --prefix="$own" --libdir="$libdir" \
		-Dtools=false -Dtests=false -Dbench=false -Dexamples=false &&
	ninja -C "$tmp/b" install
}
check "setup --prefix, ninja install, library alone" library_alone
export PKG_CONFIG_PATH="$own/$libdir/pkgconfig"
installed prefix "$own"
check "prefix: nothing but the library" \
	test "$(cd "$own" && echo *)" = "include ${libdir%%/*}"
tap_end
