#!/bin/bash
# SPDX-License-Identifier: MIT
# Corrupt objects: an error that says where, exit status 1, the file untouched.
#
# usage: corrupt.sh CRAFT       RP_TOOL names the tool
set -u
. "$RP_SOURCE/tests/tap.sh"
craft=$1

refused()
{
	local o=$tmp/$1.o status=0
	"$craft" "$1" >"$o" && cp "$o" "$o.before" || return
	timeout 60 "$RP_TOOL" object annotate "$o" 2>"$tmp/err" || status=$?
	cat "$tmp/err"
	[ "$status" -eq 1 ] && cmp "$o" "$o.before" &&
	grep -qF "$o: error: $3" "$tmp/err" && grep -qF "[$2]" "$tmp/err" &&
	[ "$(wc -l <"$tmp/err")" -eq 1 ] &&
	[ -z "$(find "$tmp" -name '.repoint*')" ]
}

# annotated NAME RELOCATION N SITES: N of them, tables that readelf likes, and
# nothing more to do afterwards
annotated()
{
	local o=$tmp/$1.o
	"$craft" "$1" >"$o" || return
	timeout 60 "$RP_TOOL" object annotate -v "$o" || return
	readelf -SrsgW "$o" >"$tmp/readelf" 2>&1
	! grep -i 'warning\|error' "$tmp/readelf" &&
	[ "$(grep -c "$2" "$tmp/readelf")" -eq "$3" ] &&
	[ "$(stat -c %s "$o")" -lt 16384 ] &&
	"$RP_TOOL" object annotate -v "$o" | grep "already annotated: $4"
}

"$craft" --list >"$tmp/list" || exit 99
while read -r name id where; do
	case $id in
	-)
		check "$name" annotated "$name" \
			'R_X86_64_GOTPCREL .*rp_tramp__t' 2 '2 sites'
		;;
	ops)
		# of the table alone: an instruction's addend is 4 less
		check "$name" annotated "$name" \
			'R_X86_64_PC32 .*rp_ops__o + [08]$' "$where" \
			"0 sites; $where ops"
		;;
	*)
		check "$name" refused "$name" "$id" "$where"
		;;
	esac
done <"$tmp/list"
tap_end
