#!/bin/bash
# SPDX-License-Identifier: MIT
# Where there is nothing to annotate, repoint cc is the compiler.
. "$(dirname "$0")/common.inc"
data=$(cd "$(dirname "$0")/data" && pwd)
cd "$tmp" || exit 99
cp "$data/use.c" . && echo 'int main(void) { return 0; }' >m.c &&
"$CC" -c m.c -o m.o && echo 'int x =;' >wrong.c && echo 'int h;' >h.h || exit 99

# same ARGUMENTS...: standard output, standard error and status of both
same()
{
	local a=0 b=0
	"$cc" "$@" >a.out.txt 2>a.err.txt <m.c || a=$?
	"$REPOINT" cc "$cc" "$@" >b.out.txt 2>b.err.txt <m.c || b=$?
	echo "status $a $b" && [ "$a" -eq "$b" ] &&
	# Names of temporary files differ from run to run.
	sed -i -E 's,/tmp/[A-Za-z0-9-]+\.,/tmp/T.,g' a.err.txt b.err.txt &&
	diff a.out.txt b.out.txt && diff a.err.txt b.err.txt
}

echo "-E use.c" >args
for cc in $(compilers); do
	n=$(basename "$cc")
	for words in "--version" "-v" "-dumpmachine" "-print-search-dirs" \
	    "-print-prog-name=ld" "--help" "-E use.c" "-S use.c -o -" "-M use.c" \
	    "-MM use.c" "-fsyntax-only use.c" "-E -x c -" "-E -dM -x c -" \
	    "@args" "@missing" "-c wrong.c" "-c missing.c" "wrong.c -o prog" \
	    "missing.c" "-c m.o" "-Wall -Wextra -fsyntax-only use.c" \
	    "-DX=1 -c -Werror wrong.c" "m.o -lmissing -o prog" "-o prog" "" \
	    "-Wno-such-warning-flag -c m.c" "--no-such-option m.c" \
	    "-c h.h -o h.gch" "m.o -o prog"; do
		check "$n $words" same $words
	done
	check "$n, the words in -###" same -### use.c -o prog
done

# For another machine neither options nor tables are added.
foreign()
{
	RP_CC_VERBOSE=1 "$REPOINT" cc "$@" -fsyntax-only -c use.c 2>err
	cat err
	! grep -q align err
}
cat >aarch64-linux-gnu-gcc <<'EOF'
#!/bin/sh
echo "$@" >args.seen
cp m.o "${3:-x.o}"
EOF
chmod +x aarch64-linux-gnu-gcc
check "a cross compiler by name" "$REPOINT" cc ./aarch64-linux-gnu-gcc -c use.c x.o
check "it saw the words as they were" [ "$(cat args.seen)" = "-c use.c x.o" ]
[ -z "$clang_cc" ] ||
	check "clang --target" foreign clang --target=aarch64-linux-gnu
check "-m32" foreign "$CC" -m32
tap_end
