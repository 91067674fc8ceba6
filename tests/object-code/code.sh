#!/bin/bash
# SPDX-License-Identifier: MIT
# The model of an object's code against what assembly says about itself.
#
# usage: code.sh FACTS
set -u
. "$RP_SOURCE/tests/tap.sh"
facts=$1
src=$RP_SOURCE/tests/object-code

# Is a line there, as it is written here?
has()
{
	grep -Fxq -- "$1" "$tmp/facts" && return
	echo "no: $1"
	grep -v "^function" "$tmp/facts"
	return 1
}

has_all()
{
	while read -r line; do
		has "$line" || return
	done
}

has_none()
{
	! grep -- "$1" "$tmp/facts"
}

facts_of()
{
	"$facts" "$1" "$2" >"$tmp/facts"
}

# shellcheck disable=SC2086
check 'user: assembles' $CC -c "$src/user.S" -o "$tmp/user.o"
check 'user: is read' facts_of repoint "$tmp/user.o"
check 'functions that never return' has_all <<'EOF'
function returns size:6 noreturn
function never size:11 noreturn
function stops size:6 noreturn
function stops_too size:6 noreturn
function may_return size:10
function calls_it size:11 noreturn
returns+0x0 dead-end entry to:never+0x0 symbol:never
never+0x4 dead-end symbol:abort
stops+0x0 dead-end entry to:stops_too+0x0 symbol:stops_too
calls_it+0x0 entry to:may_return+0x0 symbol:may_return
calls_it+0x5 dead-end symbol:exit
EOF
check 'tail calls' has_all <<'EOF'
tails+0x2 tail
tails+0x8 tail to:returns+0x0
tails+0xe to:tails+0x0
tails+0x10 tail symbol:outside
EOF
check 'a call for the address that it pushes' \
	has 'pushes+0x0 entry pushes to:pushes+0x5'
check 'computed gotos' has_all <<'EOF'
computed+0x7 edges table:computed+0xa table:computed+0xc
threaded+0x7 edges label:threaded+0x9
EOF
check 'a table among the code' has_all <<'EOF'
in_text+0xe edges table:in_text+0x10 table:in_text+0x12
EOF
check 'bytes of tables and objects are no code' \
	has_none '^in_text+0x1[4-9]\|^bytes'
check 'a part that was split off' has_all <<'EOF'
function cold_one.cold size:6 parent:cold_one
cold_one+0x0 entry to:cold_one.cold+0x0 symbol:cold_one.cold
cold_one.cold+0x1 to:cold_one+0x5
EOF
check 'a jump over a prefix' has 'prefixed+0x0 entry to:prefixed+0x2'
check 'assembly without type and size' has 'function untyped size:2 untyped'
check 'a relative operand without a branch' \
	has 'no_branch+0x0 entry'
check 'a jump that is left over' has left_over+0x5
check 'findings: where they are, and no others' diff - \
	<(grep -c '^finding' "$tmp/facts"; grep '^finding' "$tmp/facts" |
	  cut -d' ' -f2 | sort -u) <<'EOF'
2
948
949
EOF

for version in 601 612; do
	abi=linux-6.$([ $version = 601 ] && echo 1 || echo 12)
	# shellcheck disable=SC2086
	check "$abi: assembles" $CC -DVERSION=$version -c "$src/kernel.S" \
		-o "$tmp/kernel.o"
	check "$abi: is read" facts_of $abi "$tmp/kernel.o"
	check "$abi: dead ends" has_all <<'EOF'
function+0x0 dead-end entry symbol:panic
function+0x6 dead-end symbol:do_task_dead
function+0x10 to:weak_one+0x0 symbol:weak_one
function+0x15 dead-end to:stuck+0x0 symbol:stuck
function+0x1a to:switches+0x0 symbol:switches
function+0x1f symbol:__SCT__call
EOF
	check "$abi: what the version's own list says" \
		has "function+0xb$([ $version = 612 ] && echo ' dead-end') symbol:rest_init"
	check "$abi: thunks, alternatives, faults, keys" has_all <<'EOF'
function+0x24 tail thunk symbol:__x86_indirect_thunk_rax
function+0x29 alts group code(77,1):.altinstr_replacement+0x0 code(78,0):?+0x0
function+0x2d group
function+0x2e alts fault(0,0):function+0x37
function+0x30 hint alts to:function+0x33 jump(0,0):function+0x37
function+0x33
function+0x35 dead-end
function+0x37 retpoline-safe
function+0x38 thunk
.altinstr_replacement+0x0 group to:function+0x2e
EOF
	check "$abi: a switch table, and where it ends" has \
		'switches+0x5 edges table:switches+0xc table:switches+0xe'
	check "$abi: a table of computed gotos" has \
		'interpret+0x0 entry edges table:interpret+0x7 table:interpret+0x9'
	check "$abi: a function that is left out" has_all <<'EOF'
