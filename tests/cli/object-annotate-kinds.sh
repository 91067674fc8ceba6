#!/bin/bash
# SPDX-License-Identifier: MIT
# The whole report of one object with a site of each kind.
. "$(dirname "$0")/common.inc"

cat >"$tmp/t.s" <<'EOF'
	.section .text.tramp, "ax", @progbits
rp_tramp__local:
	ret
	.text
	.type	f, @function
f:	call	rp_tramp__x
	jmp	rp_tramp__local
	.balign	16
	jne	rp_tramp__x
	.skip	7, 0x90
	call	*rp_tramp__x@GOTPCREL(%rip)
	jmp	*rp_tramp__x@GOTPCREL(%rip)
	.size	f, . - f
EOF
cat >"$tmp/want" <<'EOF'
[
  { "file": "t.o", "status": "annotated", "prefixed": 0, "others": 0, "sites": [
    { "section": ".text", "section_index": 1, "offset": 0, "function": "f", "function_offset": 0, "kind": "call", "tramp": "rp_tramp__x", "crosses_block": false },
    { "section": ".text", "section_index": 1, "offset": 5, "function": "f", "function_offset": 5, "kind": "jmp", "tramp": "rp_tramp__local", "crosses_block": false },
    { "section": ".text", "section_index": 1, "offset": 16, "function": "f", "function_offset": 16, "kind": "jcc", "tramp": "rp_tramp__x", "crosses_block": false },
    { "section": ".text", "section_index": 1, "offset": 29, "function": "f", "function_offset": 29, "kind": "call-got", "tramp": "rp_tramp__x", "crosses_block": true },
    { "section": ".text", "section_index": 1, "offset": 35, "function": "f", "function_offset": 35, "kind": "jmp-got", "tramp": "rp_tramp__x", "crosses_block": false }
  ], "ops_prefixed": 0, "ops_got": 0, "ops_others": 0, "ops_sites": [] }
]
EOF
cd "$tmp" || exit 99
"$CC" -c t.s -o t.o && cp t.o dry.o || exit 99

json()
{
	annotate --json t.o >got && diff -u want got
}

dry()
{
	cp dry.o before.o
	annotate --dry-run -v dry.o >got && cat got && cmp dry.o before.o &&
	grep -qx 'dry.o: would be annotated: 5 sites, 1 crosses a 16-byte block' got
}

stats()
{
	annotate --stats t.o 2>got && cat got
	grep -q '^1 file: 0 changed, 0 with errors.*; 5 sites: 1 crosses a' got
}

# Words for one and for several; an ops site, and something else.
one()
{
	{
		printf '	.globl f, g\nf:	call rp_tramp__x\n	ret\n'
		printf 'g:	call *rp_ops__t+8(%%rip)\n'
		printf '	leaq rp_ops__t(%%rip), %%rax\n	ret\n'
	} >one.s
	"$CC" -c one.s -o one.o && annotate -v --stats one.o >got 2>&1
	cat got
	grep -qx "one.o: annotated: 1 site, 0 cross a 16-byte block; 1 ops \
site, 0 cross a 16-byte block, 1 other reference" got &&
	grep -q "^1 file: .*; 1 site: 0 cross a .*; 1 ops site: 0 cross a .*, 1 \
other reference$" got
}

thunks()
{
	printf 'f:	call __x86_indirect_thunk_rax\n	jmp __x86_return_thunk\n' \
		>thunk.s
	"$CC" -c thunk.s -o thunk.o &&
	annotate --abi linux-6.1 -v thunk.o >got && cat got &&
	grep -q '; 1 retpoline site, 1 return site$' got
}

check "--dry-run changes nothing" dry
check "--json" json
check "--stats" stats
check "one of each" one
check "one of each: thunks" thunks
tap_end
