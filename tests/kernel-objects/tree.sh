#!/bin/bash
# SPDX-License-Identifier: MIT
# All objects below a directory, compared as compare.sh does.
#
# usage: tree.sh VERSION DIRECTORY RESULTS    RP_TOOL and TABLES name programs
#
# RESULTS/summary has a line for each object that differs; the rest of what is
# said is in RESULTS/OBJECT/. Exit status 0: all are equal.
set -u
here=$(cd "$(dirname "$0")" && pwd)
version=$1
directory=$2
results=$3
mkdir -p "$results"
results=$(cd "$results" && pwd)
: "${RP_TOOL:?}" "${TABLES:?}"
export RP_TOOL TABLES

one()
{
	local status=0
	"$here/compare.sh" "$version" "$1" "$results/$1" \
		>"$results/log.$BASHPID" 2>&1 || status=$?
	if [ $status = 0 ]; then
		rm -rf "${results:?}/$1"
	elif [ -s "$results/$1/differences" ]; then
		echo "$(wc -l <"$results/$1/differences") $1"
	else
		echo "? $1: $(head -n 1 "$results/log.$BASHPID")"
	fi
	rm -f "$results/log.$BASHPID"
}
export -f one
export here version results

cd "$directory" || exit 2
find . -name '*.o' -printf '%P\n' | sort >"$results/objects"
[ -s "$results/objects" ] || exit 2
# shellcheck disable=SC2016 # expands in the other shell
xargs -P 2 -I '{}' bash -c 'one "$1"' one '{}' <"$results/objects" \
	>"$results/summary"
echo "$(wc -l <"$results/objects") objects, $(wc -l <"$results/summary") differ"
[ ! -s "$results/summary" ]
