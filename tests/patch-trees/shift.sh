#!/bin/sh
# SPDX-License-Identifier: MIT
# shift.sh FILE...: other line numbers, the same program. Three lines come
# before the first one, and an empty one after each that is only `}`, so that the
# functions of a file do not move by the same distance.
set -eu

for file; do
	awk '
	BEGIN { print "/*\n * Lines below are others now.\n */" }
	{ print }
	$0 == "}" { print "" }' "$file" >"$file.shifted"
	cat "$file.shifted" >"$file"
	rm "$file.shifted"
done
