#!/bin/bash
# SPDX-License-Identifier: MIT
# Binaries: stripped ones with debug files, link-time optimization, no build-id.
. "$(dirname "$0")/common.inc"

simple()
{
	put "$1/case.c" <<'EOT'
#include "case.h"
static int state = 5;
static ALONE int hidden(int n) { LONG_ENOUGH; return state++ + n; }
ALONE int work(int n) { LONG_ENOUGH; return hidden(n) * WAS_IS(1, 100); }
void show(void) { printf("%d\n", work(1)); }
EOT
	cat >"$tmp/$1.want" <<EOT
before:
6
applied:
700
reverted:
8
EOT
	replaced=work
}

# Like build(); then all symbols go to a file of their own.
strip_target()
{
	build "$1" "$2" "$3" || return 1
	objcopy --only-keep-debug "$target" "$dir/target.debug" &&
	strip --strip-all "$target"
}

runs()
{
	run_patched "$dir/case.rpp" >"$dir/out" 2>&1
	diff -u "$1" "$dir/out"
}

# by_build_id WANT CASE COMPILER KIND
by_build_id()
{
	local id
	strip_target "$2" "$3" "$4" || return 1
	id=$(readelf -n "$target" | sed -n 's/.*Build ID: //p')
	mkdir -p "$dir/lib/.build-id/${id:0:2}"
	cp "$dir/target.debug" "$dir/lib/.build-id/${id:0:2}/${id:2}.debug"
	options=(--debug-dir "$dir/lib")
	is_made "$3" && runs "$1"
}
simple build-id
kinds="pie shared"
variants build-id "stripped, debug file by build-id" by_build_id "$tmp/build-id.want"

by_name()
{
	strip_target "$2" "$3" "$4" || return 1
	options=(--debug "$dir/target.debug")
	is_made "$3" && runs "$1"
}
simple named
kinds="nopie shared"
variants named "stripped, debug file by name" by_name "$tmp/named.want"

fails()
{
	local want=$1 text=$2
	status=0
	"$REPOINT" patch diff --binary "$target" "${options[@]}" \
		-o "$dir/case.rpp" "$dir/old" "$dir/new" >"$dir/messages" 2>&1 ||
		status=$?
	cat "$dir/messages"
	[ $status -eq "$want" ] || { echo "exit status $status"; return 1; }
	[ ! -e "$dir/case.rpp" ] || { echo "a payload was made"; return 1; }
	grep -q -- "$text" "$dir/messages"
}

not_found()
{
	strip_target "$@" && options=(--debug-dir "$dir/nowhere") &&
	fails 1 "$dir/nowhere.*RP0503"
}
simple not-found
kinds=pie
variants not-found "stripped, no debug file" not_found

another_build()
{
	link= options=()
	strip_target "$@" || return 1
	cp "$dir/target.debug" "$tmp/old.debug"
	link=-Wl,--build-id=0x0123456789abcdef
	strip_target "$@" && options=(--debug "$tmp/old.debug") &&
	fails 1 "RP0504"
}
simple another
kinds=pie
variants another "the debug file of another build" another_build

no_build_id()
{
	build "$@" || return 1
	objcopy --remove-section=.note.gnu.build-id "$target" || return 1
	fails 1 "RP0502"
}
simple no-build-id
kinds=pie
variants no-build-id "no build-id" no_build_id

# Link-time optimization, as far as the compilers can.
lto()
{
	local linker=
	build "$1" "$2" "$3" || return 1
	[ "$2" = gcc ] || linker=-fuse-ld=lld
	(cd "$tmp/$1" && $2 -flto $linker -O2 -g -fPIE -pie -Wl,--build-id \
		-I"$here" -o "$target" case.c "$here/driver.c" -ldl) || return 1
	fails 2 "link-time optimization.*RP0704"
}
simple lto
kinds=pie
command -v ld.lld >/dev/null || compilers=gcc
variants lto "a binary built with -flto" lto

# Objects that hold no machine code.
lto_objects()
{
	build "$1" "$2" "$3" || return 1
	objects_of "$1" "$2" "$3" "$dir/new" -flto -DFIXED
	fails 2 "flto.*RP0704"
}
simple lto-objects
kinds=pie
variants lto-objects "objects compiled with -flto" lto_objects

# All code of a payload has unwind entries: the reader of binutils and ours agree
# about where functions begin.
put unwind/case.c <<'EOT'
#include "case.h"
#ifdef FIXED
static NOINLINE int added(int n) { LONG_ENOUGH; return OPAQUE(n) + printf("added "); }
#else
# define added(n) (n)
#endif
ALONE int work(int n) { LONG_ENOUGH; return OPAQUE(added(n)) + 1; }
ALONE int other(int n) { LONG_ENOUGH; return OPAQUE(n) * WAS_IS(2, 3); }
void show(void) { int a = work(1); printf("%d %d\n", a, other(1)); }
EOT
unwind()
{
	try_one "$2" "$3" "$4" "$1" || return 1
	readelf --debug-dump=frames "$dir/case.rpp" >"$dir/frames" 2>"$dir/log"
	cat "$dir/frames" "$dir/log"
	[ ! -s "$dir/log" ] && [ "$(grep -c ' FDE ' "$dir/frames")" -eq 3 ]
}
cat >"$tmp/unwind.want" <<EOT
before:
2 2
applied:
added 8 3
reverted:
2 2
EOT
replaced="work other" added=added kinds="pie nopie"
variants unwind "an unwind entry for each function" unwind "$tmp/unwind.want"

# Applied before main(), to a program that does nothing about it.
at_start()
{
	build "$1" "$2" "$3" && is_made "$2" || return 1
	printf 'before:\n600\n' >"$dir/want"
	RP_TEST_APPLY=$dir/case.rpp run_patched >"$dir/out" 2>&1
	diff -u "$dir/want" "$dir/out"
}
simple at-start
variants at-start "applied before main()" at_start

tap_end
