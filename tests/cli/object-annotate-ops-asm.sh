#!/bin/bash
# SPDX-License-Identifier: MIT
# Records of ops sites that the assembler wrote are kept, wrong ones replaced,
# and annotating twice is annotating once.
. "$(dirname "$0")/common.inc"
cd "$tmp" || exit 99

# record LABEL KIND LENGTH SLOT: of the instruction at a label
record()
{
	printf '%s\n' "	.pushsection rp_op_sites,\"ao\",@progbits,$1" \
		"	.balign	4" "	.long	$1 - ., $4 - ." \
		"	.byte	$2, $3, 0, 0" "	.popsection"
}

# assemble <<assembly, with "record" lines carried out
assemble()
{
	local line
	while IFS= read -r line; do
		case $line in
		record*) $line ;;
		*) printf '%s\n' "$line" ;;
		esac
	done >t.s && "$CC" -c t.s -o t.o
}

# unchanged FILE: nothing to do
unchanged()
{
	cp "$1" before.o && annotate -v "$1" | tee out && cmp "$1" before.o &&
	grep -Eq ': (already annotated|no static calls): ' out
}

# ops FILE N
ops()
{
	annotate --json --dry-run "$1" | tee json
	[ "$(grep -c member_offset json)" -eq "$2" ]
}

assemble <<'EOF' || exit 99
	.globl	f
f:	nop
.Lop1:	call	*rp_ops__x+8(%rip)
record .Lop1 1 6 rp_ops__x+8
	ret
EOF
check "a right record needs nothing" unchanged t.o

assemble <<'EOF' || exit 99
	.globl	f
f:	nop
.Lop1:	jmp	*rp_ops__l+8(%rip)
record .Lop1 2 6 rp_ops__l+8
	.data
	.quad	0
	.size	rp_ops__l, 16
rp_ops__l:
	.quad	0, 0
EOF
check "one of a local table, as section and offset" unchanged t.o

# As rp_op_asm() aligns.
assemble <<'EOF' || exit 99
	.globl	f
f:	nop
	.byte	0x2e, 0x2e
.Lop1:	call	*rp_ops__x(%rip)
record .Lop1 1 6 rp_ops__x
	.byte	0x2e
.Lop2:	call	*rp_ops__x(%rip)
	ret
EOF
keeps_length()
{
	annotate t.o && ops t.o 2 && grep -q '"offset": 3,.*"length": 6,' json &&
	grep -q '"offset": 9,.*"length": 7,' json && unchanged t.o &&
	is_clean t.o
}
check "prefixes that the assembler left out stay out" keeps_length
check "one table" [ "$(readelf -SW t.o | grep -c ' rp_op_sites ')" -eq 1 ]

# Under another name, which the annotator does not know by itself; and in a
# section that is merged with others'.
assemble <<'EOF' || exit 99
	.section .text.a, "ax", @progbits
	.globl	f
f:	nop
.Lop1:	jmp	*table+8(%rip)
record .Lop1 2 6 table+8
	call	*rp_ops__x(%rip)
	.section .text.b, "ax", @progbits
	.globl	g
g:	call	*rp_ops__x+16(%rip)
.Lop2:	call	*hidden(%rip)
record .Lop2 1 6 hidden
	.data
	.globl	rp_ops__own
rp_ops__own:
hidden:	.quad	0
EOF
other_names()
{
	annotate t.o && ops t.o 4 && is_clean t.o && unchanged t.o
}
check "records of tables with other names are kept" other_names
for ld in ld ld.lld; do
	if ! command -v $ld >/dev/null; then
		skip "$ld -r" "no lld"
		continue
	fi
	merged()
	{
		$ld -r -o m.o t.o && annotate m.o && ops m.o 4 && is_clean m.o &&
		unchanged m.o
	}
	check "$ld -r, then annotate" merged
done
stripped()
{
	cp t.o s.o && strip --strip-unneeded s.o && unchanged s.o &&
	objcopy --prefix-symbols= s.o && unchanged s.o
}
check "strip and objcopy change nothing" stripped

# wrong NAME N RECORD...: a record that is not right is not kept
wrong()
{
	local name=$1 n=$2
	shift 2
	{
		printf '	.globl	f\nf:	nop\n.Lop1:	%s\n' "$insn"
		"$@"
		printf '	ret\n'
	} >t.s
	"$CC" -c t.s -o t.o || exit 99
	replaced()
	{
		annotate t.o && ops t.o "$n" && unchanged t.o && is_clean t.o &&
		! cmp -s t.o first.o
	}
	cp t.o first.o
	check "$name" replaced
	check "$name: the table is as long as it has to be" \
		[ "$(objdump -s -j rp_op_sites t.o 2>/dev/null |
			grep -cE '^ [0-9a-f]{4} ')" -eq "$n" ]
}

