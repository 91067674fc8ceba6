// SPDX-License-Identifier: MIT
/*
 * Several replacements of one place, of different lengths, and alternatives
 * inside others: in each combination of the features, and from each to each.
 */
#include "../text/site.h"
#include "../text/check.h"

#include <repoint/alternative.h>

#define F0	RP_FEATURE_SYNTHETIC(0)
#define F1	RP_FEATURE_SYNTHETIC(1)
#define F2	RP_FEATURE_SYNTHETIC(2)
#define F3	RP_FEATURE_SYNTHETIC(3)
#define STATES	16

/* Each adds its number to %0, in as many bytes as it likes. */
#define ADD(n)		"addl $" #n ", %0\n\t"
#define LONG(n)		"nop; nop; nop; addl $" #n ", %0; nop; nop\n\t"
#define WIDE(n)		"addl $" #n " + 0x10000, %0; subl $0x10000, %0\n\t"
#define RUN(code)							\
	int sum = 0;							\
	__asm__ volatile(code : "+r" (sum) : : "cc");			\
	return sum

#define HAS(n)		(state >> (n) & 1)

/* The later replacement is shorter than the first, and longer. */
NOINLINE static int shorter(void)
{
	RUN(RP_ALTERNATIVE_2(ADD(1), WIDE(2), F0, ADD(3), F1));
}

static int shorter_wanted(unsigned int state)
{
	return HAS(1) ? 3 : HAS(0) ? 2 : 1;
}

NOINLINE static int longer(void)
{
	RUN(RP_ALTERNATIVE_3(ADD(1), ADD(2), F0, LONG(3), F1, "", F2));
}

static int longer_wanted(unsigned int state)
{
	return HAS(2) ? 0 : HAS(1) ? 3 : HAS(0) ? 2 : 1;
}

NOINLINE static int descending(void)
{
	RUN(RP_ALTERNATIVE_3(WIDE(1), LONG(2), F0, WIDE(3), F1, ADD(4), F2));
}

static int descending_wanted(unsigned int state)
{
	return HAS(2) ? 4 : HAS(1) ? 3 : HAS(0) ? 2 : 1;
}

NOINLINE static int negated(void)
{
	RUN(RP_ALTERNATIVE_3(ADD(1), WIDE(2), RP_NOT(F0), ADD(3), F1, LONG(4),
			     RP_NOT(F2)));
}

static int negated_wanted(unsigned int state)
{
	return !HAS(2) ? 4 : HAS(1) ? 3 : !HAS(0) ? 2 : 1;
}

NOINLINE static int ternary(void)
{
	RUN(RP_ALTERNATIVE_TERNARY(WIDE(1), F3, ADD(2), LONG(3)));
}

static int ternary_wanted(unsigned int state)
{
	return HAS(3) ? 2 : 3;
}

/* Two inside of one, in the middle. */
NOINLINE static int two_inside(void)
{
	RUN(RP_ALTERNATIVE(
		ADD(1)
		RP_ALTERNATIVE(ADD(2), WIDE(4), F0)
		ADD(8)
		RP_ALTERNATIVE(LONG(16), ADD(32), F1)
		ADD(64),
		ADD(100), F2));
}

static int two_inside_wanted(unsigned int state)
{
	return HAS(2) ? 100 :
		1 + (HAS(0) ? 4 : 2) + 8 + (HAS(1) ? 32 : 16) + 64;
}

/* The inner one has the address of the outer one. */
NOINLINE static int same_start(void)
{
	RUN(RP_ALTERNATIVE(
		RP_ALTERNATIVE(ADD(1), ADD(2), F0)
		ADD(8),
		ADD(100), F1));
}

static int same_start_wanted(unsigned int state)
{
	return HAS(1) ? 100 : (HAS(0) ? 2 : 1) + 8;
}

/* A call that may not be lengthened over what follows it. */
__asm__(".text\n"
	"add_2: addl $2, %eax\n"
	"	ret\n");

