#!/bin/bash
# SPDX-License-Identifier: MIT
# Symbols, thread-local storage and local functions of running programs: what the
# tools find from outside against what the program itself says, and against all
# that the dynamic linker has stored in its modules. $1: check
set -u
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=../../tap.sh
. "${RP_SOURCE:-$here/../../..}/tests/tap.sh"
check=$(realpath "$1")
cd "$tmp" || exit 99
unset LD_PRELOAD LD_LIBRARY_PATH CFLAGS
command -v gcc >/dev/null || skip_all "no gcc"

# library NAME DIRECTORY OPTIONS...: with $cc
library()
{
	local out=$2/lib$1.so
	mkdir -p "$2"
	shift 2
	$cc -g -O1 -fPIC -shared -Wl,--build-id "$@" \
		-Wl,-rpath,"$tmp/$(dirname "$out")" \
		-Wl,-soname,"$(basename "$out")" -o "$out"
}

# program DIRECTORY OPTIONS...
program()
{
	local dir=$1
	shift
	$cc -g -O1 -Wl,--build-id "$@" "$here/target.c" "$here/other.c" \
		-o "$dir/target" -pthread
}

# libraries DIRECTORY OPTIONS...
libraries()
{
	local dir=$1
	shift
	library library "$dir" "$@" "$here/library.c" &&
	library preload "$dir" "$@" "$here/preload.c" &&
	library dependency "$dir" "$@" -DDEPENDENCY "$here/plugin.c" &&
	library late "$dir" "$@" -DLATE "$here/plugin.c" &&
	library user "$dir" "$@" -DUSER "$here/plugin.c" &&
	library plugin "$dir" "$@" -DPLUGIN "-DTLS_MODEL=\"$model\"" \
		"$here/plugin.c" -L"$dir" -Wl,--no-as-needed -ldependency
}

link()
{
	printf -- '-rdynamic -L%s -Wl,-rpath,%s/%s -Wl,--no-as-needed -llibrary -ldl' \
		"$1" "$tmp" "$1"
}

# plugins DIRECTORY: what the target opens
plugins()
{
	printf '%s ' "+./$1/liblate.so" "./$1/libuser.so" "./$1/libplugin.so"
}

# run NAME COMMAND...: everything is bound at once, so that all can be compared
run()
{
	local name=$1
	shift
	check "$name" "$check" /usr/bin/env LD_BIND_NOW=1 "$@"
}

printf 'V1 { global: pick; };\nV2 { global: pick; preloaded; chosen; };\n' \
	>versions
versions="-DVERSIONS -Wl,--version-script=$tmp/versions"
cc=gcc
model=initial-exec

# shellcheck disable=SC2046,SC2086
glibc_case()	# NAME OPTIONS-OF-PROGRAM OPTIONS-OF-LIBRARIES
{
	if ! { libraries "$1" $3 &&
	       library library "$1" $3 $versions "$here/library.c" &&
	       program "$1" $2 $(link "$1"); } >build.log 2>&1; then
		not_ok "$1: is built" build.log
		return
	fi
	run "$1" "./$1/target" $(plugins "$1")
}

glibc_case pie "-pie -fPIE" ""
glibc_case no-pie "-no-pie -fno-pie" ""
glibc_case hash-only "-pie -Wl,--hash-style=sysv" "-Wl,--hash-style=sysv"
glibc_case gnu-hash "-pie -Wl,--hash-style=gnu" "-Wl,--hash-style=gnu"
glibc_case tls-descriptors "-pie -mtls-dialect=gnu2" "-mtls-dialect=gnu2"
glibc_case symbolic "-pie" "-Wl,-Bsymbolic"
if command -v ld.lld >/dev/null; then
	glibc_case lld "-pie -fuse-ld=lld" "-fuse-ld=lld"
else
	skip lld "no lld"
fi

# shellcheck disable=SC2046
run preloaded LD_PRELOAD=./pie/libpreload.so ./pie/target $(plugins pie)
# shellcheck disable=SC2046
run preloaded-no-pie LD_PRELOAD=./no-pie/libpreload.so ./no-pie/target \
	$(plugins no-pie)
