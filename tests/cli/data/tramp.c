/* SPDX-License-Identifier: MIT */
/* Functions with the names of trampolines, each of which adds its own number. */
#define TRAMP(name, n)							\
	__asm__(".pushsection .text.rp_tramp." #name ",\"ax\",@progbits\n\t" \
		".p2align 4\n\t"					\
		".globl rp_tramp__" #name "\n\t"			\
		".type rp_tramp__" #name ", @function\n"		\
		"rp_tramp__" #name ":\n\t"				\
		"leal " #n "(%rdi), %eax\n\t"				\
		"ret\n\t"						\
		".popsection")

TRAMP(a, 1);
TRAMP(b, 2);
