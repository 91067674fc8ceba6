#!/bin/bash
# SPDX-License-Identifier: MIT
# The model of an object's code against what assembly says about itself.
#
# usage: code.sh FACTS
set -u
. "$RP_SOURCE/tests/tap.sh"
facts=$1
src=$RP_SOURCE/tests/object-code

# Is a line there, as it is written here?
has()
{
	grep -Fxq -- "$1" "$tmp/facts" && return
	echo "no: $1"
	grep -v "^function" "$tmp/facts"
	return 1
}

has_all()
{
	while read -r line; do
		has "$line" || return
	done
}

has_none()
{
	! grep -- "$1" "$tmp/facts"
}

facts_of()
{
	"$facts" "$1" "$2" >"$tmp/facts"
}

# shellcheck disable=SC2086
check 'user: assembles' $CC -c "$src/user.S" -o "$tmp/user.o"
check 'user: is read' facts_of repoint "$tmp/user.o"
check 'functions that never return' has_all <<'EOF'
function returns size:6 noreturn
function never size:11 noreturn
function stops size:6 noreturn
function stops_too size:6 noreturn
function may_return size:10
function calls_it size:11 noreturn
returns+0x0 dead-end entry to:never+0x0 symbol:never
never+0x4 dead-end symbol:abort
stops+0x0 dead-end entry to:stops_too+0x0 symbol:stops_too
calls_it+0x0 entry to:may_return+0x0 symbol:may_return
calls_it+0x5 dead-end symbol:exit
EOF
check 'tail calls' has_all <<'EOF'
tails+0x2 tail
tails+0x8 tail to:returns+0x0
tails+0xe to:tails+0x0
tails+0x10 tail symbol:outside
EOF
check 'a call for the address that it pushes' \
	has 'pushes+0x0 entry pushes to:pushes+0x5'
check 'computed gotos' has_all <<'EOF'
computed+0x7 edges table:computed+0xa table:computed+0xc
threaded+0x7 edges label:threaded+0x9
EOF
check 'a table among the code' has_all <<'EOF'
in_text+0xe edges table:in_text+0x10 table:in_text+0x12
EOF
check 'bytes of tables and objects are no code' \
	has_none '^in_text+0x1[4-9]\|^bytes'
check 'a part that was split off' has_all <<'EOF'
function cold_one.cold size:6 parent:cold_one
cold_one+0x0 entry to:cold_one.cold+0x0 symbol:cold_one.cold
cold_one.cold+0x1 to:cold_one+0x5
EOF
check 'a jump over a prefix' has 'prefixed+0x0 entry to:prefixed+0x2'
check 'assembly without type and size' has 'function untyped size:2 untyped'
check 'findings: where they are, and no others' diff - \
	<(grep -c '^finding' "$tmp/facts"; grep '^finding' "$tmp/facts" |
	  cut -d' ' -f2 | sort -u) <<'EOF'
2
948
949
EOF

for version in 601 612; do
	abi=linux-6.$([ $version = 601 ] && echo 1 || echo 12)
	# shellcheck disable=SC2086
	check "$abi: assembles" $CC -DVERSION=$version -c "$src/kernel.S" \
		-o "$tmp/kernel.o"
	check "$abi: is read" facts_of $abi "$tmp/kernel.o"
	check "$abi: dead ends" has_all <<'EOF'
function+0x0 dead-end entry symbol:panic
function+0x6 dead-end symbol:do_task_dead
function+0x10 to:weak_one+0x0 symbol:weak_one
function+0x15 dead-end to:stuck+0x0 symbol:stuck
function+0x1a to:switches+0x0 symbol:switches
function+0x1f symbol:__SCT__call
EOF
	check "$abi: what the version's own list says" \
		has "function+0xb$([ $version = 612 ] && echo ' dead-end') symbol:rest_init"
	check "$abi: thunks, alternatives, faults, keys" has_all <<'EOF'
function+0x24 tail thunk symbol:__x86_indirect_thunk_rax
function+0x29 alts group code(77,1):.altinstr_replacement+0x0 code(78,0):?+0x0
function+0x2d group
function+0x2e alts fault(0,0):function+0x37
function+0x30 hint alts to:function+0x33 jump(0,0):function+0x37
function+0x33
function+0x35 dead-end
function+0x37 retpoline-safe
function+0x38 thunk
.altinstr_replacement+0x0 group to:function+0x2e
EOF
	check "$abi: a switch table, and where it ends" has \
		'switches+0x5 edges table:switches+0xc table:switches+0xe'
	check "$abi: a function that is left out" has_all <<'EOF'
function left_out size:7 ignore
left_out+0x0 entry ignore pushes to:left_out+0x5
EOF
	check "$abi: no findings" has_none '^finding'
done

# The cases of all tables that the compiler wrote: each of them is found, before
# and after linking and stripping.
entries()
{
	grep -oE '^[[:space:]]*\.(long|quad)[[:space:]]+\.L[A-Z]*[0-9_]+' "$1" |
		awk '{ print $2 }' | sort -u | wc -l
}

targets()
{
	"$facts" repoint "$1" | grep -o ' table:[^ ]*' | sort -u | wc -l
}

same_number()
{
	wanted=$(entries "$tmp/s.s")
	found=$(targets "$1")
	echo "$wanted cases, $found found"
	[ "$wanted" -gt 0 ] && [ "$wanted" = "$found" ]
}

# shellcheck disable=SC2086
for flags in '-O0 -fPIC' '-O2 -fPIC' '-Os -fPIC -fcf-protection' \
	'-O0 -fno-pie' '-O2 -fno-pie' '-O3 -fPIE -ffunction-sections'; do
	$CC $flags -S "$src/switches.c" -o "$tmp/s.s" &&
	$CC $flags -c "$tmp/s.s" -o "$tmp/s.o" &&
	check "switches, $flags" same_number "$tmp/s.o"
	case $flags in
	*-fno-pie*) link='-no-pie -static' ;;
	*) link=-shared ;;
	esac
	case $flags in *-fPIE*) continue ;; esac
	printf 'int use(int x) { return x; }\nint (*const functions[])(int) = { use, use };\nvoid _start(void) { for (;;); }\n' >"$tmp/rest.c"
	$CC ${flags%% *} $link -nostdlib "$tmp/s.o" "$tmp/rest.c" \
		-o "$tmp/s.bin" &&
	check "switches, $flags, linked" same_number "$tmp/s.bin"
	strip "$tmp/s.bin" &&
	check "switches, $flags, stripped" same_number "$tmp/s.bin"
done

tap_end
