#!/bin/bash
# SPDX-License-Identifier: MIT
# What is not an object gets a message that says what to do; others go on.
. "$(dirname "$0")/common.inc"
cd "$tmp" || exit 99
echo 'int rp_tramp__x(int); int f(int a) { return rp_tramp__x(a); }
int main(void) { return 0; } int rp_tramp__x(int a) { return a; }' >x.c
"$CC" -c x.c -o x.o && ar rc lib.a x.o && "$CC" x.c -o prog || exit 99
mkdir dir.o && mkfifo fifo.o && echo text >text.o

# A core file, and a type that nobody knows: the header is all that counts.
cp x.o core && cp x.o odd || exit 99
printf '\4' | dd of=core bs=1 seek=16 conv=notrunc 2>dd.log
printf '\11' | dd of=odd bs=1 seek=16 conv=notrunc 2>dd.log

# says FILE MESSAGE [COMMAND STATUS]: the exit status is 1 and it says that
says()
{
	expect_status "${4:-1}" timeout 10 "$REPOINT" object "${3:-annotate}" \
		"$1" 2>err
	local status=$?
	cat err
	[ "$status" -eq 0 ] && grep -Eq "^$1: error: .*$2" err
}

goes_on()
{
	expect_status 1 annotate text.o missing.o x.o lib.a 2>err || return
	cat err
	[ "$(wc -l <err)" -eq 3 ] && [ "$(sites x.o)" -eq 1 ]
}

if "$CC" -m32 -c x.c -o x32.o 2>/dev/null; then
	check "32 bits" says x32.o '64-bit.*\[RP0103\]'
fi
check "archive" says lib.a 'name the object files.*\[RP0102\]'
check "program" says prog '--emit-relocs) \[RP0104\]'
check "directory" says dir.o '\[RP000[14]\]'
check "fifo" says fifo.o 'not a regular file \[RP0004\]'
check "text" says text.o 'not an ELF file \[RP0101\]'
only='only relocatable objects are read \[RP0104\]'
check "core" says core "a core file; $only"
check "another type" says odd "ELF type 9; $only"
linked='relocatable objects, programs and shared objects are read \[RP0104\]'
check "core: check" says core "a core file; $linked" check 2
check "core: orc" says core "a core file; $linked" orc 1
check "another type: orc" says odd "ELF type 9; $linked" orc 1
check "missing" says missing.o 'No such file or directory \[RP0001\]'
check "an error in one file does not stop the others" goes_on
tap_end
