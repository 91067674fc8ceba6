/* SPDX-License-Identifier: MIT */
/* Macros of the assembler where nothing is patched: the old code, always. */
#ifndef REPOINT_ALTERNATIVE_H
# error "Never include <repoint/arch/generic_asm.h> directly; use <repoint/alternative.h>."
#endif

.macro RP_ALTERNATIVE old, new, feature
	\old
.endm

.macro RP_ALTERNATIVE_2 old, new1, feature1, new2, feature2
	\old
.endm

.macro RP_ALTERNATIVE_3 old, new1, feature1, new2, feature2, new3, feature3
	\old
.endm

.macro RP_ALTERNATIVE_TERNARY old, feature, yes, no
	\old
.endm
