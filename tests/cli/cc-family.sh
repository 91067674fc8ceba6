#!/bin/bash
# SPDX-License-Identifier: MIT
# Which compiler it is: by name, by link, by asking, by environment; launchers.
. "$(dirname "$0")/common.inc"
cd "$tmp" || exit 99
echo 'int rp_tramp__a(int); int f(int x) { return rp_tramp__a(x); }' >m.c

fake()	# fake NAME VERSION: a compiler that writes down its words
{
	mkdir -p "$(dirname "$1")"
	cat >"$1" <<-EOF
	#!/bin/sh
	case \$1 in
	--version) echo "$2"; exit ;;
	-dumpmachine) echo "${3:-x86_64-linux-gnu}"; exit ;;
	esac
	echo "\$@" >words
	EOF
	chmod +x "$1"
}

# gets PATTERN COMPILER...: the words that the compiler got
gets()
{
	local pattern=$1
	shift
	rm -f words
	"$REPOINT" cc "$@" -c m.c -o none && cat words &&
	grep -Eqx -e "$pattern" words
}

gas='-Wa,-malign-branch-boundary=16,-malign-branch=call.jmp.indirect -c m.c -o none'
llvm='-malign-branch-boundary=16 -malign-branch=call.jmp.indirect -c m.c -o none'
plain='-c m.c -o none'
for name in gcc g++ gcc-12 x86_64-linux-gnu-g++-13 musl-gcc; do
	fake bin/$name "not asked"
	check "$name" gets "$gas" bin/$name
done
for name in clang clang++ clang-14 x86_64-pc-linux-gnu-clang; do
	fake bin/$name "not asked"
	check "$name" gets "$llvm" bin/$name
done
for name in aarch64-linux-gnu-gcc x86_64-w64-mingw32-gcc i686-pc-linux-gnu-clang
do
	fake bin/$name "not asked"
	check "$name" gets "$plain" bin/$name
done
ln -s gcc bin/cc
check "cc is a link to gcc" gets "$gas" bin/cc
fake bin/mycc "mycc (like gcc) Copyright Free Software Foundation"
check "a compiler that says it is GCC" gets "$gas" bin/mycc
fake bin/vendorcc "Vendor clang version 14"
check "a compiler that says it is clang" gets "$llvm" bin/vendorcc
fake bin/armcc "clang version 14" armv7-linux
check "one for another machine" gets "$plain" bin/armcc
fake bin/oddcc "odd 1.0"
check "an unknown one" gets "$plain" bin/oddcc
RP_CC_FAMILY=gcc check "RP_CC_FAMILY=gcc" gets "$gas" bin/oddcc
RP_CC_FAMILY=clang check "RP_CC_FAMILY=clang" gets "$llvm" bin/gcc
RP_CC_FAMILY=none check "RP_CC_FAMILY=none" gets "$plain" bin/gcc
check "--" gets "$gas" -- bin/gcc

printf '#!/bin/sh\necho launched >launched\nexec "$@"\n' >bin/ccache
chmod +x bin/ccache
through_launcher()
{
	"$REPOINT" cc bin/ccache "$CC" -O2 -c m.c -o m.o && [ -s launched ] &&
	[ "$(sites m.o)" -eq 1 ]
}
check "a launcher before the compiler" gets "$gas" bin/ccache bin/gcc
check "its objects are annotated" through_launcher
before_tool()
{
	rm -f launched m.o
	bin/ccache "$REPOINT" cc "$CC" -O2 -c m.c -o m.o && [ -s launched ] &&
	[ "$(sites m.o)" -eq 1 ]
}
check "a launcher before repoint" before_tool
tap_end
