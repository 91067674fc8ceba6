#!/bin/bash
# SPDX-License-Identifier: MIT
# What `make bench` patches with RP_REAL=1: redis, as the distribution has it but
# for one fix, and that fix as a live patch.
#
# usage: bench-redis.sh DIRECTORY   redis-server and redis.rpp are put there
#                                   RP_TOOL: the program repoint
#                                   RP_REAL_CACHE: keeps what is fetched
# shellcheck disable=SC2034 # shared with what is included
set -u

[ $# -eq 1 ] || { echo "usage: bench-redis.sh DIRECTORY" >&2; exit 64; }
RP_SOURCE=$(cd "$(dirname "$0")/.." && pwd)
REPOINT=${RP_TOOL:-$RP_SOURCE/build/tools/repoint}
tmp=$(mktemp -d "${TMPDIR:-/tmp}/repoint-redis.XXXXXX") || exit 1
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

unavailable()
{
	echo "${0##*/}: error: $1: the source package of redis is fetched by
  apt-get, and built; without RP_REAL=1 this part is left out" >&2
	exit 1
}

unfixed()
{
	unavailable "$1"
}

. "$RP_SOURCE/tests/patch-real/debian.inc"
package redis
advance CVE-2025-32023
original
keep
payload redis
[ "$(cat "$tmp/redis.status")" = 0 ] || {
	cat "$tmp/redis.log" >&2
	exit 1
}
mkdir -p "$1" && cp "$binary" "$tmp/redis.rpp" "$1"
