#!/bin/bash
# SPDX-License-Identifier: MIT
# References to ops tables: which are sites, as what, and which are not.
. "$(dirname "$0")/common.inc"

# records FILE: bytes in its tables of ops sites, in records
records()
{
	echo $((0x$(readelf -SW "$1" | awk '/ rp_op_sites / {
		sub(/.*PROGBITS/, ""); print $3; exit }') / 12))
}

# try NAME SITES PREFIXED GOT OTHERS <<assembly
try()
{
	cat >"$tmp/t.s" && "$CC" -c "$tmp/t.s" -o "$tmp/t.o" || exit 99
	annotate --json "$tmp/t.o" >"$tmp/json"
	check "$1" grep -E \
		"\"ops_prefixed\": $3, \"ops_got\": $4, \"ops_others\": $5, " \
		"$tmp/json"
	check "$1: $2 sites" [ "$(grep -c member_offset "$tmp/json")" -eq "$2" ]
	check "$1: as many records" [ "$(records "$tmp/t.o")" -eq "$2" ]
	check "$1: readelf is content" is_clean "$tmp/t.o"
}

# site OFFSET LENGTH KIND TABLE MEMBER: in what try() found
site()
{
	check "  $3 at $1" grep -E "\"offset\": $1,.*\"kind\": \"$3\",\
 \"table\": \"$4\", \"member_offset\": $5, \"length\": $2," "$tmp/json"
}

try "calls and jumps of members" 3 0 0 0 <<'EOF'
	call	*rp_ops__x(%rip)
	call	*rp_ops__x+16(%rip)
	jmp	*rp_ops__x+8(%rip)
EOF
site 0 6 call rp_ops__x 0
site 6 6 call rp_ops__x 16
site 12 6 jmp rp_ops__x 8
try "a local table, as section and offset" 2 0 0 1 <<'EOF'
	call	*rp_ops__l+8(%rip)
	jmp	*rp_ops__l(%rip)
	call	*behind(%rip)
	mov	rp_ops__l+8(%rip), %rax
	.data
	.quad	0
	.type	rp_ops__l, @object
	.size	rp_ops__l, 16
rp_ops__l:
	.quad	0, 0
behind:	.quad	0
EOF
site 0 6 call rp_ops__l 8
site 6 6 jmp rp_ops__l 0
try "a name with a suffix of LTO" 1 0 0 0 <<'EOF'
	call	*rp_ops__x.lto_priv.0+8(%rip)
EOF
try "CS prefixes" 2 0 0 0 <<'EOF'
	.byte	0x2e, 0x2e, 0x2e
	call	*rp_ops__x(%rip)
	.byte	0x2e
	jmp	*rp_ops__x(%rip)
EOF
site 0 9 call rp_ops__x 0
site 9 7 jmp rp_ops__x 0
try "other prefixes" 1 5 0 0 <<'EOF'
	notrack call *rp_ops__x(%rip)
	bnd jmp	*rp_ops__x(%rip)
	.byte	0x67
	call	*rp_ops__x(%rip)
	.byte	0x2e, 0x48
	call	*rp_ops__x(%rip)
	.byte	0x2e, 0x3e
	jmp	*rp_ops__x(%rip)
	call	*rp_ops__x(%rip)
EOF
try "loads, stores, addresses" 0 0 0 6 <<'EOF'
	mov	rp_ops__x+8(%rip), %rax
	mov	%rax, rp_ops__x+8(%rip)
	cmpq	$0, rp_ops__x+8(%rip)
	lea	rp_ops__x(%rip), %rax
	mov	$rp_ops__x, %edi
	call	*rp_ops__x+8
	.data
	.quad	rp_ops__x
EOF
try "calls of the table itself" 0 0 0 2 <<'EOF'
	call	rp_ops__x
	jmp	rp_ops__x
EOF
try "a table of another shared object" 0 0 2 0 <<'EOF'
	mov	rp_ops__x@GOTPCREL(%rip), %rax
	call	*rp_ops__x@GOTPCREL(%rip)
EOF
try "an opcode inside another instruction" 0 0 0 1 <<'EOF'
	.globl	f
f:	.byte	0x48, 0xb8, 0, 0, 0xff, 0x15
	.long	rp_ops__x - . - 4
	ret
EOF
try "behind bytes that are no code" 1 0 0 0 <<'EOF'
	.byte	0x06, 0xff, 0xff
	call	*rp_ops__x(%rip)
EOF
try "other names" 0 0 0 0 <<'EOF'
	call	*my_rp_ops__x(%rip)
	call	*rp_ops_x(%rip)
EOF
# listed LINE...: what --verbose says of others, and no more
listed()
{
	annotate -v "$tmp/t.o" | tail -n +2 >"$tmp/listed"
	printf "$tmp/t.o:   %s\n" "$@" | diff - "$tmp/listed"
}
try "calls through registers" 1 0 0 4 <<'EOF'
	.globl	f
	.type	f, @function
	nop
f:	mov	rp_ops__x+8(%rip), %rax
	call	*rp_ops__y(%rip)
	call	*%rax
	.size	f, . - f
	lea	rp_ops__y(%rip), %rax
	mov	$rp_ops__z, %edi
	.section .text.b, "ax", @progbits
	.byte	0x48, 0xc7, 0xc0
	.long	rp_ops__x
EOF
check "they are listed" listed \
	"no ops site: .text f+0x3 refers to rp_ops__x" \
	"no ops site: .text+0x13 refers to rp_ops__y" \
	"no ops site: .text+0x18 refers to rp_ops__z" \
	"no ops site: .text.b+0x3 refers to rp_ops__x"
ten()
{
	local n
	for n in 0 1 2 3 4 5 6 7 8 9; do
		printf 'no ops site: .text+0x%x refers to rp_ops__x\n' \
			$((7 * n + 3))
	done
}
mapfile -t lines < <(ten)
try "ten of them" 0 0 0 10 <<'EOF'
	.rept	10
	mov	rp_ops__x(%rip), %rax
	.endr
EOF
check "ten are listed" listed "${lines[@]}"
try "twelve of them" 0 0 0 12 <<'EOF'
	.rept	12
	mov	rp_ops__x(%rip), %rax
	.endr
EOF
check "ten of twelve are listed" listed "${lines[@]}" "and 2 more"
try "none" 1 0 0 0 <<'EOF'
	call	*rp_ops__x(%rip)
EOF
check "none is listed" [ "$(annotate -v "$tmp/t.o" | wc -l)" -eq 1 ]
try "both tables in one object, new symbols for both" 1 0 0 0 <<'EOF'
	.section .text.a, "ax", @progbits
	call	*rp_ops__x(%rip)
	.section .text.b, "ax", @progbits
	call	rp_tramp__y
EOF
check "  and the call site" [ "$(sites "$tmp/t.o")" -eq 1 ]
tap_end
