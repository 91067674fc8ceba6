#!/bin/bash
# SPDX-License-Identifier: MIT
# References to trampolines that are no calls, or that cannot be patched.
. "$(dirname "$0")/common.inc"

# try NAME SITES PREFIXED OTHERS <<assembly
try()
{
	cat >"$tmp/t.s" && "$CC" -c "$tmp/t.s" -o "$tmp/t.o" || exit 99
	annotate --json "$tmp/t.o" >"$tmp/json"
	check "$1" grep -E "\"prefixed\": $3, \"others\": $4, " "$tmp/json"
	check "$1: $2 sites" [ "$(sites "$tmp/t.o")" -eq "$2" ]
}

try "address taken in text and data" 0 0 3 <<'EOF'
	lea	rp_tramp__x(%rip), %rax
	mov	rp_tramp__x@GOTPCREL(%rip), %rax
	mov	$rp_tramp__x, %edi
	.data
	.quad	rp_tramp__x
EOF
try "an opcode inside another instruction" 0 0 1 <<'EOF'
	.globl	f
f:	.byte	0x48, 0xb8, 0, 0, 0, 0xe8
	.long	rp_tramp__x - . - 4
	ret
EOF
try "a field that is not the instruction's" 0 0 1 <<'EOF'
	.byte	0xe8, 0x90
	.long	rp_tramp__x - . - 4
	ret
EOF
try "prefixes" 1 2 0 <<'EOF'
	bnd call	rp_tramp__x
	.byte	0x2e
	jne	rp_tramp__x
	call	rp_tramp__x
EOF
try "into the middle of a trampoline" 0 0 1 <<'EOF'
	call	rp_tramp__x + 4
EOF
try "behind bytes that are no code" 2 0 0 <<'EOF'
	.byte	0x06, 0xff, 0xff
	call	rp_tramp__x
	.byte	0x06, 0x48
	jmp	rp_tramp__x
EOF
try "other names" 0 0 0 <<'EOF'
	call	my_rp_tramp__x
	call	rp_tramp_x
EOF
try "text that is not loaded, data that is code" 0 0 0 <<'EOF'
	.section .notloaded, "", @progbits
	call	rp_tramp__x
	.data
	call	rp_tramp__x
EOF
tap_end
