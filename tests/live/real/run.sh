#!/bin/bash
# SPDX-License-Identifier: MIT
# usage: run.sh CASE...    redis nginx expat memcached mosquitto tinyxml libxml2
#
# The tests of this directory by hand: RP_TOOL is the program repoint (default:
# that in build/), RP_REAL_CACHE and RP_REAL_BUILD keep what is fetched and built.
here=$(cd "$(dirname "$0")" && pwd)
export RP_REAL=1
export RP_TOOL=${RP_TOOL:-$(cd "$here/../../.." && pwd)/build/tools/repoint}
status=0
for case in "$@"; do
	if [ -f "$here/$case.sh" ] && [ "$case" != run ]; then
		"$BASH" "$here/$case.sh" || status=1
		continue
	fi
	sed -n '/^# usage/,/^[^#]/s/^# \{0,1\}//p' "$0" >&2
	exit 64
done
exit $status
