#!/bin/bash
# SPDX-License-Identifier: MIT
# mosquitto: one constant, in the function that reads every packet.
# shellcheck disable=SC2034,SC2119,SC2120 # shared with what is included
. "$(dirname "$0")/live.inc"

make_it()
{
	package mosquitto
	advance CVE-2023-0809
	original
	keep
	payload first
	fixed with-fix
}

built make_it
check "a payload" has_payload first

server_command()
{
	printf '%s\n' "listener $1 127.0.0.1" 'allow_anonymous true' \
		"user $(id -un)" 'log_type error' >"$tmp/mosquitto.conf"
	command=("$binary" -c "$tmp/mosquitto.conf")
}

# A connection that begins with the head of a PUBLISH: closed, or is the rest
# waited for?
first()
{
	local status
	exec 3<>"/dev/tcp/127.0.0.1/$port" || return
	printf '\x30\x80\x01' >&3
	read -r -t 1 -N 1 <&3
	status=$?
	exec 3>&-
	echo "status $status" >&2
	if [ $status -gt 128 ]; then
		echo VULNERABLE
	else
		echo FIXED
	fi
}

probe=first
binary=$made/with-fix/mosquitto
control first
binary=$made/running/mosquitto
start_server
target=("$pid")
check 'under load' start_load mqtt "$port"
load_more 5000
cycle first
finish_load

tap_end
