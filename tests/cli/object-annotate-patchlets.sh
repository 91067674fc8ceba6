#!/bin/bash
# SPDX-License-Identifier: MIT
# Patchlets that do what they declare pass; of the others it is said where and
# what, and the object stays as it was.
. "$(dirname "$0")/common.inc"
cd "$tmp" || exit 99

# patchlet CLOBBERS <<assembly: an object with it, written by the macros
patchlet()
{
	{
		printf '#include <repoint/ops.h>\nRP_PATCHLET(p, %s)\n' "$1"
		cat
		printf 'RP_PATCHLET_END(p)\n'
		# so that there is something to write, too
		printf '	.text\n	.globl f\nf:	call *rp_ops__x(%%rip)\n'
	} >t.S
	"$CC" -I"$RP_INC" -c t.S -o t.o && cp t.o before.o
}

# good NAME CLOBBERS <<assembly
good()
{
	patchlet "$2" || exit 99
	check "$1" annotate t.o
	check "$1: annotated" annotate_again
}

annotate_again()
{
	! cmp -s t.o before.o && annotate -v t.o | grep ': already annotated: '
}

# bad NAME ID WHERE TEXT CLOBBERS <<assembly: TEXT is a regular expression
bad()
{
	patchlet "$5" || exit 99
	check "$1" says "$2" "$3" "$4"
}

says()
{
	local id=$1 where=$2 text=$3
	expect_status 1 annotate t.o 2>err
	cat err
	cmp t.o before.o && [ "$(wc -l <err)" -eq 1 ] &&
	grep -qF "t.o: error: $where" err && grep -qF "[$id]" err &&
	grep -Eq -e "$text" err
}

good "nothing to declare" 0 <<'EOF'
	pause
	mov	%rax, 8(%rdi)
EOF
good "all of C, with a call" RP_CLOBBERS_C <<'EOF'
	call	function
	call	*8(%rdi)
	lea	4(%rax), %rax
EOF
good "branches inside and to the end" "RP_CLOBBER_RCX | RP_CLOBBER_FLAGS" <<'EOF'
1:	dec	%ecx
	jnz	1b
	jmp	2f
	add	$1, %ecx
2:
EOF
good "the time stamp" "RP_CLOBBER_RAX|RP_CLOBBER_RDX|RP_CLOBBER_FLAGS" <<'EOF'
	rdtsc
	shl	$32, %rdx
	or	%rdx, %rax
EOF
good "clearing a direction that is clear" 0 <<'EOF'
	cld
EOF
good "a system call" "RP_CLOBBER_RAX|RP_CLOBBER_RCX|RP_CLOBBER_R11" <<'EOF'
	syscall
EOF

good "memory, but no stack" RP_CLOBBER_RAX <<'EOF'
	mov	8(%rbp), %rax
	mov	(%rdi,%r12,4), %eax
	lea	(%rdi,%rsi), %rax
EOF

p='patchlet p'
# beyond_c BITS: what else is said of registers that C functions keep
beyond_c()
{
	case $1 in
	*_RBX* | *_RBP* | *_R1[2-5]*)
		echo "; but then no member with the C ABI's clobbers will" \
			'take it \(see RP_OP_CLOBBERS\(\)\) \[' ;;
	*)
		echo ' \[' ;;
	esac
}

# undeclared NAME BITS OFFSET INSTRUCTION: says what to add, and then it passes
undeclared()
{
	local bits=$2
	patchlet 0 <<EOF || exit 99
	nop
	$4
EOF
	check "$1 is not declared" says RP0310 "$p+0x1" \
		"\"$3\" changes what is not declared; add ${bits//|/\\|}\
 to RP_PATCHLET\\(p, \.\.\.\)$(beyond_c "$bits")"
	patchlet "$bits" <<EOF || exit 99
	nop
	$4
EOF
	check "$1 is declared" annotate t.o
	patchlet "RP_CLOBBERS_ALL & ~($bits)" <<EOF || exit 99
	nop
	$4
EOF
	check "$1 is declared by none of the others" says RP0310 "$p+0x1" "add"
}

for r in rax rcx rdx rbx - rbp rsi rdi r8 r9 r10 r11 r12 r13 r14 r15; do
	[ $r = - ] || undeclared $r RP_CLOBBER_${r^^} "mov .*, %$r" \
		"movabs \$0x123456789, %$r"
done
undeclared "a byte of a register" RP_CLOBBER_RBX 'mov %cl, %bh' 'mov %cl, %bh'
undeclared "half a register" RP_CLOBBER_R13 'mov %ecx, %r13d' 'mov %ecx, %r13d'
undeclared "on a condition" RP_CLOBBER_RBX 'cmovz %rcx, %rbx' \
	'cmovz %rcx, %rbx'
