#!/bin/bash
# SPDX-License-Identifier: MIT
# Jump tables, computed gotos, constants of all kinds, IFUNCs.
. "$(dirname "$0")/common.inc"

# A switch whose table moves with its function, one that is unchanged.
put switch/case.c <<'EOT'
#include "case.h"
ALONE int choose(int n, int x)
{
	switch (n) {
	case 0: return OPAQUE(x) + 1;
	case 1: printf("one "); return x;
	case 2: return OPAQUE(x) * WAS_IS(7, 70);
	case 3: printf("three "); return x - 3;
	case 4: printf("four "); return OPAQUE(x) ^ 4;
	case 5: return x / 5;
	case 6: printf("%s ", WAS_IS("six", "SIX")); return 6;
#ifdef FIXED
	case 7: return OPAQUE(777);
#endif
	default: return -1;
	}
}
ALONE int as_before(int n, int x)
{
	switch (n) {
	case 0: return OPAQUE(x) + 11;
	case 1: printf("other one "); return x;
	case 2: return OPAQUE(x) * 17;
	case 3: printf("other three "); return x - 13;
	case 4: return OPAQUE(x) ^ 14;
	default: return -11;
	}
}
void show(void)
{
	int n = OPAQUE(9);
	while (n-- > 0)
		printf("%d ", choose(n, 100));
	n = OPAQUE(5);
	while (n-- > 0)
		printf("%d ", as_before(n, 100));
	printf("\n");
}
EOT
replaced=choose
try switch "jump tables" <<EOT
before:
-1 -1 six 6 20 four 96 three 97 700 one 100 101 106 other three 87 1700 other one 100 111 
applied:
-1 777 SIX 6 20 four 96 three 97 7000 one 100 101 106 other three 87 1700 other one 100 111 
reverted:
-1 -1 six 6 20 four 96 three 97 700 one 100 101 106 other three 87 1700 other one 100 111 
EOT

# Tables of labels, static in the function; a small interpreter.
put goto/case.c <<'EOT'
#include "case.h"
ALONE int run(const char *code)
{
	static const void *const labels[] = { &&add, &&twice, &&print, &&end };
	int value = 1;

	goto *labels[*code++ - '0'];
add:	value += WAS_IS(1, 10); goto *labels[*code++ - '0'];
twice:	value *= 2; goto *labels[*code++ - '0'];
print:	printf("%d ", value); goto *labels[*code++ - '0'];
end:	return value;
}
ALONE int run_writable(const char *code)
{
	static void *labels[] = { &&add, &&twice, &&end };
	int value = 1;

	goto *labels[*code++ - '0'];
add:	value += WAS_IS(1, 10); goto *labels[*code++ - '0'];
twice:	value *= 2; goto *labels[*code++ - '0'];
end:	return value;
}
ALONE int run_by_distance(const char *code)
{
	static const int labels[] = { &&add - &&add, &&twice - &&add, &&end - &&add };
	int value = 1;

	goto *(&&add + labels[*code++ - '0']);
add:	value += WAS_IS(1, 10); goto *(&&add + labels[*code++ - '0']);
twice:	value *= 2; goto *(&&add + labels[*code++ - '0']);
end:	return value;
}
void show(void) { int a = run("0121023"); printf("%d %d %d\n", a, run_writable("002"), run_by_distance("01012")); }
EOT
replaced="run run_writable run_by_distance"
try goto "computed gotos" <<EOT
before:
4 9 9 3 10
applied:
22 54 54 21 64
reverted:
4 9 9 3 10
EOT

