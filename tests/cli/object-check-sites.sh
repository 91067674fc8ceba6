#!/bin/bash
# SPDX-License-Identifier: MIT
# Sites of static calls, static keys and ops that are not what their records say,
# records that say nothing, keys that are none, tables that are out of date.
. "$(dirname "$0")/common.inc"
. "$(dirname "$0")/object-check.inc"
cd "$tmp" || exit 99

clean()
{
	check_object --only sites "$@" >found
	cat found
	grep -q '^1 file,.* 0 errors, 0 warnings' found
}

# f FILE CODE REST: f with that code, two NOPs behind its start
f()
{
	object "$1" <<S
	.text
	.p2align 4
	.globl	f
	.type	f, @function
f:	.cfi_startproc
	nop
	nop
s:	$2
	ret
	.cfi_endproc
	.size	f, . - f
	.section $3
	.p2align 2
$4
S
}

# ---- static calls ----

calls='rp_static_call_sites, "ao", @progbits, f'
# call CODE KIND [FLAGS]
call()
{
	f t.o "$1" "$calls" "	.long s - .
	.short $2, ${3:-0}
	.long rp_tramp__x@GOTPCREL"
}
place='f+0x2 (.text+0x2)'
t=rp_tramp__x
call "call $t" 1
check "a call" clean t.o
check "a call: counted" grep -q '1 call site,' <(check_object --stats t.o 2>&1)
call "jmp $t" 2
check "a tail call" clean t.o
call "jz $t" 3
check "a conditional one" clean t.o
call "call *$t@GOTPCREL(%rip)" 4
check "through the GOT" clean t.o
call "jmp *$t@GOTPCREL(%rip)" 5
check "a tail call through the GOT" clean t.o
call "call $t" 2
check "a call that is to be a jump" finds error 0931 "$place" \
	'a jump \(e9\) is here, but there is e8' t.o
call "jmp $t" 1
check "a jump that is to be a call" finds error 0931 "$place" 'a call' t.o
call "jmp $t" 3
check "a jump that is to be conditional" finds error 0931 "$place" '0f 8x' t.o
call "call $t" 4
check "a call that is to go through the GOT" finds error 0931 "$place" 'ff 15' t.o
call "mov \$5, %eax" 1
check "no call at all" finds error 0931 "$place" 'there is b8 05 00' t.o
call "call rp_tramp__y" 1
check "a call of another one" finds error 0931 "$place" 'that trampoline' t.o
call "call $t" 6
check "an unknown kind" finds error 0935 rp_static_call_sites+0x0 'kind 6' t.o
call "call $t" 1 4
check "unknown flags" finds error 0935 rp_static_call_sites+0x0 'flags 0x4' t.o
f t.o "call $t" "$calls" "	.long 0
	.short 1, 0
	.long $t@GOTPCREL"
check "no place" finds error 0935 rp_static_call_sites+0x0 'names no code' t.o
f t.o "call $t" "$calls" "	.long d - .
	.short 1, 0
	.long $t@GOTPCREL
	.data
d:	.quad 0"
check "a place in data" finds error 0935 rp_static_call_sites+0x0 'not code' t.o
f t.o "call $t" "$calls" "	.long s - .
	.short 1, 0
	.long other@GOTPCREL"
check "no trampoline" finds error 0935 rp_static_call_sites+0x0 \
	'other, which is no trampoline' t.o
f t.o "call $t" "$calls" "	.long s - ., 0"
check "half a record" finds error 0935 rp_static_call_sites+0x0 \
	'has 8 bytes' t.o

# ---- up to date? ----

f t.o "call $t; call $t" "$calls" "	.long s - .
	.short 1, 0
	.long $t@GOTPCREL"
check "a call that is missing" finds warning 0934 '' 'out of date: .* 2 calls' t.o
annotate t.o
check "annotated" silent 0934 t.o
f t.o "call $t" '.data' ''
check "no table: a note" finds note 0934 '' 'no table of sites: 1 call of static calls' t.o
f t.o "nop" "$calls" "	.long s - .
	.short 1, 0
	.long $t@GOTPCREL"
