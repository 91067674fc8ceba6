#!/bin/sh
# SPDX-License-Identifier: MIT
# Wrong use does not compile (link-*: does not link), and the message says so;
# with -DRIGHT the same file does. The comments `// c:` and `// c++:` at its
# head are regular expressions for the message.
#
# usage: nocompile.sh COMPILER LIBREPOINT_SO
set -u

root=${RP_SOURCE:?}
cc=$1
lib_so=$(realpath "$2")
src=$root/tests/nocompile
. "$root/tests/tap.sh"
command -v "$cc" >/dev/null || skip_all "no $cc"

# -O2, since what is constant is seen only then.
compile()
{
	"$cc" -O2 -fPIE -x "$lang" "$@" -Wall -Wextra -Werror \
		-I"$root/include"
}

compile_library()
{
	"$cc" -O2 -fPIC -shared -x "$lang" "$root/tests/text/dso/library.c" \
		-I"$root/include" -o "$tmp/library-$lang.so" -x none "$lib_so"
}

# try FILE OPTIONS...
try()
{
	file=$1
	shift
	case $file in
	link-*)
		compile -pie "$@" "$src/$file" -x none "$tmp/library-$lang.so" \
			"$lib_so" -o "$tmp/out" ;;
	*)
		compile -c "$@" "$src/$file" -o "$tmp/out" ;;
	esac
}

wrong()
{
	pattern=$(sed -n "s|^// $lang: ||p" "$src/$1")
	[ -n "$pattern" ] || {
		echo "$1 has no line: // $lang: PATTERN"
		return 1
	}
	if LC_ALL=C try "$1" >"$tmp/message" 2>&1; then
		echo "it compiles"
		return 1
	fi
	cat "$tmp/message"
	grep -qE "$pattern" "$tmp/message"
}

for lang in c c++; do
	check "$lang library" compile_library
	for path in "$src"/*.c; do
		file=${path##*/}
		check "$lang ${file%.c}: right" try "$file" -DRIGHT
		check "$lang ${file%.c}: wrong" wrong "$file"
	done
done
tap_end
