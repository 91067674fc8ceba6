#!/bin/bash
# SPDX-License-Identifier: MIT
# Linked programs and libraries: kinds, debug files, imports, libraries.
# Usage: patch-binary.sh DUMP
# shellcheck disable=SC2086,SC2015,SC2016 # options are lists of words
set -u

dump=$(realpath "$1")
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=../tap.sh
. "$here/../tap.sh"

cc=${CC:-cc}
cd "$tmp" || exit 99
sources="$here/a/util.c $here/b/util.c $here/main.c $here/parts.c"

# build OUT FLAGS...
build()
{
	local out=$1
	shift
	$cc -w -O2 "$@" $sources -lm -o "$out" || echo "cannot build $out"
}

# says FILE LINE...: `dump binary` prints these
says()
{
	local file=$1 line bad=0
	shift
	"$dump" binary "$file" >out 2>&1
	for line; do
		grep -Fqx "$line" out || { echo "no: $line"; bad=1; }
	done
	[ $bad = 0 ] || cat out
	return $bad
}

# fails ID PATTERN COMMAND...
fails()
{
	local id=$1 pattern=$2
	shift 2
	if "$@" >out 2>&1; then
		echo "succeeds"
		return 1
	fi
	grep -q "\[RP0$id\]" out && grep -q -e "$pattern" out || {
		cat out
		return 1
	}
}

# prints LINE COMMAND...
prints()
{
	local line=$1
	shift
	"$@" >out 2>&1
	grep -Eqx -e "$line" out || { cat out; return 1; }
}

build pie -fPIE -pie "$here/start.c" -Wl,--build-id
build nopie -fno-pie -no-pie "$here/start.c" -Wl,--build-id
build lib.so -fPIC -shared -Wl,--build-id
build named.so -fPIC -shared -Wl,--build-id -Wl,-soname,libnamed.so.1
build symbolic.so -fPIC -shared -Wl,--build-id -Wl,-Bsymbolic
build noid -fPIE -pie "$here/start.c" -Wl,--build-id=none
build other -fPIE -pie "$here/start.c" -DNUMBER=9 -DENTRY=a_entry \
	-Wl,--build-id=0x1234567890 -Wl,--allow-multiple-definition

check 'a PIE is a program' says pie 'pie yes' 'shared no' 'lto no' \
	'debug no' 'consistent yes'
check 'a program at a fixed address' says nopie 'pie no' 'shared no' \
	'consistent yes'
check 'a library' says lib.so 'pie yes' 'shared yes' 'consistent yes'
check 'a library with a name' says named.so 'shared yes'
tls=$(readelf -lW pie | awk '$1 == "TLS" { print $6, $8 }')
check 'thread-local data is measured' says pie "$(printf 'tls %d %d' $tls)"
for linker in gold lld; do
	if echo 'int main(void) { return 0; }' |
	   $cc -fuse-ld=$linker -x c - -o can 2>/dev/null; then
		build $linker.pie -fPIE -pie "$here/start.c" -Wl,--build-id \
			-fuse-ld=$linker
		build $linker.so -fPIC -shared -Wl,--build-id -fuse-ld=$linker
		check "$linker: a program" says $linker.pie 'shared no' \
			'consistent yes'
		check "$linker: a library" says $linker.so 'shared yes' \
			'consistent yes'
	fi
done

# What cannot be a target.
{ echo '#!/bin/sh'; seq 100; } >script
printf 'int f(void) { return 0; }' >f.c
$cc -c f.c -o f.o
head -c 3000 pie >short
check 'no build-id' fails 502 build-id "$dump" binary noid
check 'a script' fails 501 'not an ELF file' "$dump" binary script
check 'an object' fails 501 'not linked' "$dump" binary f.o
check 'a part of a file' fails 505 damaged "$dump" binary short
check 'no file' fails 001 'No such file' "$dump" binary nothing
check 'a directory' fails 004 'regular' "$dump" binary .

# Debug files.
objcopy --only-keep-debug pie pie.debug
strip pie -o stripped
id=$(readelf -n pie | sed -n 's/.*Build ID: //p')
mkdir -p dir/.build-id/"${id:0:2}"
check 'stripped, and nothing is there' fails 503 \
	"looked at nodir/.build-id/${id:0:2}/${id:2}.debug" \
	"$dump" -D nodir binary stripped
check 'a debug file that is named' prints 'debug pie.debug' \
	"$dump" -d pie.debug binary stripped
check 'its symbols are the ones' prints 'consistent yes' \
	"$dump" -d pie.debug binary stripped
cp pie.debug dir/.build-id/"${id:0:2}/${id:2}.debug"
check 'found by build-id' prints 'debug dir/.build-id/.*debug' \
	"$dump" -D dir binary stripped
objcopy --only-keep-debug other other.debug
check 'of another build' fails 504 'another build' \
	"$dump" -d other.debug binary stripped
check 'without symbols' fails 504 'no symbol table' \
	"$dump" -d stripped binary stripped
check 'that is no ELF file' fails 504 'cannot be read' \
	"$dump" -d script binary stripped
