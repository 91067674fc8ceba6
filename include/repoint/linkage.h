/* SPDX-License-Identifier: MIT */
/*
 * Annotations of functions and data in assembly files (.S): ELF type, size,
 * binding and visibility, unwind information, landing pads, and room enough for
 * a detour in each function. For gas run by gcc, and clang's own assembler.
 *
 *   RP_FUNC(name, align...)   RP_FUNC_LOCAL(...)     a function starts
 *   RP_DATA(name, align...)   RP_DATA_LOCAL(...)     a writable object starts
 *   RP_RODATA(name, align...) RP_RODATA_LOCAL(...)   a constant one starts
 *   RP_END(name)                                     any of them ends
 *   RP_LABEL(name, align...)  RP_LABEL_LOCAL(...)    a place inside one
 *   RP_FALLTHROUGH(next)      just before RP_END: goes on into what follows
 *   RP_EXPORT(name)           other shared objects may refer to it
 *   RP_ENDBR                  landing pad for a label
 *
 * With RP_LINKAGE_SHORT_NAMES defined before the header is included, also
 * without RP_, but for RP_EXPORT and RP_ENDBR.
 *
 *   #include <repoint/linkage.h>
 *
 *           .text
 *   RP_FUNC(answer)
 *           movl    $42, %eax
 *           ret
 *   RP_END(answer)
 *
 * What it becomes with -fcf-protection=none: `answer` is a hidden global
 * function of 6 bytes in .text, at a multiple of 16 bytes:
 *
 *   answer: b8 2a 00 00 00   mov $0x2a,%eax
 *           c3               ret
 *
 * Set by the user, on the command line or before the header:
 *
 *   RP_FUNCTION_ALIGNMENT   a power of two; default 16, on AArch64 4
 *   RP_SPLIT_SECTIONS       a section for each function and object; give it
 *                           with -ffunction-sections, which has no macro
 *
 * Rules:
 *  - Names are plain symbols; an alignment is one number without spaces. It is
 *    in bytes and replaces the default; 0 or 1 stands for none.
 *  - At RP_END the assembler is in the section of the start. No nesting.
 *  - Only RP_FALLTHROUGH lets one function run into the next: between others
 *    is what traps.
 *  - RP_DATA and RP_RODATA stay in the section that the file has chosen unless
 *    sections are split; then they go to .data.NAME and .rodata.NAME.
 *  - A mistake stops the assembler with a message that names the culprit.
 *
 * In C only the constants and RP_FUNCTION_ALIGNED are defined.
 *
 * Sources: xen-devel, "x86/livepatch: enable livepatching assembly source
 * files" (2023), where FUNC/DATA/END with an optional alignment were agreed
 * on; Linux, Documentation/core-api/asm-annotations.rst; x86-64 psABI and ELF
 * for the Arm 64-bit Architecture, "Program Property".
 */
#ifndef REPOINT_LINKAGE_H
#define REPOINT_LINKAGE_H

/**
 * RP_DETOUR_SIZE - bytes at a function's start that a detour may overwrite: a
 * jump, behind the landing pad if there is one. No function that is made with
 * this header is shorter, and no label stands in these bytes but at their start.
 *
 * RP_FUNCTION_ALIGNMENT - where functions start, unless they say otherwise.
 */
#if defined(__x86_64__)
# if defined(__CET__) && (__CET__ & 1)
#  define RP__LANDING		endbr64
#  define RP__LANDING_LABEL	endbr64
#  define RP_DETOUR_SIZE	9	/* endbr64; jmp rel32 */
# else
#  define RP_DETOUR_SIZE	5	/* jmp rel32 */
# endif
# define RP__ALIGNMENT		16
# define RP__ALIGNMENT_MIN	1
# define RP__JUMP		jmp
# define RP__FILL_UNIT		1
# define RP__BALIGN		.balign
# define RP__TRAP		0xcc	/* int3 */
# define RP__NOP		0x90
#elif defined(__aarch64__)
/* As hints, which an assembler for any version of the architecture takes. */
# if defined(__ARM_FEATURE_BTI_DEFAULT)
#  define RP__LANDING		hint 34	/* bti c */
#  define RP__LANDING_LABEL	hint 38	/* bti jc */
#  define RP_DETOUR_SIZE	8	/* bti c; b */
# else
#  define RP_DETOUR_SIZE	4	/* b */
# endif
# define RP__ALIGNMENT		4
# define RP__ALIGNMENT_MIN	4
# define RP__JUMP		b
# define RP__FILL_UNIT		4
# define RP__BALIGN		.balignl
# define RP__TRAP		0xd4200000	/* brk #0 */
# define RP__NOP		0xd503201f
#elif defined(__ASSEMBLER__)
# error "<repoint/linkage.h> knows x86-64 and AArch64 only; add the machine's lines above."
#endif

