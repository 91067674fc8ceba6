// SPDX-License-Identifier: MIT
/*
 * Replaced code in many sections: linkers do not always order the table as
 * they order the text. In each there is a static branch that is gone.
 */
#include <stdio.h>

#include <repoint/alternative.h>
#include <repoint/static_key.h>

RP_DEFINE_STATIC_KEY_FALSE(order_key);

#define BRANCH								\
	".p2align 3, 0x2e, 4\n"						\
	".Lorder_site%=: .byte 0x0f, 0x1f, 0x44, 0x00, 0x00\n\t"	\
	"movl $1, %0\n\t"						\
	"jmp 2f\n"							\
	"1: movl $2, %0\n"						\
	"2:\n\t"							\
	".pushsection rp_static_key_sites, \"ao\", @progbits, .Lorder_site%=\n\t" \
	".p2align 2\n\t"						\
	".long .Lorder_site%= - ., 1b - ., order_key - ., 0\n\t"	\
	".popsection\n\t"

#define FUNCTION(name, where, feature)					\
	__attribute__((noinline, section(where))) static int name(void)	\
	{								\
		int r;							\
									\
		__asm__ volatile(RP_ALTERNATIVE(BRANCH, "movl $3, %0",	\
						feature)		\
				 : "=r" (r) : : "cc");			\
		return r;						\
	}

FUNCTION(last, ".text.zz", RP_FEATURE_ALWAYS)
FUNCTION(unlikely, ".text.unlikely.a", RP_FEATURE_ALWAYS)
FUNCTION(plain, ".text", RP_FEATURE_ALWAYS)
FUNCTION(kept, ".text.hot.a", RP_NOT(RP_FEATURE_ALWAYS))
FUNCTION(hot, ".text.hot.b", RP_FEATURE_ALWAYS)
FUNCTION(own, "order_text", RP_FEATURE_ALWAYS)
FUNCTION(unlikely_2, ".text.unlikely.c", RP_FEATURE_ALWAYS)
FUNCTION(startup, ".text.startup.a", RP_FEATURE_ALWAYS)
FUNCTION(exit_, ".text.exit.a", RP_FEATURE_ALWAYS)

static int sum(void)
{
	return last() + unlikely() + plain() + hot() + own() + unlikely_2() +
	       startup() + exit_();
}

int main(void)
{
	int before = kept(), error = rp_static_key_enable(&order_key);

	if (sum() == 8 * 3 && before == 1 && !error && kept() == 2)
		return 0;
	fprintf(stderr, "%d, %d, %d, %d\n", sum(), before, error, kept());
	return 1;
}
