#!/bin/sh
# SPDX-License-Identifier: MIT
# Programs and libraries of functions that the macros made: they run, unwind,
# keep room for detours, IBT and a stack without execution, and can be dropped.
#
# usage: run.sh COMPILER
# shellcheck disable=SC2086 # lists of options
. "$(dirname "$0")/common.inc"
cc=$1
command -v "$cc" >/dev/null || skip_all "no $cc"

functions="short_one unaligned with_helper with_other_helper first second \
labelled unwound exported last"

# build: $tmp/program in the way that $link says
build()
{
	rm -f "$tmp/program" "$tmp/lib.so"
	case $link in
	pie) pic=-fPIE ldflags=-pie ;;
	no-pie) pic=-fno-pie ldflags=-no-pie ;;
	shared) pic=-fPIC ldflags=-pie ;;
	esac
	assemble "$tmp/functions.o" "$here/functions.S" $flags &&
	assemble "$tmp/other.o" "$here/other.S" $flags &&
	"$cc" -O2 -fno-optimize-sibling-calls -Wall -Wextra -Werror $pic \
		$flags -DWANT_DETOUR=$detour -I"$root/include" -c -o "$tmp/behave.o" "$here/behave.c" &&
	"$cc" -O2 $pic $flags -c -o "$tmp/main.o" "$here/main.c" || return 1
	objects="$tmp/functions.o $tmp/other.o $tmp/behave.o"
	if [ $link = shared ]; then
		"$cc" -shared $flags -o "$tmp/lib.so" $objects || return 1
		objects="$tmp/lib.so -Wl,-rpath,$tmp"
	fi
	"$cc" $ldflags $flags -o "$tmp/program" "$tmp/main.o" $objects
}

fde_is()	# the unwind information of a function covers it exactly
{
	found=$(symbol "$1") || { echo "$found"; return 1; }
	# shellcheck disable=SC2086 # words
	set -- $found
	range=$(printf 'pc=%016x..%016x' "$1" $(($1 + $2)))
	echo "$range"
	readelf --debug-dump=frames "$file" | grep "FDE.*$range"
}

stack_is_plain()
{
	readelf -lW "$file" | grep GNU_STACK | tee "$tmp/stack"
	grep -q 'RW ' "$tmp/stack"
}

no_text_relocations()
{
	! readelf -dW "$file" | grep TEXTREL
}

for protection in none full; do
	[ $protection = full ] && detour=9 || detour=5
	for mode in whole split; do
		flags=-fcf-protection=$protection
		[ $mode = whole ] ||
			flags="$flags -DRP_SPLIT_SECTIONS -ffunction-sections"
		for link in pie no-pie shared; do
			how="$mode $protection $link"
			check "$how: links" build
			check "$how: runs" "$tmp/program"
			file=$tmp/program
			[ $link != shared ] || file=$tmp/lib.so
			check "$how: detours fit" far_enough $detour $functions
			check "$how: unwinding of a short function" fde_is last
			check "$how: and of a longer one" fde_is unwound
			check "$how: no execution on the stack" stack_is_plain
			check "$how: no text relocation" no_text_relocations
		done
	done
done

# A debugger unwinds through assembly, too.
gdb_backtrace()
{
	gdb -q -batch -ex 'break backtrace_here' -ex run -ex bt "$tmp/program" \
		>"$tmp/gdb" 2>&1
	cat "$tmp/gdb"
	grep -q '#1 .* in unwound' "$tmp/gdb" &&
	grep -q '#2 .* in behave' "$tmp/gdb"
}

flags="-fcf-protection=full -g" detour=9 link=pie
if ! command -v gdb >/dev/null; then
	skip "gdb's backtrace" "no gdb"
elif build; then
	check "gdb's backtrace" gdb_backtrace
else
	not_ok "gdb's backtrace"
fi

# IBT: on only if all objects of an output ask for it. Without the C library's
# start files, which may not.
has_ibt()
{
	"$cc" -shared -nostdlib $flags -o "$tmp/ibt.so" "$@" &&
	readelf -nW "$tmp/ibt.so" | grep 'x86 feature:.*IBT'
}
lacks_ibt()
{
	! has_ibt "$@"
}
flags=-fcf-protection=full link=shared
build || exit 99
check "IBT stays on" has_ibt "$tmp/functions.o" "$tmp/behave.o"
printf '\t.text\n\tnop\n\t.section .note.GNU-stack,"",%%progbits\n' \
	>"$tmp/plain.S"
assemble "$tmp/plain.o" "$tmp/plain.S" $flags || exit 99
check "plain assembly would switch it off" \
	lacks_ibt "$tmp/functions.o" "$tmp/behave.o" "$tmp/plain.o"
flags=-fcf-protection=none
assemble "$tmp/none.o" "$here/other.S" $flags || exit 99
check "without -fcf-protection it is not claimed" lacks_ibt "$tmp/none.o"

# Unused functions go, alone; what one falls into stays with it.
dropped()
{
	cat >"$tmp/gc.c" <<-E2
	int first(int), short_one(int);
	int main(int argc, char **argv)
	{
		(void)argv;
		return first(argc) + short_one(argc) != 11 + argc + argc;
	}
	E2
	"$cc" -O2 $flags -fuse-ld=$1 -Wl,--gc-sections -o "$tmp/gc" \
		"$tmp/gc.c" "$tmp/functions.o" && "$tmp/gc" || return 1
	nm "$tmp/gc" | awk '{ print $3 }' >"$tmp/kept"
	for name in first second short_one; do
		grep -qx $name "$tmp/kept" || { echo "no $name"; return 1; }
	done
	for name in helper with_helper labelled unwound last counter state \
	    letters; do
		! grep -x $name "$tmp/kept" || return 1
	done
}
for ld in bfd lld; do
	if command -v ld.$ld >/dev/null; then
		flags=-DRP_SPLIT_SECTIONS link=pie
		build || exit 99
		check "ld.$ld --gc-sections" dropped $ld
	else
		skip "ld.$ld --gc-sections" "no ld.$ld"
	fi
done
tap_end
