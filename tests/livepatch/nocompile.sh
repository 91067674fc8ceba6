#!/bin/sh
# SPDX-License-Identifier: MIT
# Wrong use of <repoint/livepatch.h> does not compile, and the message says so;
# with -DRIGHT the same file does. `// c:` and `// c++:` at the head of a file
# are regular expressions for the message.
#
# usage: nocompile.sh COMPILER
set -u

root=${RP_SOURCE:?}
cc=$1
src=$root/tests/livepatch/nocompile
. "$root/tests/tap.sh"
command -v "$cc" >/dev/null || skip_all "no $cc"

# try FILE OPTIONS...
try()
{
	file=$1
	shift
	"$cc" -O2 -fPIE -x "$lang" "$@" -Wall -Wextra -Werror \
		-I"$root/include" -c "$src/$file" -o "$tmp/out"
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
	for path in "$src"/*.c; do
		file=${path##*/}
		check "$lang ${file%.c}: right" try "$file" -DRIGHT
		check "$lang ${file%.c}: wrong" wrong "$file"
	done
done
tap_end
