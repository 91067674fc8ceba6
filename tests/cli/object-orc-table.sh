#!/bin/bash
# SPDX-License-Identifier: MIT
# object orc --from-eh-frame: tables of linked files, and of objects.
. "$(dirname "$0")/common.inc"

orc()
{
	"$REPOINT" object orc "$@"
}

# f's frame is what its .cfi directives say; wide's needs more than 16 bits.
cat >"$tmp/f.s" <<'EOS'
	.text
	.globl f
	.type f, @function
f:	.cfi_startproc
	pushq %rbp
	.cfi_def_cfa_offset 16
	.cfi_offset 6, -16
	movq %rsp, %rbp
	.cfi_def_cfa_register 6
	popq %rbp
	.cfi_def_cfa 7, 8
	.cfi_restore 6
	ret
	.cfi_endproc
	.size f, . - f
	.globl wide
	.type wide, @function
wide:	.cfi_startproc
	subq $100000, %rsp
	.cfi_def_cfa_offset 100008
	addq $100000, %rsp
	.cfi_def_cfa_offset 8
	ret
	.cfi_endproc
	.size wide, . - wide
	.section .note.GNU-stack, "", @progbits
EOS
"$CC" -c "$tmp/f.s" -o "$tmp/f.o" || exit 99

cat >"$tmp/want.object" <<'EOS'
f+0x0  .text+0x0  cfa=rsp+8 call
f+0x1  .text+0x1  cfa=rsp+16 rbp=cfa-16 call
f+0x4  .text+0x4  cfa=rbp+16 rbp=cfa-16 call
f+0x5  .text+0x5  cfa=rsp+8 call
wide+0x7  .text+0xd  cfa=rsp+100008 call
wide+0xe  .text+0x14  cfa=rsp+8 call
-  .text+0x15  undefined
EOS

prints()
{
	local want=$1
	shift
	orc --dump "$@" >"$tmp/got" && diff -u "$want" "$tmp/got"
}

check "--dump --from-eh-frame: an object" \
	prints "$tmp/want.object" --from-eh-frame "$tmp/f.o"

# Into the object, and out of it again.
into_object()
{
	cp "$tmp/f.o" "$tmp/g.o" &&
	orc --from-eh-frame -v "$tmp/g.o" | grep 'table written: 7 entries' &&
	prints "$tmp/want.object" "$tmp/g.o" && is_clean "$tmp/g.o"
}
check "an object gets the table" into_object
check "its sections are not for programs" \
	sh -c 'readelf -SW "$1" | grep -cE " \.orc_unwind(_ip|_wide)? .* E " |
	grep -qx 3' sh "$tmp/g.o"
unchanged()
{
	cp "$tmp/g.o" "$tmp/before.o" &&
	orc --from-eh-frame -v "$tmp/g.o" | grep 'has its table already' &&
	cmp "$tmp/g.o" "$tmp/before.o"
}
check "a second time changes nothing" unchanged
linked_without()
{
	"$CC" -shared -o "$tmp/g.so" "$tmp/g.o" &&
	! readelf -SW "$tmp/g.so" | grep orc_unwind
}
check "what is linked of it has none of it" linked_without

# Words that hand-written code needs: other registers, and the stack pointer of
# the entry, kept in memory (DW_OP_breg7/6 X, DW_OP_deref, DW_OP_plus_uconst 8).
cat >"$tmp/words.s" <<'EOS'
	.text
	.globl w
	.type w, @function
