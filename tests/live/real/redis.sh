#!/bin/bash
# SPDX-License-Identifier: MIT
# redis: two fixes, each alone, one on top of the other, and both as one.
# shellcheck disable=SC2034,SC2119,SC2120 # shared with what is included
. "$(dirname "$0")/live.inc"

make_it()
{
	package redis
	advance CVE-2024-51741
	original
	keep
	payload acl
	look_for CVE-2025-32023
	payload hll "$found"
	payload both "$fix" "$found"
	patch -d "$source" -p1 -s -f <"$found" || exit 99
	fixed with-fix
}

built make_it
for name in acl hll both; do
	check "a payload: $name" has_payload $name
done

server_command()
{
	command=("$binary" --port "$1" --bind 127.0.0.1 --dir "$tmp"
		--save "" --appendonly no --daemonize no)
}

# A selector of keys that names no permission.
acl()
{
	case $(ask 'ACL SETUSER probe off %%\r\nACL DELUSER probe\r\n') in
	+OK) echo VULNERABLE ;;
	-*'Syntax error'*) echo FIXED ;;
	esac
}

# A sparse HyperLogLog whose run lengths are 2^32 + 2^14 in all; reading it does
# no harm.
runs()
{
	yes $'\x7f\xff' | tr -d '\n' | head -c $((2 * 262145))
}

hll()
{
	local size=$((16 + 2 * 262145)) answers
	exec 3<>"/dev/tcp/127.0.0.1/$port" || return
	{
		printf '*3\r\n$3\r\nSET\r\n$5\r\nprobe\r\n$%d\r\n' $size
		printf 'HYLL\1\0\0\0\0\0\0\0\0\0\0\200'
		runs
		printf '\r\nPFCOUNT probe\r\nDEL probe\r\nQUIT\r\n'
	} >&3
	answers=$(timeout 20 cat <&3)
	exec 3>&-
	echo "$answers" >&2
	case $answers in
	+OK*-INVALIDOBJ*) echo FIXED ;;
	+OK*:0*) echo VULNERABLE ;;
	esac
}

# The functions that are replaced are in the load, too.
put_under_load()
{
	start_load "$@" -r 'PING\r\n=>+PONG' \
		-r 'SET load:%c %n\r\n=>+OK' -r 'GET load:%c\r\n=>$%n' \
		-r 'PFADD hll:%c a b c\r\n=>:*' -r 'PFCOUNT hll:%c\r\n=>:3' \
		-r 'PFMERGE sum:%c hll:%c\r\n=>+OK' \
		-r 'ACL SETUSER load%c off %R~x\r\n=>+OK' redis "$port"
}

binary=$made/with-fix/redis-server
for probe in acl hll; do
	control $probe
done
binary=$made/running/redis-server
start_server
target=("$pid")
check 'under load' put_under_load
load_more 5000
for probe in acl hll; do
	cycle $probe
done

# with both: state_of_both ACL HLL
state_of_both()
{
	local probe
	probe=acl && state "$1" && probe=hll && state "$2"
}

load_phase stacked
step 'two: the first' patch_ok apply "$pid" "$made/acl.rpp"
step 'two: one is fixed' state_of_both FIXED VULNERABLE
step 'two: the second' patch_ok apply "$pid" "$made/hll.rpp"
step 'two: both are fixed' state_of_both FIXED FIXED
step 'two: the second goes' patch_ok revert "$pid" hll
step 'two: the first stays' state_of_both FIXED VULNERABLE
step 'two: both as one, instead' patch_ok replace "$pid" "$made/both.rpp"
step 'two: both are fixed again' state_of_both FIXED FIXED
step 'two: the first is not in the list' unlisted acl
step 'two: what replaced it is' listed both
step 'two: reverted' patch_ok revert "$pid" both
step 'two: as before' state_of_both VULNERABLE VULNERABLE
step 'two: memory and threads as before' unchanged before
finish_load

tap_end
