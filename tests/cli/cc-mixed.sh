#!/bin/bash
# SPDX-License-Identifier: MIT
# A program of annotated and of -flto files: both get inline calls, none twice.
. "$(dirname "$0")/common.inc"
cd "$tmp" || exit 99
lib=${RP_LIB:?RP_LIB names librepoint.a}

cat >keys.c <<'C'
#include <repoint/static_call.h>
static int one(int x) { return x + 1; }
RP_DEFINE_STATIC_CALL(op, one);
C
for f in plain lto; do
	cat >$f.c <<C
#include <repoint/static_call.h>
RP_DECLARE_STATIC_CALL(op, int(int));
__attribute__((noinline, aligned(64))) int $f(int x) { return rp_static_call(op)(x) * 2; }
C
done
cat >main.c <<'C'
#include <repoint/static_call.h>
#include <repoint/text_poke.h>
#include <stdio.h>
RP_DECLARE_STATIC_CALL(op, int(int));
int plain(int), lto(int);
static int two(int x) { return x + 2; }
int main(void)
{
	struct rp_text_poke_stats before = { sizeof(before) }, after = before;
	int sum = plain(1) + lto(1);

	rp_text_poke_get_stats(&before);
	if (rp_static_call_update(op, two))
		return 1;
	rp_text_poke_get_stats(&after);
	/* The trampoline and each site once. */
	printf("%d %d %d\n", sum, plain(1) + lto(1),
	       (int)(after.sites[RP_PROTOCOL_STOPPED] -
		     before.sites[RP_PROTOCOL_STOPPED]));
	return 0;
}
C

mixed()
{
	local cc="$REPOINT cc $gcc_cc -O2 -fPIC -I$RP_INC $1"
	$cc -c keys.c main.c plain.c && $cc -flto -c lto.c 2>/dev/null &&
	$cc -flto keys.o main.o plain.o lto.o "$lib" -o prog 2>err &&
	[ "$(sites plain.o)" -eq 1 ] && ./prog && [ "$(./prog)" = "8 12 3" ]
}

[ -n "$gcc_cc" ] || skip_all "no gcc"
check "annotated and LTO files" mixed ""
check "the same through the GOT" mixed -fno-plt
tap_end
