// SPDX-License-Identifier: MIT
/*
 * No register changes between the call and the function's first instruction:
 * not AL (variadic), not r10 (static chain), not r11; nor is a NULL call seen
 * by any. The same through an island, which static-call-far.c tests.
 */
#include "site.h"
#include "check.h"

/* A call with known registers; the callee stores what it finds in seen[]. */
RP__EXTERN_C void record(void);
RP__EXTERN_C void call_it(void);
RP__EXTERN_C uint64_t seen[3] __attribute__((visibility("hidden")));
uint64_t seen[3];

static void other(void)
{
	seen[0] = 99;
}

RP_DEFINE_STATIC_CALL(target, other);

__asm__(".pushsection .text\n\t"
	".globl record, call_it\n\t"
	".hidden record, call_it\n\t"
	".type record, @function\n"
	"record:\n\t"
	"endbr64\n\t"
	"movq %rax, seen(%rip)\n\t"
	"movq %r10, seen+8(%rip)\n\t"
	"movq %r11, seen+16(%rip)\n\t"
	"ret\n\t"
	".size record, . - record\n\t"
	".type call_it, @function\n"
	"call_it:\n\t"
	"endbr64\n\t"
	"movl $0x1003, %eax\n\t"
	"movl $0x1010, %r10d\n\t"
	"movl $0x1011, %r11d\n\t"
	"subq $8, %rsp\n\t"
	"call rp_tramp__target\n\t"
	"addq $8, %rsp\n\t"
	"cmpl $0x1010, %r10d\n\t"
	"jne 1f\n\t"
	"ret\n"
	"1:\tud2\n\t"
	".size call_it, . - call_it\n\t"
	".popsection\n");

int main(void)
{
	CHECK_EQ(rp_static_call_update(target, record), 0);
	call_it();
	CHECK_EQ(seen[0], 0x1003);
	CHECK_EQ(seen[1], 0x1010);
	CHECK_EQ(seen[2], 0x1011);
	seen[0] = 0;
	CHECK_EQ(rp_static_call_update(target, NULL), 0);
	call_it();
	CHECK_EQ(seen[0], 0);
	return check_status();
}