function left_out size:7 ignore
left_out+0x0 entry ignore pushes to:left_out+0x5
EOF
	check "$abi: no findings" has_none '^finding'
done

# The cases of all tables that the compiler wrote: each of them is found, before
# and after linking and stripping.
entries()
{
	grep -oE '^[[:space:]]*\.(long|quad)[[:space:]]+\.L[A-Z]*[0-9_]+' "$1" |
		awk '{ print $2 }' | sort -u | wc -l
}

targets()
{
	"$facts" repoint "$1" | grep -o ' table:[^ ]*' | sort -u | wc -l
}

same_number()
{
	wanted=$(entries "$tmp/s.s")
	found=$(targets "$1")
	echo "$wanted cases, $found found"
	[ "$wanted" -gt 0 ] && [ "$wanted" = "$found" ]
}

# shellcheck disable=SC2086
for flags in '-O0 -fPIC' '-O2 -fPIC' '-Os -fPIC -fcf-protection' \
	'-O0 -fno-pie' '-O2 -fno-pie' '-O3 -fPIE -ffunction-sections'; do
	$CC $flags -S "$src/switches.c" -o "$tmp/s.s" &&
	$CC $flags -c "$tmp/s.s" -o "$tmp/s.o" &&
	check "switches, $flags" same_number "$tmp/s.o"
	case $flags in
	*-fno-pie*) link='-no-pie -static' ;;
	*) link=-shared ;;
	esac
	case $flags in *-fPIE*) continue ;; esac
	printf 'int use(int x) { return x; }\nint (*const functions[])(int) = { use, use };\nvoid _start(void) { for (;;); }\n' >"$tmp/rest.c"
	$CC ${flags%% *} $link -nostdlib "$tmp/s.o" "$tmp/rest.c" \
		-o "$tmp/s.bin" &&
	check "switches, $flags, linked" same_number "$tmp/s.bin"
	strip "$tmp/s.bin" &&
	check "switches, $flags, stripped" same_number "$tmp/s.bin"
done

# Each entry in its turn leads into an instruction, or to another function.
entry_lines()
{
	grep -nE '^[[:space:]]*\.(long|quad)[[:space:]]+\.L' "$1" | cut -d: -f1
}

# all_are_told WHERE MOST: but for so many at most. Behind an instruction of one
# byte the next one begins.
all_are_told()
{
	n=0 untold=0
	for line in $(entry_lines "$tmp/s.s"); do
		sed -E "${line}s/(\.L[A-Z]*[0-9_]+)/$1/" "$tmp/s.s" >"$tmp/f.s"
		$CC -c "$tmp/f.s" -o "$tmp/f.o" || return
		"$facts" repoint "$tmp/f.o" | grep -q '^finding 949 ' || {
			echo "entry in line $line: nothing is found"
			untold=$((untold + 1))
		}
		n=$((n + 1))
	done
	[ $n -gt 10 ] && [ $untold -le "$2" ]
}

no_finding()
{
	! "$facts" repoint "$1" | grep '^finding'
}

# shellcheck disable=SC2086
for flags in '-O2 -fPIC' '-O2 -fno-pie' '-O1 -fcf-protection'; do
	$CC $flags -S "$src/switches.c" -o "$tmp/s.s" &&
	$CC -c "$tmp/s.s" -o "$tmp/s.o" &&
	check "switches, $flags: no findings" no_finding "$tmp/s.o"
	check "entries into instructions, $flags" all_are_told '\1+1' 1
	printf '\t.text\n\t.type other, @function\nother:\n\tnop\n\tret\n\t.size other, .-other\n' >>"$tmp/s.s"
	check "entries out of the function, $flags" all_are_told 'other+1' 0
done

# The code says how many entries a table has: what another function refers to may
# be an array that begins in front of its first element, or no address at all.
cat >"$tmp/counted.s" <<'EOF'
	.text
	.type	counted, @function
counted:
	lea	-1(%rdi), %edx
	cmp	$2, %dx
	ja	1f
	movzwl	%dx, %edx
	jmp	*table(, %rdx, 8)
1:	ret
2:	nop
3:	nop
	ret
	.size	counted, .-counted
	.type	other, @function
