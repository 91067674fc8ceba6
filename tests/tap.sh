# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# TAP for test scripts: `. tests/tap.sh`, then check/skip, then tap_end.
#
#   check NAME COMMAND...   one test; its output is shown if it fails
#   ok NAME / not_ok NAME [FILE]
#   skip NAME REASON        the reason must be in scripts/known-skips.txt
#   skip_all REASON         instead of all of the script's tests
#
# Sets $tmp, a directory that is removed at the end.

tap_count=0
tap_failed=0

tmp=$(mktemp -d "${TMPDIR:-/tmp}/repoint-test.XXXXXX") || exit 99
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

ok()
{
	tap_count=$((tap_count + 1))
	echo "ok $tap_count - $1"
}

not_ok()
{
	tap_count=$((tap_count + 1))
	tap_failed=$((tap_failed + 1))
	echo "not ok $tap_count - $1"
	if [ -n "${2:-}" ]; then
		# Meson shows a TAP test's standard error only.
		{
			echo "$1:"
			head -n 40 "$2"
		} | sed 's/^/# /' >&2
	fi
}

skip()
{
	tap_count=$((tap_count + 1))
	echo "ok $tap_count - $1 # SKIP $2"
}

skip_all()
{
	echo "1..0 # SKIP $1"
	exit 0
}

check()
{
	tap_name=$1
	shift
	if "$@" >"$tmp/tap.log" 2>&1; then
		ok "$tap_name"
	else
		not_ok "$tap_name" "$tmp/tap.log"
	fi
}

# The plan comes last, so that a script that dies early has none and fails.
tap_end()
{
	echo "1..$tap_count"
	[ "$tap_failed" -eq 0 ]
	exit
}
