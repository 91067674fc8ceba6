#!/bin/bash
# SPDX-License-Identifier: MIT
# repoint cc --align-functions: the flag that the compiler has, and its effect.
. "$(dirname "$0")/../cli/common.inc"
cd "$tmp" || exit 99
cat >m.c <<'EOF'
__attribute__((used)) int f(int x) { return x; }
__attribute__((used)) int g(int x) { return x + 1; }
EOF

# fake NAME OPTION...: a compiler that has these options alone
fake()
{
	local name=$1
	shift
	mkdir -p bin
	cat >"bin/$name" <<-EOF
	#!/bin/sh
	case " \$* " in
	*" -E "*)
		echo asked >>asked
		for option in $*; do
			[ "\$1" != "\$option" ] || exit 0
		done
		exit 1 ;;
	esac
	echo "\$@" >words
	EOF
	chmod +x "bin/$name"
}

# gets PATTERN OPTION... COMPILER: the words that the compiler got
gets()
{
	local pattern=$1
	shift
	rm -f words asked
	"$REPOINT" cc "$@" -c m.c -o none && cat words &&
	grep -Eqx -e "$pattern" words
}

rest='-Wa,-malign[^ ]* -c m.c -o none'
llvm='-malign[^ ]* -malign[^ ]* -c m.c -o none'
fake gcc-14 -fmin-function-alignment=16 -fmin-function-alignment=64
fake gcc-12 -falign-functions=16
fake clang-14 -falign-functions=16
fake oddcc -falign-functions=16
fake aarch64-linux-gnu-gcc -falign-functions=16

check "gcc that has the better one" \
	gets "-fmin-function-alignment=16 $rest" --align-functions bin/gcc-14
check "with a number" \
	gets "-fmin-function-alignment=64 $rest" --align-functions=64 bin/gcc-14
check "gcc that has not" \
	gets "-falign-functions=16 $rest" --align-functions bin/gcc-12
check "clang" gets "-falign-functions=16 $llvm" --align-functions bin/clang-14
check "--" gets "-falign-functions=16 $rest" --align-functions -- bin/gcc-12
check "the last of two" gets "-falign-functions=32 $rest" \
	--align-functions=8 --align-functions=32 bin/gcc-12
check "without the option nothing" gets "$rest" bin/gcc-14
check "and no compiler is asked" [ ! -e asked ]
RP_CC_FAMILY=none check "an unknown compiler" \
	gets '-c m.c -o none' --align-functions bin/oddcc
check "one for another machine" \
	gets '-c m.c -o none' --align-functions bin/aarch64-linux-gnu-gcc

wrong()
{
	expect_status 64 "$REPOINT" cc "$1" gcc -c m.c 2>err >out
	cat err
	[ ! -s out ] && grep -q -e "$2" err
}
for n in '' 0 3 24 -16 +16 ' 16' 16k 131072 99999999999999999999; do
	check "--align-functions=$n" wrong "--align-functions=$n" \
		"$(printf '%s' "--align-functions=$n: the alignment is not")"
done
check "a similar option" wrong --align-functionsx 'name belongs'
check "no compiler" expect_status 64 "$REPOINT" cc --align-functions 2>/dev/null
helps()
{
	"$REPOINT" help cc | grep -e '--align-functions\[=N\]'
}
check "help" helps

# starts FILE: are f and g there, at multiples of 64?
starts()
{
	nm "$1" | awk '$3 ~ /^[fg]$/ { print $1 }' >starts
	[ "$(wc -l <starts)" -eq 2 ] || return 1
	while read -r at; do
		echo "$at"
		[ $((0x$at % 64)) -eq 0 ] || return 1
	done <starts
}
not_without()
{
	"$cc" -O2 -c m.c -o plain.o && ! starts plain.o
}
compiles()
{
	"$REPOINT" cc --align-functions=64 "$cc" -O2 -c m.c -o m.o && starts m.o
}
links()
{
	"$REPOINT" cc --align-functions=64 "$cc" "$@" -O2 m.c main.c -o prog &&
	./prog && starts prog
}
user_wins()
{
	rm -f m.o
	"$REPOINT" cc --align-functions=64 "$cc" -O2 -falign-functions=16 \
		-c m.c -o m.o || return 1
	"$cc" -fmin-function-alignment=64 -E -xc /dev/null >/dev/null 2>&1 ||
		! starts m.o
}
assembles()
{
	"$REPOINT" cc --align-functions=64 "$cc" -Werror -I"$RP_INC" -c \
		"$RP_SOURCE/tests/linkage/functions.S" -o functions.o
}
echo 'int f(int), g(int); int main(void) { return f(0) + g(-1); }' >main.c
for cc in $(compilers); do
	n=$(basename "$cc")
	check "$n: not aligned without" not_without
	check "$n: compiles" compiles
	check "$n: compiles and links" links
	check "$n: -flto" links -flto
	check "$n: the user's own has the last word" user_wins
	check "$n: assembles without a complaint" assembles
done
tap_end
