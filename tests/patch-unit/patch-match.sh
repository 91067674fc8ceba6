#!/bin/bash
# SPDX-License-Identifier: MIT
# Objects that are compiled with -ffunction-sections agree with programs whose
# objects are not, whatever a linker made of them.
# Usage: patch-match.sh DUMP
# shellcheck disable=SC2086,SC2015 # options are lists of words
set -u

dump=$(realpath "$1")
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=../tap.sh
. "$here/../tap.sh"

cc=${CC:-cc}
cxx=${CXX:-c++}
common="-w -O2 -g0"

# compile CC DIR FLAGS...: all sources, each to an object
compile()
{
	local compiler=$1 dir=$2 name
	shift 2
	mkdir -p "$dir/a" "$dir/b"
	for name in a/util b/util main parts start; do
		$compiler $common "$@" -c "$here/$name.c" -o "$dir/$name.o" ||
			return 1
	done
}

# address FILE NTH NAME BINARY: of a local symbol, by where the table has it
address()
{
	readelf -sW "$4" | awk -v file="$1" -v nth="$2" -v name="$3" '
		/Symbol table .\.symtab/ { on = 1 }
		on && $4 == "FILE" { seen = $8 == file; if (seen) count++ }
		on && seen && count == nth && $8 == name {
			sub(/^0+/, "", $2); print "0x" $2; exit }'
}

# state DIR OBJECT NAME: what was found
state()
{
	"$dump" match "$1/program" "$2" | grep " $3: " | cut -d: -f1
}

# agree BINARY OBJECT...: all functions do
agree()
{
	local binary=$1 object bad=0
	shift
	for object; do
		"$dump" match "$binary" "$object" >"$tmp/out" || bad=1
		awk '/^functions/ { exit !($2 > 0 && $2 == $4 && $8 == 0) }' \
			"$tmp/out" || { echo "$object"; bad=1; }
		grep -E '^(differs|ambiguous|unknown)' "$tmp/out" && bad=1
	done
	return $bad
}

# same_places BINARY DIR: local names that two files share are told apart
same_places()
{
	local nth=0 dir name want got bad=0
	for dir in a b; do
		nth=$((nth + 1))
		for name in helper bump other counter table; do
			want=$(address util.c $nth $name "$1")
			got=$("$dump" match "$1" "$2/$dir/util.o" |
			      awk -v n="$name:" '$3 == n { print $2 }')
			[ -n "$want" ] && [ "$want" = "$got" ] || {
				echo "$dir/$name: want $want, got $got"
				bad=1
			}
		done
	done
	return $bad
}

# one NAME CC COMPILE-FLAGS LINK-FLAGS
one()
{
	local name=$1 compiler=$2 flags=$3 link=$4 dir="$tmp/$1"
	local plain="$dir/plain" sections="$dir/sections"
	mkdir -p "$dir"
	if ! compile "$compiler" "$plain" $flags ||
	   ! compile "$compiler" "$sections" $flags -ffunction-sections \
		-fdata-sections; then
		not_ok "$name: compiles"
		return
	fi
	if ! $compiler $link "$plain"/a/util.o "$plain"/b/util.o \
	     "$plain"/main.o "$plain"/parts.o "$plain"/start.o -lm \
	     -Wl,--build-id -o "$dir/program" >"$tmp/link.log" 2>&1; then
		not_ok "$name: links" "$tmp/link.log"
		return
	fi
	check "$name: code agrees" agree "$dir/program" "$sections"/a/util.o \
		"$sections"/b/util.o "$sections"/main.o "$sections"/parts.o
	check "$name: equal local names are told apart" same_places \
		"$dir/program" "$sections"
	# The same sources with other constants, or options, are not it.
	$compiler $common $flags -ffunction-sections -DENTRY=a_entry \
		-DNUMBER=4 -c "$here/a/util.c" -o "$dir/other.o"
	check "$name: another constant is seen" differs "$dir/program" \
		"$dir/other.o" a_entry
}

# differs BINARY OBJECT NAME
differs()
{
	"$dump" match "$1" "$2" >"$tmp/out"
	grep "^differs 0x[0-9a-f]* $3: ." "$tmp/out" || {
		cat "$tmp/out"
		return 1
	}
}

# says BINARY OBJECT PATTERN
says()
{
	"$dump" match "$1" "$2" >"$tmp/out"
	grep "$3" "$tmp/out" || {
		cat "$tmp/out"
		return 1
	}
}

have()
{
	command -v "$1" >/dev/null
}

# links FLAGS: can this compiler make a program with them?
links()
{
	echo 'int main(void) { return 0; }' |
		$cc "$@" -x c - -o "$tmp/can" 2>/dev/null
}

one pie "$cc" '-fPIE' '-pie'
one no-pie "$cc" '-fno-pie' '-no-pie'
one no-plt "$cc" '-fPIE -fno-plt' '-pie'
one no-plt-no-pie "$cc" '-fPIC -fno-plt' '-no-pie'
one shared "$cc" '-fPIC' '-shared'
one shared-symbolic "$cc" '-fPIC' '-shared -Wl,-Bsymbolic'
one shared-hidden "$cc" '-fPIC -fvisibility=hidden' '-shared'
one pic-in-program "$cc" '-fPIC' '-pie'
one small-os "$cc" '-fPIE -Os' '-pie'
one unoptimized "$cc" '-fPIE -O0' '-pie'
one o3 "$cc" '-fPIE -O3 -falign-functions=64' '-pie'
one cet "$cc" '-fPIE -fcf-protection' '-pie -Wl,-z,ibtplt'
one now "$cc" '-fPIE' '-pie -Wl,-z,now'
if links -static; then
	one static "$cc" '-fno-pie' '-static'
	one static-pic "$cc" '-fPIC' '-static'
