#!/bin/sh
# SPDX-License-Identifier: MIT
# Mistakes stop the assembler, with a message that names the culprit.
#
# usage: errors.sh COMPILER
. "$(dirname "$0")/common.inc"
cc=$1
command -v "$cc" >/dev/null || skip_all "no $cc"

# refused PATTERN OPTIONS... <SOURCE; ; separates lines in a source
refused()
{
	pattern=$1
	shift
	if assemble "$tmp/wrong.o" "$tmp/wrong.S" "$@" >"$tmp/log" 2>&1; then
		echo "it assembles"
		return 1
	fi
	cat "$tmp/log"
	grep -q -e "$pattern" "$tmp/log"
}

source_is()	# source_is LINES, separated by ;
{
	{
		echo '#include <repoint/linkage.h>'
		echo '	.text'
		echo "$1" | tr ';' '\n'
	} >"$tmp/wrong.S"
}

# wrong NAME LINES PATTERN: in both kinds of build
wrong()
{
	source_is "$2"
	check "$1" refused "$3"
	check "$1, split" refused "$3" -DRP_SPLIT_SECTIONS
}

wrong "an end without a start" \
	'RP_END(alone)' 'RP_END(alone): nothing is open'
wrong "a second end" \
	'RP_FUNC(a);ret;RP_END(a);RP_END(a)' 'RP_END(a): nothing is open'
wrong "the end of another function" \
	'RP_FUNC(a);ret;RP_END(b)' 'RP_END(b): what is open is RP_FUNC(a)'
wrong "the end of a label" \
	'RP_FUNC(a);RP_LABEL(in_a);ret;RP_END(in_a)' \
	'RP_END(in_a): in_a is a label, which has no end'
wrong "a function inside a function" \
	'RP_FUNC_LOCAL(a);ret;RP_FUNC(b);ret;RP_END(b)' \
	'RP_FUNC(b): RP_FUNC_LOCAL(a) has no RP_END yet'
wrong "data inside a function" \
	'RP_FUNC(a);ret;RP_DATA(d);.long 1;RP_END(d)' \
	'RP_DATA(d): RP_FUNC(a) has no RP_END yet'
wrong "two alignments" \
	'RP_FUNC(a, 16, 32);ret;RP_END(a)' 'RP_FUNC(a): more than one alignment'
wrong "two alignments of a label" \
	'RP_LABEL(a, 16, 32)' 'RP_LABEL(a): more than one alignment'
wrong "two alignments of data" \
	'RP_RODATA(a, 16, 32);.long 1;RP_END(a)' \
	'RP_RODATA(a): more than one alignment'
wrong "an alignment that is none" \
	'RP_FUNC(a, 24);ret;RP_END(a)' 'RP_FUNC(a): the alignment is not a power'
wrong "no name" 'RP_FUNC();ret' 'RP_FUNC(): the name is missing'
wrong "two names at the end" \
	'RP_FUNC(a);ret;RP_END(a, 16)' 'RP_END(a): takes one name'
wrong "falling into another function" \
	'RP_FUNC(a);RP_FALLTHROUGH(b);RP_END(a);RP_FUNC(c);ret;RP_END(c)' \
	'RP_FUNC(c): RP_FUNC(a) falls through to b'
wrong "falling into data" \
	'RP_FUNC(a);RP_FALLTHROUGH(b);RP_END(a);RP_DATA(b);.long 1;RP_END(b)' \
	'RP_DATA(b): the function before it falls through'
wrong "code behind RP_FALLTHROUGH" \
	'RP_FUNC(a);RP_FALLTHROUGH(b);nop;RP_END(a);RP_FUNC(b);ret;RP_END(b)' \
	'RP_END(a): there is code behind RP_FALLTHROUGH'
wrong "RP_FALLTHROUGH outside" \
	'RP_FALLTHROUGH(b)' 'RP_FALLTHROUGH(b): not inside a function'
wrong "RP_FALLTHROUGH in data" \
	'RP_DATA(a);RP_FALLTHROUGH(b);RP_END(a)' \
	'RP_FALLTHROUGH(b): not inside a function'

# What only one kind of build can get wrong.
source_is 'RP_FUNC(a);RP_FALLTHROUGH(b);RP_END(a);nop;RP_FUNC(b);ret;RP_END(b)'
check "code on the way" refused 'RP_FUNC(b): something is between it and a'

# At the end of the file each assembler has its own words; clang's name none.
case $("$cc" --version) in
*clang*) open_function='Unfinished frame' open_data='Size expression' missing=$open_data ;;
*) open_function='size expression for a does' missing=$open_function
   open_data=$open_function ;;
esac
source_is 'RP_FUNC(a);ret'
check "no end of a function" refused "$open_function"
source_is '.data;RP_DATA(a);.long 1'
check "no end of data" refused "$open_data"
source_is 'RP_FUNC(a);RP_FALLTHROUGH(b);RP_END(a)'
check "nothing to fall into" refused "$missing"

# The configuration.
source_is ''
for n in 0 3 24; do
	check "RP_FUNCTION_ALIGNMENT=$n" refused \
		'RP_FUNCTION_ALIGNMENT must be a power of two' \
		-DRP_FUNCTION_ALIGNMENT=$n
done
check "another machine" refused 'knows x86-64 and AArch64 only' \
	-U__x86_64__

# And the source that all of these were made from.
source_is 'RP_FUNC(a);RP_FALLTHROUGH(b);RP_END(a);RP_FUNC(b);ret;RP_END(b)'
check "no mistake" assemble "$tmp/right.o" "$tmp/wrong.S"
check "no mistake, split" assemble "$tmp/right.o" "$tmp/wrong.S" \
	-DRP_SPLIT_SECTIONS
tap_end
