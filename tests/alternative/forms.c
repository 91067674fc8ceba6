// SPDX-License-Identifier: MIT
/* All forms, in all states of three features. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "forms.h"

/* struct state - which features are there. */
struct state {
	int a, b, c;
};

/* An environment variable names those that detectors find. */
static int detected(char name)
{
	const char *list = getenv("FORMS");

	return list && strchr(list, name) != NULL;
}

static int detect_a(void)
{
	return detected('a');
}

static int detect_b(void)
{
	return detected('b');
}

static int detect_c(void)
{
	return detected('c');
}

RP_DEFINE_FEATURE(FA, "forms-a", detect_a);
RP_DEFINE_FEATURE(FB, "forms-b", detect_b);
RP_DEFINE_FEATURE(FC, "forms-c", detect_c);

/* Named by assembly code: LTO must neither drop nor rename it. */
FORMS_C HIDDEN int forms_cell;
__attribute__((used)) int forms_cell;

/* ---- the forms ---- */

static NOINLINE int string_1(void)
{
	int r;

	__asm__ volatile(RP_ALTERNATIVE("movl $1, %0",
					"pushq $2; popq %q0; nop; nop; nop", FA)
			 : "=r" (r));
	return r;
}

static NOINLINE int string_not(void)
{
	int r;

	__asm__ volatile(RP_ALTERNATIVE("movl $1, %0", "movl $2, %0", RP_NOT(FB))
			 : "=r" (r));
	return r;
}

static NOINLINE int string_2(void)
{
	int r;

	__asm__ volatile(RP_ALTERNATIVE_2("movl $1, %0",
					  "movl $2, %0; nop; nop", FA,
					  "movl $3, %0", FB)
			 : "=r" (r));
	return r;
}

static NOINLINE int string_3(void)
{
	int r;

	__asm__ volatile(RP_ALTERNATIVE_3("movl $1, %0",
					  "movl $2, %0", FA,
					  "movl $3, %0; nop", FB,
					  "movl $4, %0; nop; nop; nop", FC)
			 : "=r" (r));
	return r;
}

static NOINLINE int string_ternary(void)
{
	int r;

	__asm__ volatile(RP_ALTERNATIVE_TERNARY("movl $1, %0", FC,
						"movl $3, %0", "movl $2, %0")
			 : "=r" (r));
	return r;
}

static NOINLINE int string_empty(void)
{
	int r = 2;

	__asm__ volatile(RP_ALTERNATIVE("movl $1, %0", "", FA) : "+r" (r));
	return r;
}

static NOINLINE int string_from_empty(void)
{
	int r = 1;

	__asm__ volatile(RP_ALTERNATIVE("", "movl $2, %0", FB) : "+r" (r));
	return r;
}

static NOINLINE int statement_1(void)
{
	rp_alternative("movl $1, forms_cell(%%rip)",
		       "nop; movl $2, forms_cell(%%rip)", FA);
	return forms_cell;
}

static NOINLINE int statement_2(void)
{
	rp_alternative_2("movl $1, forms_cell(%%rip)",
			 "movl $2, forms_cell(%%rip); nop", FA,
			 "movb $3, forms_cell(%%rip); movl forms_cell(%%rip), %%eax; nop; nop; nop", FC);
	return forms_cell;
}

static NOINLINE int operands_1(int in)
{
	int out;

	rp_alternative_io("leal 1(%[in]), %[out]",
			  "movl $2, %[out]; addl %[in], %[out]", FC,
			  RP_OUTPUTS([out] "=&r" (out)),
			  RP_INPUTS([in] "r" (in)), RP_CLOBBERS("cc"));
	return out - in;
}

static NOINLINE int operands_2(void)
{
	static int one = 1, two = 2, three = 3;
	int out;

	rp_alternative_io_2("movl %[one], %[out]",
			    "xorl %[out], %[out]; addl %[two], %[out]", FB,
			    "nop; movl %[three], %[out]", FC,
			    RP_OUTPUTS([out] "=&r" (out)),
			    RP_INPUTS([one] "m" (one), [two] "m" (two),
				      [three] "m" (three)),
			    RP_CLOBBERS("cc"));
	return out;
}

static NOINLINE int operands_none(void)
{
	rp_alternative_io("movl $1, forms_cell(%%rip)",
			  "movl $2, forms_cell(%%rip)", FB,
			  RP_NONE, RP_NONE, RP_NONE);
	return forms_cell;
}

#define CALL_CLOBBERS							\
	RP_CLOBBERS("rcx", "rdx", "r8", "r9", "r10", "r11", RP_CLOBBERS_FP)

