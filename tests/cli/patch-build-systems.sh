#!/bin/bash
# SPDX-License-Identifier: MIT
# repoint patch build with CMake, Meson, libtool's way of compiling, out of the
# tree, with launchers, and with what cannot be caught by the shared object.
. "$(dirname "$0")/patch-build.inc"
command -v make >/dev/null || skip_all "no make"

# Objects are compared by the names that the build gives them.
cmake_make()
{
	sources cm
	cat >cm/CMakeLists.txt <<-EOT
	cmake_minimum_required(VERSION 3.13)
	project(prog C)
	set(CMAKE_BUILD_TYPE RelWithDebInfo)
	add_executable(prog src/main.c src/calc.c src/util.c)
	EOT
	cmake -S cm -B cm/build -G "Unix Makefiles" >/dev/null &&
	cmake --build cm/build >/dev/null && cp cm/build/prog cm/prog &&
	unchanged cm compares "./build/CMakeFiles/prog.dir/src/calc.c.o " \
		cm fix.diff -- cmake --build build -j2 &&
	unchanged cm compares "./build/CMakeFiles/prog.dir/src/calc.c.o " \
		cm fix.diff --build-dir cm/build -- make
}

# The patch makes CMake run anew.
cmake_again()
{
	cp -r cm cm2 && sed -i 's/project(prog C)/&\nadd_compile_options(-DX)/' \
		cm2/CMakeLists.txt
	diff -u cm/CMakeLists.txt cm2/CMakeLists.txt >again.diff
	rm -rf cm2
	unchanged cm build cm again.diff -- cmake --build build
	cat stage/new.log
	[ "$(objects new)" = "$(objects old)" ] &&
	[ "$(objects new | wc -w)" -eq 3 ]
}

with_meson()
{
	sources me
	cat >me/meson.build <<-EOT
	project('prog', 'c', default_options: ['buildtype=debugoptimized'])
	executable('prog', 'src/main.c', 'src/calc.c', 'src/util.c')
	EOT
	# out of the tree
	meson setup me-build me >/dev/null && ninja -C me-build >/dev/null &&
	cp me-build/prog me/prog && state me-build >build.before &&
	unchanged me compares \
		"./outside$tmp/me-build/prog.p/src_calc.c.o " \
		me fix.diff --build-dir me-build -- ninja &&
	unchanged me build me header.diff -- ninja -C ../me-build &&
	state me-build >build.after && diff -u build.before build.after
}

# libtool compiles each source twice: for the shared and for the static library.
libtool_like()
{
	sources lt
	mkdir lt/tools
	cat >lt/tools/compile <<-'EOT'
	#!/bin/sh
	# compile SOURCE: as libtool does
	base=$(basename "$1" .c)
	mkdir -p .libs
	$CC -g -O2 -c "$1" -fPIC -DPIC -o ".libs/$base.o" &&
	$CC -g -O2 -c "$1" -o "$base.o" >/dev/null 2>&1
	EOT
	chmod +x lt/tools/compile
	mkdir lt/out
	cat >lt/out/Makefile <<'EOT'
export CC
prog: main.o calc.o util.o
	$(CC) -Wl,--build-id -shared -o libcalc.so .libs/calc.o .libs/util.o
	$(CC) -Wl,--build-id -o prog main.o calc.o util.o
%.o: ../src/%.c
	../tools/compile $<
calc.o util.o: ../src/calc.h
EOT
	make -s -C lt/out CC="$CC" && cp lt/out/prog lt &&
	unchanged lt compares "./out/.libs/calc.o ./out/calc.o " lt fix.diff \
		-- make -C out -j2 CC="$CC"
}

