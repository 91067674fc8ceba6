#!/bin/bash
# SPDX-License-Identifier: MIT
# object orc: tables made by following the code.
. "$(dirname "$0")/common.inc"

orc()
{
	"$REPOINT" object orc "$@"
}

prints()
{
	local want=$1
	shift
	orc --dump "$@" >"$tmp/got" && diff -u "$want" "$tmp/got"
}

assemble()
{
	cat >"$tmp/$1.s" &&
	echo '.section .note.GNU-stack, "", @progbits' >>"$tmp/$1.s" &&
	"$CC" -c "$tmp/$1.s" -o "$tmp/$1.o" || exit 99
}

# .eh_frame says nothing of the push: the code does, and counts.
assemble unsaid <<'EOS'
	.text
	.globl g
	.type g, @function
g:	.cfi_startproc
	pushq %rax
	nop
	popq %rax
	ret
	.cfi_endproc
	.size g, . - g
EOS
wrong_frames()
{
	orc --dump "$tmp/unsaid.o" >"$tmp/got" 2>"$tmp/err" &&
	grep 'note: g+0x1 .*\[RP0947\]' "$tmp/err" &&
	grep '^g+0x1  .text+0x1  cfa=rsp+16 call' "$tmp/got"
}
check "where .eh_frame is wrong the code is followed" wrong_frames

# What stands in the way is said as `object check` does.
assemble lost <<'EOS'
	.text
	.globl g
	.type g, @function
g:	.cfi_startproc
	pushq %rax
	ret
	.cfi_endproc
	.size g, . - g
EOS
said()
{
	expect_status 1 orc "$@" 2>"$tmp/err"
	cat "$tmp/err"
}
lost()
{
	"$CC" -g -c "$tmp/lost.s" -o "$tmp/lost.o" &&
	"$CC" -shared -nostdlib "$tmp/lost.o" -o "$tmp/lost.so" || return
	said "$tmp/lost.o" &&
	grep 'error: g+0x1 (\.text+0x1, .*lost\.s:6): .*\[RP0942\]' "$tmp/err" &&
	grep 'error: no table is written: 1 error in [a-z ]* \[RP0942\]$' "$tmp/err" &&
	said "$tmp/lost.so" -o "$tmp/lost.orc" &&
	grep 'g+0x1 (\.text+0x1, 0x[0-9a-f]*, .*lost\.s:6): ' "$tmp/err" &&
	grep 'no table is written: .*; --from-eh-frame makes one' "$tmp/err" &&
	[ ! -e "$tmp/lost.orc" ]
}
check "why there is no table" lost

# Without .cfi directives: all is found in the code.
assemble f <<'EOS'
	.text
	.globl f
	.type f, @function
f:	pushq %rbp
	movq %rsp, %rbp
	pushq %rbx
	subq $24, %rsp
	testl %edi, %edi
	je 1f
	call other
1:	leaq -8(%rbp), %rsp
	popq %rbx
	popq %rbp
	ret
	.size f, . - f
	.balign 16
	.globl g
	.type g, @function
g:	subq $8, %rsp
	call other
	addq $8, %rsp
	jmp other
	.size g, . - g

	.section .text.unlikely, "ax"
	.globl h
	.type h, @function
h:	pushq %r12
	popq %r12
	ret
	.size h, . - h