w:	.cfi_startproc
	movq %rsp, %rax
	.cfi_def_cfa %rax, 8
	movq %rax, %rcx
	.cfi_def_cfa %rcx, 8
	movq %rax, %rsi
	.cfi_def_cfa %rsi, 16
	movq %rax, %r8
	.cfi_def_cfa %r8, 8
	movq %rax, %r9
	.cfi_def_cfa %r9, 100000
	movq %rax, %r11
	.cfi_def_cfa %r11, -8
	movq %rax, 40(%rsp)
	.cfi_escape 0x0f, 5, 0x77, 40, 6, 0x23, 8
	movq %rax, 8(%rbp)
	.cfi_escape 0x0f, 5, 0x76, 8, 6, 0x23, 8
	movq (%rsp), %rax
	.cfi_escape 0x0f, 5, 0x77, 40, 6, 0x23, 16
	nop
	.cfi_def_cfa %rsp, 8
	ret
	.cfi_endproc
	.size w, . - w
	.section .note.GNU-stack, "", @progbits
EOS
"$CC" -c "$tmp/words.s" -o "$tmp/words.o" || exit 99
cat >"$tmp/want.words" <<'EOS'
w+0x0  .text+0x0  cfa=rsp+8 call
w+0x3  .text+0x3  cfa=rax+8 call
w+0x6  .text+0x6  cfa=rcx+8 call
w+0x9  .text+0x9  cfa=rsi+16 call
w+0xc  .text+0xc  cfa=r8+8 call
w+0xf  .text+0xf  cfa=r9+100000 call
w+0x12  .text+0x12  cfa=r11-8 call
w+0x17  .text+0x17  cfa=[rsp+40]+8 call
w+0x1b  .text+0x1b  cfa=[rbp+8]+8 call
w+0x1f  .text+0x1f  undefined
w+0x20  .text+0x20  cfa=rsp+8 call
-  .text+0x21  undefined
EOS
words()
{
	prints "$tmp/want.words" --from-eh-frame "$tmp/words.o" &&
	orc --from-eh-frame -v "$tmp/words.o" 2>"$tmp/err" &&
	grep 'note: 1 stretch of code with a stack' "$tmp/err" &&
	prints "$tmp/want.words" "$tmp/words.o" &&
	# rsi, r8, r9, r11 and the two in memory do not fit into six bytes
	[ "$(readelf -SW "$tmp/words.o" | sed -n \
		's/.* \.orc_unwind_wide *PROGBITS *[0-9a-f]* [0-9a-f]* \([0-9a-f]*\) .*/\1/p')" = 000048 ]
}
check "other registers, and saved stack pointers" words

# A linked file: the same entries at the addresses of the symbols.
"$CC" -shared -Wl,--build-id -o "$tmp/f.so" "$tmp/f.o" || exit 99
base=$((0x$(nm "$tmp/f.so" | awk '$3 == "f" { print $1 }')))
end=$(printf '0x%x' $((base + 0x15)))
{
	for entry in 0:rsp+8 1:"rsp+16 rbp=cfa-16" 4:"rbp+16 rbp=cfa-16" \
		5:rsp+8 13:rsp+100008 20:rsp+8; do
		printf -- '-  0x%x  cfa=%s call\n' $((base + ${entry%%:*})) \
			"${entry#*:}"
	done
	echo "-  $end  undefined"
} >"$tmp/want.linked"

table_file()
{
	orc --from-eh-frame "$tmp/f.so" -o "$tmp/f.orc" &&
	orc --dump "$tmp/f.orc" >"$tmp/all" &&
	sed -n "/ $(printf '0x%x' $base) /,/ $end /p" "$tmp/all" >"$tmp/got" &&
	diff -u "$tmp/want.linked" "$tmp/got"
}
check "-o: a table file" table_file
check "the linked file is as it was" \
	sh -c '"$1" -shared -Wl,--build-id -o "$2/same.so" "$2/f.o" &&
	cmp "$2/f.so" "$2/same.so"' sh "$CC" "$tmp"
