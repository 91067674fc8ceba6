# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# New code that needs something of its surroundings: thread-local variables, other
# functions of libraries, exceptions.
. "$(dirname "$0")/common.inc"

need program special special special_main twin load serve
special_payload()
{
	payload fix special special 1 2
}
need special_payload
need start ./special
p=$pid
mappings "$p" >before
# Each thread has its own 5 and 6, from 6 on after the first call.
tls_values()
{
	replies "$p" "60 60 60 6" tls && patch 0 apply "$p" fix.rpp &&
	replies "$p" "1060071 1060071 1060071 106007" tls &&
	replies "$p" "2060081 2060081 2060081 206008" tls && patch 0 revert "$p" fix &&
	replies "$p" "2070 2070 2070 207" tls
}
check "thread-local variables, each thread its own" tls_values
imports()
{
	replies "$p" 1 import && patch 0 apply "$p" fix.rpp && replies "$p" 31 import &&
	patch 0 revert "$p" fix && replies "$p" 1 import
}
check "functions that the program did not call" imports
check "nothing is left" eval 'untouched "$p" && same_mappings "$p" before'

static_ones()
{
	local code="-fno-pie -fno-pic" link="-static -no-pie"
	program fixed special special_main twin load serve && payload fixed fixed special 1 2 &&
	start ./fixed || return
	p=$pid
	replies "$p" "60 60 60 6" tls && patch 0 apply "$p" fixed.rpp &&
	replies "$p" "1060071 1060071 1060071 106007" tls && patch 0 revert "$p" fixed
}

check "thread-local variables of a static program" static_ones

across()
{
	local code="-fno-pie -fno-pic -Os -falign-functions=1 -DACROSS"
	local link="-no-pie -Wl,--section-start=.across=0x600ffd"
	program across special special_main twin load serve &&
	payload across across special 1 2 && start ./across && p=$pid &&
	replies "$p" "1 at 4093" across && patch 0 apply "$p" across.rpp &&
	replies "$p" "2 at 4093" across && patch 0 revert "$p" across &&
	replies "$p" "1 at 4093" across
}
check "a function whose first bytes are on two pages" across

exceptions() # NAME CXX CODE LINK
{
	local v
	mkdir -p "$1" && for v in 1 2; do
		$2 $3 -O2 -g -ffunction-sections -fdata-sections -DVERSION=$v \
			-c "$live/throwing.cc" -o "$1/throwing-$v.o" || return 1
	done
	$2 $3 -O2 -g -DVERSION=1 -c "$live/throwing.cc" -o "$1/throwing.o" &&
	$2 $3 -O2 -g -c "$live/catching.cc" -o "$1/catching.o" &&
	$2 $3 $4 -pthread -Wl,--build-id -o "$1/program" "$1/throwing.o" "$1/catching.o" &&
	"$REPOINT" patch diff --binary "$1/program" --name thrower -o "$1/thrower.rpp" \
		"$1/throwing-1.o" "$1/throwing-2.o" && start "./$1/program" && p=$pid || return 1
	local before=$1/maps n
	replies "$p" "7 wrong 0" call && replies "$p" "2000 wrong 0" throw || return 1
	mappings "$p" >"$before"
	for n in 1 2 3; do
		patch 0 apply --timeout 60 "$p" "$1/thrower.rpp" && replies "$p" "107 wrong 0" call &&
		replies "$p" "206 wrong 0" throw && replies "$p" "2000 wrong 0" throw1 &&
		replies "$p" "1000 wrong 0" call2 && patch 0 revert --timeout 60 "$p" thrower &&
		replies "$p" "7 wrong 0" call && replies "$p" "2000 wrong 0" throw || return 1
	done
	untouched "$p" && same_mappings "$p" "$before"
}
if command -v g++ >/dev/null; then
	check "exceptions, g++" exceptions gxx g++ -fPIC -pie
	check "exceptions, g++, not position-independent" exceptions gxx-nopie g++ \
		"-fPIC" -no-pie
	check "exceptions, g++, static" exceptions gxx-static g++ "-fno-pie -fno-pic" \
		"-static -no-pie"
else
	skip "exceptions" "no g++"
fi
if command -v clang++ >/dev/null; then
	check "exceptions, clang++" exceptions clangxx clang++ -fPIC -pie
else
	skip "exceptions, clang++" "no clang++"
fi
finish
