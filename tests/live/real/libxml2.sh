#!/bin/bash
# SPDX-License-Identifier: MIT
# xmllint's shell: the function that would be replaced is its loop, and never
# leaves the stack. Refused, and the process is as it was.
# shellcheck disable=SC2034,SC2119,SC2120 # shared with what is included
. "$(dirname "$0")/live.inc"

make_it()
{
	package libxml2
	advance CVE-2025-6170
	original
	keep
	cp "$source/.libs/xmllint" "$made/xmllint"
	payload shell
	fixed with-fix
}

built make_it
check "a payload" has_payload shell

# It reads commands from a pipe that this script holds open.
start_shell()
{
	rm -f "$tmp/commands"
	mkfifo "$tmp/commands" && exec {commands}<>"$tmp/commands" || exit 99
	echo '<a><b>t</b></a>' >"$tmp/document.xml"
	: >"$tmp/answers"
	"${bounded[@]}" env LD_LIBRARY_PATH="$1" stdbuf -oL "$made/xmllint" \
		--shell "$tmp/document.xml" <"$tmp/commands" \
		>>"$tmp/answers" 2>&1 {commands}>&- &
	pid=$!
	pids+=("$pid")
	tell pwd '/$' >/dev/null || unavailable "the server cannot run here"
	server_pids=("$pid")
}

# tell COMMAND ANSWER: the answer comes after what is there already
tell()
{
	local before
	before=$(wc -c <"$tmp/answers")
	echo "$1" >&"$commands"
	for _ in {1..500}; do
		gone "$pid" && return 1
		tail -c +$((before + 1)) "$tmp/answers" | grep -a -e "$2" && return
		sleep 0.02
	done
	return 1
}

# A word of 100 letters: all of it, with its end in what is padding in this
# build, or 99.
shell()
{
	local word answer
	word=$(printf 'z%.0s' {1..100})
	answer=$(tell "$word" 'Unknown command zzz*') || return
	answer=${answer##* }
	echo "${#answer} letters" >&2
	case ${#answer} in
	100) echo VULNERABLE ;;
	99) echo FIXED ;;
	esac
}

# Asked something all the time.
keep_asking()
{
	local n=0
	while [ ! -e "$tmp/enough" ]; do
		tell pwd '/$' >>"$tmp/asked" || echo lost >>"$tmp/lost"
		n=$((n + 1))
	done
}

names_it()
{
	grep -q -w -e 'xmlShell\(__internal_alias\)\?' "$tmp/patch.out" &&
	grep -q -w -e "$pid" "$tmp/patch.out" || {
		cat "$tmp/patch.out"
		return 1
	}
}

refused_check()
{
	repoint_patch 2 check "$pid" "$made/shell.rpp" && names_it
}

refused()
{
	local asking
	rm -f "$tmp/enough" "$tmp/lost"
	keep_asking &
	asking=$!
	pids+=("$asking")
	repoint_patch 2 apply --timeout 2 "$pid" "$made/shell.rpp"
	local status=$?
	touch "$tmp/enough"
	wait "$asking"
	[ $status = 0 ] && names_it && [ ! -e "$tmp/lost" ] && [ -s "$tmp/asked" ]
}

probe=shell
start_shell "$made/with-fix"
check 'shell: fixed, if built so' state FIXED
end_process "$pid"
start_shell "$made/running"
target=("$pid")
check 'shell: vulnerable' state VULNERABLE
snapshot before
check 'shell: said by a check' refused_check
check 'shell: refused after the timeout, and named' refused
check 'shell: vulnerable still' state VULNERABLE
check 'shell: not in the list' unlisted shell
check 'shell: nothing is left' unchanged before
# Done when it is asked for by name (it has two); the loop that runs is the old one.
function=$("$REPOINT" patch show "$made/shell.rpp" |
	grep -o -m 1 -w -e 'xmlShell\(__internal_alias\)\?')
check 'shell: allowed' patch_ok apply --allow-active "$function" "$pid" \
	"$made/shell.rpp"
check 'shell: in the list' listed shell
check 'shell: vulnerable as ever' state VULNERABLE

tap_end
