#!/bin/sh
# SPDX-License-Identifier: MIT
# The headers' RP_API names, src/repoint.map and the symbols of librepoint.so
# are one list; and the library needs libc only.
#
# usage: exports.sh SOURCE_ROOT LIBREPOINT_SO [LIBREPOINT_A]
#        exports.sh --list SOURCE_ROOT      prints the names for the map
set -u

# Comments and preprocessor lines out; then, from each RP_API to the end of its
# declaration, the name is what stands before the first parenthesis or bracket.
api_names()
{
	find "$1/include/repoint" -name '*.h' -exec cat {} + |
	awk '
	{ text = text $0 "\n" }
	END {
		gsub(/\\\n/, " ", text)
		while (match(text, /\/\*([^*]|\*+[^*\/])*\*+\//))
			text = substr(text, 1, RSTART - 1) " " \
				substr(text, RSTART + RLENGTH)
		n = split(text, line, "\n")
		text = ""
		for (i = 1; i <= n; i++)
			if (line[i] !~ /^[ \t]*#/)
				text = text line[i] " "
		n = split(text, decl, /[^A-Za-z0-9_]RP_API[^A-Za-z0-9_]/)
		for (i = 2; i <= n; i++) {
			d = decl[i]
			gsub(/__attribute__ *\(\([^;]*\)\)/, "", d)
			sub(/[;(\[=].*/, "", d)
			gsub(/[ \t]+$/, "", d)
			sub(/.*[^A-Za-z0-9_]/, "", d)
			print d
		}
	}' | LC_ALL=C sort -u
}

map_names()
{
	sed -n '/global:/,/local:/p' "$1/src/repoint.map" |
	grep -oE '[A-Za-z_][A-Za-z0-9_]*;' | tr -d ';' | LC_ALL=C sort
}

# The version node itself is an absolute symbol.
so_names()
{
	nm -D --defined-only "$1" | awk '$2 != "A" { sub(/@.*/, "", $3); print $3 }' |
	LC_ALL=C sort
}

# A static library shares its users' name space: what is global in it, hidden
# or not, must carry our prefix.
foreign_globals()
{
	nm -g --defined-only "$1" | awk 'NF == 3 { print $3 }' |
	grep -v '^rp_' >"$tmp/foreign"
	sed 's/^/without the prefix rp_: /' "$tmp/foreign"
	! [ -s "$tmp/foreign" ]
}

needed()
{
	readelf -d "$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' >"$tmp/needed"
	cat "$tmp/needed"
	grep -q '^libc\.so' "$tmp/needed" &&
	! grep -qvE '^(libc\.so\.6|ld-linux.*\.so\.[0-9]+)$' "$tmp/needed"
}

not_empty()
{
	[ -s "$1" ]
}

dynamic_flag()
{
	readelf -d "$1" >"$tmp/dynamic"
	cat "$tmp/dynamic"
	grep -q "$2" "$tmp/dynamic"
}

if [ "$1" = --list ]; then
	api_names "$2" | sed 's/^/\t/; s/$/;/'
	exit
fi

. "$1/tests/tap.sh"

api_names "$1" >"$tmp/api"
map_names "$1" >"$tmp/map"
so_names "$2" >"$tmp/so"

check "headers declare something" not_empty "$tmp/api"
check "RP_API functions are those of repoint.map" \
	diff -u --label headers --label repoint.map "$tmp/api" "$tmp/map"
check "librepoint.so exports what repoint.map lists" \
	diff -u --label repoint.map --label librepoint.so "$tmp/map" "$tmp/so"
check "librepoint.so needs libc only" needed "$2"
check "librepoint.so is never unloaded" dynamic_flag "$2" NODELETE
check "librepoint.so is bound at load" dynamic_flag "$2" 'NOW'
if [ $# -ge 3 ]; then
	check "librepoint.a defines rp_ names only" foreign_globals "$3"
fi
tap_end
