/* SPDX-License-Identifier: MIT */
/* The program of README.md. */
#include <repoint/static_call.h>
#include <repoint/static_key.h>
#include <stdio.h>

static int add(int a, int b) { return a + b; }
static int mul(int a, int b) { return a * b; }

RP_DEFINE_STATIC_CALL(op, add);
RP_DEFINE_STATIC_KEY_FALSE(verbose);

int main(void)
{
	printf("%d\n", rp_static_call(op)(6, 7));	/* call add */
	rp_static_call_update(op, mul);
	rp_static_key_enable(&verbose);
	if (rp_static_branch_unlikely(&verbose))	/* was a nop, now a jmp */
		printf("now multiplying\n");
	printf("%d\n", rp_static_call(op)(6, 7));	/* call mul */
	return 0;
}
