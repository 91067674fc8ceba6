#!/bin/bash
# SPDX-License-Identifier: MIT
# The kernel's objtool and ours on the same objects, in the same run.
#
# usage: bench/object-check.sh VERSION OBJTOOL DIRECTORY [BUILD]
#
# VERSION is 6.1 or 6.12, DIRECTORY has objects of that kernel as the compiler
# made them (tests/kernel-objects/kernel.sh builds some). Neither tool writes what
# it made. Figures are of this machine as it is now: let it do nothing else.
set -eu
version=$1
objtool=$2
directory=$3
build=${4:-build}
rounds=${ROUNDS:-5}
tool=$build/tools/repoint
run=$build/bench/object-check-bench
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

mapfile -t objects < <(find "$directory" -name '*.o' | sort)
theirs="$objtool --hacks=jump_label --hacks=noinstr --orc --retpoline --rethunk --static-call --uaccess --dry-run"
ours="$tool object orc --abi linux-$version -n -j 1"
check="$tool object check --abi linux-$version --only stack,alternatives,retpoline -q -j 1"

echo "one process for each of ${#objects[@]} objects, mean of one:"
"$run" "$rounds" "$theirs" "$ours" "${objects[@]}"
"$run" "$rounds" "$theirs" "$check" "${objects[@]}"

echo "all of them in one call (ours), in ms:"
for jobs in 1 2; do
	start=${EPOCHREALTIME/./}
	$tool object orc --abi "linux-$version" -n -j $jobs "${objects[@]}" >/dev/null 2>&1 || :
	echo "-j $jobs: $(((${EPOCHREALTIME/./} - start) / 1000))"
done

echo "ld -r of all:"
ld -r "${objects[@]}" -o "$work/all.o" --allow-multiple-definition
"$run" "$rounds" "$theirs --link" "$ours" "$work/all.o"