#ifdef RP__ALIGNMENT
# ifndef RP_FUNCTION_ALIGNMENT
#  define RP_FUNCTION_ALIGNMENT	RP__ALIGNMENT
# endif
# if RP_FUNCTION_ALIGNMENT < RP__ALIGNMENT_MIN ||			\
	(RP_FUNCTION_ALIGNMENT & (RP_FUNCTION_ALIGNMENT - 1))
#  error "RP_FUNCTION_ALIGNMENT must be a power of two, on AArch64 4 or more."
# endif
#endif

#ifndef __ASSEMBLER__

# include <repoint/compiler.h>

/**
 * RP_FUNCTION_ALIGNED - attribute of a C function that starts at a multiple of
 * RP_FUNCTION_ALIGNMENT whatever the compiler's options. For cold functions
 * and -Os, where gcc ignores -falign-functions.
 */
# ifdef RP_FUNCTION_ALIGNMENT
#  define RP_FUNCTION_ALIGNED	__attribute__((aligned(RP_FUNCTION_ALIGNMENT)))
# else
#  define RP_FUNCTION_ALIGNED
# endif

#else /* __ASSEMBLER__ */

/**
 * RP_FUNC() - a function starts here: global, hidden.
 * RP_FUNC_LOCAL() - the same, known in this file only.
 * @name:  its symbol
 * @align: optional: alignment in bytes instead of RP_FUNCTION_ALIGNMENT
 *
 * Emits: fill up to the alignment, which traps unless the function before
 * falls through to this one; .globl and .hidden for RP_FUNC; .type @function;
 * .size up to RP_END; the label; .cfi_startproc; endbr64 under
 * -fcf-protection=branch or full, bti c under -mbranch-protection=bti.
 * With RP_SPLIT_SECTIONS it goes to the section .text.NAME.
 */
# define RP_FUNC(...)		rp__func RP_FUNC, 1, __VA_ARGS__
# define RP_FUNC_LOCAL(...)	rp__func RP_FUNC_LOCAL, 0, __VA_ARGS__

/**
 * RP_DATA() - an object starts here: global, hidden.
 * RP_DATA_LOCAL() - the same, known in this file only.
 * RP_RODATA(), RP_RODATA_LOCAL() - the same for constant ones.
 * @name:  its symbol
 * @align: optional: alignment in bytes instead of 8
 *
 * Emits: fill up to the alignment; .globl and .hidden for global ones; .type
 * @object; .size up to RP_END; the label. The file chooses the section, since
 * no assembler can tell which one it is in; RP_DATA and RP_RODATA say whether
 * .data.NAME or .rodata.NAME takes its place with RP_SPLIT_SECTIONS.
 */
# define RP_DATA(...)		rp__data RP_DATA, 1, __VA_ARGS__
# define RP_DATA_LOCAL(...)	rp__data RP_DATA_LOCAL, 0, __VA_ARGS__
# define RP_RODATA(...)		rp__rodata RP_RODATA, 1, __VA_ARGS__
# define RP_RODATA_LOCAL(...)	rp__rodata RP_RODATA_LOCAL, 0, __VA_ARGS__

