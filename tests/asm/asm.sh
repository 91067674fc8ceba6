#!/bin/sh
# SPDX-License-Identifier: MIT
# What the macros compile to: instructions, alignment, records, trampolines.
#
# usage: asm.sh COMPILER
# shellcheck disable=SC2086 # lists of options
set -u

root=${RP_SOURCE:?}
cc=$1
. "$root/tests/tap.sh"
command -v "$cc" >/dev/null || skip_all "no $cc"
command -v objdump >/dev/null || skip_all "no objdump"

# Without the compiler's own padding, which looks the same.
unaligned="-ffunction-sections -fno-asynchronous-unwind-tables"
case $cc in
*gcc*) unaligned="$unaligned -fno-align-jumps -fno-align-labels -fno-align-loops" ;;
esac

# build 'SOURCE...' OPTIONS...: what functions print becomes $tmp/$name.o
build()
{
	name=$(echo "$1" | tr ' ' -)
	{
		echo '#include <repoint/static_call.h>'
		echo '#include <repoint/static_key.h>'
		for source in $1; do
			"$source"
		done
	} >"$tmp/$name.c"
	shift
	rm -f "$tmp/$name.o"
	"$cc" $unaligned "$@" -I"$root/include" -c -o "$tmp/$name.o" "$tmp/$name.c" ||
		echo "# $name.c does not compile" >&2
}

# instructions FUNCTION: one a line, without padding behind the last one
instructions()
{
	objdump -d --no-show-raw-insn "$tmp/$name.o" |
	awk -v f="<$1>:" '
		$2 == f { inside = 1; next }
		!NF { inside = 0 }
		inside { sub(/^[^\t]*\t/, ""); line[++n] = $0 }
		END {
			if (!n)
				print "no such function"
			while (n && line[n] ~ /^(nop|xchg +%ax,%ax|data16|cs nopw)/ &&
			       line[n] !~ /^(cs )*nopl +0x0\(%rax,%rax,1\)/)
				n--
			for (i = 1; i <= n; i++)
				print line[i]
		}'
}

count_of()
{
	instructions "$1" | grep -cE "$2"
}

# count_is FUNCTION PATTERN NUMBER
count_is()
{
	found=$(count_of "$1" "$2")
	{ [ "$found" = "$3" ] && [ "$(count_of "$1" 'no such')" = 0 ]; } || {
		echo "$1: $found instructions match $2, not $3:"
		instructions "$1"
		return 1
	}
}


nop='^(cs )*nopl +0x0\(%rax,%rax,1\)'

# ---- static keys: which instruction, in which layout ----

branches()
{
	cat <<-E2
	RP_DEFINE_STATIC_KEY_TRUE(on);
	RP_DEFINE_STATIC_KEY_FALSE(off);
	int unlikely_off(void), likely_off(void), unlikely_on(void);
	int likely_on(void), plain(int), branched(int), taken(int);
	__attribute__((cold)) int rare(int);
	int unlikely_off(void) { return rp_static_branch_unlikely(&off); }
	int likely_off(void) { return rp_static_branch_likely(&off); }
	int unlikely_on(void) { return rp_static_branch_unlikely(&on); }
	int likely_on(void) { return rp_static_branch_likely(&on); }
	int plain(int a) { return a * 5 + 3; }
	int branched(int a)
	{
		if (rp_static_branch_unlikely(&off))
			return rare(a);
		return a * 5 + 3;
	}
	int taken(int a)
	{
		if (!rp_static_branch_likely(&on))
			return rare(a);
		return a * 5 + 3;
	}
	E2
}

# Before the first return: what runs while the key is as it was built.
hot_part()
{
	instructions "$1" | sed '/^ret/q'
}

hot_is()
{
	hot_part "$1" >"$tmp/with"
	hot_part plain >"$tmp/without"
	cat "$tmp/with"
	[ "$(wc -l <"$tmp/with")" = $(($(wc -l <"$tmp/without") + 1)) ] ||
		return 1
	grep -vE "$nop" "$tmp/with" | diff -u "$tmp/without" -
}

