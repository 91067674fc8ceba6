#!/bin/bash
# SPDX-License-Identifier: MIT
# Alternatives whose records, code, or users are not what they must be; and those
# that the macros make.
. "$(dirname "$0")/common.inc"
. "$(dirname "$0")/object-check.inc"
cd "$tmp" || exit 99

# record SITE LENGTH NEW NEW_LENGTH [FEATURE [FLAGS]]
record()
{
	printf '	.long %s - ., %s - .\n	.short %s, %s, %s, %s\n' \
		"$1" "$3" "${5:-100}" "${6:-0}" "$2" "$4"
}

# alternative FILE SITE_CODE NEW_CODE RECORDS [OTHER]: f, with a site s to e, and a
# replacement n to m. Once more as a program.
alternative()
{
	object "$1" <<S
	.text
	.globl	f
	.type	f, @function
f:	.cfi_startproc
	test	%edi, %edi
s:	$(printf "$2")
e:	mov	\$1, %eax
	ret
	.cfi_endproc
	.size	f, . - f
	$(printf "${5:-}")
	.section rp_alternative_code, "ax", @progbits
n:	$(printf "$3")
m:
	.section rp_alternatives, "ao", @progbits, f
	.p2align 2
$4
S
}

nop5='.byte 0x0f, 0x1f, 0x44, 0, 0'
five='mov $5, %%eax'

clean()
{
	check_object -v --only alternatives "$@" >found
	cat found
	grep -q '^1 file,' found && ! grep -q '\[RP0[39]' found
}

alternative good.o "$nop5" "$five" "$(record s 5 n 5)"
check "a good one" clean good.o
check "it was looked at" grep -q 'looked at.* 1 alternative,' \
	<(check_object --stats good.o 2>&1)

# ---- RP0921 ----

record="rp_alternatives+0x0"
alternative t.o "$nop5" "$five" "$(record s 4 n 5)"
check "a replacement that is too long" finds error 0921 $record \
	'replacement has 5 bytes and the site 4' t.o
alternative t.o "$nop5" "$five" "$(record s 5 n 5 640)"
check "a feature that does not exist" finds error 0921 $record 'feature 640' t.o
printf '#include <repoint/cpu.h>\nRP_FEATURE_NR\n' >nr.c
last=$(($("$CC" -I"$RP_INC" -E -P nr.c | tail -n 1)))
alternative t.o "$nop5" "$five" "$(record s 5 n 5 "$last")"
check "the first that does not exist" finds error 0921 $record \
	"feature $last" t.o
alternative t.o "$nop5" "$five" "$(record s 5 n 5 $((last - 1)))"
check "the last that does" clean t.o
alternative t.o "$nop5" "$five" "$(record s 5 n 5 100 2)"
check "unknown flags" finds error 0921 $record 'another version' t.o
alternative t.o "$nop5" "$five" "$(record s 5 n 5 100 1)"
check "NOT" clean t.o
alternative t.o "$nop5" "$five" "$(record 0 5 n 5)"
check "no site" finds error 0921 $record 'site' t.o
alternative t.o "$nop5" "$five" "$(record data 5 n 5)" '.data
data:	.skip 8
	.text'
check "a site in data" finds error 0921 $record 'not in code' t.o
alternative t.o "$nop5" "$five" "$(record e 200 n 5)"
check "a site beyond the section" finds error 0921 $record 'not in code' t.o
alternative t.o "$nop5" "$five" "$(record s 5 m 5)"
check "a replacement beyond the section" finds error 0921 $record 'not in code' \
	t.o
alternative t.o "$nop5" "$five" "$(record s 5 n 5)
	.long 0"
check "half a record" finds error 0921 'rp_alternatives+0x' '' t.o
alternative t.o "nop\n	nop\n	nop\n	nop" nop \
	"$(record s 3 n 1)
$(record s+1 3 n 1)"
check "overlapping sites" finds error 0921 'rp_alternatives+0x10' 'overlaps' t.o
alternative t.o "nop\n	nop\n	nop\n	nop" nop \
	"$(record s 4 n 1)
