#!/bin/sh
# SPDX-License-Identifier: MIT
# The whole benchmark: what `make bench` runs.
#
# usage: run.sh BUILD-DIRECTORY
#
# With RP_REAL=1 redis is fetched, built and patched under load, too; with
# RP_KERNEL_OBJECTS=DIRECTORY objects are those of a kernel 6.1, as its compiler
# made them, all in that directory.
#
# Prints the tables; writes bench.json there and, from it, benchmarks.md (the
# page docs/benchmarks.md with these figures) and plots/.
set -u

[ $# -eq 1 ] || { echo "usage: run.sh BUILD-DIRECTORY" >&2; exit 64; }
build=$1
dir=$build/bench
counts=$build/bench-counts.txt
json=$build/bench.json
source=$(cd "$(dirname "$0")/.." && pwd) || exit 1

for program in repoint-bench repoint-bench-sites repoint-bench-alternatives; do
	if [ ! -x "$dir/$program" ]; then
		echo "run.sh: error: $dir/$program is missing: run make bench" >&2
		exit 1
	fi
done

set --
if "$source/bench/counts.sh" "$dir/repoint-bench" >"$counts"; then
	set -- --counts "$counts"
fi
if [ "${RP_REAL:-0}" = 1 ]; then
	RP_TOOL=$build/tools/repoint "$source/scripts/bench-redis.sh" \
		"$build/redis" || exit
	set -- "$@" --redis "$build/redis"
fi
if [ -n "${RP_KERNEL_OBJECTS:-}" ]; then
	set -- "$@" --objects "$RP_KERNEL_OBJECTS"
fi
"$dir/repoint-bench" "$@" --json "$json" || exit
echo
echo "$json written"
if command -v python3 >/dev/null 2>&1; then
	"$source/scripts/plot.py" "$json" "$build" || exit
	echo "$build/benchmarks.md and $build/plots/ written; scripts/plot.py $json" \
		"puts them into docs/"
fi
