// SPDX-License-Identifier: MIT
/* Conditional tail calls: jcc to the trampoline, taken and not, all states. */
#include "site.h"
#include "check.h"

static int value = 10;

static int add(int a)
{
	return value += a;
}

static int sub(int a)
{
	return value -= a;
}

RP_DEFINE_STATIC_CALL(change, add);

/* int if_positive(int a, int b) { if (a > 0) return change(b); return -1; } */
RP__EXTERN_C int if_positive(int a, int b);

SITE_SECTION(jcc);

__asm__(".pushsection code_jcc,\"ax\",@progbits\n\t"
	".globl if_positive\n\t"
	".hidden if_positive\n\t"
	".type if_positive, @function\n"
	"if_positive:\n\t"
	".cfi_startproc\n\t"
	"endbr64\n\t"
	"movl %edi, %eax\n\t"
	"movl %esi, %edi\n\t"
	"testl %eax, %eax\n\t"
	"jg rp_tramp__change\n\t"
	"movl $-1, %eax\n\t"
	"ret\n\t"
	".cfi_endproc\n\t"
	".size if_positive, . - if_positive\n\t"
	".popsection\n");

int main(void)
{
	CHECK_EQ(if_positive(1, 5), 15);
	CHECK_EQ(if_positive(0, 5), -1);
	CHECK(SITE_EXPECT(TEST_MODE, jcc, change, add));

	CHECK_EQ(rp_static_call_update(change, sub), 0);
	CHECK_EQ(if_positive(1, 5), 10);
	CHECK_EQ(if_positive(-1, 5), -1);
	CHECK(SITE_EXPECT(TEST_MODE, jcc, change, sub));

	CHECK_EQ(rp_static_call_update(change, RP_STATIC_CALL_RET0(sub)), 0);
	CHECK_EQ(if_positive(1, 5), 0);
	CHECK_EQ(if_positive(-1, 5), -1);

	CHECK_EQ(rp_static_call_update(change, NULL), 0);
	if_positive(1, 5);
	CHECK_EQ(value, 10);
	CHECK_EQ(if_positive(-1, 5), -1);

	CHECK_EQ(rp_static_call_update(change, add), 0);
	CHECK_EQ(if_positive(1, 5), 15);
	return check_status();
}
