# SPDX-License-Identifier: MIT
# In assembly of gcc or clang: tables of exceptions' call sites. With mode=
#
#   list      print "START END PAD" for each that has a pad; labels without ".L"
#   plain     the assembly, its labels without ".L": so they are symbols
#   fixed     ... and call sites of four bytes each
#   start     ... and LPStart, which pads are counted from, is given
#   absolute  ... pads are addresses: LPStart is 0

function without_dots(text)
{
	gsub(/\.L/, "L", text)
	return text
}

function emit(text)
{
	print without_dots(text)
}

# "a" of "a-b".
function label(text)
{
	sub(/-.*/, "", text)
	return without_dots(text)
}

# The head of a table, lines head[1] to head[nhead]: its first byte says what
# LPStart is, the last how call sites are encoded.
function emit_head(    i)
{
	for (i = 1; i <= nhead; i++) {
		if (i == first_byte && mode == "start")
			print "\t.byte\t0x1b\n\t.long\t" begin "-."
		else if (i == first_byte && mode == "absolute")
			print "\t.byte\t0x04\n\t.quad\t0"
		else if (i == last_byte)
			print "\t.byte\t" (mode == "absolute" ? "0x04" : "0x03")
		else
			emit(head[i])
	}
}

# One of a call site's first three numbers.
function emit_number(text, which)
{
	if (mode == "absolute" && which == 3 && text != "0")
		text = label(text)
	emit((mode == "absolute" ? "\t.quad\t" : "\t.long\t") text)
}

{ sub(/[ \t]*#.*$/, "") }

mode == "plain" { emit($0); next }

/^\.LLSDACSBC?[0-9]+:|^\.Lcst_begin[0-9]+:/ {
	inside = 1; in_head = 0; n = 0; first_label = $0; next
}
/^\.LLSDACSEC?[0-9]+:|^\.Lcst_end[0-9]+:/ {
	if (first_label != "" && mode != "list") {	# it has no call sites
		for (i = 1; i <= nhead; i++)
			emit(head[i])
		emit(first_label)
	}
	first_label = ""
	inside = 0
}

mode == "list" {
	if (!inside || $1 !~ /^\.(uleb128|byte)$/)
		next
	field[n++ % 4] = $2
	if (n % 4 == 0 && field[2] !~ /^(0|0x0)$/)
		print label(field[0]), label(field[1]), label(field[2])
	next
}

/^\.LLSDAC?[0-9]+:|^GCC_except_table[0-9]+:/ {
	emit($0); in_head = 1; nhead = 0; first_byte = 0; next
}
in_head {
	head[++nhead] = $0
	if ($1 == ".byte") {
		first_byte = first_byte ? first_byte : nhead
		last_byte = nhead
	}
	next
}
# The first call site names the function: "label-function".
inside && first_label != "" {
	begin = $2
	sub(/.*-/, "", begin)
	begin = without_dots(begin)
	emit_head()
	emit(first_label)
	first_label = ""
}
inside && $1 ~ /^\.(uleb128|byte)$/ && n++ % 4 < 3 {
	emit_number($2, (n - 1) % 4 + 1)
	next
}
{ emit($0) }
