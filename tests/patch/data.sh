#!/bin/bash
# SPDX-License-Identifier: MIT
# What <repoint/livepatch.h> says in the source of a fix: what becomes of data,
# and hooks.
. "$(dirname "$0")/common.inc"

put markers/case.c <<'EOT'
#include "case.h"
#include <repoint/livepatch.h>
static int kept = WAS_IS(10, 20);
static int set = WAS_IS(11, 21);
int exported = WAS_IS(12, 22);
static int expected = WAS_IS(13, 23);
struct limits { int soft, hard; const char *name; } limits = {
	1, WAS_IS(2, 200), "limits"
};
const char *text = WAS_IS("old text", "new text");
#ifdef FIXED
RP_LIVEPATCH_KEEP(kept);
RP_LIVEPATCH_SET(set);
RP_LIVEPATCH_SET(exported);
RP_LIVEPATCH_SET_EXPECT(expected, 113);
RP_LIVEPATCH_SET(limits.hard);
RP_LIVEPATCH_KEEP(text);
#endif
ALONE int local(int n)
{
	static int in_function = WAS_IS(30, 40);
#ifdef FIXED
	RP_LIVEPATCH_SET(in_function);
#endif
	return in_function += OPAQUE(n);
}
void show(void)
{
	expected = expected == 13 ? 113 : expected;
	kept = OPAQUE(kept);
	printf("%d %d %d %d %d %d %s %s %d\n", kept, OPAQUE(set), exported,
	       OPAQUE(expected), limits.soft, OPAQUE(limits.hard), OPAQUE(limits.name),
	       OPAQUE(text), local(0));
	// So that all of it is data that lives.
	if (OPAQUE(0)) {
		set++; exported++; limits.soft++; limits.hard++;
		limits.name = text = "";
	}
}
EOT
set="set exported expected limits in_function"
try markers "KEEP, SET, SET_EXPECT" <<EOT
before:
10 11 12 113 1 2 limits old text 30
applied:
10 21 22 23 1 200 limits old text 40
reverted:
10 11 12 113 1 2 limits old text 30
EOT

# The running value is another one: nothing is applied.
put unexpected/case.c <<'EOT'
#include "case.h"
#include <repoint/livepatch.h>
int retries = WAS_IS(3, 5);
#ifdef FIXED
RP_LIVEPATCH_SET(retries);
#endif
ALONE int work(int n) { LONG_ENOUGH; return n + WAS_IS(1, 100); }
void show(void) { printf("%d %d\n", retries, work(1)); retries = OPAQUE(4); }
EOT
replaced=work set=retries kinds="pie shared"
try unexpected "a value that is not the old one" <<EOT
before:
3 2
refused: retries has another value
4 2
EOT

# A revert leaves alone what was changed meanwhile.
put changed-since/case.c <<'EOT'
#include "case.h"
#include <repoint/livepatch.h>
int a = WAS_IS(3, 30), b = WAS_IS(4, 40);
#ifdef FIXED
RP_LIVEPATCH_SET(a);
RP_LIVEPATCH_SET(b);
#endif
void show(void)
{
	printf("%d %d\n", OPAQUE(a), OPAQUE(b));
	if (OPAQUE(b) == 40)
		b = 41;
	if (OPAQUE(0))
		a = 0;
}
EOT
set="a b" kinds="pie shared"
try changed-since "a revert of a value that has changed since" <<EOT
before:
3 4
applied:
30 40
reverted:
3 41
EOT

# hooks_case NAME VETO
hooks_case()
{
	put "$1/case.c" <<EOT
#include "case.h"
#include <repoint/livepatch.h>
#include <errno.h>
int state = 1;
ALONE int work(int n) { LONG_ENOUGH; return OPAQUE(n + state + WAS_IS(0, 100)); }
#ifdef FIXED
static int first(void) { printf("pre-apply, "); return $2; }
RP_LIVEPATCH_PRE_APPLY(first);
static int second(void) { printf("second, "); return 0; }
RP_LIVEPATCH_PRE_APPLY(second);
static void apply(void) { state += 1000; printf("apply, "); }
RP_LIVEPATCH_APPLY(apply);
static void post(void) { printf("post-apply %d\n", work(1)); }
RP_LIVEPATCH_POST_APPLY(post);
static int pre_revert(void) { printf("pre-revert, "); return 0; }
RP_LIVEPATCH_PRE_REVERT(pre_revert);
static void revert(void) { state -= 1000; printf("revert, "); }
RP_LIVEPATCH_REVERT(revert);
static void post_revert(void) { printf("post-revert\n"); }
RP_LIVEPATCH_POST_REVERT(post_revert);
#endif
void show(void)
{
	printf("%d\n", work(1));
	if (OPAQUE(0))
		state = 0;
}
EOT
	added="first second apply post pre_revert revert post_revert"
	replaced=work
}

hooks_case hooks 0
try hooks "order" <<EOT
before:
2
pre-apply, second, apply, post-apply 1102
applied:
1102
pre-revert, revert, post-revert
reverted:
2
EOT

hooks_case veto -EBUSY
kinds="pie shared"
try veto "a veto: nothing is applied" <<EOT
before:
2
pre-apply, refused: first: vetoed
2
EOT

# Nothing but hooks: no function changes.
put only-hooks/case.c <<'EOT'
#include "case.h"
#include <repoint/livepatch.h>
int state = 1;
ALONE int work(int n) { LONG_ENOUGH; return OPAQUE(n + state); }
#ifdef FIXED
static void apply(void) { state += 1000; }
RP_LIVEPATCH_APPLY(apply);
static void revert(void) { state -= 1000; }
RP_LIVEPATCH_REVERT(revert);
#endif
void show(void)
{
	printf("%d\n", work(1));
	if (OPAQUE(0))
		state = 0;
}
EOT
added="apply revert"
try only-hooks "a payload of hooks only" <<EOT
before:
2
applied:
1002
reverted:
2
EOT

tap_end