run local-plugin ./pie/target ./pie/libplugin.so
run deep-bind ./pie/target =./pie/libplugin.so
run deep-bind-preloaded LD_PRELOAD=./pie/libpreload.so ./pie/target \
	=./pie/libplugin.so +./pie/liblate.so
run other-namespace ./pie/target @./pie/libdependency.so ./pie/libplugin.so
run opened-twice ./pie/target ./pie/libdependency.so ./pie/libplugin.so
check by-needed "$check" -n /usr/bin/env LD_BIND_NOW=1 \
	LD_PRELOAD=./pie/libpreload.so ./pie/target ./pie/libplugin.so
check by-needed-symbolic "$check" -n /usr/bin/env LD_BIND_NOW=1 \
	./symbolic/target ./symbolic/libplugin.so
ld=$(readlink -f /lib64/ld-linux-x86-64.so.2)
# shellcheck disable=SC2046
run explicit-linker "$ld" ./pie/target $(plugins pie)
# shellcheck disable=SC2046
check lazy "$check" -l ./pie/target $(plugins pie)

# Blocks of an object that is opened are elsewhere in each thread.
model=global-dynamic
glibc_case dynamic-tls "-pie" ""

# shellcheck disable=SC2086
static_case()	# NAME OPTIONS
{
	mkdir -p "$1"
	if program "$1" -DSTATIC=1 $2 >build.log 2>&1; then
		run "$1" "./$1/target"
	else
		not_ok "$1: is built" build.log
	fi
}

static_case static "-static -no-pie -fno-pie"
static_case static-pie "-static-pie -fPIE"
static_case static-stripped "-static -s -DSTRIPPED"

# Nothing names static functions any more.
glibc_case stripped "-pie -s -DSTRIPPED" "-s"

# separate: the debug file is where the target sees it
separate()
{
	local id
	id=$(readelf -n pie/target | sed -n 's/.*Build ID: //p')
	strip -o pie/stripped pie/target
	mkdir -p "debug/.build-id/${id:0:2}" &&
	objcopy --only-keep-debug pie/target \
		"debug/.build-id/${id:0:2}/${id:2}.debug" &&
	unshare -m sh -c "mount --bind '$tmp/debug' /usr/lib/debug &&
		exec \"\$@\"" - "$check" -l ./pie/stripped
}
if [ -d /usr/lib/debug ] && unshare -m true 2>/dev/null; then
	check separate-debug-file separate
else
	skip separate-debug-file "no mount namespace without root"
fi

if command -v musl-gcc >/dev/null; then
	cc=musl-gcc
	glibc_case()
	{
		:
	}
	musl_case()	# NAME OPTIONS-OF-PROGRAM OPTIONS-OF-LIBRARIES
	{
		# shellcheck disable=SC2046,SC2086
		if libraries "$1" $3 >build.log 2>&1 &&
		   program "$1" $2 $(link "$1") >build.log 2>&1; then
			run "$1" "./$1/target" $(plugins "$1")
		else
			not_ok "$1: is built" build.log
		fi
	}
	model=global-dynamic
	musl_case musl "-pie -fPIE" ""
	musl_case musl-no-pie "-no-pie -fno-pie" ""
	musl_case musl-hash-only "-pie" "-Wl,--hash-style=sysv"
	# shellcheck disable=SC2046
	run musl-preloaded LD_PRELOAD=./musl/libpreload.so ./musl/target \
		$(plugins musl)
	static_case musl-static "-static -no-pie -fno-pie"
	for crt in /usr/lib/x86_64-linux-musl /usr/lib/musl/lib \
		/usr/local/musl/lib; do
		[ -f $crt/rcrt1.o ] && break
	done
	static_case musl-static-pie "-static -fPIE -nostartfiles $crt/rcrt1.o \
		-Wl,-pie,--no-dynamic-linker,-z,text"
else
	skip musl "no musl-gcc"
fi

# Programs that nobody wrote for this test.
real()
{
	local name=$1
	shift
	if [ -x "$1" ]; then
		check "real-$name" env LD_BIND_NOW=1 "$check" -q "$@"
	else
		skip "real-$name" "$1 is not installed"
	fi
}

real cat /bin/cat
real perl /usr/bin/perl
real python /usr/bin/python3 -c \
	'import ssl, sqlite3, ctypes, decimal; open(0).read()'
real gdb /usr/bin/gdb -q -nx

tap_end
