#!/bin/bash
# SPDX-License-Identifier: MIT
# Functions that have no room for a detour, that have too little in front of
# others, or that are entered in its bytes; and such that are fit.
. "$(dirname "$0")/common.inc"
. "$(dirname "$0")/object-check.inc"
cd "$tmp" || exit 99

# start NAME: the start of one; end NAME
start()
{
	printf '	.globl %s\n	.type %s, @function\n%s: .cfi_startproc\n' \
		"$1" "$1" "$1"
}
end()
{
	printf '	.cfi_endproc\n	.size %s, . - %s\n' "$1" "$1"
}

# functions FILE ALIGNMENT CODE...: f1, f2, ... with that code
functions()
{
	local file=$1 align=$2 i=0 code
	shift 2
	for code; do
		i=$((i + 1))
		printf '	.p2align %s\n' "$align"
		start f$i
		printf '	%b\n' "$code"
		end f$i
	done | object "$file"
}

# fit FILE [FUNCTION]: nothing about it, or about one of its functions
fit()
{
	check_object -v --only livepatch "$1" >found || return
	cat found
	grep -q '^1 file,' found && ! grep -q ": ${2:-}.*\[RP09" found
}

long='mov %rdi, %rax\n	add $7, %rax\n	ret'

functions good.o 4 "$long" "endbr64\n	$long"
check "long enough, and behind endbr64" fit good.o

functions short.o 4 ret "$long"
check "1 byte, 16 apart" finds note 0901 f1+0x0 \
	'has 1 byte, and a detour needs 5: .*-fpatchable-function-entry=5' short.o
check "the other one is fit" fit short.o f2+
functions five.o 4 'nopl (%rax)\n	nop\n	ret'
check "exactly 5 bytes" fit five.o
functions eight.o 4 'endbr64\n	nopl (%rax)\n	ret'
check "8 bytes with endbr64" finds note 0901 f1+0x0 'has 8 bytes.*needs 9' \
	eight.o
functions nine.o 4 'endbr64\n	nopl (%rax)\n	nop\n	ret'
check "9 bytes with endbr64" fit nine.o

functions close.o 0 ret "$long"
check "1 byte apart" finds note 0902 f1+0x0 \
	'needs 5 .*after 1: .*-fmin-function-alignment=16.*-falign-functions=16' \
	close.o
check "not said twice" silent 0901 close.o
functions close.o 2 'endbr64\n	nop\n	ret' "$long"
check "8 bytes apart with endbr64" finds note 0902 f1+0x0 'needs 9 .*after 8' \
	close.o
functions last.o 0 "$long" ret
check "the end of the section" finds note 0902 f2+0x0 'after 1' last.o
functions last.o 4 "$long" ret
check "the end of an aligned section" silent 0902 last.o
check "an error if it is required" finds error 0902 f1+0x0 'needs 9' \
	--require livepatch close.o

# A part that was split off is no entry, but not to be overwritten either.
object cold.o <<S
	.text
$(start hot; printf '	jmp hot.cold\n'; end hot)
	.section .text.unlikely, "ax", @progbits
	.type	hot.cold, @function
hot.cold: .cfi_startproc
	ud2
	.cfi_endproc
	.size	hot.cold, . - hot.cold
S
check "a cold part needs no detour" fit cold.o hot.cold+
object cold.o <<S
	.section .text.unlikely, "ax", @progbits
$(start tiny; printf '	ret\n'; end tiny)
	.type	hot.cold, @function
hot.cold: .cfi_startproc
	ud2
	.cfi_endproc
	.size	hot.cold, . - hot.cold
S
check "a cold part counts as other code" finds note 0902 tiny+0x0 'after 1' \
	cold.o

object entered.o <<S
	.text
$(start f; printf '	xor %%eax, %%eax\n1:	dec %%edi\n	jnz 1b\n	ret\n'
  end f)
	.p2align 4
$(start g; printf '	xor %%eax, %%eax\ninside: nopl (%%rax)\n	ret\n'
  end g)
	.p2align 4
$(start h; printf '	xor %%eax, %%eax\n	jmp inside\n	ret\n'; end h)
	.p2align 4
$(start k; printf '1:	dec %%edi\n	jnz 1b\n	nop\n	ret\n'; end k)
S
check "a loop of its own" finds note 0903 f+0x2 'no thread is in it' entered.o
check "a loop remains a note" finds note 0903 f+0x2 'the function itself' \
	--require livepatch entered.o
check "another function's branch" finds error 0903 g+0x2 'h\+0x2' \
	--require livepatch entered.o
check "a branch to the detour's start" fit entered.o k+
object label.o <<S
	.text
$(start f; printf '	nop\n	.globl inner\ninner:	%b\n' "$long"; end f)
	.p2align 4
$(start g; printf '	nopl (%%rax)\n	nopl (%%rax)\n	.globl outer
outer:	%b\n' "$long"; end g)
S
check "a global label" finds note 0903 f+0x1 'global label inner' label.o
check "a global label behind the detour" fit label.o g+

# What the macros and flags make is fit.
object macros.o <<'S'
#define RP_LINKAGE_SHORT_NAMES
#include <repoint/linkage.h>
	.text
FUNC(one)
	ret
END(one)
FUNC(two)
	ret
END(two)
S
check "RP_FUNC and RP_END" fit macros.o
printf 'void a(void);\nvoid a(void) {}\nvoid b(void);\nvoid b(void) {}\n' >c.c
for cc in $(compilers); do
	for cf in none full; do
		name="$(basename "$cc") -fcf-protection=$cf"
		"$cc" -O2 -fcf-protection=$cf -c c.c -o c.o || exit 99
		check "$name" finds note 0901 a+0x0 fpatchable c.o
		"$cc" -O2 -fcf-protection=$cf -fpatchable-function-entry=5 \
			-c c.c -o c.o || exit 99
		check "$name -fpatchable-function-entry=5" fit c.o
	done
done
tap_end
