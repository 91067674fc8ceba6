#!/bin/sh
# SPDX-License-Identifier: MIT
# Makes the objects that fuzzing starts from: corpus.sh DIRECTORY
set -eu
dir=$1
mkdir -p "$dir"
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

cat >"$tmp/calls.c" <<'EOF'
int rp_tramp__a(int);
int rp_tramp__b(int);
int f(int x) { return rp_tramp__a(x) + 1; }
int g(int x) { return rp_tramp__b(f(x)); }
int (*taken)(int) = rp_tramp__a;
static int h(int x) { return rp_tramp__b(x) * x; }
int (*table[])(int) = { h, f };
EOF
cat >"$tmp/inline.cc" <<'EOF'
extern "C" int rp_tramp__a(int);
inline int one(int x) { return rp_tramp__a(x) + 5; }
template <class T> T two(T x) { return rp_tramp__a(x) + one(x); }
int user(int x) { return two<int>(x); }
EOF
cat >"$tmp/local.s" <<'EOF'
	.section .text.tramp, "ax"
rp_tramp__l:
	ret
	.text
	call	rp_tramp__l
	jmp	rp_tramp__l
	jne	rp_tramp__l
	call	*rp_tramp__m@GOTPCREL(%rip)
	jmp	*rp_tramp__m@GOTPCREL(%rip)
	lea	rp_tramp__l(%rip), %rax
EOF
cat >"$tmp/ops.c" <<'EOF'
struct ops { int (*a)(int), (*b)(int); };
extern struct ops x __asm__("rp_ops__x") __attribute__((visibility("hidden")));
static struct ops l __asm__("rp_ops__l");
int f(int y) { return x.a(y) + 1; }
int g(int y) { return x.b(f(y)); }
int h(int y) { return l.b(y) * l.a(y); }
struct ops *set(int (*a)(int)) { l.a = a; l.b = x.b; return &l; }
EOF
# Tables that assemblers write: records of ops sites, and patchlets.
cat >"$tmp/asm.s" <<'EOF'
	.section .text.f, "ax", @progbits
	.globl	f
f:	.byte	0x2e
.L1:	call	*rp_ops__x+8(%rip)
	jmp	*table(%rip)
.L2:
	.section rp_op_sites, "ao", @progbits, .L1
	.balign	4
	.long	.L1 - ., rp_ops__x + 8 - .
	.byte	1, 6, 0, 0
	.long	.L2 - 6 - ., table - .
	.byte	2, 6, 0, 0
	.section .text.p, "ax", @progbits
p:	dec	%ecx
	jz	p_end
	call	f
	xchg	%rax, %rdx
	jmp	p
p_end:
q:	pause
q_end:
	.section rp_patchlets, "ao", @progbits, p
	.balign	4
	.long	p - ., p_end - ., 0xf0fc7, 0
	.long	q - ., q_end - ., 0, 0
EOF

for cc in gcc clang; do
	command -v $cc >/dev/null || continue
	$cc -O2 -c "$tmp/calls.c" -o "$dir/$cc-plain.o"
	$cc -O2 -fno-plt -c "$tmp/calls.c" -o "$dir/$cc-noplt.o"
	$cc -Os -ffunction-sections -fno-asynchronous-unwind-tables \
		-c "$tmp/calls.c" -o "$dir/$cc-sections.o"
	$cc -O0 -c -x c++ "$tmp/inline.cc" -o "$dir/$cc-groups.o" || :
	$cc -c "$tmp/local.s" -o "$dir/$cc-local.o"
	$cc -O2 -c "$tmp/ops.c" -o "$dir/$cc-ops.o"
	$cc -Os -ffunction-sections -fdata-sections \
		-fno-asynchronous-unwind-tables -c "$tmp/ops.c" \
		-o "$dir/$cc-ops-sections.o"
	$cc -c "$tmp/asm.s" -o "$dir/$cc-asm.o"
done
# An object that has tables of sites already, and one whose tables are merged.
if [ -n "${REPOINT:-}" ]; then
	for o in "$dir"/*.o; do
		cp "$o" "${o%.o}-annotated.o"
		"$REPOINT" object annotate "${o%.o}-annotated.o"
	done
	for o in "$dir"/*-sections-annotated.o; do
		ld -r "$o" -o "${o%.o}-merged.o"
	done
fi