check "a call that is gone" finds error 0931 "$place" '' t.o
check "a table without sites" finds warning 0934 '' 'out of date' t.o

# ---- blocks of 16 bytes ----

f t.o '.skip 10, 0x90
	call rp_tramp__x' .data ''
annotate t.o
check "a call in two blocks" finds note 0932 'f+0xc ' '' t.o
f t.o '.skip 9, 0x90
	call rp_tramp__x' .data ''
annotate t.o
check "a call in one" silent 0932 t.o

# ---- static keys ----

keys='rp_static_key_sites, "ao", @progbits, f'
nop5='.byte 0x0f, 0x1f, 0x44, 0, 0'
# key CODE PLACE [FLAGS [KEY [TARGET]]]
key()
{
	f t.o "$1" "$keys" "	.long $2 - .
	.long ${5:-f} - .
	.long ${4:-key} - .
	.long ${3:-0}
	.data
key:	.long 0, 0
	.quad 0, 0, 0
	.long 0x6b737072, 0
other:	.quad 0, 0, 0, 0, 0"
}
key "$nop5" s
check "a static branch" clean t.o
check "a static branch: counted" grep -q '1 static branch,' \
	<(check_object --stats t.o 2>&1)
key ".byte 0xe9
	.long f - (. + 4)" s 1
check "a jump" clean t.o
key ".byte 0x2e, 0x2e; $nop5" s+2
check "behind prefixes" clean t.o
key ".byte 0x66, 0x2e; $nop5" s+2
check "behind other prefixes" finds error 0931 'f+0x4 ' 'static branch' t.o
key "mov \$5, %eax" s
check "no NOP" finds error 0931 "$place" 'there is b8 05' t.o
key ".byte 0xeb, 3, 0x90, 0x90, 0x90" s
check "a short jump" finds error 0931 "$place" 'static branch' t.o
key ".byte 0xe9
	.long f + 1 - (. + 4)" s
check "a jump to another place" finds error 0931 "$place" 'where the record' t.o
key "$nop5" s 2
check "flags of a branch" finds error 0935 rp_static_key_sites+0x0 'flags 0x2' t.o
key "$nop5" s 0 key s+1
check "a target in an instruction" finds error 0935 rp_static_key_sites+0x0 \
	'no instruction' t.o
key "$nop5" s 0 other
check "a key that is none" finds error 0933 "$place" 'is no static key' t.o
key "$nop5" s 0 elsewhere
check "a key of another file" clean t.o

# ---- ops ----

ops='rp_op_sites, "ao", @progbits, f'
# op CODE PLACE KIND LENGTH
op()
{
	f t.o "$1" "$ops" "	.long $2 - .
	.long rp_ops__x + 8 - .
	.byte $3, $4
	.short 0"
}
op 'call *rp_ops__x+8(%rip)' s 1 6
check "a use of ops" clean t.o
check "ops: counted" grep -q '1 ops site$' <(check_object --stats t.o 2>&1)
op '.byte 0x2e; call *rp_ops__x+8(%rip)' s 1 7
check "with a prefix" clean t.o
op 'call *rp_ops__x+8(%rip)' s 2 6
check "a call that is to be a jump of ops" finds error 0931 "$place" 'ff 25' t.o
op 'call *rp_ops__x+8(%rip)' s 1 7
check "another length" finds error 0931 "$place" 'ff 15' t.o
op 'call *rp_ops__y(%rip)' s 1 6
check "another table" finds error 0931 "$place" 'that member' t.o
op 'call *rp_ops__x+8(%rip)' s 3 6
check "an unknown kind of ops" finds error 0935 rp_op_sites+0x0 'kind 3' t.o

# ---- trampolines and keys ----

object t.o <<'S'
	.section .text.rp_tramp.x, "ax", @progbits
	.globl	rp_tramp__x
	.type	rp_tramp__x, @function
rp_tramp__x: jmp *8(%rip)
	ud2
	.size	rp_tramp__x, . - rp_tramp__x
S
check "a trampoline without a key" finds error 0933 rp_tramp__x+0x0 \
	'no key rp_key__x' t.o
