/* SPDX-License-Identifier: MIT */
/*
 * Macros of the assembler for x86-64: the same records as those of the macros
 * for C, for .S files. Each argument is a string or a symbol.
 */
#ifndef REPOINT_ALTERNATIVE_H
# error "Never include <repoint/arch/x86_64_asm.h> directly; use <repoint/alternative.h>."
#endif

/*
 * Records are of no use unless somebody registers them, which files in C do:
 * without one, let the link fail rather than the replacements never come.
 */
	.pushsection rp_alternative_code, "ax", @progbits
	.long rp__object - .
	.popsection

/* NOPs up to @want bytes after @have; a true comparison is -1 to assemblers. */
.macro rp__pad want, have
	.skip -(((\want) - (\have)) > 0) * ((\want) - (\have)), 0x90
.endm

/* gas refuses a length of more than 16 bits; clang has to be made to. */
.macro rp__length len
	.short \len
#ifdef __clang__
	.skip (\len) > 0xffff
#endif
.endm

/* @name and @name_end are labels of the replacement. */
.macro rp__replacement name, new
	.pushsection rp_alternative_code, "ax?", @progbits
\name:
	\new
\name\()_end:
	.popsection
.endm

.macro rp__alternative_record site, end, new, feature
	.if ((\feature) & 0xffff) >= RP_FEATURE_NR
	.error "RP_ALTERNATIVE: \feature is no feature: see <repoint/cpu.h>"
	.endif
	.pushsection rp_alternatives, "ao?", @progbits, \site
	.p2align 2
.Lrp_record\@:
	.long \site - .
	.long \new - .
	.long \feature
	rp__length "\end - \site"
	rp__length "\new\()_end - \new"
	.popsection
	/* Linkers that fold identical code have to see what differs. */
#ifdef __clang__
	.reloc 0, R_X86_64_NONE, .Lrp_record\@
#else
	.reloc \site, R_X86_64_NONE, .Lrp_record\@
#endif
.endm

/*
 * RP_ALTERNATIVE - code with a replacement: see the macros for C.
 *
 * in, out, clobbered: those of the code
 */
.macro RP_ALTERNATIVE old, new, feature
.Lrp_site\@:
	\old
.Lrp_old\@:
	rp__pad ".Lrp_new\@\()_end - .Lrp_new\@", ".Lrp_old\@ - .Lrp_site\@"
.Lrp_end\@:
	rp__alternative_record .Lrp_site\@, .Lrp_end\@, .Lrp_new\@, "\feature"
	rp__replacement .Lrp_new\@, "\new"
.endm

/* RP_ALTERNATIVE_2 - code with two replacements; where both apply, @new2. */
.macro RP_ALTERNATIVE_2 old, new1, feature1, new2, feature2
.Lrp_site\@:
	\old
.Lrp_old\@:
	rp__pad ".Lrp_new1_\@\()_end - .Lrp_new1_\@", ".Lrp_old\@ - .Lrp_site\@"
.Lrp_pad1_\@:
	rp__pad ".Lrp_new2_\@\()_end - .Lrp_new2_\@", ".Lrp_pad1_\@ - .Lrp_site\@"
.Lrp_end\@:
	rp__alternative_record .Lrp_site\@, .Lrp_end\@, .Lrp_new1_\@, "\feature1"
	rp__replacement .Lrp_new1_\@, "\new1"
	rp__alternative_record .Lrp_site\@, .Lrp_end\@, .Lrp_new2_\@, "\feature2"
	rp__replacement .Lrp_new2_\@, "\new2"
.endm

/* RP_ALTERNATIVE_3 - code with three replacements; the last one wins. */
.macro RP_ALTERNATIVE_3 old, new1, feature1, new2, feature2, new3, feature3
.Lrp_site\@:
	\old
.Lrp_old\@:
	rp__pad ".Lrp_new1_\@\()_end - .Lrp_new1_\@", ".Lrp_old\@ - .Lrp_site\@"
.Lrp_pad1_\@:
	rp__pad ".Lrp_new2_\@\()_end - .Lrp_new2_\@", ".Lrp_pad1_\@ - .Lrp_site\@"
.Lrp_pad2_\@:
	rp__pad ".Lrp_new3_\@\()_end - .Lrp_new3_\@", ".Lrp_pad2_\@ - .Lrp_site\@"
.Lrp_end\@:
	rp__alternative_record .Lrp_site\@, .Lrp_end\@, .Lrp_new1_\@, "\feature1"
	rp__replacement .Lrp_new1_\@, "\new1"
	rp__alternative_record .Lrp_site\@, .Lrp_end\@, .Lrp_new2_\@, "\feature2"
	rp__replacement .Lrp_new2_\@, "\new2"
	rp__alternative_record .Lrp_site\@, .Lrp_end\@, .Lrp_new3_\@, "\feature3"
	rp__replacement .Lrp_new3_\@, "\new3"
.endm

/* RP_ALTERNATIVE_TERNARY - @yes where the feature is present, else @no. */
.macro RP_ALTERNATIVE_TERNARY old, feature, yes, no
	RP_ALTERNATIVE_2 "\old", "\no", RP_FEATURE_ALWAYS, "\yes", "\feature"
.endm
