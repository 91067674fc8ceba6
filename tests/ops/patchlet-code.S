/* SPDX-License-Identifier: MIT */
/* Patchlets in a file of assembly: one of C's, one that is final only. */
#include <repoint/ops.h>

RP_PATCHLET(plus12, RP_CLOBBER_RAX)
	leal 12(%rdi), %eax
RP_PATCHLET_END(plus12)

RP_PATCHLET(plus14, RP_CLOBBER_RAX | RP_CLOBBER_FLAGS)
	leal 13(%rdi), %eax
	incl %eax
RP_PATCHLET_END(plus14)

	.section .note.GNU-stack, "", @progbits
