#!/bin/bash
# SPDX-License-Identifier: MIT
# libexpat inside two running programs, patched by the library's name.
# shellcheck disable=SC2034,SC2119,SC2120 # shared with what is included
. "$(dirname "$0")/live.inc"

make_it()
{
	package expat
	advance CVE-2024-50602
	original
	keep
	build_ours ${CC:-cc} -g -O2 -pthread -Iexpat/lib \
		-I"$RP_SOURCE/examples/live-patch" -o "$made/expatd" \
		"$live/expatd.c" "$RP_SOURCE/examples/live-patch/serve.c" \
		-Lexpat/lib/.libs -lexpat
	payload stop
	fixed with-fix
}

built make_it
check "a payload" has_payload stop

server_command()
{
	command=(env LD_LIBRARY_PATH="$library" "$made/expatd" "$1")
}

stop()
{
	[ "$(ask 'PARSE <a><b></a>\n')" = '0 2 mismatched tag' ] || return
	case $(ask 'STOP\n') in
	'1 0 none') echo VULNERABLE ;;
	'0 0 parser not started') echo FIXED ;;
	esac
}

stop_both()
{
	local all=
	for port in "${ports[@]}"; do
		all+=$(stop),
	done
	case $all in
	FIXED,FIXED,) echo FIXED ;;
	VULNERABLE,VULNERABLE,) echo VULNERABLE ;;
	esac
}

library=$made/with-fix
probe=stop
control stop
library=$made/running
start_server 1
ports=("$port")
start_server
ports+=("$port")
probe=stop_both
target=(--all-using "$library/libexpat.so.1")
check 'under load' start_load \
	-r 'PARSE <a x="%n"><b/><c>&amp;</c></a>\n=>1 3 none' \
	-r 'PARSE <a><b></a>\n=>0 2 mismatched tag' line "$port"
load_more 5000
cycle stop
finish_load

tap_end
