// SPDX-License-Identifier: MIT
/* A program with a good alternative, and a record that no macro would make. */
#include <stdio.h>

#include <repoint/alternative.h>

__asm__(".text\n"
	"bad_site: movl $1, %eax\n"
	"	ret\n"
	"bad_new: .byte 0x06, 0x90\n"
	".pushsection rp_alternatives, \"ao\", @progbits, bad_site\n"
	".p2align 2\n"
	".long bad_site - ., bad_new - .\n"
	".long 1\n"
	".short 5, 2\n"
	".popsection\n");

int main(void)
{
	struct rp_error error = { .code = 0 };
	struct rp_text_poke_opts opts = { .sz = sizeof(opts), .error = &error };
	int result = 1;

	rp_alternative_io("movl $1, %0", "movl $2, %0", RP_FEATURE_ALWAYS,
			  RP_OUTPUTS("=r" (result)), RP_NONE, RP_NONE);
	printf("runs the %s code\n", result == 1 ? "old" : "new");
	printf("apply: %d\n", rp_alternatives_apply(&opts));
	printf("%s\n", error.message);
	return 0;
}