EOS
cat >"$tmp/want.f" <<'EOS'
f+0x0  .text+0x0  cfa=rsp+8 call
f+0x1  .text+0x1  cfa=rsp+16 rbp=cfa-16 call
f+0x4  .text+0x4  cfa=rbp+16 rbp=cfa-16 call
f+0x18  .text+0x18  cfa=rsp+8 call
-  .text+0x19  undefined
g+0x0  .text+0x20  cfa=rsp+8 call
g+0x4  .text+0x24  cfa=rsp+16 call
g+0xd  .text+0x2d  cfa=rsp+8 call
-  .text+0x32  undefined
h+0x0  .text.unlikely+0x0  cfa=rsp+8 call
h+0x2  .text.unlikely+0x2  cfa=rsp+16 call
h+0x4  .text.unlikely+0x4  cfa=rsp+8 call
-  .text.unlikely+0x5  undefined
EOS
for abi in repoint linux-6.1 linux-6.12; do
	check "$abi: --dump follows the code" \
		prints "$tmp/want.f" --abi $abi "$tmp/f.o"
	cp "$tmp/f.o" "$tmp/$abi.o"
	check "$abi: -n writes nothing" \
		sh -c '"$1" object orc -n -v --abi $2 "$3/$2.o" |
		grep "would be written" && cmp "$3/f.o" "$3/$2.o"' \
		sh "$REPOINT" $abi "$tmp"
	check "$abi: writes" orc --abi $abi "$tmp/$abi.o"
	check "$abi: and reads the same" \
		prints "$tmp/want.f" --abi $abi "$tmp/$abi.o"
	check "$abi: readelf is content" is_clean "$tmp/$abi.o"
	cp "$tmp/$abi.o" "$tmp/before.o"
	check "$abi: again" orc --abi $abi "$tmp/$abi.o"
	check "$abi: that changes nothing" cmp "$tmp/$abi.o" "$tmp/before.o"
done
check "a kernel's table is loaded" \
	sh -c 'readelf -SW "$1" | grep -E " \.orc_unwind_ip .* 04 +A +0 +0 +1$"' \
	sh "$tmp/linux-6.12.o"
check "a kernel's table needs --abi" sh -c '
	! "$1" object orc --dump "$2/linux-6.1.o" 2>"$2/err" &&
	grep "\[RP0973\]" "$2/err"' sh "$REPOINT" "$tmp"

other_abi()
{
	orc --abi linux-6.12 "$tmp/linux-6.1.o" 2>"$tmp/err" &&
	grep 'note: .*\[RP0972\]' "$tmp/err" &&
	prints "$tmp/want.f" --abi linux-6.12 "$tmp/linux-6.1.o"
}
check "another format replaces the table, with a note" other_abi

# What ld -r makes of two tables is not the table of the result.
relinked()
{
	"$CC" -c -x assembler "$tmp/f.s" -o "$tmp/f1.o" &&
	sed 's/\<f\>/f2/g; s/\<g\>/g2/g; s/\<h\>/h2/g' "$tmp/f.s" >"$tmp/f2.s" &&
	"$CC" -c "$tmp/f2.s" -o "$tmp/f2.o" &&
	orc --abi linux-6.12 "$tmp/f1.o" &&
	ld -r -o "$tmp/r.o" "$tmp/f1.o" "$tmp/f2.o" &&
	orc --abi linux-6.12 "$tmp/r.o" &&
	orc --abi linux-6.12 --dump "$tmp/r.o" | grep '^g2+0x4 ' &&
	[ "$(readelf -SW "$tmp/r.o" | grep -c ' \.orc_unwind')" -eq 2 ] &&
	is_clean "$tmp/r.o"
}
check "after ld -r the table is made anew" relinked

# alternatives NAME: the site is five bytes of NOPs; $alternative its code
alternatives()
{
	assemble "$1" <<-EOS
	.text
	.globl f
	.type f, @function
	f:	nop
	1:	.byte 0x90, 0x90, 0x90, 0x90, 0x90
	2:	ret
		.size f, . - f
		.section .altinstructions, "a"
		.long 1b - .
		.long 3f - .
		.$(if [ $2 = 6.1 ]; then echo short; else echo long; fi) 1
		.byte 2b - 1b, 4f - 3f
		.section .altinstr_replacement, "ax"
	3:	$alternative
	4:
	EOS
}
for version in 6.1 6.12; do
	alternative='pushfq; .byte 0x66, 0x66, 0x90; popfq'
	alternatives conflict $version
	cp "$tmp/conflict.o" "$tmp/before.o"
	check "$version: alternatives in conflict" sh -c '
		! "$1" object orc --abi linux-$2 "$3/conflict.o" 2>"$3/err" &&
		grep "error: .*\[RP0924\]" "$3/err"' \
		sh "$REPOINT" $version "$tmp"
	check "$version: no table is written" \
		cmp "$tmp/conflict.o" "$tmp/before.o"
	# Where one variant alone has instructions, its state counts.
	sed -i 's/^1:.*/1:	.byte 0x0f, 0x1f, 0x44, 0, 0/' "$tmp/conflict.s"
	sed -i 's/^3:.*/3:	pushfq; testl %eax, %eax; popfq; nop/' \
		"$tmp/conflict.s"
	"$CC" -c "$tmp/conflict.s" -o "$tmp/alt-$version.o" || exit 99
	cat >"$tmp/want.alt" <<-EOS
	f+0x0  .text+0x0  cfa=rsp+8 call
	f+0x2  .text+0x2  cfa=rsp+16 call
	f+0x5  .text+0x5  cfa=rsp+8 call
	-  .text+0x7  undefined
	EOS
	check "$version: one table for all variants" \
		prints "$tmp/want.alt" --abi linux-$version "$tmp/alt-$version.o"
