/* SPDX-License-Identifier: MIT */
/*
 * Alternatives: code that is replaced once, at start, where the processor (or
 * the program) has a feature.
 *
 * Overview
 * --------
 *   In asm statements, strings:
 *     RP_ALTERNATIVE(old, new, feature)
 *     RP_ALTERNATIVE_2(old, new1, feature1, new2, feature2)
 *     RP_ALTERNATIVE_3(old, new1, feature1, new2, feature2, new3, feature3)
 *     RP_ALTERNATIVE_TERNARY(old, feature, yes, no)
 *
 *   Statements:
 *     rp_alternative(old, new, feature);
 *     rp_alternative_2(old, new1, feature1, new2, feature2);
 *     rp_alternative_io(old, new, feature, outputs, inputs, clobbers);
 *     rp_alternative_io_2(old, new1, feature1, new2, feature2,
 *                         outputs, inputs, clobbers);
 *     rp_alternative_call(old, new, feature, outputs, inputs, clobbers);
 *     rp_alternative_call_2(old, new1, feature1, new2, feature2,
 *                           outputs, inputs, clobbers);
 *
 *   A feature is RP_FEATURE_... of <repoint/cpu.h> or RP_NOT(RP_FEATURE_...).
 *
 *   int rp_alternatives_apply(opts);      again, after rp_cpu_set_feature()
 *
 *   In .S files, macros of the assembler with the same names and arguments:
 *     RP_ALTERNATIVE "old", "new", feature     and _2, _3, _TERNARY
 *
 * Example
 * -------
 *   static inline unsigned long lowest_bit(unsigned long x)    // x is not 0
 *   {
 *           unsigned long n;
 *
 *           rp_alternative_io("bsfq %1, %0", "tzcntq %1, %0",
 *                             RP_FEATURE_BMI1, RP_OUTPUTS("=r" (n)),
 *                             RP_INPUTS("r" (x)), RP_CLOBBERS("cc"));
 *           return n;
 *   }
 *
 * How it works
 * ------------
 * The old code stays where it is, padded with NOPs to the length of its longest
 * replacement. The replacements are assembled into a section of their own, and
 * a record of struct rp_alternative says what belongs where:
 *
 *   at build            feature absent        feature present
 *   old                 old                   new
 *   nop; nop; nop       one long NOP          one long NOP, if new is shorter
 *
 * The first constructor of the executable or shared object, dlopen included,
 * goes through the records, before any code of that object runs: what applies
 * is copied over the old code, each instruction adjusted to its new place
 * (relative branches and RIP-relative operands that leave the replacement),
 * a `jmp` made short where it can be; what is left of NOPs becomes the longest
 * ones, or a jump over them. All of an object's alternatives are applied, in
 * one batch of the engine, or none: then it runs its old code, and says so
 * under RP_LOG. RP_LOG=alternative says for each site what was chosen and why.
 *
 * With several replacements, the last one whose feature is present is taken.
 * RP_ALTERNATIVE() may stand inside the old code of another one.
 *
 * Rules and pitfalls
 * ------------------
 * - Old and new code must do the same for the code around them: outputs, inputs
 *   and clobbers are those of both. They leave the stack as it was.
 * - A call in the strings overwrites the red zone and finds the stack unaligned,
 *   because the compiler does not know of it: rp_alternative_call() is for that.
 * - Nothing outside may jump into the middle of a site. Inside, labels are
 *   local to old or to new.
 * - No static branch inside: its table knows the place where it was assembled.
 *   One in replaced old code is left out; static calls stay out of line there.
 * - Of the files of an executable or shared object, one in C or C++ has to
 *   include this header: its constructor applies the alternatives of all. If
 *   none does, and the library is not linked statically, .S files give
 *   "undefined reference to `rp__object'".
 * - `asm` needs operands, if only an empty list of them ("extended asm"): the
 *   strings use %=. At file scope use a .S file.
 * - No branch goes into the middle of an instruction, not even over its lock
 *   prefix: such a replacement is refused.
 * - No string of a replacement may depend on where it is assembled (".", or
 *   the distance to a label outside of it that is not a branch's or a
 *   RIP-relative operand).
 * - Code whose choice has to change while threads run wants a static key or a
 *   static call. rp_alternatives_apply() changes sites of synthetic features,
 *   and refuses those that are more than one instruction while other threads
 *   exist.
 * - RP_GENERIC, and architectures without patching: the old code, always.
 *
 * Cost
 * ----
 * That of the code that was chosen. Applying: docs/benchmarks.md.
 *
 * Source: the kernel's arch/x86/include/asm/alternative.h, whose macros have
 * the same names; its commit "x86/alternatives: Teach text_poke_bp() to patch
 * Jcc.d32 instructions" and those on relocation and nesting of 6.x.
 */
#ifndef REPOINT_ALTERNATIVE_H
#define REPOINT_ALTERNATIVE_H

#include <repoint/cpu.h>

/**
 * RP_NOT() - a feature's absence, where a feature is expected.
 * @feature: RP_FEATURE_*
 */
