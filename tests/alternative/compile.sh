#!/bin/sh
# SPDX-License-Identifier: MIT
# What one compiler makes of the macros: what it refuses, what it leaves in the
# object file, and what calls do to the frames around them.
#
# usage: compile.sh COMPILER LIBREPOINT_A
# shellcheck disable=SC2086 # lists of options
set -u

root=${RP_SOURCE:?}
cc=$1
lib_a=$(realpath "$2")
src=$root/tests/alternative
. "$root/tests/tap.sh"

command -v "$cc" >/dev/null || skip_all "no $cc"

# refused NAME SUFFIX PATTERN: standard input does not compile, and it is said
refused()
{
	{
		echo '#include <repoint/alternative.h>'
		cat
	} >"$tmp/refused.$2"
	if "$cc" -I"$root/include" -c -o "$tmp/refused.o" "$tmp/refused.$2" \
		>"$tmp/log" 2>&1; then
		echo "$1: it compiles"
		return 1
	fi
	cat "$tmp/log"
	grep -qE "$3" "$tmp/log"
}

too_long()
{
	refused 'too long' c '0*11170 too large|invalid number of bytes|out of range' <<-END
	void f(void)
	{
		rp_alternative("nop", ".skip 70000, 0x90", RP_FEATURE_ALWAYS);
	}
	END
}

too_long_assembly()
{
	refused 'too long' S '0*11170 too large|invalid number of bytes|out of range' <<-END
	f: RP_ALTERNATIVE "nop", ".skip 70000, 0x90", RP_FEATURE_ALWAYS
	END
}

out_of_range()
{
	refused 'out of range' S 'is no feature: see <repoint/cpu.h>' <<-END
	f: RP_ALTERNATIVE "nop", "cld", RP_FEATURE_NR
	END
}

# Without a constructor nobody would apply them. A file in C has one, and so has
# the static library.
assembly_alone()
{
	cat >"$tmp/alone.S" <<-END
	#include <repoint/alternative.h>
		.globl main
	main:	RP_ALTERNATIVE "movl \$1, %eax", "xorl %eax, %eax", RP_FEATURE_ALWAYS
		ret
		.section .note.GNU-stack, "", %progbits
	END
	"$cc" -I"$root/include" -c -o "$tmp/alone.o" "$tmp/alone.S" || return 1
	if "$cc" -o "$tmp/alone" "$tmp/alone.o" >"$tmp/log" 2>&1; then
		echo "it links"
		return 1
	fi
	cat "$tmp/log"
	grep -q 'rp__object' "$tmp/log" || return 1
	"$cc" -o "$tmp/alone" "$tmp/alone.o" "$lib_a" && "$tmp/alone"
}

# folded LINKER HOW
folded()
{
	"$cc" -I"$root/include" -O2 -ffunction-sections -o "$tmp/folded" \
		"$src/folding.c" "$lib_a" -fuse-ld="$1" -Wl,--icf="$2" &&
		"$tmp/folded"
}

# size_is SECTION BYTES FLAGS: all of that name together
size_is()
{
	sed 's/^ *\[ *[0-9]*\]//' "$tmp/sections" |
	awk -v name="$1" '$1 == name { print $5, $7 }' >"$tmp/size"
	total=0
	while read -r size flags; do
		total=$((total + 0x$size))
		[ "$flags" = "$3" ] || return 1
	done <"$tmp/size"
	[ $total = "$2" ]
}

# Features, flags and lengths; records need no dynamic linker (AL, not WAL).
records()
{
	cat >"$tmp/records.c" <<-END
	#include <repoint/alternative.h>
	int f(void);
	int f(void)
	{
		rp_alternative("cld", ".skip 300, 0x90", RP_FEATURE_AVX2);
		rp_alternative_2("cld", "std; cld", RP_NOT(RP_FEATURE_ERMS),
				 "std", RP_FEATURE_SYNTHETIC(63));
		return 0;
	}
	END
	"$cc" -O2 -fPIC -I"$root/include" -c -o "$tmp/records.o" \
		"$tmp/records.c" &&
	readelf -SW "$tmp/records.o" >"$tmp/sections" || return 1
	if ! size_is rp_alternatives 48 AL ||
		! size_is rp_alternative_code 303 AX; then
		cat "$tmp/sections"
		return 1
	fi
	readelf -x rp_alternatives "$tmp/records.o" |
	awk '/0x/ { print $4, $5 }' >"$tmp/found"
	# feature, flags, len, replacement_len
	cat >"$tmp/want" <<-END
	a5000000 2c012c01
	a9000100 02000200
	5f000000 02000100
	END
	diff "$tmp/want" "$tmp/found"
}

old_is_padded()
{
	objdump -d --no-show-raw-insn "$tmp/records.o" |
	awk '/<f>:/ { inside = 1 } !NF { inside = 0 }
	     inside && $2 == "nop" { nops++ } inside && $2 == "cld" { clds++ }
	     END { exit !(nops >= 300 && nops < 320 && clds == 2) }'
}

frames()
{
	case $cc in
	gcc)   cxx=g++ ;;
	clang) cxx=clang++ ;;
	*)     cxx=$cc ;;
	esac
	"$cxx" "$@" -Wall -Wextra -Werror -I"$root/include" \
		-o "$tmp/unwind" "$src/unwind.cc" "$lib_a" -pthread &&
	RP_LOG=warn "$tmp/unwind"
}

# ordered HOW OPTIONS...
ordered()
{
	how=$1
	shift
	"$cc" -O2 -Wall -Wextra -Werror -I"$root/include" -c \
		-o "$tmp/order.o" "$src/order.c" || return 1
	if [ "$how" = ld-r ]; then
		ld -r -o "$tmp/all.o" "$tmp/order.o" &&
		mv "$tmp/all.o" "$tmp/order.o" || return 1
	fi
	"$cc" "$@" -o "$tmp/order" "$tmp/order.o" "$lib_a" -pthread &&
	RP_LOG=warn "$tmp/order"
}

check "$cc: 70000 bytes are refused" too_long
check "$cc: 70000 bytes are refused in .S" too_long_assembly
check "$cc: features out of range are refused in .S" out_of_range
check "$cc: .S files alone" assembly_alone
for linker in lld gold; do
	for how in all safe; do
		check "$cc: --icf=$how of $linker" folded $linker $how
	done
done
check "$cc: records" records
check "$cc: padding" old_is_padded
check "$cc: order" ordered plain
check "$cc: order: ld -r" ordered ld-r
for linker in lld gold; do
	if command -v "ld.$linker" >/dev/null; then
		check "$cc: order: $linker" ordered plain "-fuse-ld=$linker"
	else
		skip "$cc: order: $linker" "no ld.$linker"
	fi
done
if command -v "$(echo "$cc" | sed 's/gcc$/g++/; s/clang$/clang++/')" \
	>/dev/null; then
	for options in -O0 -O1 -O2 -O3 -Os '-O2 -fomit-frame-pointer' \
		'-O2 -fomit-frame-pointer -mavx2' '-O1 -fcf-protection=full'; do
		check "$cc: frames: $options" frames $options
	done
else
	skip "$cc: frames" "no C++ compiler"
fi
tap_end
