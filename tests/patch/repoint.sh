#!/bin/bash
# SPDX-License-Identifier: MIT
# Programs that use Repoint themselves: what they have patched in their code is
# no difference, and the payload's code is bound to the same keys.
. "$(dirname "$0")/common.inc"
[ -f "${RP_LIB:-}" ] || skip_all "no librepoint.a"

put keys/case.c <<'EOT'
#include "case.h"
#include <repoint/alternative.h>
#include <repoint/cpu.h>
#include <repoint/ops.h>
#include <repoint/static_call.h>
#include <repoint/static_key.h>

static ALONE int add(int a, int b) { return a + b; }
static ALONE int sub(int a, int b) { return a - b; }
RP_DEFINE_STATIC_CALL(op, add);
RP_DEFINE_STATIC_KEY_FALSE(tracing);
RP_DEFINE_STATIC_KEY_TRUE(checking);
struct clock_ops { int (*other)(void); int (*now)(void); };
static ALONE int noon(void) { return 12; }
static ALONE int night(void) { return 24; }
RP_DEFINE_OPS(struct clock_ops, clock_table, .now = noon, .other = night);

ALONE int work(int n)
{
	int r = rp_static_call(op)(n, 3) * WAS_IS(1, 100);
	unsigned long bit;

	if (rp_static_branch_unlikely(&tracing))
		r += 10000;
	if (rp_static_branch_likely(&checking))
		r += 20000;
	rp_alternative_io("mov $1, %0", "mov $1, %k0", RP_FEATURE_FPU,
			  RP_OUTPUTS("=r" (bit)), RP_INPUTS("r" (0)), RP_CLOBBERS("cc"));
	return r + rp_op(clock_table, now)() * 1000000 + bit;
}
ALONE int uses_not(int n) { return rp_static_call(op)(n, 4); }
void show(void)
{
	static int calls;

	// Patched in the old code before the payload comes.
	switch (calls++) {
	case 0:
		rp_static_call_update(op, sub);
		rp_ops_bind(&clock_table);
		break;
	case 2:
		rp_static_call_update(op, add);
		break;
	}
	printf("%d %d\n", work(10), uses_not(10));
}
EOT
keys()
{
	try_one "$2" "$3" "$4" "$1" || return 1
	readelf -SW "$dir/case.rpp" >"$dir/sections"
	readelf -rW "$dir/case.rpp" >"$dir/relocs"
	for table in rp_static_call_sites rp_static_key_sites rp_alternatives \
		     rp_op_sites; do
		grep -q " $table " "$dir/sections" ||
			{ echo "no $table"; return 1; }
	done
	cat "$dir/relocs"
	# Keys are the program's: undefined in the payload, bound to its address.
	for key in tracing checking op clock_table; do
		readelf -sW "$dir/case.rpp" | grep " UND " | grep -q "$key" ||
			{ echo "$key is not bound"; return 1; }
	done
	"$REPOINT" patch show --json "$dir/case.rpp" >"$dir/shown" &&
	"$REPOINT" patch show "$dir/case.rpp" | grep -q "tracing at 0x"
}
cat >"$tmp/keys.want" <<EOT
before:
12020008 6
applied:
12020701 6
reverted:
12020014 14
EOT
wrapper="$REPOINT cc --" link="$RP_LIB -ldl -lpthread" replaced=work
variants keys "static calls, keys, alternatives, ops" keys "$tmp/keys.want"

# The new code's sites follow their keys: what they are when the payload comes,
# and what becomes of them. Only who acts from outside tells the library.
put follows/case.c <<'EOT'
#include "case.h"
#include <repoint/ops.h>
#include <repoint/static_call.h>
#include <repoint/static_key.h>

static ALONE int add(int a, int b) { return a + b; }
static ALONE int sub(int a, int b) { return a - b; }
RP_DEFINE_STATIC_CALL(op, add);
RP_DEFINE_STATIC_KEY_FALSE(tracing);
RP_DEFINE_STATIC_KEY_TRUE(checking);

ALONE int work(int n)
{
	int r = rp_static_call(op)(n, 3) * WAS_IS(1, 100);

	if (rp_static_branch_unlikely(&tracing))
		r += 10000;
	if (rp_static_branch_likely(&checking))
		r += 20000;
	return r;
}
void show(void)
{
	static int calls;

	if (calls++ == 0) {
		rp_static_key_enable(&tracing);
		rp_static_key_disable(&checking);
		rp_static_call_update(op, sub);
	}
	printf("%d", work(10));
	rp_static_key_disable(&tracing);
	rp_static_key_enable(&checking);
	rp_static_call_update(op, add);
	printf(" %d", work(10));
	rp_static_key_enable(&tracing);
	rp_static_key_disable(&checking);
	rp_static_call_update(op, sub);
	printf(" %d\n", work(10));
}
EOT
cat >"$tmp/follows.want" <<EOT
before:
10007 20013 10007
applied:
10700 21300 10700
reverted:
10007 20013 10007
EOT
follows()
{
	try_one "$2" "$3" "$4" "$1"
}
if [ -n "${RP_LIVE_TOOL:-}" ]; then
	wrapper="$REPOINT cc --" link="$RP_LIB -ldl -lpthread" replaced=work
	variants follows "sites of the new code follow their keys" follows \
		"$tmp/follows.want"
fi

tap_end
