#!/bin/bash
# SPDX-License-Identifier: MIT
# Builds and tests Repoint in each configuration that counts, and adds up.
#
# usage: check.sh [STAGE...]     default: all of them
#
#   gcc    everything, in build/
#   clang  everything but the tests of suite "once", in build-clang/
#   asan   suites "unit" and "asan" under ASan and UBSan, in build-asan/
#   fuzz   each fuzz target for RP_FUZZ_TIME seconds, in build-fuzz/
#
# Environment:
#   JOBS             parallel jobs (default: processors)
#   RP_CI            if 1: warnings and unexpected skips are errors
#   RP_CHECK_BUDGET  seconds for all of it (default 3600); what has not run
#                    by then fails
#   RP_FUZZ_TIME     seconds for each fuzz target (default 20)
#   RP_CHECK_TOTAL   file for the last line, instead of standard output
#
# The last line is "N passed, N failed[, N skipped]"; TAP subtests count one
# by one, a build that fails counts as one. Interrupted, it stops what it
# started and exits with 130.
set -u

cd "$(dirname "$0")/.." || exit 1

jobs=${JOBS:-$(nproc)}
ci=${RP_CI:-0}
budget=${RP_CHECK_BUDGET:-3600}
fuzz_time=${RP_FUZZ_TIME:-20}
passed=0 failed=0 skipped=0
child=

# Marks all that this run starts, however deep, so that it can be found.
export RP_CHECK_RUN="$$-$EPOCHSECONDS"

tmp=$(mktemp -d) || exit 1
: >"$tmp/skips"
: >"$tmp/failures"

say()
{
	echo
	echo "== $*"
}

