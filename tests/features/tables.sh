#!/bin/sh
# SPDX-License-Identifier: MIT
# One list of features in three places: <repoint/cpu.h>, src/feature_table.c
# and docs/features.md.
#
# usage: tables.sh SOURCE_ROOT
set -u

root=$1
. "$root/tests/tap.sh"

header=$root/include/repoint/cpu.h
table=$root/src/feature_table.c
docs=$root/docs/features.md

# MACRO WORD BIT
sed -n 's/^#define RP_FEATURE_\([A-Z0-9_]*\)[ \t]*RP_FEATURE(\([0-9]*\), \([0-9]*\))$/\1 \2 \3/p' \
	"$header" | grep -v '^NR ' >"$tmp/header"
# MACRO NAME OTHER-NAME...
awk '/^\t\{ RP_FEATURE_[A-Z0-9_]+, *("|$)/, /\},/' "$table" | tr -d '\n' |
	sed 's/},/}\n/g' | sed 's/\\0"//g; s/[{},"]/ /g; s/RP_FEATURE_//' |
	awk 'NF { $1 = $1; print }' >"$tmp/names"
# MACRO NEEDED
sed -n 's/^\t{ RP_FEATURE_\([A-Z0-9_]*\), RP_FEATURE_\([A-Z0-9_]*\) },$/\1 \2/p' \
	"$table" >"$tmp/needs"
# MACRO | names | CPUID | needs
# shellcheck disable=SC2016 # backquotes of Markdown
sed -n 's/^| \(`.*\) | `RP_FEATURE_\([A-Z0-9_]*\)` | \([^|]*\) | \([^|]*\) | [^|]* |$/\2|\1|\3|\4/p' \
	"$docs" >"$tmp/docs"

same()
{
	[ "$(wc -l <"$1")" -gt 150 ] && diff -u "$1" "$2"
}

macros()
{
	cut -d "$2" -f 1 "$tmp/$1" | LC_ALL=C sort >"$tmp/$1.macros"
}

# Nothing of the header is overlooked by the pattern above.
all_defines()
{
	grep '^#define RP_FEATURE_' "$header" |
		grep -cvE 'RP_FEATURE_(SYNTHETIC|SYNTHETIC_NR|NR)\b' >"$tmp/all"
	wc -l <"$tmp/header" | diff "$tmp/all" -
}

no_number_twice()
{
	cut -d ' ' -f 2- "$tmp/header" | sort | uniq -d >"$tmp/twice"
	cat "$tmp/twice"
	! [ -s "$tmp/twice" ]
}

numbers_in_range()
{
	nr=$(sed -n 's/^#define RP_FEATURE_NR[ \t]*RP_FEATURE(\([0-9]*\), 0)$/\1/p' \
		"$header")
	awk -v nr="${nr:-0}" '$2 >= nr || $3 > 31 || $2 == 1 || $2 == 2 ||
		($2 == 0 && $3 == 0) { print; bad = 1 } END { exit bad }' \
		"$tmp/header"
}

names_documented()
{
	# shellcheck disable=SC2016 # awk's
	awk '{ printf "%s|`%s`", $1, $2
	       for (i = 3; i <= NF; i++)
			printf "%s`%s`", i == 3 ? " (" : ", ", $i
	       print (NF > 2 ? ")" : "") }' "$tmp/names" | sort >"$tmp/want"
	cut -d '|' -f 1,2 "$tmp/docs" | sort | diff -u "$tmp/want" -
}

# The word's comment in the header is what the documentation says.
leaves_documented()
{
	sed -n 's|^/\* word \([0-9]*\): \(.*\) \*/$|\1 \2|p' "$header" |
	awk 'NR == FNR { word = $1; sub(/^[0-9]+ /, ""); leaf[word] = $0; next }
	     $2 == 0 { print $1 "|none"; next }
	     { print $1 "|" leaf[$2] " bit " $3 }' - "$tmp/header" |
	sort >"$tmp/want"
	cut -d '|' -f 1,3 "$tmp/docs" | sort | diff -u "$tmp/want" -
}

# Those with a state of their own begin with it.
needs_documented()
{
	awk 'NR == FNR { name[$1] = $2; next }
	     { print $1 "|" name[$2] }' "$tmp/names" "$tmp/needs" |
	sort >"$tmp/want"
	awk -F '|' 'NR == FNR { split($0, n, " "); is[n[2]] = 1; next }
	     { k = split($4, need, ", ")
	       for (i = 1; i <= k; i++)
			if (need[i] in is)
				print $1 "|" need[i] }' \
		"$tmp/names" "$tmp/docs" | sort | diff -u "$tmp/want" -
}

# A synthetic number, or the compiler says so.
define()
{
	printf '#include <repoint/cpu.h>\nRP_DEFINE_FEATURE(%s, "x", NULL);\n' \
		"$2" >"$tmp/define.$1"
	"$3" -Wall -Wextra -Werror -I"$root/include" -fsyntax-only \
		"$tmp/define.$1"
}

refused()
{
	if define "$@" >"$tmp/refused" 2>&1; then
		echo "it compiled"
		return 1
	fi
	cat "$tmp/refused"
	grep -q 'is no RP_FEATURE_SYNTHETIC(0 to 63)' "$tmp/refused"
}

macros header ' '
macros names ' '
macros docs '|'
check "all defines are read" all_defines
check "the table has each define" same "$tmp/header.macros" "$tmp/names.macros"
check "the documentation has each define" \
	same "$tmp/header.macros" "$tmp/docs.macros"
check "no two share a number" no_number_twice
check "numbers are in range" numbers_in_range
check "the documentation has all names" names_documented
check "the documentation has the leaves" leaves_documented
check "the documentation has what is needed" needs_documented
for c in "c gcc" "c clang" "cc g++" "cc clang++"; do
	# shellcheck disable=SC2086 # two words
	set -- $c
	if ! command -v "$2" >/dev/null; then
		skip "definitions: $2" "no $2"
		continue
	fi
	check "definitions: $2: 0" define "$1" 'RP_FEATURE_SYNTHETIC(0)' "$2"
	check "definitions: $2: 63" define "$1" 'RP_FEATURE_SYNTHETIC(63)' "$2"
	check "definitions: $2: 64 is refused" \
		refused "$1" 'RP_FEATURE_SYNTHETIC(64)' "$2"
	check "definitions: $2: avx2 is refused" \
		refused "$1" RP_FEATURE_AVX2 "$2"
done
tap_end