other:
	mov	table + 16(, %rdi, 8), %rax
	jmp	*%rax
	.size	other, .-other
	.type	wide, @function
wide:
	cmp	$0x1234, %di
	ja	8f
	movzwl	%di, %edi
	jmp	*wide_table(, %rdi, 8)
8:	ret
	.size	wide, .-wide
	.section .rodata, "a"
table:	.quad	2b, 1b, 3b, other
wide_table: .quad 8b, 8b
EOF
cat >"$tmp/distances.s" <<'EOF'
	.text
	.globl	_start
	.type	_start, @function
_start:
	lea	table(%rip), %rdx
	cmp	$2, %edi
	ja	1f
	movslq	(%rdx, %rdi, 4), %rax
	add	%rdx, %rax
	jmp	*%rax
1:	ret
2:	nop
3:	nop
	ret
	.size	_start, .-_start
	.type	week, @function
week:
	mov	$604804, %edi
	jmp	*%rax
	.size	week, .-week
	.section .rodata, "a"
table:	.long	2b - table, 3b - table, 1b - table
EOF
check 'counted tables: assemble' "$CC" -c "$tmp/counted.s" -o "$tmp/counted.o"
check 'counted tables: link' "$CC" -shared -nostdlib \
	-Wl,--section-start=.rodata=0x93a80 "$tmp/distances.s" -o "$tmp/counted.so"
check 'counted tables: is read' facts_of repoint "$tmp/counted.o"
check 'a table that another one seems to end' has \
	'counted+0xc edges table:counted+0x13 table:counted+0x14 table:counted+0x15'
check 'a table that is shorter than a bound of two bytes' \
	has 'finding 949 .text+0x2b'
check 'counted tables: a program is read' facts_of repoint "$tmp/counted.so"
check 'a table in which a constant seems to lead' has \
	'_start+0x13 edges table:_start+0x15 table:_start+0x16 table:_start+0x17'

# Where a jump names its table, the one before it ends.
cat >"$tmp/adjacent.s" <<'EOF'
	.text
	.type	adjacent, @function
adjacent:
	cmp	$1, %dil
	ja	1f
	movzbl	%dil, %edi
	jmp	*first(, %rdi, 8)
1:	push	%rbx
	cmp	$1, %al
	ja	3f
	movzbl	%al, %eax
	jmp	*second(, %rax, 8)
2:	nop
	ret
3:	pop	%rbx
4:	ret
	.size	adjacent, .-adjacent
	.section .rodata, "a"
first:	.quad	2b, 1b
second:	.quad	3b, 3b
EOF
check 'adjacent tables: assemble' "$CC" -c "$tmp/adjacent.s" -o "$tmp/adjacent.o"
check 'adjacent tables: are read' facts_of repoint "$tmp/adjacent.o"
check 'adjacent tables' has_all <<'EOF'
adjacent+0xa edges table:adjacent+0x11 table:adjacent+0x20
adjacent+0x19 edges table:adjacent+0x22
EOF

# The address of a table is loaded long before, and another one in between, on
# another way.
cat >"$tmp/hoisted.s" <<'EOF'
	.text
	.type	hoisted, @function
hoisted:
	lea	first(%rip), %rbp
	jmp	3f
1:	lea	second(%rip), %rbp
	cmp	$1, %edi
	ja	2f
	movslq	(%rbp, %rdi, 4), %rax
	add	%rbp, %rax
	jmp	*%rax
2:	nop
	ret
3:	call	outside
	cmp	$1, %edi
	ja	1b
	movslq	(%rbp, %rdi, 4), %rax
	add	%rbp, %rax
	jmp	*%rax
4:	nop
	ret
	.size	hoisted, .-hoisted
	.section .rodata, "a"
first:	.long	4b - first, 4b + 1 - first
second:	.long	2b - second, 2b + 1 - second
EOF
check 'a table that was loaded before: assembles' \
	"$CC" -c "$tmp/hoisted.s" -o "$tmp/hoisted.o"
check 'a table that was loaded before: is read' \
	facts_of repoint "$tmp/hoisted.o"
check 'a table that was loaded before' has_all <<'EOF'
hoisted+0x1d edges table:hoisted+0x1f table:hoisted+0x20
hoisted+0x33 edges table:hoisted+0x35 table:hoisted+0x36
EOF

# Without a size a function ends where .eh_frame begins again.
cat >"$tmp/unsized.s" <<'EOF'
	.text
	.type	unsized, @function
unsized:
	jmp	*%rax
	.p2align 4
	.cfi_startproc
	ret
	.cfi_endproc
	.type	sized, @function