NOINLINE static int same_start_call(void)
{
	int sum = 0;

	__asm__ volatile(
		"leaq -128(%%rsp), %%rsp\n\t"
		RP_ALTERNATIVE(
			RP_ALTERNATIVE("nop; addl $1, %%eax; nop", "call add_2",
				       F0) "\n\t"
			"addl $8, %%eax\n\t",
			"addl $100, %%eax\n\t", F1)
		"leaq 128(%%rsp), %%rsp\n\t"
		: "+a" (sum) : : "cc", "memory");
	return sum;
}

/* The inner one ends where the outer one does. */
NOINLINE static int same_end(void)
{
	RUN(RP_ALTERNATIVE(
		ADD(8)
		RP_ALTERNATIVE(ADD(1), WIDE(2), F0),
		ADD(100), F1));
}

/* Three deep; both ends together, and several replacements each. */
NOINLINE static int deep(void)
{
	RUN(RP_ALTERNATIVE_2(
		RP_ALTERNATIVE_2(
			RP_ALTERNATIVE(ADD(1), LONG(2), F0) ADD(8),
			ADD(20), F1, WIDE(30), F2)
		ADD(64),
		ADD(200), F3, LONG(300), RP_FEATURE(0, 0)));
}

static int deep_wanted(unsigned int state)
{
	int inner = HAS(2) ? 30 : HAS(1) ? 20 : (HAS(0) ? 2 : 1) + 8;

	return HAS(3) ? 200 : inner + 64;
}

/* The same code, twice in one statement. */
#define TWICE	RP_ALTERNATIVE(ADD(1), WIDE(2), F0)

NOINLINE static int side_by_side(void)
{
	RUN(TWICE TWICE ADD(10) TWICE);
}

static int side_by_side_wanted(unsigned int state)
{
	return 10 + 3 * (HAS(0) ? 2 : 1);
}

/* Feature numbers that never are, and that always are. */
NOINLINE static int constant(void)
{
	RUN(RP_ALTERNATIVE_3(ADD(1), ADD(2), RP_FEATURE_ALWAYS,
			     ADD(3), RP_NOT(RP_FEATURE_ALWAYS),
			     ADD(4), RP_FEATURE(19, 0)));
}

static int constant_wanted(unsigned int state)
{
	(void)state;
	return 2;
}

static const struct {
	const char *name;
	int (*run)(void);
	int (*wanted)(unsigned int state);
} places[] = {
	{ "shorter", shorter, shorter_wanted },
	{ "longer", longer, longer_wanted },
	{ "descending", descending, descending_wanted },
	{ "negated", negated, negated_wanted },
	{ "ternary", ternary, ternary_wanted },
	{ "two_inside", two_inside, two_inside_wanted },
	{ "same_start", same_start, same_start_wanted },
	{ "same_start_call", same_start_call, same_start_wanted },
	{ "same_end", same_end, same_start_wanted },
	{ "deep", deep, deep_wanted },
	{ "side_by_side", side_by_side, side_by_side_wanted },
	{ "constant", constant, constant_wanted },
};

static void check_state(unsigned int state, unsigned int before)
{
	for (unsigned int i = 0; i < 4; i++)
		rp_cpu_set_feature(RP_FEATURE_SYNTHETIC(i), state >> i & 1);
	CHECK_EQ(rp_alternatives_apply(NULL), 0);
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		int found = places[i].run(), wanted = places[i].wanted(state);

		if (found == wanted)
			continue;
		check_failures++;
		fprintf(stderr, "%s: %d, not %d, in state %x, from %x\n",
			places[i].name, found, wanted, state, before);
	}
}

int main(void)
{
	check_state(0, 0);
	for (unsigned int from = 0; from < STATES; from++)
		for (unsigned int to = 0; to < STATES; to++) {
			check_state(from, to);
			check_state(to, from);
		}
	return check_status();
}