static NOINLINE long static_old(long a, long b)
{
	return a + 2 * b;
}

static NOINLINE long static_new(long a, long b)
{
	return a - 2 * b;
}

static NOINLINE int call_static(void)
{
	long r, a = 10, b = 3;

	rp_alternative_call(static_old, static_new, FA,
			    RP_OUTPUTS("=a" (r), "+D" (a), "+S" (b)), RP_NONE,
			    CALL_CLOBBERS);
	return r == 16 ? 1 : r == 4 ? 2 : -1;
}

static NOINLINE int call_hidden(void)
{
	long r, a = 10, b = 3;

	rp_alternative_call(hidden_old, hidden_new, FB,
			    RP_OUTPUTS("=a" (r), "+D" (a), "+S" (b)), RP_NONE,
			    CALL_CLOBBERS);
	return r == 103 ? 1 : r == 97 ? 2 : -1;
}

static NOINLINE int call_other(void)
{
	long r, a = 10, b = 3;

	rp_alternative_call(other_old, other_new, FC,
			    RP_OUTPUTS("=a" (r), "+D" (a), "+S" (b)), RP_NONE,
			    CALL_CLOBBERS);
	return r == 13 ? 1 : r == 7 ? 2 : -1;
}

static NOINLINE int call_three(void)
{
	long r, a = 10, b = 3;

	rp_alternative_call_2(other_old, static_new, FA, hidden_old, FB,
			      RP_OUTPUTS("=a" (r), "+D" (a), "+S" (b)), RP_NONE,
			      CALL_CLOBBERS);
	return r == 13 ? 1 : r == 4 ? 2 : r == 103 ? 3 : -1;
}

/* Two inside of one: 1 + 10, each doubled by its own; or 3 for all. */
static NOINLINE int nested(void)
{
	int r = 0;

	__asm__ volatile(RP_ALTERNATIVE(
		"addl $1, %0\n\t"
		RP_ALTERNATIVE("addl $10, %0", "addl $20, %0; nop", FA) "\n\t"
		"addl $100, %0\n\t"
		RP_ALTERNATIVE("addl $1000, %0", "addl $2000, %0", FB),
		"movl $3, %0", FC)
		: "+r" (r) : : "cc");
	return r;
}

static NOINLINE int goto_out(void)
{
	__asm__ goto(RP_ALTERNATIVE_2("jmp %l[one]", "jmp %l[two]", FA,
				      "nop; nop; jmp %l[three]", FB)
		     : : : : one, two, three);
	return 0;
one:
	return 1;
two:
	return 2;
three:
	return 3;
}

static NOINLINE int goto_condition(int value)
{
	__asm__ goto(RP_ALTERNATIVE("testl %[v], %[v]; jz %l[zero]",
				    "testl %[v], %[v]; jnz %l[zero]", FC)
		     : : [v] "r" (value) : "cc" : zero);
	return 1;
zero:
	return 2;
}

static NOINLINE int copies(void)
{
	int r = 0;

	for (int i = 0; i < 4; i++)
		r = copied(r);
	return copied(r) + copied(0);
}

static int recursive(int n)
{
	return n ? recursive(n - 1) + copied(0) : copied(10);
}

/* ---- what they have to return ---- */

static int failures;

static void expect(const char *what, int found, int wanted)
{
	if (found == wanted)
		return;
	failures++;
	fprintf(stderr, "%s: %d, not %d\n", what, found, wanted);
}

#ifdef RP_GENERIC
# define GENERIC	1
#else
# define GENERIC	0
#endif

static int last_of(int a, int b, int c)
{
	return c ? 4 : b ? 3 : a ? 2 : 1;
}

static void check_strings(struct state s)
{
	expect("string_1", string_1(), 1 + s.a);
	expect("string_not", string_not(), GENERIC ? 1 : 2 - s.b);
	expect("string_2", string_2(), last_of(s.a, s.b, 0));
	expect("string_3", string_3(), last_of(s.a, s.b, s.c));
	expect("string_ternary", string_ternary(), GENERIC ? 1 : 2 + s.c);
	expect("string_empty", string_empty(), 1 + s.a);
	expect("string_from_empty", string_from_empty(), 1 + s.b);
}

static void check_statements(struct state s)
{
	expect("statement_1", statement_1(), 1 + s.a);
	forms_cell = 0;
	expect("statement_2", statement_2(), s.c ? 3 : 1 + s.a);
	expect("operands_1", operands_1(40), 1 + s.c);
	expect("operands_2", operands_2(), s.c ? 3 : 1 + s.b);
	expect("operands_none", operands_none(), 1 + s.b);
}

