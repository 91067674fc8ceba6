// SPDX-License-Identifier: MIT
/*
 * A function in another object, more than 2 GB away. A site of five bytes goes
 * through an island, one of six has the address in a slot.
 */
#include "library.h"
#include "../check.h"

static int near(void)
{
	return 1;
}

static int near_too(void)
{
	return 3;
}

RP_DEFINE_STATIC_CALL(far_call, near);

SITE_SECTION(far_call);
SITE_SECTION(far_tail);

IN_SECTION(far_call) int far_call(void);
int far_call(void)
{
	return rp_static_call(far_call)() + 10;
}

IN_SECTION(far_tail) int far_tail(void);
int far_tail(void)
{
	return rp_static_call(far_call)();
}

static bool is_far(int (*func)(void))
{
	intptr_t distance = (intptr_t)func - (intptr_t)far_call;

	return distance != (int32_t)distance;
}

/*
 * With -fno-plt and a table, the site has six bytes for `call *slot(%rip)`,
 * unless they straddle a block: then it stays a call, of an island.
 */
__attribute__((unused)) static bool reads_slot(const uint8_t *start, const uint8_t *stop,
		       int (*func)(void))
{
	for (const uint8_t *code = start; code + 6 <= stop; code++) {
		if (code[0] == 0xff && (code[1] == 0x15 || code[1] == 0x25) &&
		    site_slot(site_rel32(code + 2)) == (uintptr_t)func)
			return true;
		if ((code[0] == 0x67 && code[1] == 0xe8) ||
		    (code[0] == 0xe9 && code[5] == 0x90))
			return site_straddles(code, 6);
	}
	return false;
}

static void check_all(int (*func)(void), int value)
{
	CHECK_EQ(rp_static_call_update(far_call, func), 0);
	CHECK_EQ(far_call(), value + 10);
	CHECK_EQ(far_tail(), value);
	CHECK(SITE_EXPECT(TEST_MODE, far_call, far_call, func));
	CHECK(SITE_EXPECT(TEST_MODE, far_tail, far_call, func));
#ifdef TEST_SIX_BYTES
	if (is_far(func)) {
		CHECK(reads_slot(__start_code_far_call, __stop_code_far_call,
				 func));
		CHECK(reads_slot(__start_code_far_tail, __stop_code_far_tail,
				 func));
	}
#endif
}

int main(void)
{
	if (!is_far(lib_two))
		return check_skip("the kernel mapped the library near");
	for (int i = 0; i < 3; i++) {
		check_all(lib_two, 2);
		check_all(near_too, 3);
		check_all(lib_one, 1);
		check_all(near, 1);
		CHECK_EQ(rp_static_call_update(far_call,
					       RP_STATIC_CALL_RET0(near)), 0);
		CHECK_EQ(far_call(), 10);
		CHECK_EQ(far_tail(), 0);
	}
	return check_status();
}
