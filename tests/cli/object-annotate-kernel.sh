#!/bin/bash
# SPDX-License-Identifier: MIT
# annotate --abi: .static_call_sites, .retpoline_sites and .return_sites of a
# kernel's objects, as objtool writes them.
. "$(dirname "$0")/common.inc"

# Calls, a tail call, a conditional one; a jump that is in no function, and the
# code of an alternative, are no sites.
cat >"$tmp/k.s" <<'EOS'
	.globl __SCK__one, __SCK__two
	.text
	.globl f
	.type f, @function
f:	call __SCT__one
	nop
	call __SCT__two
	call other
	testl %edi, %edi
	je __SCT__two
	jmp __SCT__one
	.size f, . - f
loose:	jmp __SCT__one
	call __SCT__one
	ret

	.section .text.hot, "ax"
	.globl g
	.type g, @function
g:	jmp __SCT__two
	.size g, . - g

	.section .altinstr_replacement, "ax"
	call __SCT__one
	.section .note.GNU-stack, "", @progbits
EOS
"$CC" -c "$tmp/k.s" -o "$tmp/k.o" || exit 99

# records FILE: section offset key addend, in the table's order
records()
{
	readelf -rW "$1" | awk '/^Relocation/ { p = /static_call_sites/ }
		p && /R_X86_64/ { print $1, $3, $5, $6, $7 }'
}

cat >"$tmp/want" <<'EOS'
0000000000000000 R_X86_64_PC32 .text + 12
0000000000000004 R_X86_64_PC32 __SCK__two + 1
0000000000000008 R_X86_64_PC32 .text + 18
000000000000000c R_X86_64_PC32 __SCK__one + 1
0000000000000010 R_X86_64_PC32 .text.hot + 0
0000000000000014 R_X86_64_PC32 __SCK__two + 1
0000000000000018 R_X86_64_PC32 .text + 0
000000000000001c R_X86_64_PC32 __SCK__one + 0
0000000000000020 R_X86_64_PC32 .text + 6
0000000000000024 R_X86_64_PC32 __SCK__two + 0
0000000000000028 R_X86_64_PC32 .text + 22
000000000000002c R_X86_64_PC32 __SCK__one + 0
EOS

has_records()
{
	records "$1" >"$tmp/got"
	diff -u "${2:-$tmp/want}" "$tmp/got"
}

has_header()
{
	readelf -SW "$1" | grep -E ' \.static_call_sites +PROGBITS .* 08 +WA +0 +0 +1$'
}

untouched()
{
	cp "$1" "$tmp/before.o" &&
	annotate --abi "$2" -v "$1" | grep 'already annotated' &&
	cmp "$1" "$tmp/before.o"
}

for abi in linux-6.1 linux-6.12; do
	cp "$tmp/k.o" "$tmp/$abi.o"
	check "$abi: annotates" annotate --abi "$abi" "$tmp/$abi.o"
	check "$abi: records, jumps first" has_records "$tmp/$abi.o"
	check "$abi: section as objtool makes it" has_header "$tmp/$abi.o"
	check "$abi: readelf is content" is_clean "$tmp/$abi.o"
	check "$abi: a second time changes nothing" \
		untouched "$tmp/$abi.o" "$abi"
done

cp "$tmp/k.o" "$tmp/plain.o"
check "without --abi these are no sites" annotate "$tmp/plain.o"
check "and the object is not touched" cmp "$tmp/k.o" "$tmp/plain.o"

# ld -r puts a new object's code behind a table of another one.
sed 's/^g:/h:/; s/\<g\>/h/g; s/^f:/e:/; s/\<f\>/e/g; s/loose/loose2/' \
	"$tmp/k.s" >"$tmp/k2.s"
"$CC" -c "$tmp/k2.s" -o "$tmp/k2.o" || exit 99
stale_is_replaced()
{
	ld -r -o "$tmp/two.o" "$tmp/linux-6.1.o" "$tmp/k2.o" &&
	[ "$(records "$tmp/two.o" | wc -l)" -eq 12 ] &&
	annotate --abi linux-6.1 -v "$tmp/two.o" | grep 'annotated: 12 sites' &&
	[ "$(records "$tmp/two.o" | wc -l)" -eq 24 ] &&
	is_clean "$tmp/two.o"
}
check "a table that does not fit is replaced" stale_is_replaced

