#!/bin/bash
# SPDX-License-Identifier: MIT
# The command line of `repoint object check`: what is checked, what is printed,
# and the exit status.
. "$(dirname "$0")/common.inc"
. "$(dirname "$0")/object-check.inc"
cd "$tmp" || exit 99

object good.o <<'S'
	.text
	.globl	good
	.type	good, @function
good:	.cfi_startproc
	mov	%rdi, %rax
	add	$7, %rax
	ret
	.cfi_endproc
	.size	good, . - good
S
# A note: too short. A warning: no size.
object note.o <<'S'
	.text
	.globl	short
	.type	short, @function
short:	.cfi_startproc
	ret
	.cfi_endproc
	.size	short, . - short
	.p2align 4
S
object warning.o <<'S'
	.text
	.globl	unsized
	.type	unsized, @function
unsized: .cfi_startproc
	mov	%rdi, %rax
	add	$7, %rax
	ret
	.cfi_endproc
S
{
	printf '	.text\n'
	for i in $(seq 30); do
		printf '	.p2align 4\n	.globl f%s\nf%s: .cfi_startproc\n' $i $i
		printf '	mov %%rdi, %%rax\n	add $7, %%rax\n	ret\n'
		printf '	.cfi_endproc\n	.size f%s, . - f%s\n' $i $i
	done
} | object many.o

# ---- exit status ----

check "nothing to say: 0" expect_status 0 check_object good.o
check "notes: 0" expect_status 0 check_object note.o
check "warnings: 1" expect_status 1 check_object warning.o
check "errors: 1" expect_status 1 check_object --require livepatch note.o
check "no file: 2" expect_status 2 check_object missing.o
check "a failure and a finding: 2" \
	expect_status 2 check_object warning.o missing.o good.o
check "usage: 64" expect_status 64 check_object

says()
{
	local status=$1 text=$2
	shift 2
	expect_status "$status" check_object "$@" >both 2>&1
	cat both
	grep -Eq -- "$text" both
}

check "no file given" says 64 'no file given'
check "a typo in an option" says 64 'did you mean --require\?' --requre x.o
check "an unknown option" says 64 'unknown option --wrong' --wrong x.o
check "an option without its argument" says 64 'option --only needs an argument' --only
check "... a letter" says 64 'option -j needs an argument' -j
check "an argument too many" says 64 'option --json takes no argument' --json=3 x.o
check "a typo in --only" says 64 'no word "sectoins"; did you mean sections\?' \
	--only sectoins good.o
check "an empty word" says 64 'no word ""' --only sections, good.o
check "a typo in --skip" says 64 'did you mean stack\?' --skip stac good.o
check "a typo in --require" says 64 'did you mean rethunk\?' \
	--require rethunks good.o
check "an unknown --abi" says 64 'takes repoint, linux-6.1' --abi linux-5 \
	good.o
check "no number for -j" says 64 'from 1 to 1024' -j many good.o
check "zero jobs" says 64 'from 1 to 1024' -j 0 good.o
check "too many jobs" says 64 'from 1 to 1024' -j 1025 good.o
check "as many as can be" says 0 '^1 file,' -j 1024 good.o
check "nothing left" says 64 'nothing to check' --only stack --skip stack good.o

# ---- files that cannot be checked ----

printf 'this is text, not an object\n' >text.o
: >empty.o
head -c 100 good.o >cut.o
mkdir directory.o
ar cr archive.a good.o
check "text" says 2 '^text.o: error: .*\[RP0101' text.o
check "empty" says 2 '^empty.o: error: .*\[RP01' empty.o
check "cut off" says 2 '^cut.o: error: .*\[RP01' cut.o
check "a directory" says 2 '^directory.o: error: .*\[RP0004' directory.o
check "an archive" says 2 '^archive.a: error: .*\[RP0102' archive.a
check "not there" says 2 '^missing.o: error: .*\[RP0001' missing.o
check "the others are checked all the same" \
	says 2 '^warning.o: warning: .*\[RP0914\]$' text.o warning.o
machine()
{
	cp good.o machine.o
	printf '\267' | dd of=machine.o bs=1 seek=18 conv=notrunc 2>/dev/null
	"$REPOINT" object "$1" machine.o archive.a 2>err
	cat err
	grep 'machine.o: .*RP0103' err && grep 'archive.a: .*RP0102' err &&
		! grep -iE 'annotate|static call' err
}
check "another machine, an archive" machine check
check "orc: another machine, an archive" machine orc
check "how many could not be" says 2 '; 2 files could not be checked' \
	text.o good.o missing.o

# ---- what is printed ----

check "the place" says 1 \
	'^warning.o: warning: unsized\+0x0 \(\.text\+0x0\): .* \[RP0914\]$' warning.o
