/* SPDX-License-Identifier: MIT */
/*
 * What kernel sources write beside their code, for assembly; LINUX is 601 or
 * 612. Records have the layouts of those versions.
 */
#ifndef LINUX
#error "LINUX is to be 601 or 612"
#endif

#if LINUX == 601
#define HINT_CALL	0
#define HINT_REGS	1
#define HINT_PARTIAL	2
#define HINT_FUNC	3
#define HINT_ENTRY	4
#define HINT_SAVE	5
#define HINT_RESTORE	6
#else
#define HINT_UNDEFINED	0
#define HINT_END	1
#define HINT_CALL	2
#define HINT_REGS	3
#define HINT_PARTIAL	4
#define HINT_FUNC	5
#define HINT_SAVE	6
#define HINT_RESTORE	7
#endif
#define HINT_SP		5

#ifdef __ASSEMBLER__
.macro func name:req
	.p2align 4
	.globl	\name
	.type	\name, @function
\name:
.endm

.macro code name:req
	.p2align 4
	.globl	\name
	.type	\name, @notype
\name:
.endm

.macro end name:req
	.size	\name, . - \name
.endm

#define SMAP	(9*32+20)

.macro alt_record site:req, length:req, to:req, to_length:req, feature=26
	.pushsection .altinstructions, "a", @progbits
	.long	\site - ., \to - .
#if LINUX == 601
	.short	\feature
#else
	.long	\feature
#endif
	.byte	\length, \to_length
	.popsection
.endm

// one variant; the site gets as many NOPs as it needs
.macro alternative old, new, feature=26
.Lold\@:
	\old
.Lold_end\@:
	.skip -(((.Lnew_end\@ - .Lnew\@) - (.Lold_end\@ - .Lold\@)) > 0) * \
		((.Lnew_end\@ - .Lnew\@) - (.Lold_end\@ - .Lold\@)), 0x90
.Lpadded\@:
	.pushsection .altinstr_replacement, "ax", @progbits
.Lnew\@:
	\new
.Lnew_end\@:
	.popsection
	alt_record .Lold\@, (.Lpadded\@-.Lold\@), .Lnew\@, (.Lnew_end\@-.Lnew\@), \feature
.endm

// a variant's code, if it has more than one: between these two
.macro variant
	.pushsection .altinstr_replacement, "ax", @progbits
.endm

.macro end_variant
	.popsection
.endm

.macro hint type:req, reg=0, offset=0, flag=0
.Lhere\@:
	.pushsection .discard.unwind_hints
	.long	.Lhere\@ - .
	.short	\offset
	.byte	\reg, \type, \flag
	.balign 4
	.popsection
.endm

// the address of what comes next, in one of the lists
.macro listed section:req
.Lhere\@:
	.pushsection \section
#if LINUX == 601
	.ifc \section, .discard.retpoline_safe
	.quad	.Lhere\@
	.else
	.ifc \section, .discard.intra_function_calls
	.long	.Lhere\@
	.else
	.long	.Lhere\@ - .
	.endif
	.endif
#else
	.long	.Lhere\@
#endif
	.popsection
.endm

.macro not_checked name:req
	.pushsection .discard.func_stack_frame_non_standard, "aw"
#if LINUX == 601
	.quad	\name
#else
	.long	\name - .
#endif
	.popsection
.endm

.macro fault from:req, to:req
	.pushsection __ex_table, "a"
	.balign 4
	.long	\from - ., \to - ., 1
	.popsection
.endm

.macro static_branch from:req, to:req, key:req
	.pushsection __jump_table, "aw"
	.balign 8
	.long	\from - ., \to - .
	.quad	\key - .
	.popsection
.endm
#endif