insn='call *rp_ops__x+8(%rip)'
wrong "another kind" 1 record .Lop1 2 6 rp_ops__x+8
wrong "another length" 1 record .Lop1 1 7 rp_ops__x+8
wrong "a length of 255" 1 record .Lop1 1 255 rp_ops__x+8
wrong "another member" 1 record .Lop1 1 6 rp_ops__x+16
wrong "another table" 1 record .Lop1 1 6 rp_ops__y+8
twice()
{
	record .Lop1 1 6 rp_ops__x+8
	record .Lop1 1 6 rp_ops__x+8
}
wrong "the same twice" 1 twice
wrong "flags" 1 eval 'record .Lop1 1 6 rp_ops__x+8 | sed "s/6, 0, 0/6, 1, 0/"'
wrong "no relocations" 1 eval 'record .Lop1 1 6 x | sed "/long/s/\\.Lop1.*/0, 0/"'
wrong "no slot" 1 eval 'record .Lop1 1 6 x | sed "/long/s/, x.*/, 0/"'
wrong "half a record" 1 eval 'record .Lop1 1 6 rp_ops__x+8 | sed /byte/d'
wrong "another alignment" 1 eval \
	'record .Lop1 1 6 rp_ops__x+8 | sed "s/balign.*/balign 32/"'
wrong "not linked to the code" 1 eval \
	'record .Lop1 1 6 rp_ops__x+8 | sed "s/\"ao\",@progbits,.Lop1/\"a\",@progbits/"'

# Code in a group, its record not.
assemble <<'EOF' || exit 99
	.section .text.g, "axG", @progbits, g, comdat
	.weak	g
g:	nop
.Lop1:	call	*rp_ops__x+8(%rip)
record .Lop1 1 6 rp_ops__x+8
EOF
into_group()
{
	cp t.o first.o && annotate t.o && ops t.o 1 && unchanged t.o &&
	! cmp -s t.o first.o && readelf -gW t.o | tee groups &&
	grep ' rp_op_sites$' groups
}
check "a record outside of its code's group moves there" into_group

insn='mov table(%rip), %rax'
wrong "a load" 0 record .Lop1 1 7 table
insn='call table'
wrong "a direct call" 0 record .Lop1 1 5 table
insn='notrack call *table(%rip)'
wrong "a prefix" 0 record .Lop1 1 7 table
insn='call *8(%rax)'
wrong "not relative to %rip" 0 record .Lop1 1 6 table

# The instruction is another one than when the record was written.
changed()
{
	printf '	.globl	f\nf:	call *rp_ops__x(%%rip)\n	ret\n' >t.s
	"$CC" -c t.s -o t.o && annotate t.o && ops t.o 1 &&
	printf '\213\005' >load &&
	objcopy --dump-section .text=text t.o &&
	dd if=load of=text conv=notrunc status=none &&
	objcopy --update-section .text=text t.o && annotate -v t.o &&
	ops t.o 0 &&
	! objdump -s -j rp_op_sites t.o 2>/dev/null | grep -qE '^ [0-9a-f]{4} '
}
check "a record of code that has changed goes" changed

# <repoint/ops.h> itself
cat >use.c <<'EOF'
#include <repoint/ops.h>
struct table { void (*lock)(int *); int (*count)(void); };
RP_DECLARE_OPS(struct table, elsewhere);
RP_DEFINE_STATIC_OPS(struct table, here, 0);
int count(int *lock);
int count(int *lock)
{
	rp_op_asm(elsewhere, lock, RP_NONE, RP_INPUTS("D" (lock)),
		  RP_CLOBBERS("rax"));
	return rp_op(elsewhere, count)() + rp_op(here, count)();
}
void set(int (*count)(void));
void set(int (*count)(void))
{
	rp_op_set(here, count, count);
}
EOF
by_macros()
{
	"$1" -O2 $2 -I"$RP_INC" -c use.c -o use.o &&
	readelf -SW use.o | grep ' rp_op_sites ' && annotate use.o &&
	ops use.o 3 && in_eight rp_ops__elsewhere 0 &&
	grep '"table": "rp_ops__here", "member_offset": 8,' json &&
	unchanged use.o && is_clean use.o
}
# in_eight TABLE MEMBER: its site has six bytes, in eight aligned ones
in_eight()
{
	local at
	at=$(sed -n "s/.*\"offset\": \([0-9]*\),.*\"$1\", \"member_offset\":\
 $2, \"length\": 6,.*/\1/p" json)
	[ -n "$at" ] && [ $((at % 8)) -le 2 ]
}
for cc in $(compilers); do
	for flags in -fPIC -fno-pie -ffunction-sections; do
		check "$(basename "$cc") $flags: rp_op_asm()" \
			by_macros "$cc" $flags
	done
done
tap_end