sorted()
{
	awk '{ print $2 }' "$tmp/all" | sed 's/^0x//' |
	while read -r at; do printf '%16s\n' "$at"; done >"$tmp/places"
	LC_ALL=C sort -cu "$tmp/places"
}
check "sorted by address" sorted
build_id()
{
	readelf -n "$1" | grep 'Build ID'
}
check "the build ID is the file's" \
	sh -c '[ -n "$1" ] && [ "$1" = "$2" ]' sh \
	"$(build_id "$tmp/f.so")" "$(build_id "$tmp/f.orc")"
check "readelf is content" is_clean "$tmp/f.orc" -SnhW
behind()
{
	local last at
	last=$(readelf -lW "$tmp/f.so" | awk '/LOAD/ { print $3, $6 }' |
		tail -n 1)
	last=$((${last% *} + ${last#* }))
	at=$((0x$(readelf -SW "$tmp/f.orc" |
		sed -n 's/.*\.orc_unwind_ip *PROGBITS *\([0-9a-f]*\) .*/\1/p')))
	echo "$at is not a page behind $last"
	[ $((at % 4096)) -eq 0 ] && [ "$at" -ge "$last" ]
}
check "the table lies on a page behind the file" behind

no_build_id()
{
	"$CC" -shared -Wl,--build-id=none -o "$tmp/n.so" "$tmp/f.o" &&
	orc --from-eh-frame "$tmp/n.so" -o "$tmp/n.orc" 2>"$tmp/err" &&
	grep 'warning: .*\[RP0502\]' "$tmp/err"
}
check "no build ID: a warning" no_build_id

# refused NUMBER ARGUMENTS: with status 1 and that diagnostic
refused()
{
	local number=$1
	shift
	expect_status 1 orc "$@" 2>"$tmp/err"
	cat "$tmp/err"
	grep -q "error: .*\[RP$number\]$" "$tmp/err"
}
check "a linked file needs -o" refused 0974 --from-eh-frame "$tmp/f.so"
check "a table file is only printed" refused 0974 "$tmp/f.orc"
check "no .eh_frame" sh -c 'objcopy -R .eh_frame "$1/f.o" "$1/e.o"' sh "$tmp"
check "no .eh_frame: no table" refused 0951 --from-eh-frame "$tmp/e.o"
check "not ELF" refused 0101 --from-eh-frame "$0"
check "no such file" refused 0001 "$tmp/none.o"
check "-o of a device" refused 0004 --from-eh-frame "$tmp/f.so" -o /dev/null
check "-o where nothing can be written" \
	refused 0002 --from-eh-frame "$tmp/f.so" -o "$tmp/none/x.orc"

# What is read is never what is replaced, by whatever name.
own()
{
	cp "$tmp/f.so" "$tmp/own.so" && ln -sf own.so "$tmp/own.link" &&
	refused 0974 --from-eh-frame "$tmp/own.so" -o "$1" &&
	cmp "$tmp/f.so" "$tmp/own.so"
}
check "-o of the file itself" own "$tmp/own.so"
check "-o of a link to it" own "$tmp/own.link"
nowhere()
{
	ln -sf nowhere/at-all "$tmp/dangling" &&
	refused 0004 --from-eh-frame "$tmp/f.so" -o "$tmp/dangling" &&
	refused 0004 "$tmp/f.o" -o "$tmp/dangling" && [ -L "$tmp/dangling" ]
}
check "-o of a link that leads nowhere" nowhere
check "-n says what would not be written" refused 0974 -n --from-eh-frame "$tmp/f.so"
dry()
{
	rm -f "$tmp/dry.orc"
	orc -n -v --from-eh-frame "$tmp/f.so" -o "$tmp/dry.orc" |
		grep 'table would be written: ' && [ ! -e "$tmp/dry.orc" ]
}
check "-n with -o" dry

# As the library looks for them.
directory()
{
	local id
	mkdir -p "$tmp/dir" &&
	"$CC" -shared -Wl,--build-id,-soname,other -o "$tmp/other.so" "$tmp/f.o" &&
	orc --from-eh-frame "$tmp/f.so" "$tmp/other.so" -o "$tmp/dir" || return
	for file in f.so other.so; do
		id=$(build_id "$tmp/$file" | sed 's/.*: //')
		orc --dump "$tmp/dir/$id.orc" | grep 'cfa=rsp+100008' || return
	done
	[ "$(find "$tmp/dir" -type f | wc -l)" = 2 ]
}
check "-o of a directory" directory
check "-o of a directory: no build ID" refused 0502 --from-eh-frame "$tmp/n.so" -o "$tmp/dir"
check "-o of a directory: an object" refused 0004 "$tmp/f.o" -o "$tmp/dir"

# Debug information alone: its code is elsewhere.
elsewhere()
{
	objcopy --only-keep-debug "$tmp/f.so" "$tmp/f.debug" &&
	refused 0122 "$tmp/f.debug" -o "$tmp/debug.orc" &&
	refused 0122 --from-eh-frame "$tmp/f.debug" -o "$tmp/debug.orc" &&
	refused 0122 --dump "$tmp/f.debug" && [ ! -e "$tmp/debug.orc" ]
}
check "a file of debug information" elsewhere
check "a table file is not a kernel's" refused 0973 --abi linux-6.1 --dump "$tmp/f.orc"

check "a table of another version" sh -c '
	printf "\2\0\0\0\0\0\0\0" >"$1/header"
	objcopy --update-section .orc_header="$1/header" "$1/f.orc" "$1/v.orc"
	' sh "$tmp"
check "is not read" refused 0973 --dump "$tmp/v.orc"
cut_short()
{
	objcopy -O binary -j .orc_unwind --set-section-flags \
		.orc_unwind=alloc "$tmp/f.orc" "$tmp/entries" &&
	head -c 6 "$tmp/entries" >"$tmp/six" &&
	objcopy --update-section .orc_unwind="$tmp/six" "$tmp/f.orc" \
		"$tmp/c.orc"
}
check "a table that lacks entries" cut_short
check "is not read either" refused 0973 --dump "$tmp/c.orc"

check "no file" expect_status 64 orc
check "an ABI that is not known" expect_status 64 orc --abi x "$tmp/f.o"
check "a kernel has no .eh_frame" \
	expect_status 64 orc --abi linux-6.1 --from-eh-frame "$tmp/f.o"
check "-o of two" expect_status 64 orc -o "$tmp/x" "$tmp/f.o" "$tmp/g.o"
check "-j of nothing" expect_status 64 orc -j 0 "$tmp/f.o"

json()
{
	orc --from-eh-frame --dump --json "$tmp/f.o" "$tmp/none.o" \
		>"$tmp/json" 2>/dev/null
	python3 - "$tmp/json" <<'EOS'
import json, sys
good, bad = json.load(open(sys.argv[1]))
assert good["status"] == "made" and good["entries"] == 7, good
assert good["table"][1]["cfa"] == "rsp+16", good
assert good["table"][4]["function"] == "wide", good
assert bad["status"] == "error" and bad["id"] == "RP0001", bad
EOS
}
# Names that are UTF-8, and a byte that is not.
printf '	.text\n	.type "na\303\257ve\374", @function\n' >"$tmp/utf8.s"
printf '"na\303\257ve\374":\n	push %%rax\n	pop %%rax\n	ret\n' >>"$tmp/utf8.s"
json_names()
{
	"$CC" -c "$tmp/utf8.s" -o "$tmp/utf8.o" &&
	orc -n --dump --json "$tmp/utf8.o" >"$tmp/json" &&
	python3 - "$tmp/json" <<'EOS'
import json, sys
entry = json.load(open(sys.argv[1], encoding="utf-8"))[0]["table"][0]
assert entry["function"] == "na\u00efve\u00fc", entry
EOS
}
if command -v python3 >/dev/null; then
	check "--json" json
	check "--json: names" json_names
else
	skip "--json" "no python3"
fi
tap_end
