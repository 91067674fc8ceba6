#!/bin/bash
# SPDX-License-Identifier: MIT
# Rows of unwind information, and ORC entries made of them, against libdw: of
# what the machine has, and of objects and what they are linked to.
#
# usage: rows.sh ROWS ENTRIES PADS MUTATED
set -u
. "$RP_SOURCE/tests/tap.sh"
rows=$1 entries=$2
src=$RP_SOURCE/tests/object-frames

# Large ones, one of much assembly among them. Those that are not there are left
# out, but for what this program needs itself.
libraries()
{
	ldd "$rows" | sed -n 's/.*=> \(\/[^ ]*\).*/\1/p; s/^[ \t]*\(\/[^ ]*\) .*/\1/p'
	find /lib/x86_64-linux-gnu /usr/lib/x86_64-linux-gnu /usr/bin /usr/sbin \
		-maxdepth 1 '(' -name 'libcrypto.so.*' -o -name 'libstdc++.so.6' \
		-o -name redis-server -o -name nginx -o -name sqlite3 ')' 2>/dev/null
}

check_binary()
{
	"$rows" "$1" >"$tmp/rows.out" 2>&1
	status=$?
	cat "$tmp/rows.out"
	[ "$status" -eq 0 ] && grep -q ' 0 refused by libdw, 0 differ' "$tmp/rows.out"
}