check "a summary" says 0 \
	'^1 file, 1 function, 3 instructions: 0 errors, 0 warnings, 0 notes$' \
	good.o
check "notes are counted" says 0 \
	'^note.o: 1 note \(-v lists them\): RP0901 1$' note.o
check "-v lists them" says 0 '^note.o: note: short\+0x0 .*\[RP0901\]$' -v note.o
check "of one number, 20" [ "$(check_object many.o | grep -c 'warning: .*RP0913')" \
	-eq 20 ]
check "the others are counted" says 1 \
	'^many.o: and 10 more of RP0913 \(-v lists them\)$' many.o
check "-v lists all" [ "$(check_object -v many.o | grep -c 'warning: .*RP0913')" \
	-eq 30 ]
silence()
{
	expect_status "$1" check_object -q "$2" >out 2>&1
	cat out
	[ "$(wc -l <out)" -eq "$3" ]
}
check "-q: nothing about a good one" silence 0 good.o 0
check "-q: nothing about notes" silence 0 note.o 0
check "-q: findings" silence 1 warning.o 1
check "--stats" says 0 '^found: livepatch 1, sections 0,' --stats note.o

# in_order JOBS: the same whatever the number of jobs
in_order()
{
	check_object -v -j "$1" warning.o good.o many.o note.o warning.o >"out$1"
	diff -u out1 "out$1"
}
for j in 1 2 4; do
	check "-j $j" in_order $j
done

# ---- classes ----

check "--only leaves out the others" says 0 ' 0 warnings, 0 notes' \
	--only sites,alternatives warning.o
check "--only finds its own" says 1 RP0914 --only livepatch,sections warning.o
check "--skip" says 0 ' 0 warnings' --skip sections warning.o
check "--require brings the class back" says 1 RP0901 --only stack \
	--require livepatch note.o
check "--require of what --skip leaves out" says 64 '--skip leaves out what' \
	--skip livepatch --require livepatch note.o

object odd.o <<'S'
	.text
	.globl	unsized
	.type	unsized, @function
unsized: .cfi_startproc
	mov	%rdi, %rax
	add	$7, %rax
	ret
	.cfi_endproc
	.p2align 4
	.globl	short
	.type	short, @function
short:	.cfi_startproc
	ret
	.byte	6
	.cfi_endproc
	.size	short, . - short
S
check "bytes that are no instruction" says 1 '\[RP0948\]' odd.o
left_out()
{
	check_object "$@" >out
	cat out
	! grep -E '\[RP09(1|4)' out
}
check "what the model finds is left out, too" left_out --only livepatch odd.o
sorted()
{
	check_object -v odd.o >out
	cat out
	[ "$(grep -oE 'RP09(01|14)' out | tr '\n' ' ')" = 'RP0914 RP0901 ' ]
}
check "by place, not by class" sorted

# ---- JSON ----

check "JSON of a finding" says 1 '"id": "RP0914", "class": "sections", '\
'"severity": "warning", "section": "\.text", "offset": 0, '\
'"function": "unsized", "function_offset": 0, "message": "the symbol' \
	--json warning.o
check "JSON of a failure" says 2 \
	'"status": "error", "id": "RP0101", "where": "", "message": ' --json text.o
full()
{
	[ -c /dev/full ] || return 0
	for way in "" --json -q; do
		"$REPOINT" object check $way good.o >/dev/full 2>err
		[ $? = 2 ] && grep 'cannot write the output' err || [ "$way" = -q ] ||
			return
	done
}
check "output that cannot be written is no finding" full
check "JSON lists notes" says 0 '"id": "RP0901".*"severity": "note"' --json \
	note.o
valid()
{
	check_object --json "$@" 2>/dev/null >json
	python3 -c 'import json, sys
files = json.load(open("json"))
assert len(files) == int(sys.argv[1]), len(files)
for f in files:
    for x in f["findings"]:
        assert x["file"] == f["file"] and x["message"] and x["class"]' $#
}
# Names that are no UTF-8, or would steer the terminal.
latin=$'\303(\201\355\240\200\374' utf8=$'\303\266\342\202\254'
bad=$'x\n\033[31m'$latin$utf8.o
named()
{
	cp warning.o "$bad" && cp text.o "t$bad" && cp warning.o "$utf8.o" &&
	valid "$bad" "t$bad" "$utf8.o" "./no $bad" &&
	python3 -c 'import json, os, sys
for f, name in zip(json.load(open("json")), sys.argv[1:]):
    want = ""
    for c in name:
        c = ord(c)
        want += chr(c - 0xdc00 if 0xdc80 <= c <= 0xdcff else c)
    assert f["file"] == want, (f["file"], want)' \
		"$bad" "t$bad" "$utf8.o" "./no $bad"
}
# printed COMMAND...: what it says begins with the names, on one line each
printed()
{
	local shown="x??[31m?(?????$utf8.o: "
	cp warning.o "$bad" && cp text.o "t$bad"
	"$REPOINT" object "$@" "$bad" "t$bad" >both 2>&1
	cat -v both
	[ "$(grep -cF "$shown" both)" -ge 2 ] && grep -F "t$shown" both &&
		! grep -vF "$shown" both
}
check "names in text" printed check -q
check "names in text: annotate" printed annotate -n -v
check "names in text: orc" printed orc -n -v
# A function and a section whose names are no ASCII.
object utf8_function.o <<'S'
	.section ".text.ö", "ax", @progbits
	.globl	"naïve"
	.type	"naïve", @function