for opt in -O0 -O1 -O2 -Os; do
	build branches $opt
	check "$opt: unlikely, FALSE is a nop" count_is unlikely_off "$nop" 1
	check "$opt: likely, TRUE is a nop" count_is likely_on "$nop" 1
	check "$opt: likely, FALSE is no nop" count_is likely_off "$nop" 0
	check "$opt: unlikely, TRUE is no nop" count_is unlikely_on "$nop" 0
	check "$opt: no key is loaded" count_is branched '\(%rip\)' 0
done
build branches -O2 -fno-pie
check "a disabled branch is one instruction more, else the same code" \
	hot_is branched
check "so is an enabled likely one" hot_is taken
build branches -O2 -fPIC
check "the same with -fPIC" hot_is branched

# ---- static keys: alignment ----

# Each branch is one byte further on, modulo 8, than the one before it.
many()
{
	cat <<-E2
	RP_DEFINE_STATIC_KEY_FALSE(off);
	int many(int);
	int many(int a)
	{
	#define PAD(n) __asm__ volatile(".fill " #n ", 1, 0xf8");
	E2
	i=0
	while [ $i -lt 400 ]; do
		echo "PAD($((i % 11))) if (rp_static_branch_unlikely(&off)) a += $i;"
		i=$((i + 1))
	done
	echo "return a; }"
}

# ADDRESS: BYTES INSTRUCTION of each nop; the five bytes are its last ones.
sites_aligned()
{
	objdump -d -w "$tmp/$name.o" >"$tmp/dump"
	awk -F'\t' '
		function value(hex,   i, v) {
			for (i = 1; i <= length(hex); i++)
				v = v * 16 + index("0123456789abcdef",
						   substr(hex, i, 1)) - 1
			return v
		}
		$3 ~ /^(cs )*nopl +0x0\(%rax,%rax,1\)/ {
			gsub(/[ :]/, "", $1)
			bytes = split($2, unused, " ")
			site = (value($1) + bytes - 5) % 8
			seen[bytes - 5]++
			sites++
			if (site > 3 || bytes > 9) {
				print "straddles: " $0
				bad = 1
			}
		}
		END {
			for (i = 0; i <= 4; i++)
				if (!seen[i]) {
					print "no site with " i " prefixes"
					bad = 1
				}
			if (sites != 400)
				print sites " sites, not 400"
			exit bad || sites != 400
		}' "$tmp/dump"
}

# The table of $tmp/$name.o has as many records as there are branches.
records_are()
{
	size=$(readelf -SW "$tmp/$name.o" |
	       sed -n 's/.* rp_static_key_sites *PROGBITS *[^ ]* [^ ]* \([^ ]*\).*/0x\1/p' |
	       while read -r s; do echo $((s)); done |
	       awk '{ sum += $1 } END { print sum + 0 }')
	[ "$size" = $((16 * $1)) ] || {
		echo "rp_static_key_sites: $size bytes, not $((16 * $1))"
		return 1
	}
}

for opt in -O0 -O2; do
	build many $opt
	check "$opt: 400 branches: the bytes that change are in 8 aligned ones" \
		sites_aligned
	check "$opt: 400 records" records_are 400
	check "$opt: no other nop" count_is many '^(data16|xchg|nopw|nop$)' 0
done

# ---- static calls ----

calls()
{
	cat <<-E2
	int target(int), call(int), tail(int);
	RP_DEFINE_STATIC_CALL(name, target);
	int call(int a) { return rp_static_call(name)(a) + 1; }
	int tail(int a) { return rp_static_call(name)(a); }
	int target(int a) { return a; }
	E2
}

# The 16 bytes and relocations of the trampoline, and its symbol.
trampoline_is()
{
	objdump -s -j .text.rp_tramp.name "$tmp/$name.o" |
	sed -n 's/^ 0000 \([0-9a-f ]\{35\}\).*/\1/p' | tr -d ' \n' >"$tmp/bytes"
	grep -qx "$1" "$tmp/bytes" || {
		echo "bytes: $(cat "$tmp/bytes")"
		return 1
	}
	readelf -sW "$tmp/$name.o" |
	awk -v value="$2" -v size="$3" '
		$8 == "rp_tramp__name" {
			ok = $2 + 0 == value && $3 == size && $4 == "FUNC" &&
			     $5 == "GLOBAL" && $6 == "HIDDEN"
			print
		}
		END { exit !ok }' &&
	readelf -rW "$tmp/$name.o" |
	awk '
		/rela.text.rp_tramp.name/ { inside = 1 }
		!NF { inside = 0 }
		inside && /R_X86_64_PC32/ { print; at = at " " substr($1, 15) }
		END { exit at != " 00 0a" }' &&
	readelf -SW "$tmp/$name.o" |
	awk '/ \.text\.rp_tramp\.name/ { ok = / AX .* 16$/ } END { exit !ok }'
}

build calls -O2 -fcf-protection=none
check "a trampoline without endbr64" \
	trampoline_is '00000000ccccccccff25000000000f0b' 8 8
build calls -O2 -fcf-protection=full
check "a trampoline with endbr64" \
	trampoline_is '00000000f30f1efaff25000000000f0b' 4 12
build calls -O2
check "a call is a call" count_is call '^call ' 1
check "a tail call is a jump" count_is tail '^jmp ' 1
check "and nothing else" count_is tail . 1

# ---- tables ----

# Read-only, in the order of the text they describe.
section_flags()
{
	readelf -SW "$tmp/$name.o" |
	awk -v s="$1" '{ sub(/^ *\[ *[0-9]+\] /, "") }
		$1 == s { n++; if ($7 != "AL") { print; bad = 1 } }
		END { exit bad || !n }'
}

check "rp_static_call_keys: read-only, linked to text" \
	section_flags rp_static_call_keys
build branches -O2
check "rp_static_key_sites: read-only, linked to text" \
	section_flags rp_static_key_sites

# Dynamic relocations would be a page copied for each page of table.
no_dynamic_relocations()
{
	"$cc" -shared -o "$tmp/$name.so" "$tmp/$name.o" || return 1
	readelf -SW "$tmp/$name.so" | sed 's/^ *\[ *[0-9]*\] //' |
		awk '$1 ~ /^rp_static_/ { print $3, $5 }' >"$tmp/tables"
	readelf -rW "$tmp/$name.so" | awk '/R_X86_64/ { print $1 }' \
		>"$tmp/relocations"
	[ -s "$tmp/tables" ] || return 1
	while read -r start size; do
		while read -r at; do
			[ $((0x$at)) -lt $((0x$start)) ] ||
			[ $((0x$at)) -ge $((0x$start + 0x$size)) ] || {
				echo "relocation at $at"
				return 1
			}
		done <"$tmp/relocations"
	done <"$tmp/tables"
}

build 'calls branches' -O2 -fPIC
check "no dynamic relocation in a table" no_dynamic_relocations

# Records go with the functions that --gc-sections drops, and only those. GNU
# ld has to be told, else __start_ symbols keep all records, and so all text.
dropped()
{
	"$cc" "-fuse-ld=$1" -shared -Wl,--gc-sections,-z,start-stop-gc \
		-Wl,--version-script="$tmp/map" \
		-o "$tmp/dropped.so" "$tmp/$name.o" &&
	readelf -SW "$tmp/dropped.so" | sed 's/^ *\[ *[0-9]*\] //' |
	awk '$1 == "rp_static_key_sites" { size = $5 }
	     END { print "rp_static_key_sites: 0x" size; exit size != "000010" }'
}

echo '{ global: branched; local: *; };' >"$tmp/map"
build branches -O2 -fPIC -ffunction-sections
for ld in bfd lld; do
	if command -v "ld.$ld" >/dev/null; then
		check "ld.$ld --gc-sections keeps one record of six" dropped $ld
	else
		skip "ld.$ld --gc-sections keeps one record of six" "no ld.$ld"
	fi
done
tap_end