#define RP_NOT(feature)		((feature) | 0x10000)

#ifdef __ASSEMBLER__

# if defined(__x86_64__) && !defined(__ILP32__) && !defined(RP_NO_ARCH) && \
	!defined(RP_GENERIC)
#  include <repoint/arch/x86_64_asm.h>
# else
#  include <repoint/arch/generic_asm.h>
# endif

#else /* __ASSEMBLER__ */

#include <repoint/arch.h>
#include <repoint/object.h>
#include <repoint/text_poke.h>

RP__BEGIN_DECLS

/**
 * rp_object_apply_alternatives() - the function behind rp_alternatives_apply().
 * @object: the object's descriptor
 * @opts:   as for rp_text_poke_batch_begin(), or NULL
 *
 * Return: 0, also if there was nothing to change; -EINVAL if @object is NULL or
 * a record is malformed (named in opts->error); -EILSEQ if the bytes in place
 * are not those that were written there, or a replacement holds no valid code;
 * -ERANGE if a replacement does not reach what it refers to; -ENOTSUP if a site
 * that has to change is more than one instruction and other threads exist;
 * -EPERM, -EBUSY, -EDEADLK, -ENOMEM, -EPROTONOSUPPORT as in <repoint/error.h>.
 * On failure nothing changed.
 *
 * Thread safe; not async-signal-safe.
 */
RP_API int rp_object_apply_alternatives(struct rp_object *object,
					const struct rp_text_poke_opts *opts);

RP__END_DECLS

/**
 * rp_alternatives_apply() - bring the alternatives of the executable or shared
 * object that this is compiled into to the present synthetic features.
 * @opts: as for rp_text_poke_batch_begin(), or NULL
 *
 * Constructors have done it once; this is for after rp_cpu_set_feature(). With
 * opts->protocol RP_PROTOCOL_STOPPED the caller vouches that no other thread
 * can be in any of the sites. Never call it from code that an alternative
 * calls: the return address may lie inside the site.
 *
 * Return and safety: as rp_object_apply_alternatives().
 */
#define rp_alternatives_apply(opts)					\
	rp_object_apply_alternatives(&rp__object, opts)

/**
 * RP_ALTERNATIVE() - a string for asm: code with a replacement.
 * @old:     string, instructions; what runs where @feature is absent
 * @new_:    string, instructions; what runs where it is present; may be ""
 * @feature: RP_FEATURE_* or RP_NOT(RP_FEATURE_*), a constant expression of
 *           numbers, because the assembler reads it
 */
#define RP_ALTERNATIVE(old, new_, feature)				\
	RP__ALTERNATIVE(old, new_, feature, __COUNTER__)

/**
 * RP_ALTERNATIVE_2() - a string for asm: code with two replacements.
 *
 * Parameters as for RP_ALTERNATIVE(). Where both apply, @new2 is taken.
 */
#define RP_ALTERNATIVE_2(old, new1, feature1, new2, feature2)		\
	RP__ALTERNATIVE(RP__ALTERNATIVE(old, new1, feature1, __COUNTER__), \
			new2, feature2, __COUNTER__)

/** RP_ALTERNATIVE_3() - a string for asm: code with three replacements. */
#define RP_ALTERNATIVE_3(old, new1, feature1, new2, feature2, new3, feature3) \
	RP__ALTERNATIVE(RP__ALTERNATIVE(RP__ALTERNATIVE(		\
		old, new1, feature1, __COUNTER__),			\
		new2, feature2, __COUNTER__),				\
		new3, feature3, __COUNTER__)

/**
 * RP_ALTERNATIVE_TERNARY() - a string for asm: one of two replacements.
 * @old:     what runs if nothing can be patched
 * @feature: RP_FEATURE_* or RP_NOT(RP_FEATURE_*)
 * @yes:     what runs where it is present
 * @no:      what runs where it is absent
 */
#define RP_ALTERNATIVE_TERNARY(old, feature, yes, no)			\
	RP_ALTERNATIVE_2(old, no, RP_FEATURE_ALWAYS, yes, feature)

/*
 * Lists for the statements below. They end in a comma, because something always
 * follows, and standard C has no way to leave one out: hence RP_NONE.
 */
/** RP_OUTPUTS() - output operands, as asm has them: RP_OUTPUTS("=a" (x)). */
#define RP_OUTPUTS(...)		__VA_ARGS__
/** RP_INPUTS() - input operands: RP_INPUTS("D" (p), "S" (q)). */
#define RP_INPUTS(...)		__VA_ARGS__,
/** RP_CLOBBERS() - what both variants change: RP_CLOBBERS("rcx", "cc"). */
#define RP_CLOBBERS(...)	__VA_ARGS__,
/** RP_NONE - an empty list of any of the three. */
#define RP_NONE

/**
 * RP_CLOBBERS_FP - what C functions change beside general registers, for
 * RP_CLOBBERS(): vector, mask and x87 registers, flags.
 */
#define RP_CLOBBERS_FP			RP__CLOBBERS_FP

/*
 * The assembler gets the text of a feature, and would take a name that does not
 * exist for a symbol: let the compiler see it, too.
 */
