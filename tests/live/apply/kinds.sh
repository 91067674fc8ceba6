# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Programs of all kinds that there are: compilers, C libraries, links.
. "$(dirname "$0")/common.inc"

# cycle PID: patched under load and back
cycle()
{
	local before=$tmp/before.$1 kind
	for kind in spin sleep churn; do
		replies "$1" ok load "$kind" 1 || return 1
	done
	works "$1" 1 || return 1
	mappings "$1" >"$before"
	patch 0 check "$1" "$rpp" && patch 0 apply "$1" "$rpp" && works "$1" 2 &&
	applied "$1" fix && patch 0 revert "$1" fix && works "$1" 1 &&
	patch 0 apply "$1" "$rpp" && works "$1" 2 && patch 0 revert "$1" fix &&
	works "$1" 1 && same_mappings "$1" "$before"
}

kind() # NAME CC CODE LINK
{
	local name=$1 cc=$2 code=$3 link=$4 rpp
	mkdir -p "$name.d"
	if ! command -v "$cc" >/dev/null; then
		skip "$name" "no $cc"
		return
	fi
	echo 'int main(void) { return 0; }' >empty.c
	if ! $cc $code $link -pthread -o empty empty.c >/dev/null 2>&1; then
		skip "$name" "$cc $code $link makes no programs here"
		return
	fi
	rpp=$name.d/fix.rpp
	check "$name: built" program "$name" plain twin load serve
	check "$name: payload" payload "$name.d/fix" "$name" twin 1 2
	check "$name: started" start "./$name"
	check "$name: patched and back" cycle "$pid"
	end_process "$pid"
}

kind glibc-pie gcc "-fPIE" "-pie"
kind glibc-nopie gcc "-fno-pie -fno-pic" "-no-pie"
kind glibc-static gcc "-fno-pie -fno-pic" "-static -no-pie"
kind glibc-static-pie gcc "-fPIE" "-static-pie"
kind musl-pie musl-gcc "-fPIE" "-pie"
kind musl-nopie musl-gcc "-fno-pie -fno-pic" "-no-pie"
kind musl-static musl-gcc "-fno-pie -fno-pic" "-static -no-pie"
kind clang clang "-fPIE" "-pie"
kind clang-nopie clang "-fno-pie -fno-pic" "-no-pie"
kind cet gcc "-fPIE -fcf-protection=full" "-pie"
kind clang-cet clang "-fPIE -fcf-protection=full" "-pie"
kind lld clang "-fPIE" "-pie -fuse-ld=lld"
kind frame-pointer gcc "-fPIE -fno-omit-frame-pointer" "-pie"
kind no-frame-pointer gcc "-fPIE -fomit-frame-pointer" "-pie"
kind size gcc "-fPIE -Os" "-pie"
kind now gcc "-fPIE -fno-plt" "-pie -Wl,-z,now,-z,relro"
kind gold-hash gcc "-fPIE" "-pie -Wl,--hash-style=sysv"

# Its jump is behind endbr64.
cet_detour()
{
	"$REPOINT" patch show "$1" >show.log && grep -q "+4 *version" show.log ||
		{ cat show.log; return 1; }
}
[ ! -e cet.d/fix.rpp ] || check "cet: the jump is behind the first instruction" \
	cet_detour cet.d/fix.rpp

# Without symbols, with a separate debug file.
stripped()
{
	local rpp=stripped.d/fix.rpp
	mkdir -p stripped.d && program stripped plain twin load serve &&
	objcopy --only-keep-debug stripped stripped.debug && strip stripped &&
	payload stripped.d/fix stripped twin 1 2 --debug stripped.debug && start ./stripped &&
	cycle "$pid"
}
if command -v objcopy >/dev/null; then
	check "stripped" stripped
else
	skip "stripped" "no objcopy"
fi

# The file has been replaced: an upgraded package.
deleted()
{
	local rpp=gone.d/fix.rpp
	mkdir -p gone.d && program gone plain twin load serve && payload gone.d/fix gone twin 1 2 &&
	start ./gone && rm gone && cycle "$pid"
}
check "its file was deleted" deleted
upgraded()
{
	local rpp=other.d/fix.rpp
	mkdir -p other.d && program other plain twin load serve && payload other.d/fix other twin 1 2 &&
	start ./other && rm other && cp /bin/true other && cycle "$pid"
}
check "another program is in its place" upgraded
preloaded()
{
	local rpp=glibc-pie.d/fix.rpp wrap
	echo 'int nothing;' | gcc -shared -fPIC -x c - -o preload.so &&
	wrap="env LD_PRELOAD=./preload.so" start ./glibc-pie && cycle "$pid"
}
check "with LD_PRELOAD" preloaded
finish