# Constants that code refers to (none of them is a part of another one), and tables of constants.
put constants/case.c <<'EOT'
#include "case.h"
typedef float vec __attribute__((vector_size(16)));
typedef int ivec __attribute__((vector_size(16)));
static const int squares[] = { 0, 1, 4, WAS_IS(9, 90), 16 };
static const char *const names[] = { "zero", "one", WAS_IS("two", "TWO") };
ALONE float scale_float(float f) { LONG_ENOUGH; return f * WAS_IS(1.5f, 2.5f); }
ALONE double scale_double(double d) { LONG_ENOUGH; return d * WAS_IS(1.25, 3.25) + 0.1; }
ALONE double same_double(double d) { LONG_ENOUGH; return d * 7.125; }
ALONE long double scale_long(long double d) { LONG_ENOUGH; return d * WAS_IS(1.1L, 2.1L); }
ALONE vec scale_vector(vec v) { LONG_ENOUGH; return v * (vec){ 7, 6, WAS_IS(3, 30), 4 }; }
ALONE ivec mask_vector(ivec v) { LONG_ENOUGH; return v & (ivec){ 0xff, 0xf0, WAS_IS(0xf, 0), 1 }; }
ALONE int square(int n) { LONG_ENOUGH; return OPAQUE(squares[n]); }
ALONE const char *name(int n) { LONG_ENOUGH; return OPAQUE(names[n]); }
ALONE int absolute(double d) { LONG_ENOUGH; return __builtin_fabs(d) > WAS_IS(2.5, 0.5); }
void show(void)
{
	vec v = scale_vector((vec){ 1, 1, 1, 1 });
	ivec i = mask_vector((ivec){ -1, -1, -1, -1 });

	printf("%g %g %g %Lg %g %g %d %d %d %s %d\n", scale_float(2), scale_double(2),
	       same_double(2), scale_long(2), v[2], v[3], i[1], i[2],
	       square(OPAQUE(3)), name(OPAQUE(2)), absolute(OPAQUE(-1)));
}
EOT
replaced="scale_float scale_double scale_long scale_vector mask_vector square name absolute"
try constants "floats, vectors, tables" <<EOT
before:
3 2.6 14.25 2.2 3 4 240 15 9 two 0
applied:
5 6.6 14.25 4.2 30 4 240 0 90 TWO 1
reverted:
3 2.6 14.25 2.2 3 4 240 15 9 two 0
EOT

# An IFUNC of the program's own, local and exported, called by what is replaced;
# one that a library defines (memcpy is one).
put ifunc/case.c <<'EOT'
#include "case.h"
#include <string.h>
static int fast(int n) { return n + 10; }
static int slow(int n) { return n + 20; }
static int (*resolve_local(void))(int) { return slow; }
static int (*resolve_exported(void))(int) { return fast; }
static int local(int n) __attribute__((ifunc("resolve_local")));
int exported(int n) __attribute__((ifunc("resolve_exported")));
static int (*volatile by_pointer)(int) = exported;
ALONE int use(int n)
{
	char a[64] = "text", b[64];
	memcpy(b, a, OPAQUE(5));
	return local(n) + exported(n) * WAS_IS(1, 10) + b[0] + by_pointer(n);
}
void show(void) { printf("%d %d %d\n", local(1), exported(1), use(1)); }
EOT
replaced=use
try ifunc "calls of IFUNCs" <<EOT
before:
21 11 159
applied:
21 11 258
reverted:
21 11 159
EOT

# New calls of one that the program calls elsewhere, and its address.
put ifunc-new/case.c <<'EOT'
#include "case.h"
static int fast(int n) { return n + 10; }
static int (*resolve(void))(int) { return fast; }
int chosen(int n) __attribute__((ifunc("resolve")));
ALONE int use(int n)
{
	LONG_ENOUGH;
#ifdef FIXED
	int (*volatile fn)(int) = chosen;
	return fn(n) + chosen(n) * 100;
#else
	return OPAQUE(n) * 2;
#endif
}
void show(void) { printf("%d %d\n", chosen(1), use(1)); }
EOT
flags=-fPIC kinds="pie shared" replaced=use
try ifunc-new "new calls of an IFUNC" <<EOT
before:
11 2
applied:
11 1111
reverted:
11 2
EOT

put ifunc-resolver/case.c <<'EOT'
#include "case.h"
static int fast(int n) { return n + 10; }
static int slow(int n) { return n + 20; }
static int (*resolve(void))(int)
{
	LONG_ENOUGH;
	return WAS_IS(slow, fast);
}
int chosen(int n) __attribute__((ifunc("resolve")));
void show(void) { printf("%d\n", chosen(1)); }
EOT
refuse ifunc-resolver "a changed resolver" RP0716 "chosen: .*resolver"

tap_end