$(record s+1 1 n 1)"
check "the outer one first" finds error 0921 'rp_alternatives+0x10' 'overlaps' \
	t.o
alternative t.o "nop\n	nop\n	nop\n	nop" nop \
	"$(record s+1 1 n 1)
$(record s 4 n 1)"
check "nested" clean t.o
alternative t.o "nop\n	nop\n	nop\n	nop" nop \
	"$(record s 2 n 1)
$(record s 2 n 1)
$(record s 4 n 1)"
check "several at one address" clean t.o
alternative t.o "nop\n	nop\n	nop\n	nop" nop \
	"$(record s 2 n 1)
$(record s+3 1 n 1)
$(record s 2 n 1)"
check "one site, records apart" finds error 0921 'rp_alternatives+0x' \
	'do not follow each other' t.o

# ---- RP0922 ----

alternative t.o "$nop5" "jmp.d32 elsewhere" "$(record s 5 n 5)"
check "a branch of 32 bits" clean t.o
alternative t.o "$nop5\n	nop\n	nop" "lea elsewhere(%%rip), %%rdx" \
	"$(record s 7 n 7)"
check "relative to %rip" clean t.o
alternative t.o "$nop5" ".byte 0xeb\n	.byte f - . - 1" "$(record s 5 n 2)"
check "a short branch to another section" finds error 0922 \
	rp_alternative_code+0x0 '8 bits' t.o
alternative t.o "$nop5" "jmp.d8 m + 3" "$(record s 5 n 2)"
check "a short branch out of the replacement" finds error 0922 \
	rp_alternative_code+0x0 '8 bits' t.o
alternative t.o "$nop5" "mov \$elsewhere - ., %%eax" "$(record s 5 n 5)"
check "a relative immediate" finds error 0922 rp_alternative_code+0x0 \
	'neither a branch nor' t.o

# ---- RP0923 ----

into='.globl g
	.type g, @function
g:	.cfi_startproc
	jmp.d32 s + %s
	.cfi_endproc
	.size g, . - g'
# The assembler makes one of two bytes of a jump in the same section.
alternative t.o "nop\n	nop\n	nop\n	nop" nop "$(record s 4 n 1)" \
	"$(printf "$into" 2)"
check "a branch into the middle" finds error 0923 'f+0x4' \
	'g\+0x0 .*middle of an alternative' t.o
for to in 0 4; do
	alternative t.o "nop\n	nop\n	nop\n	nop" nop \
		"$(record s 4 n 1)" "$(printf "$into" $to)"
	check "a branch to +$to" clean t.o
done
alternative t.o "jmp 1f\n	nop\n1:	nop" nop "$(record s 4 n 1)"
check "a branch inside the site" clean t.o
alternative t.o "nop\n	nop\n	nop\n	$nop5" "jmp.d32 s + 1" \
	"$(record s 8 n 5)"
check "a branch from the replacement" finds error 0923 'f+0x3' \
	'rp_alternative_code\+0x0' t.o

# ---- RP0924: one unwind table serves all variants ----

alternative t.o "push %%rax\n	pop %%rax" "nop\n	push %%rax" \
	"$(record s 2 n 2)"
check "different stacks" finds error 0924 '' '' --only alternatives t.o
alternative t.o "push %%rax\n	pop %%rax" "push %%rcx\n	pop %%rcx" \
	"$(record s 2 n 2)"
check "equal stacks" silent 0924 t.o

# ---- RP0925 ----

alternative t.o "$nop5" "$five" "$(record s+1 4 n 4)"
check "a site that begins in an instruction" finds error 0925 '' \
	'begins where no instruction begins' t.o
alternative t.o "$nop5\n	$nop5" "$five" "$(record s 7 n 5)"
check "a site that ends in one" finds error 0925 '' \
	'the site .* ends inside an instruction' t.o
alternative t.o "$nop5" "$five\n	nop" "$(record s 5 n 3)"
check "a replacement that ends in one" finds error 0925 '' \
	'replacement of an alternative ends inside' t.o
