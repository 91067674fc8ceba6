#!/bin/sh
# SPDX-License-Identifier: MIT
# Instructions in each turn of each loop, by callgrind: "symbol count" a line.
#
# usage: counts.sh REPOINT-BENCH     exit status 77 if valgrind is missing
#
# Each loop is called by bench_count_few() with 1000 turns and by
# bench_count_many() with 4000; callgrind knows what was spent below each.
set -u

[ $# -eq 1 ] || { echo "usage: counts.sh REPOINT-BENCH" >&2; exit 64; }
if ! command -v valgrind >/dev/null 2>&1; then
	echo "SKIP: valgrind is not installed: no instruction counts" >&2
	exit 77
fi

tmp=$(mktemp -d "${TMPDIR:-/tmp}/repoint-bench.XXXXXX") || exit 1
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# Some versions of valgrind give up on newer debugging information; the names of
# functions are all that is needed.
dir=$(dirname "$1")
for file in "$1" "$dir/libbench-far.so"; do
	if ! strip -g -o "$tmp/${file##*/}" "$file"; then
		echo "counts.sh: error: $file cannot be stripped" >&2
		exit 1
	fi
done

# --smc-check: text changes while the program runs, which valgrind would not
# expect of a file.
if ! valgrind --tool=callgrind --smc-check=all --compress-strings=no \
	--compress-pos=no --dump-line=no \
	--callgrind-out-file="$tmp/out" "$tmp/${1##*/}" --count \
	>"$tmp/log" 2>&1; then
	cat "$tmp/log" >&2
	echo "counts.sh: error: callgrind failed (above)" >&2
	exit 1
fi

# "fn=" caller, "cfn=" callee, "calls=", then a line that ends in what the
# callee cost, what it called included.
awk '
/^fn=/ { caller = substr($0, 4) }
/^cfn=/ { callee = substr($0, 5); sub(/\(.*/, "", callee) }
/^calls=/ {
	getline
	if (caller ~ /^bench_count_few/)
		few[callee] += $NF
	if (caller ~ /^bench_count_many/)
		many[callee] += $NF
}
END {
	for (callee in many) {
		printf "%s %.3f\n", callee, (many[callee] - few[callee]) / 3000
		nr++
	}
	exit !nr
}' "$tmp/out" | sort