/**
 * RP_LABEL() - a place inside a function or object: global, hidden.
 * RP_LABEL_LOCAL() - the same, known in this file only.
 * @name:  its symbol
 * @align: optional: alignment in bytes instead of that of a function or object
 *
 * Emits: in a function NOPs, so that the label is not among the bytes that a
 * detour overwrites, and NOPs up to the alignment; .globl and .hidden for
 * RP_LABEL; the label. No type, size, landing pad or RP_END: it is not a place
 * for a detour. At the very start of a function it is another name for it.
 */
# define RP_LABEL(...)		rp__label RP_LABEL, 1, __VA_ARGS__
# define RP_LABEL_LOCAL(...)	rp__label RP_LABEL_LOCAL, 0, __VA_ARGS__

/**
 * RP_END() - the function or object ends here.
 * @name: as at its start
 *
 * Emits: for a function that is shorter than RP_DETOUR_SIZE, fill up to that
 * size and inside it, so that the last function of a section has room too;
 * .cfi_endproc. With RP_SPLIT_SECTIONS it returns to the section before.
 */
# define RP_END(...)		rp__end __VA_ARGS__

/**
 * RP_FALLTHROUGH() - the function goes on into the next one.
 * @next: function that must start right behind this one's RP_END
 *
 * Emits: no code, but fill up to @next becomes NOPs, and a record in the section
 * rp_fallthrough tells `repoint object check` that it is meant; linkers leave
 * that out of programs, so check the object file. With RP_SPLIT_SECTIONS: a jump
 * to @next. Must be the last thing before RP_END.
 */
# define RP_FALLTHROUGH(...)	rp__fallthrough __VA_ARGS__

/**
 * RP_EXPORT() - let other shared objects refer to a global symbol.
 * @name: its symbol; the order of RP_EXPORT and the start is the user's
 *
 * Emits: .protected instead of .hidden; there is no directive for the default
 * visibility. Nobody can interpose what is protected, so a detour of an
 * exported function changes all calls. Executables that use exported *data* are
 * compiled with -fPIC, gcc's -mno-direct-extern-access or clang's
 * -fno-direct-access-external-data; else linkers refuse to copy protected data.
 */
# define RP_EXPORT(...)		rp__export __VA_ARGS__

/**
 * RP_ENDBR - where an indirect jump to an RP_LABEL lands.
 *
 * Emits: endbr64 or bti jc under the options named for RP_FUNC, else nothing.
 */
# define RP_ENDBR		rp__endbr

# ifdef RP_LINKAGE_SHORT_NAMES
#  define FUNC(...)		RP_FUNC(__VA_ARGS__)
#  define FUNC_LOCAL(...)	RP_FUNC_LOCAL(__VA_ARGS__)
#  define DATA(...)		RP_DATA(__VA_ARGS__)
#  define DATA_LOCAL(...)	RP_DATA_LOCAL(__VA_ARGS__)
#  define RODATA(...)		RP_RODATA(__VA_ARGS__)
#  define RODATA_LOCAL(...)	RP_RODATA_LOCAL(__VA_ARGS__)
#  define LABEL(...)		RP_LABEL(__VA_ARGS__)
#  define LABEL_LOCAL(...)	RP_LABEL_LOCAL(__VA_ARGS__)
#  define END(...)		RP_END(__VA_ARGS__)
#  define FALLTHROUGH(...)	RP_FALLTHROUGH(__VA_ARGS__)
# endif

/*
 * The rest is internal. State, in symbols that no object file keeps:
 *   .Lrp_open        0: nothing is open, 1: a function, 2: an object
 *   .Lrp_falls       1: from RP_FALLTHROUGH to the start of the next function
 *   .Lrp_label_NAME  NAME is a label
 *   .Lrp_end_NAME    where NAME ended
 * Assemblers have no variables for names. Macros that are defined anew keep
 * those: rp__with knows what is open, rp__check_next what has to come next.
 */
.set .Lrp_open, 0
.set .Lrp_falls, 0

/* rp__with VERB, A, B: VERB SUBJECT, KIND, A, B for what is open. */
.macro rp__with verb:req, one, two
.endm

.macro rp__remember kind, subject
	.purgem rp__with
	.macro rp__with verb:req, one, two
	\verb \subject, \kind, \one, \two
	.endm
