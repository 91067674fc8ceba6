#!/bin/bash
# SPDX-License-Identifier: MIT
# Tables of a program and of what it loads; then the program, which walks.
#
# usage: unwind.sh PROGRAM MAKE_TABLE
set -u
. "$RP_SOURCE/tests/unwind/tables.sh"

tmp=$(mktemp -d "${TMPDIR:-/tmp}/repoint-test.XXXXXX") || exit 99
trap 'rm -rf "$tmp"' EXIT

if ! make_tables "$tmp" "$2" "$1"; then
	echo "1..0 # SKIP $reason"
	exit 0
fi
"$1" "$tmp"
