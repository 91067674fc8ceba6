#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs one libFuzzer target for a while, from objects that fuzz/corpus.sh makes
# and what earlier runs kept. Exit status 0 if nothing was found.
#
# usage: fuzz.sh TARGET SECONDS       TARGET: a program in BUILD/fuzz/
set -u

[ $# -eq 2 ] || {
	echo "usage: fuzz.sh TARGET SECONDS" >&2
	exit 64
}
target=$1
seconds=$2
dir=$(dirname "$target")
kept=$dir/corpus-${target##*/}
seeds=$dir/seeds
tool=$dir/../tools/repoint

mkdir -p "$kept" || exit 1
if [ ! -d "$seeds" ]; then
	[ ! -x "$tool" ] || export REPOINT="$tool"
	"$(dirname "$0")/../fuzz/corpus.sh" "$seeds.new" &&
		mv "$seeds.new" "$seeds" || exit 1
fi

# An input that takes 10 s is a finding: real objects take milliseconds.
exec "$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 \
	-max_len=65536 -print_final_stats=1 -artifact_prefix="$kept-" \
	"$kept" "$seeds"
