#!/bin/bash
# SPDX-License-Identifier: MIT
# Indirect branches and plain returns in code that was to have none.
. "$(dirname "$0")/common.inc"
. "$(dirname "$0")/object-check.inc"
cd "$tmp" || exit 99

# f FILE CODE [SECTION]
f()
{
	object "$1" <<S
	.section ${3:-.text}, "ax", @progbits
	.globl	f
	.type	f, @function
f:	.cfi_startproc
	$2
	.cfi_endproc
	.size	f, . - f
	.section .discard.retpoline_safe, "", @progbits
	.quad	f
S
}

f t.o 'nop; call *%rax; jmp *%rcx'
check "not asked for" silent 0961 t.o
check "asked for by --only: a call" finds error 0961 'f+0x1 ' 'indirect call' \
	--only retpoline t.o
check "asked for by --only: a jump" finds error 0961 'f+0x3 ' 'indirect jump' \
	--only retpoline t.o
check "asked for by --require" finds error 0961 'f+0x1 ' '' --require retpoline t.o
check "returns are not asked for" silent 0962 --only retpoline t.o
f t.o 'nop; call *8(%rax); ret'
check "through memory" finds error 0961 'f+0x1 ' 'indirect call' \
	--only retpoline t.o
f t.o 'call __x86_indirect_thunk_rax; call *%rax; ret'
check "an object with thunks" finds error 0961 'f+0x5 ' 'indirect call' t.o
check "thunks are none" [ "$(check_object t.o | grep -c RP0961)" -eq 1 ]
check "its returns may be plain" silent 0962 t.o
check "--skip" silent 0961 --skip retpoline t.o
f t.o 'nop; call g; ret'
check "direct branches" silent 0961 --only retpoline t.o

f t.o 'test %edi, %edi; jz 1f; ret; 1: jmp __x86_return_thunk'
check "an object with a return thunk" finds error 0962 'f+0x4 ' 'plain return' t.o
f t.o 'nop; jmp __x86_return_thunk'
check "the thunk alone" silent 0962 t.o
f t.o 'nop; ret; .globl __x86_return_thunk; __x86_return_thunk: ret; .quad __x86_return_thunk'
check "a function of that name" silent 0962 t.o
f t.o 'nop; ret'
check "--require rethunk" finds error 0962 'f+0x1 ' '' --require rethunk t.o
check "not required" silent 0962 --only retpoline t.o

f t.o 'nop; ret'
check "no int3" finds error 0963 'f+0x1 ' 'behind a return' --require sls t.o
check "not asked for: int3" silent 0963 --only retpoline t.o
f t.o 'nop; ret; int3'
check "int3" silent 0963 --require sls t.o
f t.o 'nop; jmp *%rax; nop'
check "no int3 behind a jump" finds error 0963 'f+0x1 ' 'indirect jump' \
	--require sls t.o
f t.o 'nop; jmp *%rax; int3'
check "int3 behind a jump" silent 0963 --require sls t.o

# ---- of the kernel ----

f t.o 'jmp *%rax' .init.text
check "a kernel's .init.text" silent 0961 --abi linux-6.1 --only retpoline t.o
f t.o 'nop; jmp *%rax' .init.text
check "a module's .init.text" finds error 0961 'f+0x1 ' '' --abi linux-6.1 \
	--module --only retpoline t.o
check "another one's .init.text" finds error 0961 'f+0x1 ' '' --only retpoline t.o
f t.o 'jmp *%rax'
check "annotated as safe" silent 0961 --abi linux-6.1 --only retpoline t.o
f t.o 'nop; jmp *%rax'
check "not annotated" finds error 0961 'f+0x1 ' '' --abi linux-6.1 \
	--only retpoline t.o

# ---- of compilers ----

cat >c.c <<'C'
int f(int (*p)(int), int x);
int f(int (*p)(int), int x)
{
	switch (x) {
	case 0: return p(1); case 1: return p(9); case 2: return p(3);
	case 3: return p(5); case 4: return p(7); case 5: return p(77);
	}
	return p(x) + 1;
}
C
if [ -n "$gcc_cc" ]; then
	"$gcc_cc" -O2 -fcf-protection=none -mindirect-branch=thunk-extern \
		-mfunction-return=thunk-extern -fno-jump-tables -c c.c -o c.o ||
		exit 99
	check "gcc with thunks" silent 0961 c.o
	check "gcc with thunks: no return" silent 0962 c.o
	"$gcc_cc" -O2 -mharden-sls=all -c c.c -o c.o || exit 99
	check "gcc -mharden-sls=all" silent 0963 --require sls c.o
fi
"$CC" -O2 -c c.c -o c.o || exit 99
check "without" finds error 0961 'f+0x' '' --only retpoline c.o
tap_end
