#!/bin/bash
# SPDX-License-Identifier: MIT
# memcached: a static callback that a library has the address of.
# shellcheck disable=SC2034,SC2119,SC2120 # shared with what is included
. "$(dirname "$0")/live.inc"

make_it()
{
	package memcached
	advance CVE-2026-47783
	original
	keep
	payload sasl
	fixed with-fix
}

built make_it
check "a payload" has_payload sasl

# Two passwords of one user. One thread serves: the library has no locks unless it
# is given some, and this program gives it none.
server_command()
{
	local user=()
	[ "$(id -u)" != 0 ] || user=(-u root)
	mkdir -p "$tmp/sasl"
	echo "mech_list: plain" >"$tmp/sasl/memcached.conf"
	printf 'probe@x:one%s\n' 11 22 >"$tmp/passwords"
	command=(env SASL_CONF_PATH="$tmp/sasl"
		MEMCACHED_SASL_PWDB="$tmp/passwords"
		"$binary" -S "${user[@]}" -l 127.0.0.1 -p "$1" -U 0 -t 1)
}

# Escapes of a request: a login with this password of five letters.
login()
{
	local header='\x80\x21\x00\x05\x00\x00\x00\x00\x00\x00\x00\x13'
	local zeros='\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00'
	echo "$header${zeros}PLAIN\x00probe@x\x00$1"
}

status()
{
	local answer
	exec 3<>"/dev/tcp/127.0.0.1/$port" || return
	# shellcheck disable=SC2059 # for its escapes
	printf "$(login "$1")" >&3
	answer=$(timeout 20 head -c 8 <&3 | od -An -tx1 | tr -d ' ')
	exec 3>&-
	echo "$1: $answer" >&2
	echo "${answer:12}"
}

# Before, the first line of a user is the last that is looked at.
sasl()
{
	[ "$(status one11)" = 0000 ] && [ "$(status one33)" = 0020 ] || return
	case $(status one22) in
	0000) echo FIXED ;;
	0020) echo VULNERABLE ;;
	esac
}

# A value is set, it is read; again and again.
put_under_load()
{
	start_load -b "$(login one11)=>21 0000 Authenticated" \
		-r '\x80\x01\x00\x07\x08\x00\x00\x00\x00\x00\x00\x17\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00load%c%n=>01 0000 ' \
		-r '\x80\x00\x00\x07\x00\x00\x00\x00\x00\x00\x00\x07\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00load%c=>00 0000 %n' \
		memcached "$port"
}

# A connection can log in once. So here is one after the other, for the function
# that is replaced.
keep_coming()
{
	while [ ! -e "$tmp/enough" ]; do
		[ "$(status one11 2>/dev/null)" = 0000 ] || echo lost
	done >"$tmp/lost"
}

none_lost()
{
	touch "$tmp/enough"
	wait "$coming" && [ ! -s "$tmp/lost" ]
}

probe=sasl
binary=$made/with-fix/memcached
start_server
[ "$(status one11 2>/dev/null)" = 0000 ] || {
	skip "all that logs in" "the server cannot run here"
	tap_end
}
end_process "$pid"
control sasl
binary=$made/running/memcached
start_server
target=("$pid")
check 'under load' put_under_load
load_more 5000
keep_coming &
coming=$!
pids+=("$coming")
cycle sasl
check 'sasl: who came meanwhile could log in' none_lost
finish_load

tap_end
