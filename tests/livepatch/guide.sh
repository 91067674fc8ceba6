#!/bin/sh
# SPDX-License-Identifier: MIT
# Each sample of docs/patch-authors.md compiles, alone and without a warning; the
# one with shadow variables does what the guide says.
#
# usage: guide.sh COMPILER LIBREPOINT_LIVEPATCH_A
set -u

root=${RP_SOURCE:?}
cc=$1
archive=$(realpath "$2")
guide=$root/docs/patch-authors.md
. "$root/tests/tap.sh"
command -v "$cc" >/dev/null || skip_all "no $cc"

# <!-- sample: FILE -->, and a block of code in the next line
extract()
{
	awk -v dir="$tmp" '
		/^<!-- sample: / { file = dir "/" $3; next }
		/^```/ && inside { inside = 0; close(file); file = ""; next }
		/^```c(pp)?$/ {
			if (file == "") {
				print "line " NR ": code without a name"
				bad = 1
			}
			inside = 1
			next
		}
		inside { print >file }
		!inside { file = "" }
		END { exit bad }' "$guide"
}

compile()
{
	lang=c
	case $1 in
	*.cc) lang=c++ ;;
	esac
	"$cc" -x "$lang" -O2 -Wall -Wextra -Werror -I"$root/include" -c "$1" \
		-o "$1.o"
}

behaves()
{
	"$cc" -O2 -Wall -Wextra -Werror -I"$root/include" -I"$tmp" \
		"$root/tests/livepatch/guide_login.c" "$archive" \
		-o "$tmp/login" && "$tmp/login"
}

check "samples have names" extract
samples=$(find "$tmp" -name '*.c' -o -name '*.cc' | sort)
# shellcheck disable=SC2086 # a list of files
check "all are found" test "$(echo $samples | wc -w)" -ge 9
for sample in $samples; do
	check "${sample##*/} compiles" compile "$sample"
done
check "login-after.c limits attempts" behaves
tap_end
