#!/bin/bash
# SPDX-License-Identifier: MIT
# redis gets a real fix while it works: the distribution's source package is
# fetched and built without the fix, which becomes a live patch. It takes a
# minute or two, and the network; make demo shows the same without.
#
# usage: demo-redis.sh       RP_TOOL: the program repoint (default: build/tools/)
#                            RP_REAL_CACHE: keeps what is fetched
# shellcheck disable=SC2034,SC2119,SC2120 # shared with what is included
set -u

RP_SOURCE=$(cd "$(dirname "$0")/.." && pwd)
. "$RP_SOURCE/examples/live-patch/demo.inc"
REPOINT=$repoint
expected=(VULNERABLE FIXED VULNERABLE FIXED)

unavailable()
{
	die "$1: this needs the source package of redis, which apt-get fetches
  where sources of Debian can be reached, and what is needed to build it (make,
  gcc, pkg-config, dpkg-dev). make demo shows the same with a server of its own."
}

unfixed()
{
	die "$1: there is nothing to show with it"
}

server_command()
{
	command=("$binary" --port "$1" --bind 127.0.0.1 --dir "$tmp"
		--save "" --appendonly no --daemonize no)
}

# A HyperLogLog of 262145 runs of 16384 zeros: their sum is 2^32 too much, and
# passes for 16384, the right number. Reading it does no harm.
send_object()
{
	local runs=262145
	printf '*3\r\n$3\r\nSET\r\n$5\r\nprobe\r\n$%d\r\n' $((16 + 2 * runs))
	printf 'HYLL\1\0\0\0\0\0\0\0\0\0\0\200'
	yes $'\x7f\xff' | tr -d '\n' | head -c $((2 * runs))
	printf '\r\nPFCOUNT probe\r\nDEL probe\r\nQUIT\r\n'
}

probe()
{
	local answer
	exec 3<>"/dev/tcp/127.0.0.1/$port" || die "redis does not answer"
	LC_ALL=C send_object >&3
	answer=$(timeout 20 cat <&3 | tr -d '\r' | sed -n 2p)
	exec 3>&-
	exchange 'PFCOUNT probe' "$answer"
	case $answer in
	:*) verdict VULNERABLE "the broken object is taken for a good one" ;;
	-INVALIDOBJ*) verdict FIXED "" ;;
	*) verdict UNKNOWN "" ;;
	esac
}

. "$RP_SOURCE/tests/patch-real/debian.inc"

say 'redis, as the distribution has it, but for one fix (a minute or two):'
package redis >/dev/null
advance CVE-2025-32023 >/dev/null
quote "$(newest_dsc redis | sed 's|.*/||')"
quote "without ${fix##*/}"
original
keep
start_server
command_line "running/redis-server --port $port &"
quote "process $pid"
echo

say 'Eight connections ask it all the time, HyperLogLogs included. One more has
stored a broken one, whose numbers overflow:'
start_load -H -r 'PING\r\n=>+PONG' -r 'SET load:%c %n\r\n=>+OK' \
	-r 'GET load:%c\r\n=>$%n' -r 'PFADD hll:%c a b c\r\n=>:*' \
	-r 'PFCOUNT hll:%c\r\n=>:3' redis "$port" ||
	die "the load does not start" "$tmp/load.err"
load_more 20000
probe

say 'A live patch is made of the fix, with the command that built redis:'
cd "$tmp" || exit 1
ln -s "$fix" CVE-2025-32023.patch
run "$repoint" patch build --source redis --patch CVE-2025-32023.patch \
	--binary running/redis-server -- "${build[@]}"
echo

say 'Applied to the process that runs:'
load_phase during
patch_process apply "$pid" CVE-2025-32023.rpp
probe
run "$repoint" patch list "$pid"
echo
load_more 20000

say 'Taken away, and put back:'
patch_process revert "$pid" CVE-2025-32023
probe
patch_process replace "$pid" CVE-2025-32023.rpp
probe

load_phase after
load_more 20000
summary
