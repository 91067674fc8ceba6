#!/bin/bash
# SPDX-License-Identifier: MIT
# Processes that end while their threads run through patched code.
#
# usage: exit.sh PROGRAM...
set -u

. "$(dirname "$0")/../tap.sh"

RUNS=25

# ends PROGRAM WAY: all runs, each after a little longer
ends()
{
	local i status failed=0
	for ((i = 0; i < RUNS; i++)); do
		timeout -k 1 60 "$1" "$2" $((i * 61)) || {
			status=$?
			failed=$((failed + 1))
			echo "after $((i * 61)) us: exit status $status"
		}
	done
	[ "$failed" -eq 0 ]
}

for program; do
	name=${program##*/}
	for way in return exit quick; do
		RP_BACKEND='' check "$name-$way" ends "$program" "$way"
		RP_BACKEND=procmem check "$name-$way-procmem" \
			ends "$program" "$way"
	done
done
tap_end
