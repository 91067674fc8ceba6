#!/bin/bash
# SPDX-License-Identifier: MIT
# Help is everywhere; mistakes get a hint and exit status 64.
. "$(dirname "$0")/common.inc"

# helps ARGUMENTS...: status 0, a usage on standard output
helps()
{
	"$REPOINT" "$@" >"$tmp/out" 2>"$tmp/err" && cat "$tmp/out" &&
	grep -qi '^usage:' "$tmp/out" && [ ! -s "$tmp/err" ]
}

# wrong PATTERN ARGUMENTS...: status 64, the pattern on standard error
wrong()
{
	local pattern=$1
	shift
	expect_status 64 "$REPOINT" "$@" 2>"$tmp/err" >"$tmp/out"
	cat "$tmp/err"
	[ ! -s "$tmp/out" ] && grep -q -e "$pattern" "$tmp/err"
}

same()
{
	"$REPOINT" help "$@" >"$tmp/a" && "$REPOINT" "$@" --help >"$tmp/b" &&
	diff "$tmp/a" "$tmp/b"
}

versions()
{
	"$REPOINT" --version >"$tmp/out" && cat "$tmp/out" &&
	grep -Eq '^repoint [0-9]+\.' "$tmp/out" &&
	grep -Eq '^libelf .*[0-9]' "$tmp/out" &&
	grep -Eq '^Zydis [0-9]+\.' "$tmp/out"
}

full()
{
	expect_status 1 "$REPOINT" --help >/dev/full 2>"$tmp/err"
}

check "help" helps help
check "--help" helps --help
check "help object" helps help object
check "object --help" helps object --help
for c in "object annotate" cc litmus; do
	check "help $c" helps help $c
	check "help $c is $c --help" same $c
done
check "--version" versions
check "nothing" wrong '^Usage:'
check "unknown command" wrong 'did you mean object?' objct annotate x.o
check "unknown verb" wrong 'did you mean annotate?' object anotate x.o
check "no verb" wrong '^Usage:' object
check "unknown long option" wrong 'did you mean --dry-run?' \
	object annotate --dryrun x.o
check "unknown short option" wrong 'unknown option -q' object annotate -q x.o
check "far from everything" wrong 'unknown command zzzzzz (see' zzzzzz
check "no file" wrong 'no file given' object annotate
check "no compiler" wrong 'no compiler given' cc
check "option for a compiler" wrong 'name belongs' cc -O2
check "a full disk is an error" full
tap_end
