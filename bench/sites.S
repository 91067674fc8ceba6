/* SPDX-License-Identifier: MIT */
/*
 * NR calls of the static call NAME, one in each 64 bytes, at sites_NAME.
 *
 * void run_NAME(void): in: none    out: none    clobbered: as by a call
 */
#define CAT_(a, b)	a##b
#define CAT(a, b)	CAT_(a, b)
#define RUN		CAT(run_, NAME)
#define SITES		CAT(sites_, NAME)

	.section .text.sites, "ax", @progbits
	.globl RUN, SITES
	.hidden RUN, SITES
	.type RUN, @function
	.p2align 6
RUN:
	.cfi_startproc
	sub $8, %rsp
	.cfi_adjust_cfa_offset 8
	.p2align 6
SITES:
	.rept NR
	call CAT(rp_tramp__, NAME)
	.p2align 6
	.endr
	add $8, %rsp
	.cfi_adjust_cfa_offset -8
	ret
	.cfi_endproc
	.size RUN, . - RUN
	.section .note.GNU-stack, "", @progbits