.endm

/* rp__check_next MACRO, NAME: is it what the function before falls into? */
.macro rp__check_next macro, begun
.endm

/* The verbs. */
.macro rp__not_nested subject, kind, macro, name
	.error "\macro(\name): \kind(\subject) has no RP_END yet"
.endm

.macro rp__is_end_of subject, kind, name, unused
	.ifnc \subject,\name
	.error "RP_END(\name): what is open is \kind(\subject)"
	.endif
.endm

/*
 * Expressions that the assembler computes last, when sizes are known; there a
 * comparison is -1 if true. RP__LACKS(): how many units of fill a detour at
 * @start would still need, negative or 0 if none.
 */
#define RP__SIZE(start)	(. - start)
#define RP__LACKS(start)						\
	((RP_DETOUR_SIZE - RP__SIZE(start)) / RP__FILL_UNIT)

.macro rp__room subject, kind, fill, unused
	.fill -(RP__LACKS(\subject) > 0) * RP__LACKS(\subject), RP__FILL_UNIT, \fill
.endm

/* For a label, which may also be at the very start. */
.macro rp__room_or_start subject, kind, fill, unused
	.fill (RP__SIZE(\subject) > 0) * (RP__LACKS(\subject) > 0) * RP__LACKS(\subject), RP__FILL_UNIT, \fill
.endm

.macro rp__falls subject, kind, next, unused
	.set .Lrp_falls, 1
#ifdef RP_SPLIT_SECTIONS
	RP__JUMP \next
#else
	/* The same size; and an error if there is no such start behind. */
	.size \subject, .Lrp_before_\next - \subject
	/* Linkers leave it out of programs: only tools read it. */
	.pushsection rp_fallthrough, "e", %progbits
	.quad .Lrp_before_\next
	.popsection
#endif
.Lrp_falls_\subject:
	.purgem rp__check_next
	.macro rp__check_next macro, begun
	.ifnc \begun,\next
	.error "\macro(\begun): \kind(\subject) falls through to \next, which has to come next"
	.endif
#ifndef RP_SPLIT_SECTIONS
.Lrp_before_\begun:
	.if . - .Lrp_end_\subject
	.error "\macro(\begun): something is between it and \subject, which falls through to it"
	.endif
#endif
	.endm
.endm

.macro rp__nothing_behind subject, kind, unused1, unused2
	.if . - .Lrp_falls_\subject
	.error "RP_END(\subject): there is code behind RP_FALLTHROUGH"
	.endif
.endm

/* Parts of the starts. */
.macro rp__check macro, name, more
	.ifb \name
	.error "\macro(): the name is missing"
	.endif
	.ifnb \more
	.error "\macro(\name): more than one alignment"
	.endif
.endm

.macro rp__check_start macro, name, more
	rp__check \macro, \name, "\more"
	.if .Lrp_open
	rp__with rp__not_nested, \macro, \name
	.endif
.endm

/* @how: what fills a gap in code: nops or traps. In data sections it is zeros. */
.macro rp__align macro, name, how, default, align
	.ifb \align
	rp__align \macro, \name, \how, \default, \default
	.else
	.if (\align) & ((\align) - 1)
	.error "\macro(\name): the alignment is not a power of two"
	.elseif (\align) > 1
	.ifc \how,traps
	RP__BALIGN \align, RP__TRAP
	.else
	.balign \align
	.endif
	.endif
	.endif
.endm

.macro rp__bind global, name
	.if \global
	.globl \name
	.ifndef .Lrp_export_\name
	.hidden \name
	.endif
	.endif
.endm

.macro rp__export name:req
	.set .Lrp_export_\name, 1
	.protected \name
.endm

.macro rp__push name, flags
#ifdef RP_SPLIT_SECTIONS
	.pushsection \name, "\flags", %progbits
#endif
.endm

.macro rp__endbr
#ifdef RP__LANDING_LABEL
	RP__LANDING_LABEL
#endif
.endm

.macro rp__func macro:req, global:req, name, align, more:vararg
	rp__check_start \macro, \name, "\more"
	rp__push .text.\name, ax
	rp__check_next \macro, \name