#define RP__FEATURE_CHECK(feature)	((void)sizeof(char[(feature) >= 0 ? 1 : -1]))

/**
 * rp_alternative() - one of two pieces of code, without operands.
 *
 * Parameters as for RP_ALTERNATIVE(). A compiler barrier.
 */
#define rp_alternative(old, new_, feature)				\
	do {								\
		RP__FEATURE_CHECK(feature);				\
		__asm__ __volatile__(RP_ALTERNATIVE(old, new_, feature)	\
				     : : : "memory");			\
	} while (0)

/** rp_alternative_2() - one of three pieces of code, without operands. */
#define rp_alternative_2(old, new1, feature1, new2, feature2)		\
	do {								\
		RP__FEATURE_CHECK(feature1);				\
		RP__FEATURE_CHECK(feature2);				\
		__asm__ __volatile__(RP_ALTERNATIVE_2(old, new1, feature1, \
						      new2, feature2)	\
				     : : : "memory");			\
	} while (0)

/**
 * rp_alternative_io() - one of two pieces of code, with operands.
 * @old, @new_, @feature: as for RP_ALTERNATIVE()
 * @outputs:  RP_OUTPUTS(...) or RP_NONE
 * @inputs:   RP_INPUTS(...) or RP_NONE
 * @clobbers: RP_CLOBBERS(...) or RP_NONE; memory always is
 */
#define rp_alternative_io(old, new_, feature, outputs, inputs, clobbers)\
	do {								\
		RP__FEATURE_CHECK(feature);				\
		__asm__ __volatile__(RP_ALTERNATIVE(old, new_, feature)	\
				     : outputs				\
				     : inputs [rp_none] "i" (0)		\
				     : clobbers "memory");		\
	} while (0)

/** rp_alternative_io_2() - one of three pieces of code, with operands. */
#define rp_alternative_io_2(old, new1, feature1, new2, feature2,	\
			    outputs, inputs, clobbers)			\
	do {								\
		RP__FEATURE_CHECK(feature1);				\
		RP__FEATURE_CHECK(feature2);				\
		__asm__ __volatile__(RP_ALTERNATIVE_2(old, new1, feature1, \
						      new2, feature2)	\
				     : outputs				\
				     : inputs [rp_none] "i" (0)		\
				     : clobbers "memory");		\
	} while (0)

/**
 * rp_alternative_call() - a direct call of one of two functions.
 * @old, @new_: the functions, by name; static ones, too
 * @feature:    RP_FEATURE_* or RP_NOT(RP_FEATURE_*)
 * @outputs:    RP_OUTPUTS(...) or RP_NONE: what they return or change, e.g.
 *              RP_OUTPUTS("=a" (result), "+D" (first), "+S" (second))
 * @inputs:     RP_INPUTS(...) or RP_NONE: arguments that they leave alone
 * @clobbers:   RP_CLOBBERS(...) or RP_NONE: what else they may change. For C
 *              functions all of "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9",
 *              "r10", "r11" that are no operands, and RP_CLOBBERS_FP
 *
 * For functions with register use of their own; others want a static call or
 * IFUNC. The stack is aligned and the red zone left alone, as the psABI wants
 * of a call; debuggers and profilers unwind through the call, because the
 * function around keeps a frame pointer. No C++ exception may pass: compilers
 * take it that asm throws none. r12 is used and restored by the compiler.
 */
#define rp_alternative_call(old, new_, feature, outputs, inputs, clobbers) \
	do {								\
		RP__FEATURE_CHECK(feature);				\
		__asm__ __volatile__(					\
			RP__CALL_BEGIN					\
			RP_ALTERNATIVE(RP__CALL("rp_old"), RP__CALL("rp_new"), \
				       feature)				\
			RP__CALL_END					\
			: outputs					\
			: inputs [rp_old] "X" (old), [rp_new] "X" (new_), \
			  [rp_frame] "r" (__builtin_frame_address(0))	\
			: clobbers RP__CALL_CLOBBERS "memory");		\
	} while (0)

/** rp_alternative_call_2() - a direct call of one of three functions. */
#define rp_alternative_call_2(old, new1, feature1, new2, feature2,	\
			      outputs, inputs, clobbers)		\
	do {								\
		RP__FEATURE_CHECK(feature1);				\
		RP__FEATURE_CHECK(feature2);				\
		__asm__ __volatile__(					\
			RP__CALL_BEGIN					\
			RP_ALTERNATIVE_2(RP__CALL("rp_old"),		\
					 RP__CALL("rp_new1"), feature1,	\
					 RP__CALL("rp_new2"), feature2)	\
			RP__CALL_END					\
			: outputs					\
			: inputs [rp_old] "X" (old), [rp_new1] "X" (new1), \
			  [rp_new2] "X" (new2),				\
			  [rp_frame] "r" (__builtin_frame_address(0))	\
			: clobbers RP__CALL_CLOBBERS "memory");		\
	} while (0)

#endif /* __ASSEMBLER__ */

#endif /* REPOINT_ALTERNATIVE_H */
