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

for cc in gcc clang; do
	command -v $cc >/dev/null || continue
	$cc -O2 -c "$tmp/calls.c" -o "$dir/$cc-plain.o"
	$cc -O2 -fno-plt -c "$tmp/calls.c" -o "$dir/$cc-noplt.o"
	$cc -Os -ffunction-sections -fno-asynchronous-unwind-tables \
		-c "$tmp/calls.c" -o "$dir/$cc-sections.o"
	$cc -O0 -c -x c++ "$tmp/inline.cc" -o "$dir/$cc-groups.o" || :
	$cc -c "$tmp/local.s" -o "$dir/$cc-local.o"
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