"naïve": .cfi_startproc
	mov	%rdi, %rax
	add	$7, %rax
	ret
	.cfi_endproc
S
check "UTF-8 in text" says 1 \
	'warning: naïve\+0x0 \(\.text\.ö\+0x0\): .*RP0914' utf8_function.o
check "UTF-8 in JSON" says 1 \
	'"section": "\.text\.ö", "offset": 0, "function": "naïve",' \
	--json utf8_function.o
if command -v python3 >/dev/null; then
	check "JSON is valid" valid good.o warning.o text.o many.o missing.o
	check "JSON of one" valid good.o
	check "JSON: names of bytes" named
else
	skip "JSON is valid" "no python3"
fi

# ---- lines of the source ----

printf 'int f(int x);\n\nint f(int x)\n{\n	return x;\n}\n' >line.c
"$CC" -g -O2 -c line.c -o line.o || exit 99
check "source line" says 0 'f\+0x0 \(\.text\+0x0, line\.c:4\):' -v line.o
check "source line in JSON" says 0 '"source": "line\.c", "line": 4,' --json \
	line.o
"$CC" -O2 -c line.c -o line.o || exit 99
check "none without -g" says 0 'f\+0x0 \(\.text\+0x0\):' -v line.o

# ---- other kinds of files ----

ld -r good.o note.o -o both.o && ld -r both.o warning.o -o all.o
check "ld -r" says 1 '^all.o: warning: unsized\+0x0 .*\[RP0914\]' all.o
printf 'int main(void) { return 0; }\n' >main.c
"$CC" -g -O2 main.c note.o -o program || exit 99
check "a program" says 0 '^program: note: short\+0x0 \(\.text.*\[RP0901\]' -v program
check "lines of a program" says 0 'main\+0x0 \(.*, .*main\.c:1\)' -v program
"$CC" -shared -O2 note.o good.o -o library.so || exit 99
# The address is what objdump and addr2line take.
address()
{
	local want
	want=$(nm program | sed -n 's/^0*\([0-9a-f]*\) T short$/\1/p')
	check_object -v program >out
	check_object --json program >json
	cat out
	grep -E "note: short\+0x0 \(\.text\+0x[0-9a-f]*, 0x$want\): " out &&
	grep -E "\"address\": $((0x$want)), \"function\": \"short\"" json
}
check "addresses of a program" address
objcopy --only-keep-debug program program.debug || exit 99
check "debug information alone" says 2 \
	'^program\.debug: error: holds debug .*\[RP0122\]' program.debug
printf '.data\nx: .long 1\n' | "$CC" -c -x assembler -o data.o - || exit 99
check "data alone" says 0 '^1 file, 0 functions' data.o
dwo()
{
	"$CC" -g -gsplit-dwarf -O2 -c line.c -o split.o && says 0 '' split.o &&
	says 2 '\[RP0122\]' split.dwo
}
check "what is split off" dwo
check "a shared object" says 0 '^library.so: note: short.*\[RP0901\]' -v library.so
"$CC" -flto -fno-fat-lto-objects -O2 -c main.c -o lto.o || exit 99
check "link-time optimization" says 0 '^lto.o: note: .*\[RP0119\]' lto.o
unchanged()
{
	cp good.o before.o
	check_object good.o && cmp good.o before.o
}
check "no file is changed" unchanged

# Bytes at random: an error or findings, never a signal.
mangled()
{
	local i at status
	for i in $(seq 60); do
		cp many.o bad.o
		at=$(((i * 7919) % $(stat -c %s many.o)))
		printf "\\x$(printf %02x $((i * 37 % 256)))" |
		dd of=bad.o bs=1 seek=$at conv=notrunc 2>/dev/null
		timeout 20 "$REPOINT" object check bad.o >out 2>&1
		status=$?
		[ $status -le 2 ] || { echo "$i: $status"; cat out; return 1; }
	done
}
check "mangled objects" mangled
tap_end