#if RP__ALIGNMENT_MIN > 1
	.balign RP__ALIGNMENT_MIN
#endif
	.if .Lrp_falls
	rp__align \macro, \name, nops, RP_FUNCTION_ALIGNMENT, \align
	.else
	rp__align \macro, \name, traps, RP_FUNCTION_ALIGNMENT, \align
	.endif
	rp__not_falling
	rp__bind \global, \name
	.type \name, %function
	/* Here, because the assembler then misses an RP_END that is missing. */
	.size \name, .Lrp_end_\name - \name
\name:
	.cfi_startproc
#ifdef RP__LANDING
	RP__LANDING
#endif
	.set .Lrp_open, 1
	rp__remember \macro, \name
.endm

.macro rp__not_falling
	.set .Lrp_falls, 0
	.purgem rp__check_next
	.macro rp__check_next macro, begun
	.endm
.endm

.macro rp__object macro, global, name, section, flags, align, more:vararg
	rp__check_start \macro, \name, "\more"
	.if .Lrp_falls
	.error "\macro(\name): the function before it falls through to it"
	.endif
	rp__push \section\().\name, \flags
	rp__align \macro, \name, nops, 8, \align
	rp__bind \global, \name
	.type \name, %object
	.size \name, .Lrp_end_\name - \name
\name:
	.set .Lrp_open, 2
	rp__remember \macro, \name
.endm

.macro rp__data macro:req, global:req, name, more:vararg
	rp__object \macro, \global, \name, .data, aw, \more
.endm

.macro rp__rodata macro:req, global:req, name, more:vararg
	rp__object \macro, \global, \name, .rodata, a, \more
.endm

.macro rp__label macro:req, global:req, name, align, more:vararg
	rp__check \macro, \name, "\more"
	.if .Lrp_open == 2
	rp__align \macro, \name, nops, 8, \align
	.else
	.if .Lrp_open
	rp__with rp__room_or_start, RP__NOP
	.endif
	rp__align \macro, \name, nops, RP_FUNCTION_ALIGNMENT, \align
	.endif
	rp__bind \global, \name
	.set .Lrp_label_\name, 1
\name:
.endm

.macro rp__end_func name
	.if .Lrp_falls
	rp__with rp__nothing_behind
	rp__with rp__room, RP__NOP
	.else
	rp__with rp__room, RP__TRAP
	.endif
	.cfi_endproc
.endm

.macro rp__end name, more:vararg
	.ifnb \more
	.error "RP_END(\name): takes one name"
	.endif
	.ifdef .Lrp_label_\name
	.error "RP_END(\name): \name is a label, which has no end"
	.elseif .Lrp_open == 0
	.error "RP_END(\name): nothing is open"
	.else
	rp__with rp__is_end_of, \name
	.if .Lrp_open == 1
	rp__end_func
	.endif
.Lrp_end_\name:
	.set .Lrp_open, 0
#ifdef RP_SPLIT_SECTIONS
	.popsection
#endif
	.endif
.endm

.macro rp__fallthrough next:req
	.if .Lrp_open != 1
	.error "RP_FALLTHROUGH(\next): not inside a function"
	.else
	rp__with rp__falls, \next
	.endif
.endm

/* Without these notes a linker makes the whole program's stack executable, and
 * switches IBT or BTI off for it. <cet.h> is the compiler's. */
	.pushsection .note.GNU-stack, "", %progbits
	.popsection
# if defined(__x86_64__)
#  include <cet.h>
# elif defined(__ARM_FEATURE_BTI_DEFAULT)
	.pushsection .note.gnu.property, "a", %note
	.balign 8
	.long 4, 16, 5		/* NT_GNU_PROPERTY_TYPE_0 */
	.asciz "GNU"
	.long 0xc0000000	/* GNU_PROPERTY_AARCH64_FEATURE_1_AND */
	.long 4, 1, 0		/* BTI */
	.popsection
# endif

#endif /* __ASSEMBLER__ */
#endif /* REPOINT_LINKAGE_H */
