#!/bin/bash
# SPDX-License-Identifier: MIT
# repoint patch build with make: what is compiled, and that nothing stays.
. "$(dirname "$0")/patch-build.inc"
command -v make >/dev/null || skip_all "no make"

# fresh NAME: a project that was built
fresh()
{
	sources "$1" && makefile "$1" && make -s -C "$1" CC="$CC"
}

# What a patch of calc.h makes differ.
both="./src/calc.o ./src/util.o "

up_to_date()
{
	fresh one &&
	unchanged one compares "./src/calc.o " one fix.diff -- make CC="$CC" &&
	has_sections stage/old/objects/src/calc.o calc &&
	[ -s out.rpp ] && make -q -C one CC="$CC"
}

unbuilt()
{
	sources two && makefile two && make -s -C one CC="$CC" &&
	unchanged two expect_status 0 "$REPOINT" patch build --source two \
		--patch fix.diff --binary one/prog -o out.rpp \
		--keep="$tmp/stage2" -- make CC="$CC" &&
	[ ! -e two/prog ] && [ -e stage2/new/objects/src/calc.o ] &&
	[ ! -e stage2/old/objects/src/main.o ]
}

header()
{
	unchanged one compares "$both" one header.diff -- make -j2 CC="$CC"
}

no_prefix()
{
	sed 's,^\(---\|+++\) [ab]/,\1 ,' fix.diff >p0.diff
	unchanged one compares "./src/calc.o " one p0.diff -- make CC="$CC" &&
	sed 's,^\(---\|+++\) [ab]/,\1 x/y/z/,' fix.diff >p3.diff &&
	unchanged one compares "./src/calc.o " one p3.diff -- make CC="$CC" &&
	! build one p3.diff -p1 -- make CC="$CC" 2>strip.log &&
	grep -F RP0601 strip.log
}

# The second one needs the first one.
two_patches()
{
	cp -r one first && patch -s -d first -p1 <fix.diff &&
	cp -r first second && sed -i 's/i + 1/i + 2/' second/src/calc.c &&
	! diff -u first/src/calc.c second/src/calc.c >second.diff &&
	! "$REPOINT" patch build --source one --patch second.diff -p1 \
		--binary one/prog -- make CC="$CC" &&
	unchanged one compares "./src/calc.o " one fix.diff \
		--patch second.diff -- make CC="$CC"
}

# Nothing but a comment behind all code: not even line numbers change.
comment()
{
	patch_of '$a/* the end */' calc.c >comment.diff
	unchanged one expect_status 3 build one comment.diff -- make CC="$CC"
}

spaces()
{
	fresh "a b  c" &&
	unchanged "a b  c" compares "$both" "a b  c" header.diff -- \
		make CC="$CC"
}

in_shell()
{
	unchanged one compares "./src/calc.o " one fix.diff -- \
		sh -c 'cd src && cd .. && make CC="$(command -v '"$CC"')"'
}

# The environment is emptied on the way.
env_i()
{
	unchanged one compares "./src/calc.o " one fix.diff -- \
		env -i PATH="$PATH" make CC="$CC"
}

clean()
{
	unchanged one compares "./src/calc.o " one fix.diff \
		--clean 'make clean' -- make CC="$CC" &&
	[ "$(objects new)" = "./src/calc.o ./src/main.o ./src/util.o " ]
}

# Names with paths, triples and versions.
names()
{
	local name path
	sources na && makefile na
	for name in gcc cc c99 "$($CC -dumpmachine)-gcc" clang \
	    "gcc-$($CC -dumpversion)" "clang-14"; do
		path=$(command -v "$name") || continue
		echo "$path"
		make -s -C na clean && make -s -C na CC="$path" || return
		unchanged na compares "./src/calc.o " na fix.diff \
			--clean 'rm -f src/*.o' -- make CC="$path" || return
	done
}

response()
{
	sources resp && makefile resp
	echo '-g -O2 -DUNUSED="a b"' >resp/flags
	make -s -C resp CC="$CC" CFLAGS=@flags &&
	unchanged resp compares "./src/calc.o " resp fix.diff -- \
		make CC="$CC" CFLAGS=@flags
}

# -g and sections are there whatever the project says.
own_flags()
{
	unchanged one compares "./src/calc.o " one fix.diff -- make CC="$CC" \
		CFLAGS="-O2 -g0 -fno-function-sections -flto" &&
	has_sections stage/new/objects/src/calc.o calc &&
	readelf -SW stage/new/objects/src/calc.o | grep -q debug_line &&
	! readelf -SW stage/new/objects/src/calc.o | grep -q gnu.lto
}

usage()
{
	expect_status 64 "$REPOINT" patch build --source one &&
	expect_status 64 "$REPOINT" patch build --source one --patch fix.diff \
		--binary one/prog &&
	expect_status 64 "$REPOINT" patch build --source one --patch fix.diff \
		--binary one/prog -p x -- make &&
	expect_status 1 "$REPOINT" patch build --source nowhere \
		--patch fix.diff --binary one/prog -- make &&
	expect_status 0 "$REPOINT" patch build --help
}

check "an up-to-date tree" up_to_date
check "a tree that was never built" unbuilt
check "a patch of a header, in parallel" header
check "levels to strip are found" no_prefix
check "two patches" two_patches
check "a change without effect" comment
check "blanks in the tree's path" spaces
check "a shell between" in_shell
check "env -i between" env_i
check "--clean" clean
check "names of compilers" names
check "response files" response
check "the project's own flags" own_flags
check "wrong usage" usage
tap_end
