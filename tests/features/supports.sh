#!/bin/sh
# SPDX-License-Identifier: MIT
# rp_cpu_has() says what __builtin_cpu_supports() of gcc and clang says, for
# all names that they know; on this processor, and on those of qemu.
#
# usage: supports.sh
set -u

root=${RP_SOURCE:?}
lib=${RP_LIB:?}
. "$root/tests/tap.sh"

# Where we are stricter: the state of the system, which compilers do not look
# at, and what newer documents say.
#   fsgsbase  AT_HWCAP2       pku    OSPKE        rtm, tsxldtrk  always aborting
#   kl        AESKLE          ptwrite, xsave*     what they build upon
stricter='fsgsbase pku rtm tsxldtrk kl widekl ptwrite xsave xsavec xsaveopt xsaves'

lines()
{
	grep -v '^#' "$root/tests/features/compiler-names.txt" |
	while read -r name macro; do
		echo "	{ \"$name\", !!__builtin_cpu_supports(\"$name\")," \
			"RP_FEATURE_$macro },"
	done
}

source_of()
{
	cat <<'END'
#include <stdio.h>
#include <string.h>
#include <repoint/cpu.h>
struct row { const char *name; int theirs; unsigned int feature; };
int main(int argc, char **argv)
{
	__builtin_cpu_init();
	const struct row rows[] = {
END
	cat "$1"
	cat <<'END'
	};
	int bad = 0, present = 0;
	const int nr = sizeof(rows) / sizeof(*rows);
	for (int i = 0; i < nr; i++) {
		int ours = rp_cpu_has(rows[i].feature), strict = 0;
		present += ours;
		for (int j = 1; j < argc; j++)
			strict |= !strcmp(argv[j], rows[i].name);
		if (ours == rows[i].theirs || (strict && !ours))
			continue;
		printf("%s: we say %d\n", rows[i].name, ours);
		bad = 1;
	}
	printf("%d names, %d present\n", nr, present);
	return bad || nr < 30;
}
END
}

# Without the lines that this compiler has no such feature for.
build()
{
	lines >"$tmp/lines"
	head=$(source_of /dev/null | grep -n 'rows\[\] = {' | cut -d : -f 1)
	source_of "$tmp/lines" >"$tmp/supports.c"
	case $1 in
	*clang*) all=-ferror-limit=0 ;;
	*) all=-fmax-errors=0 ;;
	esac
	"$1" -I"$root/include" -fsyntax-only -fno-diagnostics-color "$all" \
		"$tmp/supports.c" 2>&1 |
	sed -n 's/^[^:]*supports\.c:\([0-9]*\):.* error: .*/\1/p' |
	sort -un | awk -v head="$head" 'NR == FNR { bad[$1 - head] = 1; next }
		!(FNR in bad)' - "$tmp/lines" >"$tmp/known"
	source_of "$tmp/known" >"$tmp/supports.c"
	"$1" -Wall -Werror -I"$root/include" -static -o "$tmp/supports-$1" \
		"$tmp/supports.c" "$lib" -pthread
}

agree()
{
	# shellcheck disable=SC2086 # a list of names
	"$@" $stricter
}

qemu=$(command -v qemu-x86_64 || command -v qemu-x86_64-static)
for cc in gcc clang; do
	if ! command -v "$cc" >/dev/null; then
		skip "$cc" "no $cc"
		continue
	fi
	check "$cc: compiles" build "$cc"
	check "$cc: this processor" agree "$tmp/supports-$cc"
	if [ -z "$qemu" ]; then
		skip "$cc: other processors" "no qemu-x86_64"
		continue
	fi
	for cpu in qemu64 Nehalem Haswell Opteron_G4 EPYC max; do
		check "$cc: $cpu" agree "$qemu" -cpu "$cpu" "$tmp/supports-$cc"
	done
done
tap_end