sized:	ret
	.size	sized, .-sized
EOF
check 'without a size: links' "$CC" -shared -nostdlib "$tmp/unsized.s" \
	-o "$tmp/unsized.so"
check 'without a size: is read' facts_of repoint "$tmp/unsized.so"
check 'without a size: ends where it is described' \
	has 'function unsized size:16 untyped'

# More findings of one number than are kept are counted.
{
	printf '\t.text\n\t.type many, @function\nmany:\n'
	for ((i = 0; i < 10500; i++)); do
		printf '\tcall many + 1\n'
	done
	printf '\tret\n\t.size many, .-many\n'
} >"$tmp/many.s"
check 'findings that are not kept: assembles' \
	"$CC" -c "$tmp/many.s" -o "$tmp/many.o"
check 'findings that are not kept: is read' facts_of repoint "$tmp/many.o"
check 'findings that are not kept: their number' has 'count 949 10500'

# Among a linked file's replacements there are words that are no code.
cat >"$tmp/words.S" <<'EOF'
#include <repoint/alternative.h>
#include <repoint/cpu.h>
	.text
	.globl	NAME
	.type	NAME, @function
NAME:
	RP_ALTERNATIVE "call puts", "movl $3, %eax", RP_FEATURE_AVX2
	ret
	.size	NAME, . - NAME
	.section .note.GNU-stack, "", @progbits
EOF
printf 'int rp__object, one(void), two(void);\nint puts(const char *s) { return !s; }\nvoid _start(void) { one(); two(); for (;;); }\n' >"$tmp/rest.c"

replacements_are_read()
{
	facts_of repoint "$tmp/words" && ! grep '^finding' "$tmp/facts" &&
	[ "$(grep -c ' alts .*code(.*rp_alternative_code' "$tmp/facts")" = 2 ]
}

# shellcheck disable=SC2086
$CC "-I$RP_SOURCE/include" "-I$RP_BUILD/include" -DNAME=one -c "$tmp/words.S" -o "$tmp/one.o" &&
$CC "-I$RP_SOURCE/include" "-I$RP_BUILD/include" -DNAME=two -c "$tmp/words.S" -o "$tmp/two.o" &&
$CC -O1 -no-pie -static -nostdlib "$tmp/rest.c" "$tmp/one.o" "$tmp/two.o" \
	-o "$tmp/words" &&
check 'replacements of a linked file, and words among them' \
	replacements_are_read

# What compilers and linkers make that no source has. Lines of text, to be
# assembled; then perhaps linked.
assemble()
{
	cat >"$tmp/a.s" && $CC -c "$tmp/a.s" -o "$tmp/a.o"
}

# shellcheck disable=SC2086
link_static()
{
	$CC -no-pie -static -nostdlib "$tmp/a.o" -o "$tmp/a.bin"
}

one_finding()
{
	has "$1" && [ "$(grep -c '^finding' "$tmp/facts")" = 1 ]
}

# A linker that writes no .eh_frame for stubs. There is a section that has one.
assemble <<'EOF' && link_static
	.section .plt, "ax", @progbits
head:	push	slots(%rip)
	jmp	*slots + 8(%rip)
	.balign	16
	.rept	2
	jmp	*slots + 16(%rip)
	push	$1
	jmp	head
	.endr
	.data
slots:	.quad	0, 0, 0
	.text
	.globl	_start
_start:	hlt
EOF
check 'stubs without .eh_frame: are read' facts_of repoint "$tmp/a.bin"
check 'stubs without .eh_frame: halves that nothing leads to' \
	test "$(grep -c ' ignore' "$tmp/facts")" = 4

# A weak function that is not there.
assemble <<'EOF' && link_static
	.weak	absent
	.globl	_start
	.type	_start, @function
_start:
	call	absent
	jne	absent
	jmp	absent
	.size	_start, . - _start
EOF
check 'calls of nothing: are read' facts_of repoint "$tmp/a.bin"
check 'calls of nothing' has_all <<'EOF'
_start+0x0 entry
_start+0x5 tail
_start+0xb tail
EOF
check 'calls of nothing: no findings' has_none '^finding'

# clang -fsanitize=function.
assemble <<'EOF'
	.macro	function name
	.type	\name, @function
\name:
	.endm
	function within
	jmp	1f
	.byte	0x76, 0x32
	.long	0x06060606
1:	ret
	.size	within, . - within
	.balign	16
	.byte	0xfe, 0xca, 0x05, 0xc1
	.long	0x06060606
	function before
	ret
	.size	before, . - before