undeclared "flags" RP_CLOBBER_FLAGS 'test .*' 'test %eax, %eax'
undeclared "one flag" RP_CLOBBER_FLAGS 'stc' 'stc'
undeclared "undefined flags" \
	'RP_CLOBBER_RAX | RP_CLOBBER_RDX | RP_CLOBBER_FLAGS' 'div .*' 'div %rcx'
undeclared "an implied register" 'RP_CLOBBER_RAX | RP_CLOBBER_RSI' 'lodsb.*' \
	lodsb
undeclared "two implied registers" 'RP_CLOBBER_RAX | RP_CLOBBER_RDX' 'rdtsc' \
	rdtsc
undeclared "four registers" \
	'RP_CLOBBER_RAX | RP_CLOBBER_RCX | RP_CLOBBER_RDX | RP_CLOBBER_RBX' \
	cpuid cpuid
undeclared "an exchange" 'RP_CLOBBER_RCX | RP_CLOBBER_RDX' 'xchg .*' \
	'xchg %rcx, %rdx'
undeclared "a string" 'RP_CLOBBER_RCX | RP_CLOBBER_RSI | RP_CLOBBER_RDI' \
	'rep movsb.*' 'rep movsb'
undeclared "xmm" RP_CLOBBER_VECTOR 'movaps .*' 'movaps %xmm0, %xmm9'
undeclared "ymm" RP_CLOBBER_VECTOR 'vpxor .*' 'vpxor %ymm0, %ymm0, %ymm0'
undeclared "zmm" RP_CLOBBER_VECTOR 'vpxord .*' \
	'vpxord %zmm20, %zmm20, %zmm20'
undeclared "upper halves" RP_CLOBBER_VECTOR vzeroupper vzeroupper
undeclared "a mask" RP_CLOBBER_MASK 'kmovw .*' 'kmovw %eax, %k1'
undeclared "x87" RP_CLOBBER_X87 fld1 fld1
undeclared "a stack of x87" RP_CLOBBER_X87 fincstp fincstp
undeclared "mmx" RP_CLOBBER_X87 'movq .*' 'movq %mm0, %mm1'
undeclared "mmx, read" RP_CLOBBER_X87 'movq .*' 'movq %mm0, (%rax)'
undeclared "the end of mmx" RP_CLOBBER_X87 emms emms

# all NAME ID TEXT INSTRUCTION: wrong whatever is declared
all()
{
	bad "$1" "$2" "$p+0x1" "$3" RP_CLOBBERS_ALL <<EOF
	nop
	$4
EOF
}

all "ret" RP0305 '"ret" leaves the patchlet' ret
all "indirect jump" RP0305 '"jmp %rax" leaves|"jmp \*%rax" leaves' 'jmp *%rax'
all "int3" RP0305 leaves int3
all "int" RP0305 leaves 'int $0x80'
all "jump to another file" RP0305 '"jmp elsewhere" branches out' \
	'jmp elsewhere'
all "jump behind a function in another file" RP0305 \
	'"jmp elsewhere\+8" branches out' 'jmp elsewhere + 8'
all "conditional jump to a local function" RP0305 '"jz local" branches out' \
	'jz local; .text; local: nop; .previous'
all "jump to a place without a name" RP0305 '"jmp \.text\+3" branches out' \
	'jmp .Lx; .text; .skip 3; .Lx: nop; .previous'
all "jump in front" RP0305 'branches out' 'jmp . - 8'
all "jump behind" RP0305 'branches out' 'jmp . + 32'
all "jump behind, short" RP0305 'branches out' '.byte 0xeb, 1'
all "conditional jump to a function in the section" RP0305 'branches out' \
	'jz rp_patchlet__p - 16'
all "jump with a prefix" RP0305 '"bnd jmp elsewhere" branches out' \
	'bnd jmp elsewhere'