# Keys of other modules are not known by name.
sed '/globl __SCK__/d' "$tmp/k.s" >"$tmp/m.s"
"$CC" -c "$tmp/m.s" -o "$tmp/m.o" || exit 99
cp "$tmp/m.o" "$tmp/m0.o"
refused()
{
	! annotate --abi linux-6.1 "$tmp/m.o" 2>"$tmp/err" &&
	grep -F '__SCK__two' "$tmp/err" | grep -F '[RP0933]' &&
	cmp "$tmp/m.o" "$tmp/m0.o"
}
check "a key that is missing is an error" refused
check "--module: it may be missing" annotate --abi linux-6.1 --module "$tmp/m.o"
sed 's/__SCK__/__SCT__/' "$tmp/want" >"$tmp/want-module"
check "and the trampoline is recorded" \
	has_records "$tmp/m.o" "$tmp/want-module"

# like_objtool ABI OBJTOOL FILE [--module]
like_objtool()
{
	cp "$3" "$tmp/o.o" && cp "$3" "$tmp/r.o" &&
	annotate --abi "$1" ${4:-} "$tmp/r.o" &&
	SRCARCH=x86 "$2" --static-call ${4:-} "$tmp/o.o" &&
	records "$tmp/o.o" >"$tmp/o.records" &&
	[ -s "$tmp/o.records" ] && has_records "$tmp/r.o" "$tmp/o.records"
}
for version in 6.1 6.12; do
	objtool=$(ls /usr/lib/linux-kbuild-$version*/tools/objtool/objtool \
		2>/dev/null | grep -m1 -E "kbuild-$version(\.[0-9]+[^/]*)?/")
	if [ -z "$objtool" ]; then
		skip "the same as objtool $version" "no linux-kbuild-$version here"
		continue
	fi
	check "the same as objtool $version" \
		like_objtool linux-$version "$objtool" "$tmp/k.o"
	check "the same as objtool $version --module" \
		like_objtool linux-$version "$objtool" "$tmp/m0.o" --module
done

# Branches through thunks. A replacement's indirect ones are no sites; what has
# such a name for itself alone is no thunk.
cat >"$tmp/t.s" <<'EOS'
	.text
	.globl f
	.type f, @function
f:	call __x86_indirect_thunk_rax
	testl %edi, %edi
	je __x86_indirect_thunk_rcx
	jne __x86_return_thunk
	call other
	jmp __x86_indirect_thunk_array
	.size f, . - f
	.globl g
	.type g, @function
g:	subq $8, %rsp
	call __x86_indirect_thunk_rdx
	call __x86_indirect_own
	addq $8, %rsp
	jmp __x86_return_thunk
	.size g, . - g
	.type __x86_indirect_own, @function
__x86_indirect_own:
	ret
	.size __x86_indirect_own, . - __x86_indirect_own

	.section .altinstr_replacement, "ax"
	call __x86_indirect_thunk_rax
	jmp __x86_return_thunk
	.section .note.GNU-stack, "", @progbits
EOS
"$CC" -c "$tmp/t.s" -o "$tmp/t.o" || exit 99

# thunks FILE: section of the table, then offset, type, section, addend
thunks()
{
	readelf -rW "$1" | awk '/^Relocation/ { p = 0 }
		/rela\.(retpoline|return)_sites/ { p = $3 }
		p && /R_X86_64/ { print p, $1, $3, $5, $6, $7 }' | tr -d "'"
}

cat >"$tmp/want.thunks" <<'EOS'
.rela.retpoline_sites 0000000000000000 R_X86_64_PC32 .text + 7
.rela.retpoline_sites 0000000000000004 R_X86_64_PC32 .text + 18
.rela.retpoline_sites 0000000000000008 R_X86_64_PC32 .text + 0
.rela.retpoline_sites 000000000000000c R_X86_64_PC32 .text + 21
.rela.return_sites 0000000000000000 R_X86_64_PC32 .text + d
.rela.return_sites 0000000000000004 R_X86_64_PC32 .text + 2f
.rela.return_sites 0000000000000008 R_X86_64_PC32 .altinstr_replacement + 5
EOS