alternative t.o "$nop5" ".byte 6, 6" "$(record s 5 n 2)"
check "a replacement without instructions" finds error 0925 '' \
	'a replacement' t.o
alternative t.o "$nop5" ".byte 0xeb, 1\n	xor %%eax, %%eax" "$(record s 5 n 4)"
check "into an instruction" finds error 0925 'rp_alternative_code+0x0' \
	'into the middle of an instruction' t.o

# ---- what the macros make ----

object use.o <<'S'
#include <repoint/alternative.h>
	.text
	.globl	f
	.type	f, @function
f:	.cfi_startproc
	RP_ALTERNATIVE "mov $1, %eax", "mov $2, %eax", RP_FEATURE_AVX2
	RP_ALTERNATIVE_2 "nop", "call elsewhere", RP_FEATURE_AVX2, "lea f(%rip), %rcx", RP_FEATURE_ERMS
	RP_ALTERNATIVE_TERNARY "", RP_FEATURE_AVX2, "nop", "mov %rax, %rcx"
	ret
	.cfi_endproc
	.size	f, . - f
S
check "the macros, in assembly" clean use.o
"$CC" -no-pie -nostdlib -Wl,-e,f good.o -o good || exit 99
check "a linked file" clean good
check "a linked file has its records" grep -Eq 'looked at.* 1 alternative,' \
	<(check_object --stats good 2>&1)
alternative t.o "$nop5" "$five" "$(record s 5 n 5 640)"
"$CC" -no-pie -nostdlib -Wl,-e,f t.o -o bad || exit 99
check "a fault in a linked file" finds error 0921 rp_alternatives+0x0 \
	'feature 640' bad

# ---- of the kernel ----

# kernel BYTES CODE RECORD: with --abi
kernel()
{
	object t.o <<S
	.text
	.globl	f
	.type	f, @function
f:	$nop5
	ret
	.size	f, . - f
	.section .altinstr_replacement, "ax", @progbits
n:	$1
m:
	.section .altinstructions, "a", @progbits
$2
S
}
record_6_1='	.long f - ., n - .
	.short 100
	.byte 5, m - n'
record_6_12='	.long f - ., n - .
	.long 100
	.byte 5, m - n'
kernel 'jmp.d32 elsewhere' "$record_6_1"
check "Linux 6.1: a jump that comes first" clean --abi linux-6.1 t.o
kernel 'nop; lea elsewhere(%rip), %ax; nop' "$record_6_1"
check "Linux 6.1: too long" finds error 0921 .altinstructions+0x0 'too long|bytes and' \
	--abi linux-6.1 t.o
kernel 'jmp *elsewhere(%rip)' "${record_6_1/byte 5/byte 6}"
check "Linux 6.1: an operand relative to %rip" finds error 0922 \
	.altinstr_replacement+0x0 'Linux 6.1' --abi linux-6.1 t.o
kernel 'mov elsewhere@gottpoff(%rip), %eax' "${record_6_1/byte 5/byte 6}"
check "Linux 6.1: an operand relative to %rip, thread-local" finds error 0922 \
	.altinstr_replacement+0x0 'Linux 6.1' --abi linux-6.1 t.o
kernel 'jmp *elsewhere(%rip)' "${record_6_12/byte 5/byte 6}"
check "Linux 6.12: an operand relative to %rip" clean --abi linux-6.12 t.o
check "records of the other version" finds error 0921 .altinstructions \
	'records should have 12' --abi linux-6.1 t.o

# ---- patchlets ----

object t.o <<'S'
#include <repoint/ops.h>
RP_PATCHLET(p, 0)
	nop
	mov	$1, %eax
RP_PATCHLET_END(p)
S
check "a patchlet" finds error 0310 'rp_patchlet__p+0x1' \
	'patchlet p: .*add RP_CLOBBER_RAX' t.o
object t.o <<'S'
#include <repoint/ops.h>
RP_PATCHLET(p, RP_CLOBBER_RAX)
	mov	$1, %eax
RP_PATCHLET_END(p)
S
check "a sound patchlet" clean t.o
tap_end
