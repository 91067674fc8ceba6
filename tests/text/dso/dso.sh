#!/bin/sh
# SPDX-License-Identifier: MIT
# Keys, sites and functions in different shared objects, in every combination
# of compiler, language, implementation and -fno-plt.
#
# usage: dso.sh COMPILER LIBREPOINT_SO TOOL
# shellcheck disable=SC2086 # lists of options
set -u

root=${RP_SOURCE:?}
cc=$1
lib_so=$(realpath "$2")
tool=$(realpath "$3")
src=$root/tests/text/dso
. "$root/tests/tap.sh"

command -v "$cc" >/dev/null || skip_all "no $cc"

# By the wrapper if annotated, by the compiler else.
run_compiler()
{
	set -- "$cc" $flags "$@" -I"$root/include" -Wall -Wextra -Werror
	case $impl in annotated) set -- "$tool" cc "$@" ;; esac
	"$@"
}

build_library()
{
	run_compiler -fPIC -shared -x "$lang" "$src/$1.c" -x none \
		-o "$tmp/$name/lib$1.so" "$lib_so" -Wl,--allow-shlib-undefined
}

build_program()
{
	program=$1
	shift
	run_compiler -fPIE -pie -x "$lang" "$src/$program.c" -x none \
		-o "$tmp/$name/$program" "$@" "$lib_so" -rdynamic \
		"-Wl,-rpath,$tmp/$name:${lib_so%/*}"
}

build_libraries()
{
	mkdir "$tmp/$name" && build_library library && build_library plugin
}

with()
{
	build_program "$1" "$tmp/$name/lib$2.so" && "$tmp/$name/$1"
}

late()
{
	build_program "$1" && "$tmp/$name/$1" "$tmp/$name/lib$2.so"
}

one_way()
{
	name=$cc-$lang-$impl$plt
	check "$name libraries" build_libraries
	check "$name export" with export library
	# A generic caller reads the key, which is not exported there.
	[ "$impl" = generic ] ||
		check "$name export-tramp" with export-tramp library
	check "$name import-key" with import-key library
	check "$name exe-keys" with exe-keys plugin
	check "$name dlopen" late dlopen plugin
	check "$name far" with far library
}

# Calls through the PLT are found by the tool, not in relocations.
for lang in c c++; do
	for plt in '' -fno-plt; do
		impl=generic
		flags="-O2 $plt -DRP_GENERIC -DTEST_MODE=SITE_GENERIC
			-DTEST_CROSS_MODE=SITE_GENERIC"
		one_way
		impl=out-of-line
		flags="-O2 $plt -DTEST_MODE=SITE_OUT_OF_LINE
			-DTEST_CROSS_MODE=SITE_OUT_OF_LINE"
		one_way
		impl=annotated
		flags="-O2 $plt -DTEST_MODE=SITE_INLINE
			-DTEST_CROSS_MODE=SITE_INLINE"
		[ -z "$plt" ] || flags="$flags -DTEST_SIX_BYTES"
		one_way
		impl=emit-relocs
		cross=OUT_OF_LINE
		[ -z "$plt" ] || cross=INLINE
		flags="-O2 $plt -Wl,--emit-relocs -DTEST_MODE=SITE_INLINE
			-DTEST_CROSS_MODE=SITE_$cross"
		one_way
	done
done
tap_end