has_thunks()
{
	thunks "$1" >"$tmp/got"
	diff -u "${2:-$tmp/want.thunks}" "$tmp/got"
}

thunk_headers()
{
	local name
	for name in retpoline return; do
		readelf -SW "$1" |
			grep -E " \.${name}_sites +PROGBITS .* 04 +A +0 +0 +1\$" ||
			return
	done
}

# is_stale WANTED FILE: has check WANTED (0, 1, 2) tables to call out of date?
is_stale()
{
	local n
	"$REPOINT" object check --abi linux-6.12 --only sites -v "$2" \
		>"$tmp/said" 2>&1
	cat "$tmp/said"
	n=$(grep -c 'warning: .*\.[a-z]*_sites is out of date.*RP0934' "$tmp/said")
	[ "$n" -eq "$1" ]
}

for abi in linux-6.1 linux-6.12; do
	cp "$tmp/t.o" "$tmp/t.$abi.o"
	check "$abi: thunks" annotate --abi "$abi" "$tmp/t.$abi.o"
	check "$abi: their records" has_thunks "$tmp/t.$abi.o"
	check "$abi: their sections" thunk_headers "$tmp/t.$abi.o"
	check "$abi: and no table of static calls" \
		sh -c '! readelf -SW "$1" | grep static_call' sh "$tmp/t.$abi.o"
	check "$abi: readelf is content with them" is_clean "$tmp/t.$abi.o"
	check "$abi: a second time changes nothing in them" \
		untouched "$tmp/t.$abi.o" "$abi"
done
check "check is content" is_stale 0 "$tmp/t.linux-6.12.o"
annotate --abi linux-6.12 --json -n "$tmp/t.o" >"$tmp/t.json"
check "--json names the thunks" \
	sh -c '[ "$(grep -c "\"thunk\": \"__x86_return_thunk\"" "$1")" -eq 3 ] &&
	grep "\"offset\": 24, .*\"kind\": \"jmp\", .*_thunk_array" "$1"' \
	sh "$tmp/t.json"

# Linkers put tables one behind the other; code without a table is new to them.
sed 's/\<f\>/f2/g; s/\<g\>/g2/g' "$tmp/t.s" >"$tmp/t2.s"
"$CC" -c "$tmp/t2.s" -o "$tmp/t2.o" || exit 99
relinked_thunks()
{
	ld -r -o "$tmp/two.o" "$tmp/t.linux-6.12.o" "$tmp/t2.o" &&
	is_stale 2 "$tmp/two.o" &&
	annotate --abi linux-6.12 "$tmp/two.o" &&
	is_stale 0 "$tmp/two.o" && [ "$(thunks "$tmp/two.o" | wc -l)" -eq 14 ]
}
check "check finds tables that are out of date" relinked_thunks
in_other_order()
{
	annotate --abi linux-6.12 "$tmp/t2.o" &&
	ld -r -o "$tmp/two.o" "$tmp/t.linux-6.12.o" "$tmp/t2.o" &&
	is_stale 0 "$tmp/two.o" && untouched "$tmp/two.o" linux-6.12
}
check "tables that were linked together are as good" in_other_order

thunks_like_objtool()
{
	cp "$tmp/t.o" "$tmp/o.o" &&
	SRCARCH=x86 "$2" --retpoline --rethunk "$tmp/o.o" &&
	thunks "$tmp/o.o" >"$tmp/o.thunks" && [ -s "$tmp/o.thunks" ] &&
	has_thunks "$tmp/t.$1.o" "$tmp/o.thunks"
}
for version in 6.1 6.12; do
	objtool=$(ls /usr/lib/linux-kbuild-$version*/tools/objtool/objtool \
		2>/dev/null | grep -m1 -E "kbuild-$version(\.[0-9]+[^/]*)?/")
	if [ -n "$objtool" ]; then
		check "thunks: the same as objtool $version" \
			thunks_like_objtool linux-$version "$objtool"
	else
		skip "thunks: the same as objtool $version" \
			"no linux-kbuild-$version here"
	fi
done

check "an ABI that is not known" expect_status 64 \
	annotate --abi linux-2.4 "$tmp/k.o"
check "--module without a kernel" expect_status 64 \
	annotate --module "$tmp/k.o"
tap_end