static void check_calls(struct state s)
{
	expect("call_static", call_static(), 1 + s.a);
	expect("call_hidden", call_hidden(), 1 + s.b);
	expect("call_other", call_other(), 1 + s.c);
	expect("call_three", call_three(), last_of(s.a, s.b, 0));
}

static void check_flow(struct state s)
{
	expect("nested", nested(),
	       s.c ? 3 : 101 + 10 * (1 + s.a) + 1000 * (1 + s.b));
	expect("goto_out", goto_out(), last_of(s.a, s.b, 0));
	expect("goto_condition 0", goto_condition(0), s.c ? 1 : 2);
	expect("goto_condition 1", goto_condition(1), s.c ? 2 : 1);
	expect("copies", copies(), 6 * (1 + s.a));
	expect("recursive", recursive(5), 10 + 6 * (1 + s.a));
}

static void check_others(struct state s)
{
#ifdef __cplusplus
	expect("group_member", group_member<100>(), last_of(s.a, s.b, 0));
	expect("inline_member", inline_member(), GENERIC ? 1 : 2 - s.c);
	expect("other_copies", other_copies(),
	       1 + s.a + 10 * (GENERIC ? 1 : 2 - s.c));
#else
	expect("other_copies", other_copies(), 1 + s.a);
#endif
	expect("assembly_1", assembly_1(), 1 + s.a);
	expect("assembly_2", assembly_2(), last_of(s.a, s.b, 0));
	expect("assembly_3", assembly_3(), last_of(s.a, s.b, s.c));
	expect("assembly_ternary", assembly_ternary(), GENERIC ? 1 : 2 + s.a);
	expect("assembly_not", assembly_not(), GENERIC ? 1 : 2 - s.a);
	expect("assembly_jump", assembly_jump(), 1 + s.b);
}

#define CHECK_CPU(name)							\
	do {								\
		int r_;							\
		__asm__ volatile(RP_ALTERNATIVE("movl $1, %0", "movl $2, %0", \
						RP_FEATURE_##name)	\
				 : "=r" (r_));				\
		expect(#name, r_, 1 + (!GENERIC &&			\
				       rp_cpu_has(RP_FEATURE_##name)));	\
	} while (0)

static void check_cpu(void)
{
	CHECK_CPU(ALWAYS);
	CHECK_CPU(SSE2);
	CHECK_CPU(POPCNT);
	CHECK_CPU(AVX2);
	CHECK_CPU(AVX512BW);
	CHECK_CPU(AVX512_BMM);
	CHECK_CPU(SSE4A);
}

static void check_state(struct state s)
{
	int before = failures;

	expect("has a", rp_cpu_has(FA), s.a);
	expect("has b", rp_cpu_has(FB), s.b);
	expect("has c", rp_cpu_has(FC), s.c);
	if (GENERIC)
		s.a = s.b = s.c = 0;
	check_strings(s);
	check_statements(s);
	check_calls(s);
	check_flow(s);
	check_others(s);
	check_cpu();
	if (failures != before)
		fprintf(stderr, "in state %d%d%d\n", s.a, s.b, s.c);
}

/* From one state to each other, and back to that of the start. */
static void check_states(struct state first)
{
	for (int i = 0; i < 8; i++) {
		struct state s = { i & 1, i >> 1 & 1, i >> 2 };

		rp_cpu_set_feature(FA, s.a);
		rp_cpu_set_feature(FB, s.b);
		rp_cpu_set_feature(FC, s.c);
		expect("apply", rp_alternatives_apply(NULL), 0);
		check_state(s);
	}
	rp_cpu_set_feature(FA, first.a);
	rp_cpu_set_feature(FB, first.b);
	rp_cpu_set_feature(FC, first.c);
	expect("apply", rp_alternatives_apply(NULL), 0);
	check_state(first);
}

/* @state: "abc": those that are there; or "fixed abc": and may not be set. */
int forms_check(const char *state)
{
	int fixed = !strncmp(state, "fixed ", 6);
	const char *list = fixed ? state + 6 : state;
	struct state s = {
		strchr(list, 'a') != NULL, strchr(list, 'b') != NULL,
		strchr(list, 'c') != NULL
	};

	check_state(s);
	if (!fixed)
		check_states(s);
	return failures;
}

#ifdef FORMS_MAIN
int main(int argc, char **argv)
{
	return forms_check(argc > 1 ? argv[1] : "") != 0;
}
#endif