all "into an instruction" RP0306 'into the middle' 'jmp 1f + 1; 1: mov %eax, %ebx'
all "into itself" RP0306 'into the middle' '.byte 0xeb, 0xff, 0xc0, 0xc0, 0'
all "push" RP0308 '"push %rax" changes %rsp' 'push %rax'
all "pop" RP0308 'changes %rsp' 'pop %rax'
all "pushf" RP0308 'changes %rsp' pushf
all "leave" RP0308 'changes %rsp' leave
all "an assignment to rsp" RP0308 'changes %rsp' 'lea 8(%rsp), %rsp'
all "a part of rsp" RP0308 'changes %rsp' 'mov %al, %spl'
stack='goes by %rsp, but the stack is the caller'
all "a read of the stack" RP0308 "mov .*$stack" 'mov (%rsp), %rax'
all "a write to the stack" RP0308 "$stack" 'mov %eax, -8(%rsp)'
all "an index into the stack" RP0308 "$stack" 'add %rax, 8(%rsp,%rcx,4)'
all "an address in the stack" RP0308 "lea .*$stack" 'lea 8(%rsp), %rdi'
all "a call through the stack" RP0308 "$stack" 'call *8(%rsp)'
all "half of rsp" RP0308 "$stack" 'mov (%esp), %eax'
all "a vector in the stack" RP0308 "$stack" 'vmovups (%rsp), %ymm0'
all "the direction" RP0309 'cannot be declared' std
all "modes of SSE" RP0309 'cannot be declared' 'ldmxcsr (%rax)'
all "modes of AVX" RP0309 'cannot be declared' 'vldmxcsr (%rax)'
all "modes of x87" RP0309 'cannot be declared' 'fldcw (%rax)'
all "state of x87 and SSE" RP0309 'cannot be declared' 'fxrstor (%rax)'
all "state of all" RP0309 'cannot be declared' 'xrstor (%rax)'
all "a segment" RP0309 'cannot be declared' 'mov %ax, %ds'
all "a thread's segment" RP0309 'cannot be declared' 'wrfsbase %rax'
all "a privilege" RP0309 'cannot be declared' 'mov %rax, %cr3'
all "a privilege without operands" RP0309 'cannot be declared' hlt
all "a shadow stack" RP0309 'cannot be declared' 'incsspq %rax'
all "no instruction" RP0304 'no instruction' '.byte 6'
all "half an instruction" RP0304 'no instruction' '.byte 0xe8, 0'
bad "a call without RP_CLOBBERS_C" RP0307 "$p" 'RP_CLOBBERS_C; declare' \
	'RP_CLOBBERS_C & ~RP_CLOBBER_X87' <<'EOF'
	call	function
EOF
bad "the function that is called" RP0307 "$p" '"call function" calls' 0 <<'EOF'
	call	function
EOF
bad "undefined clobbers" RP0301 "$p: " \
	"its clobbers name 'RP_CLOBBER_EAX', which is undefined" \
	RP_CLOBBER_EAX <<'EOF'
	nop
EOF
bad "empty" RP0302 "$p" 'empty' 0 </dev/null
bad "too long" RP0302 "$p" 'longer than 4096 bytes' 0 <<'EOF'
	.skip	4097, 0x90
EOF
good "as long as may be" 0 <<'EOF'
	.skip	4096, 0x90
EOF
bad "clobbers of the stack pointer" RP0303 "$p" 'unknown bits' 0x10 <<'EOF'
	nop
EOF
bad "clobbers above all" RP0303 "$p" 'unknown bits' 0x100000 <<'EOF'
	nop
EOF

# raw NAME ID WHERE TEXT <<assembly: records that the macros do not write
raw()
{
	cat >t.s
	"$CC" -c t.s -o t.o && cp t.o before.o || exit 99
	check "$1" says "$2" "$3" "$4"
}

table='.section rp_patchlets, "a", @progbits'
raw "another size" RP0301 'section ' 'not a table' <<EOF
	$table
	.long	0, 0, 0
EOF
raw "no relocations" RP0301 'section ' 'no relocation' <<EOF
	$table
	.long	0, 8, 0, 0
EOF
raw "no end" RP0301 'section ' 'no relocation' <<EOF
a:	nop
	$table
	.long	a - ., 8, 0, 0
EOF
raw "no symbol" RP0301 'section ' 'relocation that is not' <<EOF
	$table
	.long	a - ., b - ., 0, 0
EOF
raw "another relocation" RP0301 'section ' 'relocation that is not' <<EOF
a:	nop
	$table
	.long	a, a, 0, 0
EOF
raw "a relocation of the clobbers" RP0301 'section ' 'relocation that is' <<EOF
a:	nop
b:	nop
	$table
	.long	a - ., b - ., a - ., 0
EOF
raw "in data" RP0301 'section ' 'not in code' <<EOF
	$table
	.long	a - ., b - ., 0, 0
	.data
a:	.byte	0x90
b:
EOF
raw "in two sections" RP0301 'section ' 'different sections' <<EOF
a:	nop
	.section .text.b, "ax", @progbits
b:	nop
	$table
	.long	a - ., b - ., 0, 0
