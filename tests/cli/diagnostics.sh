#!/bin/bash
# SPDX-License-Identifier: MIT
# Every diagnostic has its entry in docs/diagnostics.md, and the other way
# round; every command has a page of the manual that names all its options, and
# the page of the program names all commands and exit statuses.
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

# Each line of the list of commands: "  repoint NOUN VERB    what it does"
commands()
{
	"$REPOINT" --help | sed -nE 's/^  repoint ([a-z]+( [a-z]+)?) .*/\1/p'
}

# listed NOUN [VERB]: it has an entry in repoint.1, and a synopsis in the page of
# the noun, where several verbs may share one: repoint patch apply | check
listed()
{
	sed -n '/^\.SH SYNOPSIS/,/^\.SH DESCRIPTION/p' \
		"$RP_SOURCE/docs/man/repoint-$1.1" | tr -s '"| ' ' ' >"$tmp/synopsis"
	grep -qx -e "\.B repoint $*" "$RP_SOURCE/docs/man/repoint.1" &&
	grep -Eq "repoint $1( [a-z]+)*${2:+ $2}\\>" "$tmp/synopsis"
}

# The numbers that the help of commands has behind "Exit status:"
statuses()
{
	local command
	commands | grep -v '^help' | while read -r command; do
		# shellcheck disable=SC2086 # noun and verb
		"$REPOINT" help $command | sed -n '/^Exit status:/,$p'
	done | grep -oE '\<[0-9]+\>' | sort -un
}

has_statuses()
{
	local n
	statuses >"$tmp/statuses"
	[ "$(wc -l <"$tmp/statuses")" -gt 5 ] || return
	while read -r n; do
		sed -n '/^\.SH EXIT STATUS/,/^\.SH DIAG/p' \
			"$RP_SOURCE/docs/man/repoint.1" | grep -qx "\.B $n" ||
			{ echo "no exit status $n in repoint.1"; return 1; }
	done <"$tmp/statuses"
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
commands | grep -v '^help' >"$tmp/commands"
check "there are commands" [ "$(wc -l <"$tmp/commands")" -gt 10 ]
while read -r command; do
	# shellcheck disable=SC2086 # noun and verb
	check "the manual has $command" listed $command
done <"$tmp/commands"
check "repoint.1 has every exit status" has_statuses
for page in repoint.1 repoint-object.1 repoint-cc.1 repoint-litmus.1 \
	repoint-patch.1; do
	if command -v man >/dev/null; then
		check "$page" formats "$RP_SOURCE/docs/man/$page"
	else
		skip "$page" "no man"
	fi
done
tap_end
