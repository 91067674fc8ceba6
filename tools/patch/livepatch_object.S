/* SPDX-License-Identifier: MIT */
/*
 * The object with shadow variables, which goes into payloads for programs that
 * are not linked with it. Inside the tool, so that it is always the right one.
 */
#include <repoint/linkage.h>

	.section .rodata, "a", @progbits
RP_RODATA(rp_livepatch_object, 16)
	.incbin RP_LIVEPATCH_OBJECT
RP_END(rp_livepatch_object)
	.globl	rp_livepatch_object_end
	.hidden	rp_livepatch_object_end
rp_livepatch_object_end:

	.section .note.GNU-stack, "", @progbits