count=0
while read -r file; do
	name=${file##*/}
	check "$name: rows are libdw's" check_binary "$file"
	check "$name: entries agree with libdw" "$entries" "$file"
	count=$((count + 1))
done < <(libraries | xargs -r realpath | sort -u)
check "libraries were found" test "$count" -ge 3
check "the tool: rows are libdw's" check_binary "$RP_TOOL"
check "the tool: entries agree with libdw" "$entries" "$RP_TOOL"

# Ways to say it that compilers do not use, or seldom. Of one row libdw says that
# it has no CFA: def_cfa_register after an expression, rsp + 1232 again.
check_shapes()
{
	$CC "$@" -c "$src/shapes.S" -o "$tmp/shapes.o" &&
	$CC -shared -nostdlib -o "$tmp/shapes.so" "$tmp/shapes.o" &&
	"$rows" "$tmp/shapes.so" &&
	"$rows" --object "$tmp/shapes.o" "$tmp/shapes.so" >"$tmp/object.out" &&
	grep -q ' 1 refused by libdw, 0 differ' "$tmp/object.out" &&
	"$rows" --list "$tmp/shapes.o" >"$tmp/list.out" &&
	[ "$(grep -c ': CFA 4+1232$' "$tmp/list.out")" -eq 2 ] &&
	"$entries" "$tmp/shapes.so" >"$tmp/entries.out" &&
	grep -q ' [1-9][0-9]* signal frames' "$tmp/entries.out" &&
	grep -q ' [1-9][0-9]* ends' "$tmp/entries.out"
}

check "shapes" check_shapes
if echo 'nop' | $CC -Wa,--gdwarf-cie-version=3 -x assembler -c - \
	-o "$tmp/version.o" 2>/dev/null; then
	check "shapes, CIEs of version 3" check_shapes -Wa,--gdwarf-cie-version=3
fi

# The format has words for each register, and for stack pointers kept in memory.
{
	printf '\t.text\n\t.globl f\n\t.type f, @function\nf:\t.cfi_startproc\n'
	for reg in rax rbx rcx rdx rsi rdi rbp r8 r9 r10 r11 r12 r13 r14 r15; do
		printf '\tnop\n\t.cfi_def_cfa %%%s, 24\n' $reg
	done
	for reg in 0x77 0x76; do
		printf '\tnop\n\t.cfi_escape 0x0f, 5, %s, 40, 6, 0x23, 8\n' $reg
	done
	printf '\tret\n\t.cfi_endproc\n\t.size f, . - f\n'
	printf '\t.section .note.GNU-stack, "", @progbits\n'
} >"$tmp/words.s"
check_words()
{
	$CC -shared -nostdlib "$tmp/words.s" -o "$tmp/words.so" &&
	"$rows" "$tmp/words.so" &&
	"$entries" "$tmp/words.so" >"$tmp/entries.out"
	status=$?
	cat "$tmp/entries.out"
	[ "$status" -eq 0 ] && grep -q '(0 unsaid, 0 faults)' "$tmp/entries.out"
}
check "no CFA of these is unsaid" check_words

# Objects, whose places relocations say, and what they are linked to.
cat >"$tmp/unit.c" <<'EOF'
#include <stdarg.h>
#include <string.h>
extern int use(void *, ...);
struct wide { _Alignas(64) char bytes[300]; };
int plain(int x) { char room[40]; return use(room) + x; }
int realigned(int x) { struct wide w; use(&w); return w.bytes[x]; }
int variable(int n) { char room[n]; return use(room) + room[n / 2]; }
int both(int n) { struct wide w; char room[n]; return use(&w, room) + w.bytes[n]; }
int large(void) { char room[200000]; return use(room) + room[7]; }
int many(int n, ...)
{
	va_list ap;
	int sum = 0;

	va_start(ap, n);
	while (n--)
		sum += va_arg(ap, int);
	va_end(ap);
	return use(&sum, sum, 1, 2, 3, 4, 5, 6, 7, 8, 9) + sum;
}
__attribute__((cold, noinline)) int rare(int x) { return use(0, x) + 1; }
int branchy(int x)
{
	if (__builtin_expect(x == 77, 0)) {
		use(&x);
		return rare(x);
	}
	return x > 3 ? plain(x) + variable(x) : x;
}
int _start(void) { return both(branchy(3)) + realigned(1) + large() + many(1); }
EOF

check_object()
{
	"$@" -c "$tmp/unit.c" -o "$tmp/unit.o" &&
	# Linked by the compiler that a linker for non-PIC code comes with.
	$CC -nostdlib -static -Wl,--eh-frame-hdr \
		-Wl,--unresolved-symbols=ignore-all \
		"$tmp/unit.o" -o "$tmp/unit" &&
	"$rows" --object "$tmp/unit.o" "$tmp/unit" >"$tmp/object.out" &&
	cat "$tmp/object.out" &&
	grep -q ' 0 refused by libdw, 0 differ' "$tmp/object.out" &&
	"$rows" "$tmp/unit" && "$entries" "$tmp/unit"
}

for cc in gcc clang; do
	command -v $cc >/dev/null || continue
	for flags in '-O0' '-O1' '-O2 -fno-omit-frame-pointer' '-O2 -fPIC' \
		'-O3 -ffunction-sections' '-Os -mcmodel=large' \
		'-O2 -fno-asynchronous-unwind-tables -fexceptions'; do
		# shellcheck disable=SC2086
		check "$cc $flags" check_object $cc -fno-stack-protector $flags
	done
done

# The lazy PLT's expression, in its forms.
cat >"$tmp/plt.c" <<'EOF'
extern int one(int), two(int), three(int);
int calls(int x) { return one(x) + two(x) + three(x); }
EOF
check_plt()
{
	$CC -O2 -fPIC -fcf-protection=full -c "$tmp/plt.c" -o "$tmp/plt.o" &&
	$CC -shared -nostdlib "$@" "$tmp/plt.o" -o "$tmp/plt.so" &&
	"$rows" "$tmp/plt.so" && "$entries" "$tmp/plt.so"
}
check "lazy PLT" check_plt -Wl,-z,lazy
check "lazy PLT, endbr64" check_plt -Wl,-z,lazy -Wl,-z,ibtplt
if command -v ld.lld >/dev/null; then
	check "lazy PLT, lld" check_plt -fuse-ld=lld -Wl,-z,lazy
fi

# Relocations that the linker has left: the values count, not they.
check_emitted()
{
	$CC -shared -nostdlib -Wl,--emit-relocs "$tmp/plt.o" -o "$tmp/plt.so" &&
	"$rows" "$tmp/plt.so"
}
check "linked with --emit-relocs" check_emitted
tap_end