EOF
raw "flags" RP0301 'section ' 'unknown flags' <<EOF
a:	nop
b:	nop
	$table
	.long	a - ., b - ., 0, 1
EOF
raw "the end in front" RP0302 'patchlet b' 'ends before it starts' <<EOF
a:	nop
b:	nop
	$table
	.long	b - ., a - ., 0, 0
EOF
raw "outside of the section" RP0302 'patchlet a' 'outside of its section' <<EOF
a:	nop
	$table
	.long	a - ., a + 2 - ., 0, 0
EOF
raw "overlapping" RP0302 'patchlet b' 'begins inside of patchlet a' <<EOF
a:	nop
b:	nop
c:	nop
	$table
	.long	b - ., c - ., 0, 0
	.long	a - ., c - ., 0, 0
EOF
raw "the second of two" RP0305 'patchlet b+0x0' '"ret" leaves' <<EOF
a:	nop
b:	ret
c:
	$table
	.long	a - ., b - ., 0, 0
	.long	b - ., c - ., 0, 0
EOF

raw "two relocations of one end" RP0301 'section ' 'relocation that is' <<EOF
a:	nop
b:	nop
	$table
	.reloc	., R_X86_64_PC32, b
	.long	a - ., b - ., 0, 0
EOF
raw "a branch, its relocation in the second section" RP0305 'patchlet b+0x0' \
	'branches out' <<EOF
	.section .text.a, "ax", @progbits
a:	nop
a_end:
	.section .text.b, "ax", @progbits
b:	jmp	elsewhere
b_end:
	$table
	.long	a - ., a_end - ., 0, 0
	.long	b - ., b_end - ., 0, 0
EOF

raw "no end, by the macro" RP0301 'patchlet other: ' \
	'RP_PATCHLET_END\(other\) is missing \[' <<EOF
	.section rp_patchlet_code, "ax", @progbits
	.globl	rp_patchlet__other
rp_patchlet__other:
	nop
	$table
	.long	rp_patchlet__other - ., .Lrp_patchlet_end__other - ., 0, 0
EOF
raw "no table" RP0301 'patchlet other: ' \
	'RP_PATCHLET_END\(other\) is missing \[' <<EOF
	.section rp_patchlet_code, "ax", @progbits
rp_patchlet__other:
	nop
EOF
raw "no record, but one of another patchlet" RP0301 'patchlet b: ' \
	'RP_PATCHLET_END\(b\) is missing \[' <<EOF
	.section rp_patchlet_code, "ax", @progbits
rp_patchlet__a:
	nop
rp_patchlet__b:
	nop
end:
	$table
	.long	rp_patchlet__a - ., rp_patchlet__b - ., 0, 0
EOF
raw "clobbers of a record without a name" RP0301 'section ' \
	"name 'RP_CLOBBER_EAX', which is undefined" <<EOF
a:	nop
b:	nop
	$table
	.long	a - ., b - ., RP_CLOBBER_EAX, 0
EOF

# The macros themselves, without an end.
endless()
{
	printf '#include <repoint/ops.h>\nRP_PATCHLET(p, 0)\n\tnop\n' >t.S
	"$CC" -I"$RP_INC" -c t.S -o t.o && cp t.o before.o || return
	says RP0301 'patchlet p: ' 'RP_PATCHLET_END\(p\) is missing'
}
check "RP_PATCHLET() alone" endless

# In C, by both compilers, with code of its own around it.
cat >use.c <<'EOF'
#include <repoint/ops.h>
__asm__(RP_PATCHLET(relax, 0) "pause\n" RP_PATCHLET_END(relax));
__asm__(RP_PATCHLET(swap, CLOBBERS)
	"xchg %rdi, %rsi\n\tmov %rdi, %rax\n"
	RP_PATCHLET_END(swap));
int f(int x);
int f(int x) { return x + 1; }
EOF
in_c()
{
	"$1" $2 -I"$RP_INC" -DCLOBBERS=RP_CLOBBERS_C -c use.c -o t.o &&
	annotate t.o &&
	"$1" $2 -I"$RP_INC" -DCLOBBERS=RP_CLOBBER_RAX -c use.c -o t.o &&
	cp t.o before.o && says RP0310 'patchlet swap+0x0' \
		'add RP_CLOBBER_RSI \| RP_CLOBBER_RDI to RP_PATCHLET\(swap,'
}
for cc in $(compilers); do
	for flags in "-O2 -fPIC" "-Os -ffunction-sections"; do
		check "$(basename "$cc") $flags" in_c "$cc" "$flags"
	done
done
tap_end