cp stripped linked
objcopy --add-gnu-debuglink=pie.debug linked
check 'found by its link' prints "debug $(realpath .)/pie.debug" \
	"$dump" -D nodir binary linked
mkdir -p .debug
mv pie.debug .debug/
check 'found by its link, in .debug' \
	prints "debug $(realpath .)/.debug/pie.debug" \
	"$dump" -D nodir binary linked
mkdir -p "dir2$(realpath .)"
mv .debug/pie.debug "dir2$(realpath .)/"
check 'found by its link, in a tree of debug files' \
	prints "debug dir2$(realpath .)/pie.debug" \
	"$dump" -D dir2 binary linked
cp other.debug pie.debug
check 'the link names another build' fails 504 'another build' \
	"$dump" -D nodir binary linked
$cc -w -O2 -fPIE -ffunction-sections -fdata-sections -c "$here/parts.c" -o parts.o
check 'code is compared with the stripped file' \
	prints 'functions 5 agreeing 5 differing 0 moved 0' \
	"$dump" -D dir match stripped parts.o

# Link-time optimization.
if build lto -flto -fPIE -pie "$here/start.c" -Wl,--build-id 2>/dev/null &&
   [ -x lto ]; then
	check 'link-time optimization is seen' prints 'lto .+(file|symbol|GIMPLE).*' \
		"$dump" binary lto
	build fat -flto -ffat-lto-objects -fno-lto -fPIE -pie "$here/start.c" \
		-Wl,--build-id
	check 'where it was not used it is not' says fat 'lto no'
fi

# Imports.
check 'a function through its PLT entry' \
	prints 'puts exported no preemptible no version GLIBC_.* plt yes .*found yes' \
	"$dump" import pie puts
check 'data through a copy' \
	prints 'stdout .*version GLIBC_.* copy yes found yes' \
	"$dump" import nopie stdout
check 'data through the table' prints 'stdout .* slot yes .*copy no.*' \
	"$dump" import lib.so stdout
check 'what others may replace' \
	prints 'b_entry exported yes preemptible yes .*plt yes.*found yes' \
	"$dump" import lib.so b_entry
check 'what they may not: -Bsymbolic' \
	prints 'b_entry exported yes preemptible no' \
	"$dump" import symbolic.so b_entry
check 'what they may not: hidden' \
	prints 'hidden_value exported no preemptible no' \
	"$dump" import lib.so hidden_value
check 'what they may not: of a program' \
	prints 'a_entry exported (yes|no) preemptible no' \
	"$dump" import pie a_entry

# Libraries.
check 'a library of the system, and its version' \
	prints 'memcpy libc.so.6 GLIBC_2.14' "$dump" library pie memcpy
check 'nobody has it' prints 'no_such_symbol none -' \
	"$dump" library pie no_such_symbol
mkdir -p libs deep
echo 'int deep(void) { return 1; }' | $cc -x c - -shared -fPIC -o deep/libdeep.so
echo 'int deep(void); int top(void) { return deep(); }' |
	$cc -x c - -shared -fPIC -Ldeep -ldeep -Wl,-rpath,"\$ORIGIN/../deep" \
	-Wl,--enable-new-dtags -o libs/libtop.so
echo 'int top(void); int main(void) { return top(); }' >m.c
$cc m.c -Llibs -ltop -Wl,-rpath-link,deep -Wl,-rpath,"\$ORIGIN/libs" \
	-Wl,--enable-new-dtags -Wl,--build-id -o user
check 'found by DT_RUNPATH and $ORIGIN' prints 'top libtop.so -' \
	"$dump" library user top
check 'needed by a library' prints 'deep libdeep.so -' \
	"$dump" library user deep
echo 'int deep(void); int top(void) { return deep(); }' |
	$cc -x c - -shared -fPIC -Ldeep -ldeep -o libs/libtop.so
$cc m.c -Llibs -ltop -Wl,-rpath-link,deep \
	-Wl,-rpath,"\${ORIGIN}/libs:\$ORIGIN/deep" \
	-Wl,--disable-new-dtags -Wl,--build-id -o old
check 'DT_RPATH of the program serves its libraries' \
	prints 'deep libdeep.so -' "$dump" library old deep
check 'DT_RUNPATH does not' prints 'deep unknown libdeep.so' \
	"$dump" library user deep
rm libs/libtop.so
check 'a library that is missing' prints 'top unknown libtop.so' \
	"$dump" library user top
echo 'V1 { global: *; }; V2 { } V1;' >map
printf 'int f1(void) { return 1; }\nint f2(void) { return 2; }\n%s\n%s\n' \
	'__asm__(".symver f1,fun@V1");' '__asm__(".symver f2,fun@@V2");' |
	$cc -x c - -shared -fPIC -Wl,--version-script=map -Wl,--build-id -o libs/libtop.so
check 'the default one of several versions' prints 'fun libtop.so V2' \
	"$dump" library user fun

# Damage.
check 'damaged files do no harm' prints 'opened [1-9][0-9]* of 400' \
	"$dump" mutated pie 400 parts.o
check 'damaged libraries do no harm' prints 'opened [1-9][0-9]* of 400' \
	"$dump" mutated named.so 400 parts.o

tap_end
