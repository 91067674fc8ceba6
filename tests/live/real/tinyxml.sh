#!/bin/bash
# SPDX-License-Identifier: MIT
# tinyxml: a virtual method with a cold part, in a C++ library that is in use.
# shellcheck disable=SC2034,SC2119,SC2120 # shared with what is included
. "$(dirname "$0")/live.inc"

make_it()
{
	package tinyxml
	advance CVE-2023-34194
	original
	keep
	build_ours ${CC:-cc} -g -O2 -c -o "$tmp/serve.o" \
		"$RP_SOURCE/examples/live-patch/serve.c"
	build_ours ${CXX:-g++} -g -O2 -pthread -I. -DTIXML_USE_STL \
		-I"$RP_SOURCE/examples/live-patch" -o "$made/tinyxmld" \
		"$live/tinyxmld.cpp" "$tmp/serve.o" ./libtinyxml.so.2.6.2
	payload decl
	fixed with-fix
}

built make_it
check "a payload" has_payload decl

server_command()
{
	command=(env LD_LIBRARY_PATH="$library" "$made/tinyxmld" "$1")
}

decl()
{
	[ "$(ask 'PARSE <?xml version="1.0"?><r/>\n')" = 'root r' ] || return
	case $(ask 'PARSE <?xml  \n') in
	'assertion failed') echo VULNERABLE ;;
	'error '* | 'root '*) echo FIXED ;;
	esac
}

probe=decl
library=$made/with-fix
control decl
library=$made/running
start_server
target=("$pid")
check 'under load' start_load \
	-r 'PARSE <?xml version="1.0" encoding="UTF-8"?><r%n><a/></r%n>\n=>root r%n' \
	-r 'PARSE <r\n=>error *' line "$port"
load_more 5000
cycle decl
finish_load

tap_end
