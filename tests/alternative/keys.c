// SPDX-License-Identifier: MIT
/*
 * Static branches and static calls in the old code of alternatives: patched
 * where the old code stays, left alone where it does not.
 *
 * The header says not to do this; what is done must still be right.
 */
#include "../text/site.h"
#include "../text/check.h"

#include <errno.h>
#include <string.h>

#include <repoint/alternative.h>
#include <repoint/log.h>

RP_DEFINE_STATIC_KEY_FALSE(keys_key);

int one(void);
int two(void);
int call_kept(void);

NOINLINE int one(void)
{
	return 1;
}

NOINLINE int two(void)
{
	return 2;
}

RP_DEFINE_STATIC_CALL(keys_call, one);

#define NEVER	RP_FEATURE(0, 0)
#define LIVE	RP_FEATURE_SYNTHETIC(0)

/* %0 becomes 2 if the key is enabled, else 1; as rp_static_branch_unlikely(). */
#define BRANCH								\
	".p2align 3, 0x2e, 4\n"						\
	".Lkeys_site%=: .byte 0x0f, 0x1f, 0x44, 0x00, 0x00\n\t"		\
	"movl $1, %0\n\t"						\
	"jmp 2f\n"							\
	"1: movl $2, %0\n"						\
	"2:\n\t"							\
	".pushsection rp_static_key_sites, \"ao\", @progbits, .Lkeys_site%=\n\t" \
	".p2align 2\n\t"						\
	".long .Lkeys_site%= - ., 1b - ., keys_key - ., 0\n\t"		\
	".popsection\n\t"
/* Its NOP is followed by those of the padding. */
#define BRANCH_LAST							\
	".p2align 3, 0x2e, 4\n"						\
	".Lkeys_site%=: .byte 0x0f, 0x1f, 0x44, 0x00, 0x00\n\t"		\
	".pushsection rp_static_key_sites, \"ao\", @progbits, .Lkeys_site%=\n\t" \
	".p2align 2\n\t"						\
	".long .Lkeys_site%= - ., 1f - ., keys_key - ., 0\n\t"		\
	".popsection\n\t"
#define LONG	"movl $3, %0; .skip 40, 0x90\n\t"

#define RUN(code)							\
	int r = 0;							\
	__asm__ volatile(code : "=r" (r) : : "cc");			\
	return r

#if !defined(KEYS_PADDED) && !defined(KEYS_LIVE)

NOINLINE static int branch_kept(void)
{
	RUN(RP_ALTERNATIVE(BRANCH, LONG, NEVER));
}

NOINLINE static int branch_gone(void)
{
	RUN(RP_ALTERNATIVE(BRANCH, LONG, RP_FEATURE_ALWAYS));
}

/* Only what is inside is replaced. */
NOINLINE static int branch_around(void)
{
	RUN(RP_ALTERNATIVE(
		BRANCH RP_ALTERNATIVE("nop", "cld; cld", RP_FEATURE_ALWAYS),
		LONG, NEVER));
}

NOINLINE static int in_call(int (*which)(void))
{
	return which();
}

#define CALL(code)							\
	int r;								\
	__asm__ volatile("leaq -128(%%rsp), %%rsp\n\t"			\
			 "movq %%rsp, %%r12\n\t"			\
			 "andq $-16, %%rsp\n\t"				\
			 code						\
			 "movq %%r12, %%rsp\n\t"			\
			 "leaq 128(%%rsp), %%rsp\n\t"			\
			 : "=a" (r) : : "rcx", "rdx", "rsi", "rdi", "r8", \
			   "r9", "r10", "r11", "r12", "memory", "cc");	\
	return r

SITE_SECTION(kept);

IN_SECTION(kept) int call_kept(void)
{
	CALL(RP_ALTERNATIVE("call rp_tramp__keys_call", "movl $3, %%eax; cld",
			    NEVER));
}

