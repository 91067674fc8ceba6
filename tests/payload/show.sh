#!/bin/bash
# SPDX-License-Identifier: MIT
# `repoint patch show`: a payload, and old code beside new.
#
# usage: show.sh CRAFT REPACK
set -u
. "$RP_SOURCE/tests/tap.sh"
craft=$1
repack=$2

cat >"$tmp/prog.c" <<'EOC'
#include <stdio.h>
#include <string.h>
int limit = 100;
#ifdef FIX
static __attribute__((noinline)) int is_bad(int n) { return n < 0 || n > 9; }
#endif
__attribute__((noinline)) int handle(int n, const char *s)
{
#ifdef FIX
	if (is_bad(n))
		return puts("a bad number");
#endif
	return strlen(s) > (size_t)limit ? puts("too long") : n;
}
int main(int c, char **v) { return handle(c, v[0]); }
EOC

# has FILE PATTERN...: each one is in the file
has()
{
	local file=$1 pattern
	shift
	for pattern; do
		grep -qE -- "$pattern" "$file" ||
			{ echo "no $pattern in:"; cat "$file"; return 1; }
	done
}

# shows NAME ARGUMENT...: into $tmp/NAME
shows()
{
	local name=$1
	shift
	"$RP_TOOL" patch show "$@" >"$tmp/$name"
}

# fails STATUS PATTERN ARGUMENT...
fails()
{
	local status=$1 pattern=$2 got=0
	shift 2
	"$RP_TOOL" patch show "$@" >"$tmp/out" 2>"$tmp/err" || got=$?
	[ "$got" -eq "$status" ] && has "$tmp/err" "$pattern"
}

narrow()
{
	COLUMNS=80 shows narrow --binary "$tmp/prog" "$tmp/prog.rpp" &&
	! grep -nE '^.{81}' <(sed -n '/: old | new$/,$p' "$tmp/narrow")
}

json_is_json()
{
	shows json --json --binary "$tmp/prog" "$tmp/prog.rpp" &&
	"$python" -m json.tool "$tmp/json" /dev/null
}

# Only what differs is marked: the call of is_bad and what depends on it.
same_lines()
{
	[ "$(grep -cE 'call strlen +call|call strlen +[0-9a-f]+  call strlen$' \
		"$tmp/code")" -ge 1 ]
}

build()
{
	"${CC%% *}" -O2 -Wl,--build-id "$tmp/prog.c" -o "$tmp/prog" &&
	"${CC%% *}" -O2 -Wl,--build-id -DOTHER=1 -O1 "$tmp/prog.c" \
		-o "$tmp/other" &&
	"${CC%% *}" -O2 -fPIE -ffunction-sections -DFIX -c "$tmp/prog.c" \
		-o "$tmp/new.o" &&
	"$repack" "$tmp/prog" "$tmp/new.o" "$tmp/prog.rpp" handle
}

mkdir "$tmp/seeds"
"$craft" "$tmp/seeds"
check "a sample is shown" shows sample "$tmp/seeds/sample.rpp"
check "head" has "$tmp/sample" 'fix-CVE_0000.1\+b 1\.2$' \
	'Checks the length first' 'target +program$' 'build-id +dead010203' \
	'identity +[0-9a-f]{64}$' 'made by +test 1$'
check "functions" has "$tmp/sample" '^Replaced functions: 2' \
	'0x401000 +32 +17 +\+4 +f$' '0x400ff0 +16 +14 +\+0 +g \(f\.c\) #3$' \
	'^Added functions' ' 2 +hook$'
check "bindings" has "$tmp/sample" 'import@LIB_1\.0' 'variable at 0x2000' \
	'chosen at start'
check "hooks, data, depends" has "$tmp/sample" 'pre-apply +hook' \
	'variable, 8 bytes' 'from 6e 74 2c' 'to   61 20' '^  earlier'
check "build" build
check "old beside new" shows code --binary "$tmp/prog" "$tmp/prog.rpp"
check "names on both sides" has "$tmp/code" '^handle: old \| new$' \
	'[>|] .*is_bad' '> .*"a bad number"' 'limit\(%rip\).*limit\(%rip\)'
check "equal lines stand beside each other" same_lines
check "no line is wider than 80 columns" narrow
check "new code alone" shows new --disassemble "$tmp/prog.rpp"
check "its names" has "$tmp/new" 'call strlen$' 'limit\(%rip\)'
python=$(command -v python3)
if [ -n "$python" ]; then
	check "JSON" json_is_json
else
	skip "JSON" "no python3"
fi
check "another build is refused" fails 1 'build-ids differ \[RP0502\]' \
	--binary "$tmp/other" "$tmp/prog.rpp"
check "an object is refused" fails 1 'not a payload.*RP0401' "$tmp/new.o"
check "no file" fails 64 'no file given'
check "two files" fails 64 'more than one' a b
check "unknown option" fails 64 'did you mean --binary' --bnary
head -c 1000 "$tmp/prog.rpp" >"$tmp/short.rpp"
check "a truncated one is refused" fails 1 'RP0' "$tmp/short.rpp"
tap_end
