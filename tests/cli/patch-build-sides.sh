#!/bin/bash
# SPDX-License-Identifier: MIT
# Objects that one of the two builds has not compiled.
. "$(dirname "$0")/patch-build.inc"
command -v make >/dev/null || skip_all "no make"
both="./src/calc.o ./src/util.o "

# A source that comes with the patch has no old object.
new_source()
{
	sources ns && makefile ns && make -s -C ns CC="$CC" && cp -r ns ns2 &&
	echo 'int extra(int a) { return a * 13 + 5; }' >ns2/src/extra.c &&
	sed -i 's,src/util.o$,& src/extra.o,' ns2/Makefile &&
	rm ns2/src/*.o ns2/prog && ! diff -ruN -x '*.o' -x prog ns ns2 >new.diff
	unchanged ns build ns new.diff -- make CC="$CC"
	[ "$(objects new)" = "./src/extra.o " ] && [ -z "$(objects old)" ]
}

removed_source()
{
	sources rs && makefile rs && make -s -C rs CC="$CC" && cp -r rs rs2 &&
	cat rs2/src/util.c >>rs2/src/calc.c && rm rs2/src/util.c &&
	sed -i 's,src/util.o$,,' rs2/Makefile
	diff -ruN -x '*.o' -x prog rs rs2 >removed.diff
	local status=0
	unchanged rs build rs removed.diff -- make CC="$CC" >"$tmp/report" 2>&1 ||
		status=$?
	cat "$tmp/report"
	# What it had is refused: it moved. The object is seen all the same.
	[ "$status" = 2 ] && grep -q 'calc.o: error: util: .*RP0727' "$tmp/report"
}

# A Makefile that knows nothing of headers, and has built nothing yet.
no_dependencies()
{
	sources nd && makefile nd "" && cp "$1/prog" nd &&
	rm -f nd/src/*.o && unchanged nd compares "$both" nd header.diff \
		--clean 'rm -f prog' -- make CC="$CC"
}

# If it has built everything, there is nothing to see; the message says so.
nothing_seen()
{
	make -s -C nd CC="$CC"
	unchanged nd expect_status 1 build nd header.diff -- make CC="$CC" \
		2>seen.log
	cat seen.log
	diff -u before after && grep -F 'RP0603' seen.log &&
	unchanged nd compares "$both" nd header.diff --clean 'make clean' \
		-- make CC="$CC"
}

# A header that is made from another file, and is written only if it changes.
generated()
{
	sources ge
	mv ge/src/calc.h ge/src/calc.h.in
	makefile ge
	cat >ge/build <<-'EOT'
	cmp -s src/calc.h.in src/calc.h || cp src/calc.h.in src/calc.h
	exec make "$@"
	EOT
	(cd ge && sh build -s CC="$CC") &&
	sed 's/calc\.h/&.in/' header.diff >generated.diff &&
	unchanged ge compares "$both" ge generated.diff -- \
		sh build CC="$CC" && [ ! -s stage/old/journal ]
}

# One command that compiles and links has no objects of its own.
one_step()
{
	sources os
	printf 'prog: $(wildcard src/*)\n\t%s\n' '$(CC) -g -O2 -MD -Wl,--build-id -o prog src/main.c src/calc.c src/util.c' >os/Makefile
	make -s -C os CC="$CC" &&
	unchanged os compares "./prog-calc.o " os fix.diff -- make CC="$CC" &&
	has_sections stage/old/objects/prog-calc.o calc
}

assembly()
{
	sources as && makefile as && sed -i 's,src/util.o,& src/asm.o,' \
		as/Makefile &&
	printf '.globl asm_value\nasm_value:\n mov $4, %%eax\n ret\n' \
		>as/src/asm.S && make -s -C as CC="$CC" && cp -r as as2 &&
	sed -i 's/4/5/' as2/src/asm.S
	diff -u as/src/asm.S as2/src/asm.S >asm.diff
	build as asm.diff -- make CC="$CC"
	[ "$(differing)" = "./src/asm.o " ]
}

# What configure tries out is no object of the program.
trials()
{
	sources tr && makefile tr && make -s -C tr CC="$CC" &&
	unchanged tr compares "./src/calc.o " tr fix.diff -- sh -c \
		"echo 'int x;' >conftest.c && $CC -c conftest.c && make CC='$CC'"
}

check "a source that is new" new_source
check "a source that is gone" removed_source
check "unknown dependencies" no_dependencies ns
check "nothing is compiled" nothing_seen
check "a generated header" generated
check "compile and link in one command" one_step
check "assembly" assembly
check "configure's trials" trials
tap_end