cat >use.c <<'C'
#include <repoint/static_call.h>
#include <repoint/static_key.h>
int one(void); int use(void);
int one(void) { return 1; }
RP_DEFINE_STATIC_CALL(call, one);
RP_DEFINE_STATIC_KEY_FALSE(key);
int use(void)
{
	if (rp_static_branch_unlikely(&key))
		return rp_static_call(call)() + 1;
	return rp_static_call(call)();
}
int main(void) { return use(); }
C
for cc in $(compilers); do
	for flags in -O0 "-O2 -fPIC" "-O2 -fno-plt -fcf-protection=none"; do
		name="$(basename "$cc") $flags"
		"$cc" $flags -I"$RP_INC" -c use.c -o use.o || exit 99
		annotate use.o
		check "$name" clean use.o
		check "$name: sites" grep -Eq '[2-9] call sites, [1-9] static' \
			<(check_object --stats use.o 2>&1)
		"$cc" -no-pie -nostdlib -Wl,-e,main \
			-Wl,--unresolved-symbols=ignore-all use.o -o use ||
			exit 99
		check "$name: linked" clean use
		check "$name: sites, linked" grep -Eq \
			'[2-9] call sites, [1-9] static' \
			<(check_object --stats use 2>&1)
	done
done
# A byte of a site is changed in the linked file.
at=$((16#$(objdump -h use | awk '$2 == ".text" { print $6 }')))
from=$((16#$(objdump -h use | awk '$2 == ".text" { print $4 }')))
site=$((16#$(objdump -d use | awk '/call.*rp_tramp__call/ { sub(":", "", $1)
	print $1; exit }')))
printf '\x90' | dd of=use bs=1 seek=$((at + site - from)) conv=notrunc 2>/dev/null
check "a fault in a linked file" finds error 0931 '' 'a call.* is here' use

# ---- of the kernel ----

# kernel CODE SECTION RECORD
kernel()
{
	object t.o <<S
	.text
	.globl	f
	.type	f, @function
f:	nop
s:	$1
	ret
	.size	f, . - f
	.section $2, "aw", @progbits
$3
S
}
jump='	.long s - ., f - .
	.quad key - .'
kernel "$nop5" __jump_table "$jump"
check "a jump label" clean --abi linux-6.1 t.o
kernel "xchg %ax, %ax" __jump_table "$jump"
check "a short one" clean --abi linux-6.1 t.o
kernel "jmp f" __jump_table "$jump"
check "a jump of a jump label" clean --abi linux-6.12 t.o
kernel "mov \$5, %eax" __jump_table "$jump"
check "no jump label" finds error 0931 'f+0x1 ' 'a NOP of 2 or 5' \
	--abi linux-6.1 t.o
call='	.long s - ., __SCK__x - .'
kernel "call __SCT__x" .static_call_sites "$call"
check "a static call of the kernel" clean --abi linux-6.1 t.o
kernel "call x" .static_call_sites "$call"
check "no static call of the kernel" finds error 0931 'f+0x1 ' 'trampoline' \
	--abi linux-6.1 t.o
kernel "call __SCT__x; call __SCT__x" .static_call_sites "$call"
check "out of date: the kernel's" finds warning 0934 '' '2 sites' \
	--abi linux-6.1 t.o
kernel "call __x86_indirect_thunk_rax; jmp __x86_return_thunk" .data ''
check "no table of thunks: a note" finds note 0934 '' \
	'no \.retpoline_sites: 1 branch to thunks ' --abi linux-6.1 t.o
check "... of return thunks" finds note 0934 '' \
	'no \.return_sites: 1 branch to thunks ' --abi linux-6.1 t.o
"$REPOINT" object annotate --abi linux-6.1 t.o || exit 99
check "... annotated" silent 0934 --abi linux-6.1 t.o
kernel "call __SCT__x" .data ''
check "no key" finds warning 0933 '' 'key __SCK__x' --abi linux-6.1 t.o
check "no key in a module" silent 0933 --abi linux-6.1 --module t.o
tap_end