NOINLINE static int call_gone(void)
{
	CALL(RP_ALTERNATIVE("call rp_tramp__keys_call", "movl $3, %%eax",
			    RP_FEATURE_ALWAYS));
}

NOINLINE static int call_live(void)
{
	CALL(RP_ALTERNATIVE("call rp_tramp__keys_call", "movl $3, %%eax; cld",
			    LIVE));
}

static void check(int wanted)
{
	CHECK_EQ(branch_kept(), wanted);
	CHECK_EQ(branch_gone(), 3);
	CHECK_EQ(branch_around(), wanted);
	CHECK_EQ(in_call(call_kept), wanted);
	CHECK_EQ(in_call(call_gone), 3);
	CHECK_EQ(in_call(call_live), wanted);
}

static void check_live(int present, int wanted)
{
	CHECK_EQ(rp_cpu_set_feature(LIVE, present), 0);
	CHECK_EQ(rp_alternatives_apply(NULL), 0);
	CHECK_EQ(in_call(call_live), wanted);
}

int main(void)
{
	check(1);
	CHECK(SITE_EXPECT(SITE_INLINE, kept, keys_call, one));
	for (int i = 0; i < 2; i++) {
		CHECK_EQ(rp_static_key_enable(&keys_key), 0);
		CHECK_EQ(rp_static_call_update(keys_call, two), 0);
		CHECK(SITE_EXPECT(SITE_INLINE, kept, keys_call, two));
		check(2);
		check_live(1, 3);
		check_live(0, 2);
		CHECK_EQ(rp_static_key_disable(&keys_key), 0);
		CHECK_EQ(rp_static_call_update(keys_call, one), 0);
		check(1);
		check_live(1, 3);
		check_live(0, 1);
	}
	return check_status();
}

#elif defined(KEYS_LIVE)

/* Where the choice can change a branch does not belong, and this is said. */
NOINLINE static int branch_live(void)
{
	RUN(RP_ALTERNATIVE(BRANCH, LONG, LIVE));
}

static int warnings;

static void count(enum rp_log_level level, const char *category,
		  const char *message, void *data)
{
	(void)data;
	if (level == RP_LOG_WARN && !strcmp(category, "alternative") &&
	    strstr(message, "static branch"))
		warnings++;
}

static void listen_first(void)
{
	rp_log_set(count, RP_LOG_WARN, NULL);
}

/* Before the constructor that registers. */
__attribute__((section(".preinit_array"), used))
static void (*const listen_entry)(void) = listen_first;

int main(void)
{
	CHECK_EQ(branch_live(), 1);
	CHECK_EQ(rp_static_key_enable(&keys_key), 0);
	CHECK_EQ(branch_live(), 2);
	/* Not what was put there: refused, and nothing changed. */
	CHECK_EQ(rp_cpu_set_feature(LIVE, 1), 0);
	CHECK_EQ(rp_alternatives_apply(NULL), -EILSEQ);
	CHECK_EQ(branch_live(), 2);
	CHECK_EQ(rp_static_key_disable(&keys_key), 0);
	CHECK_EQ(rp_alternatives_apply(NULL), 0);
	CHECK_EQ(branch_live(), 3);
	CHECK_EQ(warnings, 1);
	return check_status();
}

#else /* KEYS_PADDED */

NOINLINE static int branch_padded(void)
{
	int r = 1;

	__asm__ volatile(RP_ALTERNATIVE(BRANCH_LAST, LONG, NEVER)
			 "jmp 2f\n"
			 "1: movl $2, %0\n"
			 "2:\n"
			 : "+r" (r) : : "cc");
	return r;
}

int main(void)
{
	CHECK_EQ(branch_padded(), 1);
	CHECK_EQ(rp_static_key_enable(&keys_key), 0);
	CHECK_EQ(branch_padded(), 2);
	CHECK_EQ(rp_static_key_disable(&keys_key), 0);
	CHECK_EQ(branch_padded(), 1);
	return check_status();
}

#endif