fi
if links -static-pie; then
	one static-pie "$cc" '-fPIE' '-static-pie'
fi
if links -mtls-dialect=gnu2; then
	one tls-descriptors "$cc" '-fPIC -mtls-dialect=gnu2' '-shared'
	one tls-descriptors-program "$cc" '-fPIC -mtls-dialect=gnu2' '-pie'
fi
for linker in gold lld; do
	if links -fuse-ld=$linker; then
		one $linker-pie "$cc" '-fPIE' "-pie -fuse-ld=$linker"
		one $linker-no-pie "$cc" '-fno-pie' "-no-pie -fuse-ld=$linker"
		one $linker-pic "$cc" '-fPIC' "-pie -fuse-ld=$linker"
		one $linker-shared "$cc" '-fPIC' "-shared -fuse-ld=$linker"
	fi
done
if links -fuse-ld=lld; then
	one lld-icf "$cc" '-fPIE -ffunction-sections' \
		'-pie -fuse-ld=lld -Wl,--icf=all'
	one lld-relr "$cc" '-fPIE' \
		'-pie -fuse-ld=lld -Wl,--pack-dyn-relocs=relr'
fi
if have clang; then
	one clang-pie clang '-fPIE' '-pie'
	one clang-no-pie clang '-fno-pie' '-no-pie'
	one clang-shared clang '-fPIC' '-shared'
	one clang-no-plt clang '-fPIE -fno-plt' '-pie'
fi

# seen NAME FUNCTION SED [FLAGS]: a change that leaves instructions as they are
seen()
{
	mkdir -p "$tmp/changed"
	sed -e "$3" -e "s,\"parts.h\",\"$here/parts.h\"," "$here/main.c" \
		>"$tmp/changed/main.c"
		$cc $common -fPIE ${4:-} -ffunction-sections -fdata-sections -c \
		"$tmp/changed/main.c" -o "$tmp/changed.o"
	check "seen: $1" differs "$tmp/pie/program" "$tmp/changed.o" "$2"
}

seen 'a string' run.cold 's/"two words"/"two WORDS"/'
seen 'the end of a string' run.cold 's/"words"/"two"/'
seen 'a number' scale 's/1\.25/1.75/'
seen 'the cases of a switch' choose \
	's/case 2:/case 9:/; s/case 3:/case 2:/; s/case 9:/case 3:/'
seen 'where a loop begins' looping '' '-DBACK="2b"'
seen 'another function called' choose 's/return a_entry/return b_entry/'
seen 'another variable' choose 's/return own_tls/return more_tls/'

# Two objects that nothing tells apart, and one that is in no program.
mkdir -p "$tmp/x" "$tmp/y"
echo 'static __attribute__((used, noinline)) int same(int v) { return v * 5; }' \
	>"$tmp/x/same.c"
cp "$tmp/x/same.c" "$tmp/y/same.c"
echo 'int absent(int v) { return v * 9; }' >"$tmp/absent.c"
for name in x/same y/same absent; do
	$cc $common -fPIE -ffunction-sections -c "$tmp/$name.c" -o "$tmp/$name.o"
done
$cc $common -pie "$here/table.S" "$tmp/x/same.o" "$tmp/y/same.o" \
	-Wl,--build-id -o "$tmp/twice"
check 'what fits twice is said to' says "$tmp/twice" "$tmp/y/same.o" \
	'^ambiguous .* same: 2 of this name fit equally well: .* of same.c, '
check 'what is not there is not found' says "$tmp/twice" "$tmp/absent.o" \
	'^unknown .* absent: $'

$cc -c "$here/table.S" -o "$tmp/table.o"
$cc -DSWAP -c "$here/table.S" -o "$tmp/swapped.o"
$cc -pie "$tmp/table.o" -Wl,--build-id -o "$tmp/table"
check 'a jump table agrees' agree "$tmp/table" "$tmp/table.o"
check 'seen: exchanged entries of a jump table' differs "$tmp/table" \
	"$tmp/swapped.o" main

# Symbols that the linker drops.
compile "$cc" "$tmp/s" -fPIE -ffunction-sections -fdata-sections
objects="$tmp/pie/plain/a/util.o $tmp/pie/plain/b/util.o
	 $tmp/pie/plain/main.o $tmp/pie/plain/parts.o $tmp/pie/plain/start.o"
$cc -pie -Wl,--discard-all -Wl,--build-id $objects -o "$tmp/nolocals"
check 'without local symbols, callers tell' agree "$tmp/nolocals" \
	"$tmp"/s/a/util.o "$tmp"/s/b/util.o
$cc -pie -Wl,--gc-sections -Wl,--build-id "$tmp"/s/a/util.o "$tmp"/s/b/util.o \
	"$tmp"/s/main.o "$tmp"/s/parts.o "$tmp"/s/start.o -o "$tmp/gc"
check 'a program of the same objects' agree "$tmp/gc" "$tmp"/s/a/util.o \
	"$tmp"/s/main.o

if have "${cxx%% *}"; then
	for flags in '-fPIE -pie' '-fno-pie -no-pie'; do
				$cxx $common $flags "$here/shapes.cc" -Wl,--build-id -o "$tmp/shapes"
				$cxx $common ${flags% *} -ffunction-sections -fdata-sections -c \
			"$here/shapes.cc" -o "$tmp/shapes.o"
		check "C++ $flags" agree "$tmp/shapes" "$tmp/shapes.o"
	done
fi

tap_end
