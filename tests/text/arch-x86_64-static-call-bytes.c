// SPDX-License-Identifier: MIT
/*
 * Which instruction a site and its trampoline become: <repoint/static_call.h>,
 * "What an instruction becomes".
 */
#include "site.h"
#include "check.h"

static int one(int a)
{
	return a + 1;
}

RP_DEFINE_STATIC_CALL(op, one);

SITE_SECTION(call);
SITE_SECTION(tail);

/* Assembly, so that the sites are where they can be changed as a whole. */
RP__EXTERN_C int call(int a);
RP__EXTERN_C int tail(int a);

#define FUNCTION(name, code)						\
	__asm__(".pushsection code_" #name ",\"ax\",@progbits\n\t"	\
		".p2align 4\n\t"					\
		".globl " #name "\n\t"					\
		".hidden " #name "\n\t"					\
		".type " #name ", @function\n"				\
		#name ":\n\t"						\
		"endbr64\n\t"						\
		code							\
		".size " #name ", . - " #name "\n\t"			\
		".popsection\n")

FUNCTION(call,
	 "subq $8, %rsp\n\t"
	 ".p2align 3\n\t"
	 "call rp_tramp__op\n\t"
	 "addq $8, %rsp\n\t"
	 "ret\n\t");
FUNCTION(tail,
	 ".p2align 3\n\t"
	 "jmp rp_tramp__op\n\t");

static const uint8_t *call_site(void)
{
	return __start_code_call + 8;
}

static const uint8_t *tail_site(void)
{
	return __start_code_tail + 8;
}

static bool is_branch(const uint8_t *site, uint8_t opcode, const void *target)
{
	return site[0] == opcode && site_rel32(site + 1) == (uintptr_t)target;
}

static void check_tramp(const char *bytes, const void *jump_to)
{
	const uint8_t *tramp = (const uint8_t *)site_tramp(op);

	if (tramp[0] == 0xf3)
		tramp += 4;
	if (bytes)
		CHECK(!memcmp(tramp, bytes, 6));
	else
		CHECK(is_branch(tramp, 0xe9, jump_to));
}

static void check_site(const uint8_t *site, uint8_t opcode, const char *bytes,
		       const void *target)
{
	if (TEST_MODE == SITE_OUT_OF_LINE)
		CHECK(is_branch(site, opcode, site_tramp(op)));
	else if (bytes)
		CHECK(!memcmp(site, bytes, 5));
	else
		CHECK(is_branch(site, opcode, target));
}

static void check_sites(const char *call_bytes, const char *tail_bytes,
			const void *target)
{
	check_site(call_site(), 0xe8, call_bytes, target);
	check_site(tail_site(), 0xe9, tail_bytes, target);
}

int main(void)
{
	const void *func = (const void *)one;
	const void *ret0 = (const void *)rp_static_call_return0;

	check_sites(NULL, NULL, func);
	check_tramp(NULL, func);
	CHECK_EQ(call(1) + tail(2), 5);

	/* nopl 0(%rax,%rax,1); ret */
	CHECK_EQ(rp_static_call_update(op, NULL), 0);
	check_sites("\x0f\x1f\x44\x00\x00", "\xc3\xcc\xcc\xcc\xcc", NULL);
	check_tramp("\xc3\xcc\xcc\xcc\xcc\xcc", NULL);
	call(1);
	tail(1);

	/* cs cs cs xor %eax,%eax */
	CHECK_EQ(rp_static_call_update(op, RP_STATIC_CALL_RET0(one)), 0);
	check_sites("\x2e\x2e\x2e\x31\xc0", NULL, ret0);
	check_tramp(NULL, ret0);
	CHECK_EQ(call(1) + tail(2), 0);

	CHECK_EQ(rp_static_call_update(op, one), 0);
	check_sites(NULL, NULL, func);
	check_tramp(NULL, func);
	CHECK_EQ(call(1) + tail(2), 5);
	return check_status();
}
