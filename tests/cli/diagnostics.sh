#!/bin/bash
# SPDX-License-Identifier: MIT
# Every diagnostic has its entry in docs/diagnostics.md, and the other way
# round; every command has a page of the manual that names all its options.
. "$(dirname "$0")/common.inc"

numbers()
{
	sed -n '/define RP_DIAG_LIST/,/^$/p' "$RP_SOURCE/object/diag.h" |
	grep -oE 'X\([A-Z_]+, [0-9]+\)' | grep -oE '[0-9]+' |
	while read -r n; do printf 'RP%04d\n' "$n"; done | sort
}

entries()
{
	grep -oE '^### RP[0-9]{4}' "$RP_SOURCE/docs/diagnostics.md" |
	cut -c5- | sort
}

# used NAME: some code reports it
used()
{
	grep -rqw "RP_DIAG_$1" --include='*.c' "$RP_SOURCE/object" \
		"$RP_SOURCE/payload" "$RP_SOURCE/patch" "$RP_SOURCE/live" \
		"$RP_SOURCE/tools"
}

documented()
{
	local option
	for option in $("$REPOINT" help $2 | grep -oE -- '--[a-z][a-z-]+' | sort -u)
	do
		grep -qF -- "${option//-/\\-}" "$RP_SOURCE/docs/man/$1" ||
			{ echo "$option is not in $1"; return 1; }
	done
}

formats()
{
	man --warnings -l "$1" 2>"$tmp/man.log" >/dev/null
	cat "$tmp/man.log"
	[ ! -s "$tmp/man.log" ]
}

numbers >"$tmp/numbers"
entries >"$tmp/entries"
check "there are diagnostics" [ -s "$tmp/numbers" ]
check "docs/diagnostics.md has them all" diff -u "$tmp/numbers" "$tmp/entries"
check "no number twice" [ -z "$(uniq -d "$tmp/numbers")" ]
for name in $(grep -oE 'X\([A-Z_]+,' "$RP_SOURCE/object/diag.h" |
    sed 's/^X(//; s/,$//'); do
	check "$name is in use" used "$name"
done
check "repoint-object.1 has all options" \
	documented repoint-object.1 "object annotate"
check "repoint-object.1 has all options of check" \
	documented repoint-object.1 "object check"
check "repoint-cc.1 has all options" documented repoint-cc.1 cc
for command in apply build check diff keygen list replace revert show sign symbols verify wait; do
	check "repoint-patch.1 has all options of $command" \
		documented repoint-patch.1 "patch $command"
done
for page in repoint.1 repoint-object.1 repoint-cc.1 repoint-patch.1; do
	if command -v man >/dev/null; then
		check "$page" formats "$RP_SOURCE/docs/man/$page"
	else
		skip "$page" "no man"
	fi
done
tap_end