done

# table FILE: its bytes and relocations
table()
{
	readelf -x .orc_unwind "$1" &&
	readelf -rW "$1" | awk '/^Relocation/ { p = /orc_unwind_ip/ }
		p && /R_X86_64/ { print $1, $3, $5, $6, $7 }'
}
like_objtool()
{
	local file
	for file in f alt-${1#linux-}; do
		cp "$tmp/$file.o" "$tmp/o.o" && cp "$tmp/$file.o" "$tmp/r.o" &&
		orc --abi "$1" "$tmp/r.o" &&
		SRCARCH=x86 "$2" --orc "$tmp/o.o" &&
		table "$tmp/r.o" >"$tmp/r.table" &&
		table "$tmp/o.o" >"$tmp/o.table" &&
		[ "$(wc -l <"$tmp/o.table")" -ge 5 ] &&
		diff -u "$tmp/o.table" "$tmp/r.table" || return
	done
}
for version in 6.1 6.12; do
	objtool=$(ls /usr/lib/linux-kbuild-$version*/tools/objtool/objtool \
		2>/dev/null | grep -m1 -E "kbuild-$version(\.[0-9]+[^/]*)?/")
	if [ -n "$objtool" ]; then
		check "the same as objtool $version" \
			like_objtool linux-$version "$objtool"
	else
		skip "the same as objtool $version" \
			"no linux-kbuild-$version here"
	fi
done

# Many at once: what is said comes in their order.
for i in 1 2 3 4 5 6 7 8 9; do cp "$tmp/f.o" "$tmp/many$i.o"; done
cp "$0" "$tmp/many5.o"
many()
{
	local i status=0
	orc -v -j 4 "$tmp"/many?.o >"$tmp/out" 2>"$tmp/err" || status=$?
	[ $status -eq 1 ] && grep -c 'many5.o: error: .*\[RP0101\]' "$tmp/err" &&
	for i in 1 2 3 4 6 7 8 9; do
		echo "$tmp/many$i.o: table written: 13 entries"
	done | diff -u - "$tmp/out" && cmp "$tmp/many1.o" "$tmp/many9.o"
}
check "several files, one of them bad" many

# NOPs before functions, exactly so many; others stay nobody's.
assemble prefix <<'EOS'
	.text
	nop
	nop
	nop
	.nops 11
	nop
	.globl p
	.type p, @function
p:	pushq %rbx
	popq %rbx
	ret
	.size p, . - p
	nop
	.nops 13
	.globl q
	.type q, @function
q:	ret
	.size q, . - q
	.nops 8
	.nops 3
	.globl r
	.type r, @function
r:	ret
	.size r, . - r
EOS
cat >"$tmp/want.prefix" <<'EOS'
-  .text+0x3  cfa=rsp+8 call
p+0x1  .text+0x10  cfa=rsp+16 call
p+0x2  .text+0x11  cfa=rsp+8 call
-  .text+0x12  undefined
q+0x0  .text+0x20  cfa=rsp+8 call
-  .text+0x21  undefined
r+0x0  .text+0x2c  cfa=rsp+8 call
-  .text+0x2d  undefined
EOS
sed -e 's/^p+0x0/-/' -e 's/^-  .text+0x3 /p+0x0  .text+0xf /' \
	"$tmp/want.prefix" >"$tmp/want.without"
for abi in repoint linux-6.1 linux-6.12; do
	check "$abi: --prefix: NOPs before functions" \
		prints "$tmp/want.prefix" --abi $abi --prefix 12 "$tmp/prefix.o"
	check "$abi: without it these are nobody's" \
		prints "$tmp/want.without" --abi $abi "$tmp/prefix.o"
done
prefix_like_objtool()
{
	cp "$tmp/prefix.o" "$tmp/o.o" && cp "$tmp/prefix.o" "$tmp/r.o" &&
	orc --abi linux-6.12 --prefix 12 "$tmp/r.o" &&
	SRCARCH=x86 "$1" --orc --prefix=12 "$tmp/o.o" &&
	table "$tmp/r.o" >"$tmp/r.table" && table "$tmp/o.o" >"$tmp/o.table" &&
	[ "$(wc -l <"$tmp/o.table")" -ge 5 ] &&
	diff -u "$tmp/o.table" "$tmp/r.table"
}
objtool=$(ls /usr/lib/linux-kbuild-6.12*/tools/objtool/objtool 2>/dev/null |
	head -n 1)
if [ -n "$objtool" ]; then
	check "--prefix: the same as objtool" prefix_like_objtool "$objtool"
else
	skip "--prefix: the same as objtool" "no linux-kbuild-6.12 here"
fi
check "--prefix takes a number" expect_status 64 orc --prefix 0 "$tmp/f.o"
check "--prefix takes a number up to 255" \
	expect_status 64 orc --prefix 256 "$tmp/f.o"
check "--prefix follows the code" \
	expect_status 64 orc --prefix 16 --from-eh-frame "$tmp/f.o"

# A linked file is followed too.
linked()
{
	"$CC" -shared -nostdlib -Wl,--build-id -o "$tmp/f.so" "$tmp/f.o" &&
	orc "$tmp/f.so" -o "$tmp/f.orc" &&
	orc --dump "$tmp/f.orc" >"$tmp/got" && cat "$tmp/got" &&
	orc -n --dump "$tmp/f.so" | grep '^g+0x4  .text+0x[0-9a-f]*  cfa=rsp+16 call'
	local g=$((0x$(nm "$tmp/f.so" | awk '$3 == "g" { print $1 }')))
	grep "^-  $(printf '0x%x' $((g + 4)))  cfa=rsp+16 call" "$tmp/got"
}
check "a linked file" linked

# Code does not show that nothing called it, or that the kernel put its frame there.
assemble start <<'EOS'
	.text
	.globl _start
	.type _start, @function
_start:	.cfi_startproc
	.cfi_undefined rip
	xor %ebp, %ebp
	mov %rsp, %rdi
	and $-16, %rsp
	call f
	hlt
	.cfi_endproc
	.size _start, . - _start
	.cfi_startproc
	.cfi_signal_frame
	nop
	.globl restorer
	.type restorer, @function
restorer:
	.cfi_escape 0x0f, 4, 0x77, 0xa0, 1, 6
	.cfi_escape 0x10, 6, 3, 0x77, 0xf8, 0
	.cfi_escape 0x10, 16, 3, 0x77, 0xa8, 1
	mov $15, %eax
	syscall
	.cfi_endproc
	.size restorer, . - restorer
	.globl f
	.type f, @function
f:	.cfi_startproc
	ret
	.cfi_endproc
	.size f, . - f
EOS
known_by_rows()
{
	"$CC" -nostdlib -static -o "$tmp/start" "$tmp/start.o" || return
	for file in "$tmp/start.o" "$tmp/start"; do
		orc -n --dump "$file" >"$tmp/got" 2>&1 && cat "$tmp/got" &&
		grep '^_start+0x0 .*  end-of-stack$' "$tmp/got" &&
		grep '^restorer+0x0 .*  cfa=rsp+0 signal-frame' "$tmp/got" &&
		grep '^f+0x0 .*  cfa=rsp+8 call$' "$tmp/got" || return
	done
}
check "the end of the stack and a signal frame" known_by_rows
tap_end