EOF
check 'signatures of functions: are read' facts_of repoint "$tmp/a.o"
check 'signatures of functions' has 'within+0x0 entry to:within+0x8'
check 'signatures of functions: no findings' has_none \
	'^finding\|^function.*unnamed'

# Numbers that count from a label: to.
differences()
{
	cat <<'EOF'
	.type	by_number, @function
by_number:
	lea	1f(%rip), %rax
	add	%rdi, %rax
	jmp	*%rax
1:	ret
EOF
	printf '%s\n' "$1" '	.size by_number, . - by_number'
}
differences '	mov $1, %eax; ret' | assemble
check 'labels by difference: are read' facts_of repoint "$tmp/a.o"
check 'labels by difference' one_finding 'finding 945 .text+0xa'
differences '' | assemble
check 'all labels known: are read' facts_of repoint "$tmp/a.o"
check 'all labels known: no findings' has_none '^finding'

# -fsplit-stack
assemble <<'EOF'
	.type	split, @function
split:
	call	__morestack
	ret
	jmp	1f
1:	ud2
	.size	split, . - split
EOF
check 'a stack that grows: is read' facts_of repoint "$tmp/a.o"
check 'a stack that grows: what is behind the call returns' \
	has 'function split size:10 noreturn'

# Parts that clang gives no type.
assemble <<'EOF'
	.type	whole, @function
whole:
	jmp	whole.__part.1
	.size	whole, . - whole
	.section .text.part, "ax"
whole.__part.1:
	ret
	.size	whole.__part.1, . - whole.__part.1
EOF
check 'parts without type: are read' facts_of repoint "$tmp/a.o"
check 'parts without type' \
	has 'function whole.__part.1 size:1 untyped parent:whole'

# Much that nothing describes is said to be left out; a branch there says nothing.
undescribed()
{
	printf '\t.text\n.Lgap: .rept %u\n\t.byte 6\n\t.endr\n' "$1"
	cat <<'EOF'
	.globl	_start
	.type	_start, @function
_start:
	call	.Lgap
	hlt
	.size	_start, . - _start
EOF
}
undescribed 5000 | assemble
check 'what nothing describes: is read' facts_of repoint "$tmp/a.o"
check 'what nothing describes' has 'unseen 1'
check 'what nothing describes: one finding' one_finding 'finding 948 .text+0x0'
undescribed 300 | assemble
check 'few bytes that nothing describes: are read' facts_of repoint "$tmp/a.o"
check 'few bytes that nothing describes' has_none '^unseen'

# A stripped file: where functions begin is not known.
printf '\t.text\n\t.globl _start\n_start:\n\t.rept 5000\n\tpush %%rbx\n\tret\n\t.endr\n' |
	assemble && link_static && strip "$tmp/a.bin"
check 'code that nothing describes: is read' facts_of repoint "$tmp/a.bin"
check 'code that nothing describes' has_all <<'EOF'
function  size:10000 untyped unnamed
unseen 1
EOF
check 'code that nothing describes: one finding' one_finding 'finding 948 .text+0x0'

# More jumps times labels than are followed.
{
	printf '\t.type many, @function\nmany:\n'
	for ((i = 0; i < 1600; i++)); do
		printf '%u:\tjmp *%%rax\n\t.pushsection .rodata\n' $((i + 10))
		printf '\t.quad %ub\n\t.popsection\n' $((i + 10))
	done
	printf '\t.size many, . - many\n'
} | assemble
check 'too many computed jumps: are read' facts_of repoint "$tmp/a.o"
check 'too many computed jumps: one finding' \
	test "$(grep -c '^finding 945' "$tmp/facts")" = 1

# Exceptions of what is no call.
cat >"$tmp/trap.c" <<'EOF'
void clean(int *p);
int divide(int a, int b)
{
	int x __attribute__((cleanup(clean))) = 1;

	return a / b;
}
EOF
if "$CC" -O2 -fexceptions -fnon-call-exceptions -c "$tmp/trap.c" \
	-o "$tmp/a.o" 2>/dev/null &&
	readelf -S "$tmp/a.o" | grep -q gcc_except_table; then
	check 'a division that throws: is read' facts_of repoint "$tmp/a.o"
	check 'a division that throws' \
		grep -Eq '^divide\+0x[0-9a-f]+ throws .*landing:divide' "$tmp/facts"
	check 'a division that throws: what is before and behind it does not' \
		test "$(grep -c ' throws' "$tmp/facts")" = 1
fi

tap_end
