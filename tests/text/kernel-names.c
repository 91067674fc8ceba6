// SPDX-License-Identifier: MIT
/* A program that is written for the kernel's API, and nothing but. */
#include <repoint/kernel_names.h>

#include "check.h"

struct sched {
	int preemptions;
	long work;
};

static int cond_resched_real(struct sched *s)
{
	return ++s->preemptions;
}

static void account(struct sched *s, long n)
{
	s->work += n;
}

static void account_double(struct sched *s, long n)
{
	s->work += 2 * n;
}

static long clock_read(void)
{
	return 12345;
}

DECLARE_STATIC_CALL(sched_account, account);
DEFINE_STATIC_CALL(sched_account, account);
EXPORT_STATIC_CALL_GPL(sched_account);
DEFINE_STATIC_CALL_RET0(cond_resched, cond_resched_real);
EXPORT_STATIC_CALL_TRAMP(cond_resched);
DEFINE_STATIC_CALL_NULL(trace_hook, account);
DEFINE_STATIC_CALL(sched_clock, clock_read);

DECLARE_STATIC_KEY_FALSE(sched_debug);
DEFINE_STATIC_KEY_FALSE(sched_debug);
DEFINE_STATIC_KEY_TRUE(sched_smp);
static DEFINE_STATIC_KEY_FALSE(in_this_file);
DEFINE_STATIC_KEY_ARRAY_FALSE(sched_features, 3);

static int tick(struct sched *s)
{
	int seen = 0;

	static_call(sched_account)(s, 5);
	static_call_cond(trace_hook)(s, 1000);
	if (static_branch_unlikely(&sched_debug))
		seen |= 1;
	if (static_branch_likely(&sched_smp))
		seen |= 2;
	if (static_branch_unlikely(&in_this_file))
		seen |= 4;
	if (static_branch_unlikely(&sched_features[1]))
		seen |= 8;
	if (static_call(cond_resched)(s))
		seen |= 16;
	return seen;
}

#ifdef __x86_64__
#define ON	RP_FEATURE_ALWAYS
#define OFF	ALT_NOT(RP_FEATURE_ALWAYS)

#define MOV(n)	"movl $" #n ", %k0"

#define CHOICE(name, alternative)					\
	static int name(void)						\
	{								\
		int r;							\
									\
		__asm__ volatile(alternative : "=r" (r) : );		\
		return r;						\
	}

CHOICE(one, ALTERNATIVE(MOV(1), MOV(2), ON))
CHOICE(one_not, ALTERNATIVE(MOV(1), MOV(2), OFF))
CHOICE(two, ALTERNATIVE_2(MOV(1), MOV(2), ON, MOV(3), OFF))
CHOICE(two_last, ALTERNATIVE_2(MOV(1), MOV(2), ON, MOV(3), ON))
CHOICE(three, ALTERNATIVE_3(MOV(1), MOV(2), OFF, MOV(3), ON, MOV(4), OFF))
CHOICE(three_last, ALTERNATIVE_3(MOV(1), MOV(2), ON, MOV(3), ON, MOV(4), ON))
CHOICE(ternary_yes, ALTERNATIVE_TERNARY(MOV(1), ON, MOV(2), MOV(3)))
CHOICE(ternary_no, ALTERNATIVE_TERNARY(MOV(1), OFF, MOV(2), MOV(3)))

static void check_alternatives(void)
{
#if defined(RP_GENERIC) || defined(RP_NO_ARCH)
	const int patched = 0;
#else
	const int patched = 1;
#endif

	CHECK_EQ(one(), patched ? 2 : 1);
	CHECK_EQ(one_not(), 1);
	CHECK_EQ(two(), patched ? 2 : 1);
	CHECK_EQ(two_last(), patched ? 3 : 1);
	CHECK_EQ(three(), patched ? 3 : 1);
	CHECK_EQ(three_last(), patched ? 4 : 1);
	CHECK_EQ(ternary_yes(), patched ? 2 : 1);
	CHECK_EQ(ternary_no(), patched ? 3 : 1);
}
#else
static void check_alternatives(void)
{
}
#endif

int main(void)
{
	struct sched s = { 0, 0 };

	CHECK_EQ(tick(&s), 2);
	CHECK_EQ(s.work, 5);
	CHECK_EQ(static_call(sched_clock)(), 12345);

	static_call_update(sched_account, account_double);
	static_call_update(cond_resched, cond_resched_real);
	static_call_update(trace_hook, account);
	static_branch_enable(&sched_debug);
	static_branch_disable(&sched_smp);
	static_branch_inc(&in_this_file);
	static_key_slow_inc(&in_this_file);
	static_key_enable(&sched_features[1]);
	CHECK_EQ(tick(&s), 1 | 4 | 8 | 16);
	CHECK_EQ(s.work, 1015);
	CHECK_EQ(s.preemptions, 1);
	CHECK(static_call_query(sched_account) == account_double);
	CHECK_EQ(static_key_count(&in_this_file), 2);
	CHECK(static_key_enabled(&sched_debug));

	static_branch_dec(&in_this_file);
	static_key_slow_dec(&in_this_file);
	static_key_disable(&sched_features[1]);
	static_branch_disable(&sched_debug);
	static_call_update(trace_hook, NULL);
#ifdef __cplusplus
	/* C++ has no conversion from void *. */
	static_call_update(cond_resched, RP_STATIC_CALL_RET0(cond_resched_real));
#else
	static_call_update(cond_resched, __static_call_return0);
#endif
	CHECK_EQ(tick(&s), 0);
	CHECK_EQ(s.work, 1025);
	check_alternatives();
	return check_status();
}
