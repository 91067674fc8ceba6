#!/bin/bash
# SPDX-License-Identifier: MIT
# repoint cc with compiling and linking in one command.
. "$(dirname "$0")/common.inc"
data=$(cd "$(dirname "$0")/data" && pwd)
mkdir "$tmp/w" && cd "$tmp/w" && cp "$data"/*.c . || exit 99
srcs="tramp.c use.c walk.c main.c"

# runs CC ARGUMENTS...: sites, none bad; nothing on standard error
runs()
{
	local cc=$1
	shift
	rm -f prog
	"$REPOINT" cc "$cc" "$@" -I"$RP_INC" -o prog 2>err || { cat err; return 1; }
	cat err
	./prog >out && cat out && grep -Eq '^([6-9]|1[0-9]) sites, 0 bad' out &&
	[ ! -s err ]
}

in_response_file()
{
	echo "-O2 -I$RP_INC $srcs -o prog" >args
	"$REPOINT" cc "$1" @args && ./prog >out && cat out &&
	grep -q '^[1-9].* 0 bad' out
}

# An object that the user gives is not ours to change.
foreign_object()
{
	"$1" -O2 -c use.c -o use.o && cp use.o before.o &&
	"$REPOINT" cc "$1" -I"$RP_INC" tramp.c walk.c main.c "$2" -o prog &&
	cmp use.o before.o && rm use.o before.o
}

is_library()
{
	"$REPOINT" cc "$1" -O2 -fPIC -shared -I"$RP_INC" tramp.c use.c walk.c \
		-o libt.so && "$1" main.c ./libt.so -o prog && ./prog >out &&
	cat out && grep -q '^[1-9].* 0 bad' out
}

default_output()
{
	rm -f a.out
	"$REPOINT" cc "$1" -I"$RP_INC" $srcs && ./a.out && rm a.out
}

for cc in $(compilers); do
	n=$(basename "$cc")
	check "$n" runs "$cc" -O2 $srcs
	check "$n -g -pipe" runs "$cc" -g -pipe $srcs
	check "$n -save-temps" runs "$cc" -save-temps $srcs
	rm -f ./*.o ./*.i ./*.s ./*.bc
	check "$n -static" runs "$cc" -O2 -static $srcs
	check "$n -ffunction-sections -Wl,--gc-sections" \
		runs "$cc" -ffunction-sections -Wl,--gc-sections $srcs
	command -v ld.lld >/dev/null &&
		check "$n -fuse-ld=lld" runs "$cc" -O2 -fuse-ld=lld $srcs
	check "$n -x c -" runs "$cc" -O2 tramp.c walk.c main.c -x c - <use.c
	check "$n @file" in_response_file "$cc"
	check "$n -shared" is_library "$cc"
	check "$n a.out" default_output "$cc"
	check "$n FILE.o stays" foreign_object "$cc" use.o
	check "$n -Wl,FILE.o stays" foreign_object "$cc" -Wl,use.o
	if [ "$n" = clang ]; then
		check "$n -fno-integrated-as" \
			runs "$cc" -O2 -fno-integrated-as $srcs
		check "$n --ld-path" runs "$cc" --ld-path="$(command -v ld)" $srcs
	fi
done
check "nothing is left behind" [ -z "$(find . -name '*.o')" ]
tap_end
