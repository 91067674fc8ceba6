#!/bin/sh
# SPDX-License-Identifier: MIT
# The documents are about what is there: links lead to files and headings,
# programs are shown as they are in examples/ with what they print, tests that
# are named exist.
#
# usage: docs.sh SOURCE_ROOT [PROGRAM...]    PROGRAM: an example that was built
set -u

root=$1
shift
. "$root/tests/tap.sh"
here=$(pwd)
cd "$root" || exit 99

# "Compared with Xen's" -> compared-with-xens
# shellcheck disable=SC2016 # backquotes are Markdown's
anchors()
{
	sed -n '/^```/,/^```/d; s/^#\{1,\} //p' "$1" |
		tr '[:upper:] ' '[:lower:]-' | tr -cd 'a-z0-9_\n-'
}

# check_links FILE: what is in parentheses behind brackets
check_links()
{
	status=0
	grep -oE '\]\([^) ]+\)' "$1" | sed 's/^](//; s/)$//' >"$tmp/links"
	while read -r link; do
		file=${link%%#*}
		case $link in
		http*) continue ;;
		'#'*) file=$1 ;;
		*) file=${1%/*}/$file ;;
		esac
		if [ ! -e "$file" ]; then
			echo "$1: $link: no such file"
			status=1
			continue
		fi
		case $link in
		*'#'*) anchors "$file" | grep -qxF -e "${link#*#}" || {
			echo "$1: $link: no such heading"
			status=1
		} ;;
		esac
	done <"$tmp/links"
	return "$status"
}

# shown DOCUMENT PROGRAM: the document's first C block is all of the program
# but for the two lines that say what it is
shown()
{
	sed '1,/^```c$/d' "$1" | sed '/^```$/,$d' >"$tmp/shown"
	sed 1,2d "examples/$2.c" | diff -u - "$tmp/shown"
}

# printed DOCUMENT PROGRAM: what stands behind the command that runs it
printed()
{
	sed "1,/^\$ repoint cc .*\\.\\/${2##*/}\$/d; /^\`\`\`\$/,\$d" "$1" \
		>"$tmp/wanted"
	[ -s "$tmp/wanted" ] || sed \
		"1,/^\$ gcc .*\\.\\/${2##*/}\$/d; /^\`\`\`\$/,\$d" "$1" \
		>"$tmp/wanted"
	[ -s "$tmp/wanted" ] || return 1
	"$2" | diff -u "$tmp/wanted" -
}

# The tests' column of objections.md, a line for each FILE or FILE: TEST, TEST
named_tests()
{
	sed -n 's/^|.*| \(.*[^ ]\) *|$/\1/p' docs/objections.md | tr ';' '\n' |
		sed 's/^ *//'
}

# exists NAME: a test's file, with or without what follows the dot
exists()
{
	for at in "tests/$1" "tests/$1".c "tests/$1".sh; do
		[ ! -e "$at" ] || return 0
	done
	return 1
}

check_named_tests()
{
	status=0
	named_tests >"$tmp/named"
	grep -oE '^[a-z]+/[A-Za-z0-9_.-]+' "$tmp/named" | sort -u >"$tmp/files"
	[ "$(wc -l <"$tmp/files")" -gt 30 ] || return 1
	while read -r name; do
		exists "$name" || {
			echo "no test $name"
			status=1
		}
	done <"$tmp/files"
	grep -oE '[a-z0-9]+(_[a-z0-9]+)+\*?' "$tmp/named" |
		grep -vE '^test_|x86_64$' | sort -u >"$tmp/cases"
	[ "$(wc -l <"$tmp/cases")" -gt 30 ] || return 1
	while read -r name; do
		grep -rqF -e "${name%\*}" tests || {
			echo "no test case $name"
			status=1
		}
	done <"$tmp/cases"
	return "$status"
}

for page in *.md docs/*.md; do
	check "links of $page" check_links "./$page"
done
check "README.md shows hello.c" shown README.md hello
check "alternatives.md shows alternative.c" shown docs/alternatives.md alternative
check "ops.md shows op.c" shown docs/ops.md op
check "tests that objections.md names" check_named_tests
for program; do
	case ${program##*/} in
	hello) page=README.md ;;
	alternative) page=docs/alternatives.md ;;
	*) page=docs/ops.md ;;
	esac
	case $program in
	/*) ;;
	*) program=$here/$program ;;
	esac
	check "$page says what ${program##*/} prints" printed "$page" "$program"
done
tap_end
