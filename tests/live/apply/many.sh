# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Several payloads in one process, several processes, children, other programs.
. "$(dirname "$0")/common.inc"

# By these names processes are found: those of this run, not of another one.
user=user$$
so=libtwin$$.so

shared_library()
{
	local code=-fPIC
	object library-1.o library.c -DVERSION=1 &&
	gcc -shared -Wl,--build-id -Wl,-soname,$so.1 -o $so.1.0 library-1.o &&
	ln -sf $so.1.0 $so.1 && ln -sf $so.1 $so
}
library_payload()
{
	local code=-fPIC
	payload "$1" $so.1.0 library 1 "$2"
}
need shared_library
linked_program()
{
	program $user twin user load serve &&
	gcc -pie -pthread -Wl,--build-id -L"$tmp" -Wl,-rpath,"$tmp" -Wl,--no-as-needed -o $user \
		$user-{twin,user,load,serve}.o -ltwin$$ -ldl
}
need linked_program
need payload fix $user twin 1 2
need library_payload lib 2
need library_payload lib3 3

need start ./$user
p=$pid
need replies "$p" ok load spin 2
mappings "$p" >before
versions() # PID PROGRAM LIBRARY
{
	works "$1" "$2" && replies "$1" "$3" library
}
check "unpatched" versions "$p" 1 1
both()
{
	patch 0 apply "$p" lib.rpp && says "applied lib, in $so.1.0" && versions "$p" 1 2 &&
	patch 0 apply "$p" fix.rpp && says "applied fix, in $user" && versions "$p" 2 2 &&
	applied "$p" lib fix && patch 0 list -v "$p"
}
check "a payload for the library, one for the program" both
upgrade()
{
	patch 0 replace "$p" lib3.rpp && says "removes   lib$" && versions "$p" 2 3 &&
		applied "$p" fix lib3
}
check "replace: only what is for the same library" upgrade
check "revert in any order" eval 'patch 0 revert "$p" fix && versions "$p" 1 3 &&
	patch 0 revert "$p" lib3 && versions "$p" 1 1 && same_mappings "$p" before'
check "revert --all: both in one stop" eval 'both && patch 0 revert --all "$p" &&
	says "reverted fix, lib" && versions "$p" 1 1 && same_mappings "$p" before'

# The library comes later, and twice.
check "a library that dlopen() loads" eval 'need start ./$user && late=$pid &&
	cp $so.1.0 copy.so && replies "$late" 1 open ./copy.so &&
	patch 0 apply "$late" lib.rpp && says "applied lib"'

# Groups. The shell itself has loaded no such library.
need start ./$user; a=$pid
need start ./$user; b=$pid
end_process "$late"
all_using()
{
	patch 0 apply --all-using "$1" lib.rpp && says "^$user \($a\): applied lib" \
		"^$user \($b\): applied lib" "^$user \($p\): applied lib" \
		"^3 of 3 processes applied$" && versions "$a" 1 2 && versions "$b" 1 2 &&
	versions "$p" 1 2 && patch 0 list --all-using "$1" &&
	patch 0 list --json --all && json "{$a, $b, $p} <= {x['pid'] for x in p}" &&
	patch 0 revert --all-using "$1" lib && versions "$a" 1 1 && versions "$b" 1 1 &&
	versions "$p" 1 1
}
check "--all-using soname" all_using $so.1
check "--all-using path" all_using "$tmp/$so.1.0"
check "--all-using link" all_using ./$so
check "--all-using the program" eval 'patch 0 apply --all-using ./$user fix.rpp &&
	versions "$a" 2 1 && versions "$b" 2 1 && patch 0 revert --all-using ./$user fix'
by_name()
{
	patch 0 apply --json --name $user fix.rpp && json "len(p) == 3" &&
	json "all(x['result'] == 'done' for x in p)" && versions "$a" 2 1 && versions "$p" 2 1 &&
	patch 0 list --name $user && patch 0 apply --name $user fix.rpp &&
	says "is patched already" && patch 0 revert --name $user fix && versions "$b" 1 1
}
check "--name" by_name
some()
{
	patch 0 apply "$a" lib.rpp && patch 0 apply --all-using $so.1 lib.rpp &&
	versions "$a" 1 2 && versions "$b" 1 2 && patch 0 revert --name $user lib &&
	versions "$p" 1 1
}
check "a group of which one is patched" some
check "--name of nobody" refused 1 "no process is called nobody-here.*\[RP0801\]" \
	apply --name nobody-here fix.rpp
check "--all-using what nobody uses" refused 1 "has loaded libnothing.so.*\[RP0801\]" \
	apply --all-using libnothing.so fix.rpp
check "as before" same_mappings "$p" before

# Children.
forked()
{
	patch 0 apply "$p" fix.rpp && child "$p" && versions "$child" 2 1 && applied "$child" fix &&
	patch 0 revert "$child" fix && versions "$child" 1 1 && versions "$p" 2 1 &&
	applied "$child" && applied "$p" fix && same_mappings_child &&
	patch 0 apply "$child" fix.rpp && versions "$child" 2 1 &&
	patch 0 revert "$p" fix && versions "$p" 1 1 && versions "$child" 2 1
}
same_mappings_child()
{
	! mappings "$child" | grep -q "^[^ ]* r--p *$" || { echo "a record is left"
		cat "/proc/$child/maps"; return 1; }
}
check "a child is patched, and by itself" forked
check "a child of an unpatched process" eval 'child "$p" && versions "$child" 1 1 &&
	patch 0 apply "$child" lib.rpp && versions "$child" 1 2 && versions "$p" 1 1'

executed()
{
	patch 0 apply "$a" fix.rpp && versions "$a" 2 1 && replies "$a" ready exec &&
	versions "$a" 1 1 && patch 0 list "$a" && says "no live patches" &&
	refused 2 "no payload is applied.*executed another program.*\[RP0818\]" revert "$a" fix &&
	patch 0 apply "$a" fix.rpp && versions "$a" 2 1 && patch 0 revert "$a" fix
}
check "after exec it is another program" executed
finish
