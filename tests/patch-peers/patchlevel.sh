#!/bin/bash
# SPDX-License-Identifier: MIT
# libcareplus patchlevel: a payload on top of another one, and one instead of it.
set -u

here=$(cd "$(dirname "$0")" && pwd)
RP_SOURCE=${RP_SOURCE:-$(cd "$here/../.." && pwd)}
# shellcheck source=../tap.sh
. "$RP_SOURCE/tests/tap.sh"
REPOINT=${REPOINT:-${RP_TOOL:?RP_TOOL names the program repoint}}
[ "$(uname -m)" = x86_64 ] || skip_all "no payloads for this architecture"
cd "$tmp" || exit 99
CC=${CC:-cc}

cat >level.c <<'EOT'
#include "peers.h"

#if LEVEL >= 1
static int fresh = 3;

NOINLINE void change(int n)
{
	fresh += n;
}
#endif

NOINLINE int other(int n)
{
#if LEVEL >= 2
	n ^= fresh + trace[2];
#endif
	return trace[1] + n;
}

int work(int n)
{
#if LEVEL >= 1
	change(n);
	n *= fresh;
#endif
	return trace[0] + other(n);
}
EOT

for level in 0 1 2; do
	$CC -g -O2 -fPIE -ffunction-sections -fdata-sections -I"$here" \
		-DLEVEL=$level -c level.c -o $level.o || exit 99
done
$CC -g -O2 -fPIE -pie -I"$here" -Wl,--build-id level.c "$here/start.c" \
	-o binary || exit 99

# payload OUT OLD NEW [OPTION...]
payload()
{
	local out=$1 old=$2 new=$3
	shift 3
	"$REPOINT" patch diff --binary binary --output "$out" --name "${out%.rpp}" \
		--json "$@" "$old" "$new" >"$out.json" &&
	"$REPOINT" patch show --json "$out" >"$out.show"
}

# lists FILE KIND NAME...: these, and no others
lists()
{
	local file=$1 kind=$2 got
	shift 2
	got=$(sed -n "s/.*\"kind\": \"$kind\", \"name\": \"\([^\"]*\)\".*/\1/p" \
		"$file" | sort | tr '\n' ' ')
	[ "$got" = "$(printf '%s\n' "$@" | sort | tr '\n' ' ')" ] || {
		echo "$kind: $got"
		cat "$file"
		return 1
	}
}

identity()
{
	sed -n 's/^  "identity": "\(.*\)",/\1/p' "$1.show"
}

depends_on()
{
	sed -n '/"depends"/,$p' "$1.show" >depends
	if [ $# = 1 ]; then
		! grep identity depends
	else
		grep "\"identity\": \"$(identity "$2")\"" depends
	fi
}

first()
{
	payload one.rpp 0.o 1.o && lists one.rpp.json replaced work &&
	lists one.rpp.json data fresh && depends_on one.rpp
}

# Its variable is the first one's, which has a value by then.
on_top()
{
	payload two.rpp 1.o 2.o --after one.rpp &&
	lists two.rpp.json replaced other && ! grep '"kind": "data"' two.rpp.json &&
	lists two.rpp.show payload fresh && depends_on two.rpp one.rpp
}

instead()
{
	payload all.rpp 0.o 2.o && lists all.rpp.json replaced other work &&
	lists all.rpp.json data fresh && depends_on all.rpp
}

# Without the first one there is no such variable.
without()
{
	local status=0
	payload bad.rpp 1.o 2.o >log 2>&1 || status=$?
	cat bad.rpp.json
	[ "$status" = 2 ] && grep 'RP0714.*fresh' bad.rpp.json
}

check 'the first level' first
check 'the second on top of it: bound to it, and depends on it' on_top
check 'the second instead of it' instead
check 'the second without it: refused' without

tap_end
