#!/bin/sh
# SPDX-License-Identifier: MIT
# Builds a fuzz target and runs it: fuzz/run.sh SECONDS [DIRECTORY]
# FUZZ_TARGET says which: annotate (if not given) or check.
#
# With clang that is libFuzzer under ASan and UBSan, and DIRECTORY keeps what
# it finds; without, the driver that mutates at random, under gcc's sanitizers.
set -eu
seconds=${1:?usage: fuzz/run.sh SECONDS [DIRECTORY]}
target=${FUZZ_TARGET:-annotate}
root=$(cd "$(dirname "$0")/.." && pwd)
if [ $# -ge 2 ]; then
	mkdir -p "$2"
	work=$(cd "$2" && pwd)
else
	work=$(mktemp -d)
	trap 'rm -rf "$work"' EXIT
fi

flags="-std=gnu11 -g -O1 -I$root/include -fno-omit-frame-pointer"
libs="-lelf -ldw -lZydis"
export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1

case $target in
annotate) "$root/fuzz/corpus.sh" "$work/seeds" ;;
check) "$root/fuzz/corpus-check.sh" "$work/seeds" ;;
*) echo "fuzz/run.sh: no target $target" >&2; exit 64 ;;
esac
if command -v clang >/dev/null; then
	clang $flags -fsanitize=fuzzer,address,undefined -o "$work/$target" \
		"$root/fuzz/$target.c" "$root"/object/*.c "$root"/object/*/*.c $libs
	mkdir -p "$work/corpus"
	"$work/$target" -max_total_time="$seconds" -timeout=10 \
		-rss_limit_mb=2048 -max_len=65536 -print_final_stats=1 \
		-artifact_prefix="$work/" "$work/corpus" "$work/seeds"
else
	gcc $flags -fsanitize=address,undefined -o "$work/$target" \
		"$root/fuzz/$target.c" "$root/fuzz/driver.c" \
		"$root"/object/*.c "$root"/object/*/*.c $libs
	end=$(($(date +%s) + seconds))
	seed=$(date +%s)
	while [ "$(date +%s)" -lt "$end" ]; do
		"$work/$target" -s "$seed" -n 20000 "$work"/seeds/*.o
		seed=$((seed + 1))
	done
fi
echo "fuzz: $seconds seconds, nothing found"