# Sets $left to the processes of this run that exist. This shell is not one of
# them, since /proc shows the environment that a process was started with; nor
# is what is started here, after the list of processes was made.
find_left()
{
	local files=(/proc/[0-9]*/environ)
	left=$(grep -lzsxF "RP_CHECK_RUN=$RP_CHECK_RUN" "${files[@]}")
	left=${left//\/proc\//}
	left=${left//\/environ/}
}

kill_left()
{
	local pid
	find_left
	for pid in $left; do
		kill -KILL "$pid" 2>/dev/null
	done
}

finish()
{
	kill_left
	rm -rf "$tmp"
}
trap finish EXIT

interrupted()
{
	trap '' INT TERM HUP
	echo
	echo "check.sh: interrupted"
	if [ -n "$child" ]; then
		kill -TERM "$child" 2>/dev/null
		wait "$child" 2>/dev/null
	fi
	exit 130
}
trap interrupted INT TERM HUP

# In the background, so that a signal is handled now and not when COMMAND ends;
# `timeout` passes it on.
run()
{
	local left=$((budget - SECONDS)) status
	[ "$left" -gt 0 ] || left=1
	timeout -k 10 "$left" "$@" </dev/null &
	child=$!
	wait "$child"
	status=$?
	child=
	if [ "$SECONDS" -ge "$budget" ]; then
		echo "check.sh: error: the budget of $budget s is used up"
	fi
	return "$status"
}

fail()
{
	failed=$((failed + 1))
	echo "$1" >>"$tmp/failures"
}

# setup STAGE DIR OPTION...; CC and CXX from the environment
setup()
{
	local stage=$1 dir=$2 werror=false
	shift 2
	[ "$ci" != 1 ] || werror=true
	set -- "$dir" "-Dwerror=$werror" "$@"
	[ ! -f "$dir/build.ninja" ] || set -- --reconfigure "$@"
	say "$stage: build in $dir/"
	if ! run meson setup "$@" >"$tmp/setup" 2>&1; then
		cat "$tmp/setup"
		fail "$stage: meson setup $dir"
		return 1
	fi
}

# build STAGE DIR OPTION...: all of it
build()
{
	setup "$@" || return
	if ! run ninja -C "$2" -j "$jobs" --quiet; then
		fail "$1: build in $2/"
		return 1
	fi
}

# Servers and threads of a test that ends normally are its own business: what
# is still there a moment later would be there for ever.
report_left()
{
	local pid
	find_left
	[ -n "$left" ] || return 0
	sleep 1
	find_left
	[ -n "$left" ] || return 0
	for pid in $left; do
		echo "left running: $pid $(tr '\0' ' ' 2>/dev/null \
			<"/proc/$pid/cmdline")"
	done
	fail "$1: tests left processes running"
	kill_left
}

# count STAGE DIR LOGBASE
count()
{
	local counts p f s unknown
	counts=$(scripts/testlog.py "$@" scripts/known-skips.txt \
		"$tmp/skips" "$tmp/failures") || counts="0 0 0 0"
	read -r p f s unknown <<<"$counts"
	passed=$((passed + p))
	failed=$((failed + f))
	skipped=$((skipped + s))
	# Also when it broke off before the first test.
	[ $((p + f + s)) -gt 0 ] || fail "$1: no test ran"
	if [ "$ci" = 1 ] && [ "$unknown" -gt 0 ]; then
		failed=$((failed + unknown))
		skipped=$((skipped - unknown))
		grep "^unexpected: $1: " "$tmp/skips" |
			sed 's/^unexpected: \(.*\)/\1 (unexpected skip)/' \
			>>"$tmp/failures"
	fi
	echo "$1: $p passed, $f failed, $s skipped"
	meson_failed_alone=$((f == 0))
}

# tests STAGE DIR OPTION...: Meson builds what these need and is not there.
tests()
{
	local stage=$1 dir=$2 status
	shift 2
	say "$stage: tests"
	rm -f "$dir/meson-logs/check.json"
	run meson test -C "$dir" --logbase check \
		--num-processes "$jobs" --print-errorlogs "$@"
	status=$?
	count "$stage" "$dir" check
	if [ "$status" -ne 0 ] && [ "$meson_failed_alone" = 1 ]; then
		fail "$stage: meson test: exit status $status"
	fi
	report_left "$stage"
}

stage_gcc()
{
	CC=gcc CXX=g++ build gcc build && tests gcc build
}

stage_clang()
{
	CC=clang CXX=clang++ build clang build-clang &&
		tests clang build-clang --no-suite once
}

# Undefined behaviour ends the test: a message in a log is read by nobody.
# Not all can be built: programs that must not have sanitizers cannot link a
# library that has them.
stage_asan()
{
	CC=gcc CXX=g++ CFLAGS=-fno-sanitize-recover=all \
		CXXFLAGS=-fno-sanitize-recover=all setup asan build-asan \
		-Db_sanitize=address,undefined -Db_lundef=false \
		-Dbench=false -Dexamples=false &&
		tests asan build-asan --suite unit --suite asan -t 3
}

# Everything is built for coverage; the targets link the fuzzer itself.
stage_fuzz()
{
	local target flags="-fsanitize=fuzzer-no-link -fno-sanitize-recover=all"
	local targets=0
	CC=clang CXX=clang++ CFLAGS=$flags CXXFLAGS=$flags \
		build fuzz build-fuzz -Dfuzz=true \
		-Db_sanitize=address,undefined -Db_lundef=false \
		-Dtests=false -Dbench=false -Dexamples=false || return
	for target in build-fuzz/fuzz/fuzz[-_]*; do
		if [ -f "$target" ] && [ -x "$target" ]; then
			fuzz_one "$target"
			targets=$((targets + 1))
		fi
	done
	[ "$targets" -gt 0 ] || fail "fuzz: no target was built"
	report_left fuzz
}

fuzz_one()
{
	local name=${1##*/}
	say "fuzz: $name for $fuzz_time s"
	if run scripts/fuzz.sh "$1" "$fuzz_time" >"$tmp/fuzz" 2>&1; then
		tail -n 1 "$tmp/fuzz"
		passed=$((passed + 1))
	else
		cat "$tmp/fuzz"
		fail "fuzz: $name"
	fi
}

total()
{
	local line="$passed passed, $failed failed"
	[ "$skipped" -eq 0 ] || line="$line, $skipped skipped"
	if [ -n "${RP_CHECK_TOTAL:-}" ]; then
		echo "$line" >"$RP_CHECK_TOTAL"
	else
		echo "$line"
	fi
}

summary()
{
	if [ -s "$tmp/skips" ]; then
		say "skipped"
		sort "$tmp/skips" | uniq -c | sed 's/^ *1 //'
	fi
	if [ -s "$tmp/failures" ]; then
		say "failed"
		cat "$tmp/failures"
	fi
	echo
	echo "took $SECONDS s"
}

for stage in "${@:-gcc}"; do
	case $stage in
	gcc | clang | asan | fuzz) ;;
	*) sed -n '/^# usage/,/^[^#]/s/^# \{0,1\}//p' "$0" >&2; exit 64 ;;
	esac
done
[ $# -gt 0 ] || set -- gcc clang asan fuzz

for stage; do
	"stage_$stage"
done
summary
total
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