# The real one, out of the tree; dependencies are tracked.
autotools()
{
	sources au
	cat >au/configure.ac <<-'EOT'
	AC_INIT([prog], [1])
	AM_INIT_AUTOMAKE([foreign subdir-objects])
	AC_PROG_CC
	AM_PROG_AR
	LT_INIT
	AC_CONFIG_FILES([Makefile])
	AC_OUTPUT
	EOT
	cat >au/Makefile.am <<-'EOT'
	lib_LTLIBRARIES = libcalc.la
	libcalc_la_SOURCES = src/calc.c src/util.c src/calc.h
	bin_PROGRAMS = prog
	prog_SOURCES = src/main.c
	prog_LDADD = libcalc.la
	EOT
	(cd au && autoreconf -i && mkdir out && cd out &&
	 ../configure CC="$CC" LDFLAGS=-Wl,--build-id) >auto.log 2>&1 &&
	make -s -C au/out >/dev/null && cp au/out/.libs/libcalc.so.0.0.0 au/prog &&
	unchanged au build au fix.diff --build-dir au/out -- make -j2
	local status=$?
	[ "$(differing)" = "./out/src/.libs/calc.o ./out/src/calc.o " ] &&
		return $status
}

# A launcher, by each of its ways.
launcher()
{
	sources la && makefile la && make -s -C la CC="$CC" &&
	unchanged la compares "./src/calc.o " la fix.diff -- \
		make CC="$1 $CC" && grep -F "$2" stage/new/journal
}

# One that stands behind a compiler's name, as ccache's links do.
masquerade()
{
	mkdir -p links
	printf '#!/bin/sh\nexec %s "$@"\n' "$(command -v cc)" >links/gcc
	chmod +x links/gcc
	(PATH=$tmp/links:$PATH; unchanged la compares "./src/calc.o " la \
		fix.diff -- make CC=gcc) && grep -F links/gcc stage/new/journal
}

fake_ccache()
{
	mkdir -p bin
	printf '#!/bin/sh\necho "$@" >>%s/ccache.log\nexec "$@"\n' "$tmp" \
		>bin/ccache
	chmod +x bin/ccache
	launcher "$tmp/bin/ccache" bin/ccache && grep -q 'function-sections' \
		ccache.log
}

real_ccache()
{
	export CCACHE_DIR=$tmp/ccache
	launcher ccache ccache && launcher ccache ccache
}

# Calls of `repoint cc` are kept with their tables.
annotated()
{
	PATH=$(dirname "$(realpath "$REPOINT")"):$PATH
	launcher "repoint cc" "cc"
}

# A build tool that loads no shared objects.
static_tool()
{
	cat >tool.c <<-'EOT'
	#include <stdio.h>
	#include <sys/wait.h>
	#include <unistd.h>

	static int run(char *source, char *object)
	{
		int status = 1;

		if (!fork()) {
			execlp("gcc", "gcc", "-g", "-O2", "-c", source, "-o",
			       object, (char *)0);
			_exit(127);
		}
		wait(&status);
		return status;
	}

	int main(void)
	{
		return run("src/calc.c", "calc.o") ||
		       run("src/util.c", "util.o");
	}
	EOT
	sources st && cp one/prog st && "$CC" -static -o tool tool.c &&
	unchanged st compares "./calc.o " st fix.diff -- "$tmp/tool"
}

tries()
{
	if command -v "$2" >/dev/null; then
		check "$1" $3
	else
		skip "$1" "no $2"
	fi
}

sources one && makefile one && make -s -C one CC="$CC"
tries "CMake" cmake cmake_make
tries "CMake runs anew" cmake cmake_again
tries "Meson, out of the tree" meson with_meson
check "libtool's way" libtool_like
if command -v autoreconf >/dev/null; then
	tries "autotools" libtoolize autotools
else
	skip "autotools" "no autoreconf"
fi
check "a launcher" fake_ccache
tries "ccache" ccache real_ccache
check "a launcher with a compiler's name" masquerade
check "repoint cc" annotated
echo 'int main(void) { return 0; }' >empty.c
if "$CC" -static -o empty empty.c 2>/dev/null && [ -n "$gcc_cc" ]; then
	check "a static build tool" static_tool
else
	skip "a static build tool" "no static libc"
fi
tap_end
