/* SPDX-License-Identifier: MIT */
/*
 * Assembly vocabulary of the public macros for x86-64. The only public header
 * with inline assembly; not formatted by clang-format.
 */
#ifndef REPOINT_ARCH_H
# error "Never include <repoint/arch/x86_64.h> directly; use <repoint/arch.h>."
#endif

#define RP__HAVE_TRAMPOLINE	1
#define RP__HAVE_STATIC_BRANCH	1

#if defined(__CET__) && (__CET__ & 1)
# define RP__TRAMP_ENTRY(name)						\
	RP_TRAMP_PREFIX #name ":\n\t"					\
	"endbr64\n\t"
# define RP__TRAMP_ENTRY_LATE(name)
#else
# define RP__TRAMP_ENTRY(name)						\
	".byte 0xcc, 0xcc, 0xcc, 0xcc\n\t"
# define RP__TRAMP_ENTRY_LATE(name)					\
	RP_TRAMP_PREFIX #name ":\n\t"
#endif

/*
 * The trampoline of static call @name: layout in <repoint/abi.h>.
 *
 * In a section of its own, so that --gc-sections can drop it and that no
 * assembler makes a two-byte jump of a tail call to it. Until the library
 * patches it, it jumps through the key: correct before any constructor ran,
 * and where nothing may ever be patched. It names no function, because a
 * static one loses its name under LTO.
 *
 * in: as the target    out: as the target    clobbered: none    stack: none
 * C equivalent: return key.target(args...);
 */
#define RP__DEFINE_TRAMP(name)						\
	__asm__(							\
	".pushsection .text.rp_tramp." #name ",\"ax\",@progbits\n\t"	\
	".p2align 4\n\t"						\
	".globl " RP_TRAMP_PREFIX #name "\n\t"				\
	".hidden " RP_TRAMP_PREFIX #name "\n\t"				\
	".type " RP_TRAMP_PREFIX #name ", @function\n\t"		\
	".long rp_keyobj__" #name " - .\n\t"				\
	RP__TRAMP_ENTRY(name)						\
	RP__TRAMP_ENTRY_LATE(name)					\
	"jmp *rp_keyobj__" #name "+8(%rip)\n\t"				\
	"ud2\n\t"							\
	".size " RP_TRAMP_PREFIX #name ", . - " RP_TRAMP_PREFIX #name "\n\t" \
	".popsection\n\t"						\
	".pushsection " RP_STATIC_CALL_KEYS_SECTION			\
		",\"ao\",@progbits," RP_TRAMP_PREFIX #name "\n\t"	\
	".p2align 2\n\t"						\
	".long rp_keyobj__" #name " - .\n\t"				\
	".popsection\n\t"						\
	".hidden " RP_KEY_PREFIX #name "\n")

/* After RP__DEFINE_TRAMP: a later directive replaces an earlier one. */
#define RP__EXPORT(symbol)						\
	__asm__(".protected " symbol "\n")

/*
 * The address of a symbol that may be defined in another shared object, taken
 * from the GOT in every code model: a direct reference from a position-
 * dependent or PIE executable would make the linker copy the object.
 */
#define RP__GOT_ADDRESS(type, symbol)					\
	__extension__ ({						\
		type rp__address;					\
		__asm__("movq " symbol "@GOTPCREL(%%rip), %0"		\
			: "=r" (rp__address));				\
		rp__address;						\
	})

/*
 * A static branch is one instruction, of which exactly five bytes change:
 * nopl 0(%rax,%rax,1) or jmp rel32. They are aligned to lie within eight
 * aligned bytes, so that one store changes them on every processor. The space
 * that this takes is filled with up to four CS prefixes, which are ignored on
 * both instructions in 64-bit mode: no second NOP is executed.
 *
 * RP__STATIC_BRANCH() - 1 if the branch is taken, else 0.
 * @key_:  struct rp_static_key *, a link-time constant
 * @jump:  integer constant: 1 to build a JMP, 0 to build a NOP
 * @flags: integer constant: RP_STATIC_KEY_SITE_* bits
 *
 * in: none    out: none    clobbered: none, flags included    stack: none
 * Label: .Lrp_site%= is the first of the five bytes (%= is different for each
 * emission, so the compiler may copy the code). The relocation that does nothing
 * keeps linkers from folding functions that differ in their keys only.
 */
#define RP__STATIC_BRANCH_HERE(key_, jump, flags)			\
	__extension__ ({						\
		__label__ rp_l_yes, rp_l_end;				\
		int rp__taken;						\
		__asm__ goto(						\
			".p2align 3, 0x2e, 4\n"				\
			".Lrp_site%=:\n\t"				\
			".if %c[rp_jump]\n\t"				\
			".byte 0xe9\n\t" /* jmp rel32 */		\
			".long %l[rp_l_yes] - (. + 4)\n\t"		\
			".else\n\t"					\
			".byte 0x0f, 0x1f, 0x44, 0x00, 0x00\n\t" /* nopl */ \
			".endif\n\t"					\
			".pushsection " RP_STATIC_KEY_SITES_SECTION	\
				",\"ao\",@progbits,.Lrp_site%=\n\t"	\
			".p2align 2\n"					\
			".Lrp_record%=:\n\t"				\
			".long .Lrp_site%= - .\n\t"			\
			".long %l[rp_l_yes] - .\n\t"			\
			".long %c[rp_key] - .\n\t"			\
			".long %c[rp_flags]\n\t"			\
			".popsection\n\t"				\
			".reloc .Lrp_site%=, R_X86_64_NONE, .Lrp_record%=\n" \
			: : [rp_key] "i" (key_),			\
			    [rp_jump] "i" (jump),			\
			    [rp_flags] "i" (flags)			\
			: : rp_l_yes);					\
		rp__taken = 0;						\
		goto rp_l_end;						\
	rp_l_yes:							\
		rp__taken = 1;						\
	rp_l_end:							\
		rp__taken;						\
	})

/*
 * clang before 17 takes every label of a function for a target of each asm
 * goto in it, so that nothing could be initialised between two branches in C++
 * (https://github.com/ClangBuiltLinux/linux/issues/1886). A member of a local
 * class is a function of its own; a lambda is not, to that check.
 */
#if defined(__cplusplus) && defined(__clang__)
# define RP__STATIC_BRANCH(key_, jump, flags)				\
	__extension__ ({						\
		struct rp__local {					\
			static inline __attribute__((always_inline))	\
			int branch()					\
			{						\
				return RP__STATIC_BRANCH_HERE(key_, jump, \
							      flags);	\
			}						\
		};							\
		rp__local::branch();					\
	})
#else
# define RP__STATIC_BRANCH(key_, jump, flags)				\
	RP__STATIC_BRANCH_HERE(key_, jump, flags)
#endif

/*
 * One site and one replacement. Labels are numbers, so that compilers may copy
 * the code and sites may be nested; @id makes them differ from those of
 * alternatives inside:
 *
 *   88ID0  the site   88ID1  end of the old code   88ID2  end of the padding
 *   88ID3  the replacement   88ID4  its end          88ID5  the record
 *
 * .Lrp_alternative%= only names the section for SHF_LINK_ORDER, which takes no
 * number. '?': in an inline function of C++ both sections belong to its group.
 * The relocation that does nothing is for linkers that fold identical code:
 * without it functions that differ in their replacements only are one to them.
 *
 * in, out, clobbered: those of the code. C equivalent: has(f) ? new : old
 */
#ifndef RP_GENERIC
# define RP__ALTERNATIVE(old, new_, feature, id)			\
	RP__ALTERNATIVE_(old, new_, feature, id)
#else
# define RP__ALTERNATIVE(old, new_, feature, id)	old "\n\t"
#endif
#define RP__ALTERNATIVE_(old, new_, feature, id)			\
	".ifndef .Lrp_alternative%=\n"					\
	".Lrp_alternative%=:\n"						\
	".endif\n"							\
	"88" #id "0:\n\t"						\
	old "\n"							\
	"88" #id "1:\n\t"						\
	RP__ALTERNATIVE_PAD("88" #id "4f - 88" #id "3f",		\
			    "88" #id "1b - 88" #id "0b")		\
	"88" #id "2:\n\t"						\
	".pushsection " RP_ALTERNATIVES_SECTION				\
		",\"ao?\",@progbits,.Lrp_alternative%=\n\t"		\
	".p2align 2\n"							\
	"88" #id "5:\n\t"						\
	".long 88" #id "0b - .\n\t"					\
	".long 88" #id "3f - .\n\t"					\
	".long " RP__STR(feature) "\n\t"				\
	RP__ALTERNATIVE_LENGTH("88" #id "2b - 88" #id "0b")		\
	RP__ALTERNATIVE_LENGTH("88" #id "4f - 88" #id "3f")		\
	".popsection\n\t"						\
	RP__ALTERNATIVE_MARK("88" #id "0b", "88" #id "5b")		\
	".pushsection " RP_ALTERNATIVE_CODE_SECTION ",\"ax?\",@progbits\n" \
	"88" #id "3:\n\t"						\
	new_ "\n"							\
	"88" #id "4:\n\t"						\
	".popsection\n\t"

/* clang takes no label before an alignment for a place; any place will do. */
#ifdef __clang__
# define RP__ALTERNATIVE_MARK(site, record)				\
	".reloc 0, R_X86_64_NONE, " record "\n\t"
#else
# define RP__ALTERNATIVE_MARK(site, record)				\
	".reloc " site ", R_X86_64_NONE, " record "\n\t"
#endif

/* gas refuses a length of more than 16 bits; clang has to be made to. */
#ifdef __clang__
# define RP__ALTERNATIVE_LENGTH(len)					\
	".short " len "\n\t"						\
	".skip (" len ") > 0xffff\n\t"
#else
# define RP__ALTERNATIVE_LENGTH(len)	".short " len "\n\t"
#endif

/* NOPs up to @want bytes after @have; a true comparison is -1 to assemblers. */
#define RP__ALTERNATIVE_PAD(want, have)					\
	".skip -(((" want ") - (" have ")) > 0) * "			\
		"((" want ") - (" have ")), 0x90\n"

/*
 * A call from an asm statement. The compiler does not know that it is one, so
 * that it may keep data in the red zone and the stack unaligned.
 */
#define RP__CALL_BEGIN							\
	"movq %%rsp, %%r12\n\t"						\
	"leaq -128(%%rsp), %%rsp\n\t"					\
	"andq $-16, %%rsp\n\t"
#define RP__CALL(operand)	"call %P[" operand "]"
#define RP__CALL_END							\
	"movq %%r12, %%rsp\n\t"
#define RP__CALL_CLOBBERS	"r12", "cc",

#ifdef __AVX512F__
# define RP__CLOBBERS_AVX512						\
	"xmm16", "xmm17", "xmm18", "xmm19", "xmm20", "xmm21", "xmm22",	\
	"xmm23", "xmm24", "xmm25", "xmm26", "xmm27", "xmm28", "xmm29",	\
	"xmm30", "xmm31", "k1", "k2", "k3", "k4", "k5", "k6", "k7",
#else
# define RP__CLOBBERS_AVX512
#endif
#define RP__CLOBBERS_FP							\
	RP__CLOBBERS_AVX512						\
	"xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7",	\
	"xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14",	\
	"xmm15", "st", "st(1)", "st(2)", "st(3)", "st(4)", "st(5)",	\
	"st(6)", "st(7)", "cc"

/*
 * A call through an ops table from an asm statement, with its record. The six
 * bytes of the site lie within eight aligned ones: what that takes is filled
 * with CS prefixes, part of the same instruction and never changed.
 *
 * in, out, clobbered: @outputs, @inputs, @clobbers    stack: a return address
 * C equivalent: member(args...)
 */
#ifdef RP_NO_RED_ZONE
# define RP__OP_ENTER
# define RP__OP_LEAVE
# define RP__OP_FRAME
#else
# define RP__OP_ENTER		"leaq -128(%%rsp), %%rsp\n\t"
# define RP__OP_LEAVE		"leaq 128(%%rsp), %%rsp\n\t"
/* With a frame pointer, unwinding does not depend on %rsp. */
# define RP__OP_FRAME		[rp_frame] "r" (__builtin_frame_address(0)),
#endif

#ifndef RP_GENERIC
# define RP__OP_RECORD							\
	".pushsection " RP_OP_SITES_SECTION				\
		",\"ao?\",@progbits,.Lrp_op%=\n\t"			\
	".p2align 2\n\t"						\
	".long .Lrp_op%= - .\n\t"					\
	".long %c[rp_slot] - .\n\t"					\
	".byte 1, 6\n\t" /* RP_OP_SITE_CALL, its length */		\
	".short 0\n\t"							\
	".popsection\n\t"
#else
# define RP__OP_RECORD
#endif

#define RP__OP_CALL							\
	RP__OP_ENTER							\
	".p2align 3, 0x2e, 5\n"						\
	".Lrp_op%=:\n\t"						\
	"call *%c[rp_slot](%%rip)\n\t"					\
	RP__OP_RECORD							\
	RP__OP_LEAVE

#if defined(__CET__) && (__CET__ & 1)
# define RP__ENDBR	"endbr64\n\t"
#else
# define RP__ENDBR
#endif

/*
 * A function @name that calls what rp_op_thunk__NAME points to, by a pointer
 * because a static function loses its name under LTO.
 *
 * in: as the function    out: %rax    clobbered: flags
 * stack: ten words, aligned for the function
 */
#define RP__DEFINE_OP_THUNK(name)					\
	__asm__(							\
	".pushsection .text.rp_op_thunk." #name ",\"ax\",@progbits\n\t" \
	".p2align 4\n\t"						\
	".globl " #name "\n\t"						\
	".hidden " #name "\n\t"						\
	".type " #name ", @function\n"					\
	#name ":\n\t"							\
	".cfi_startproc\n\t"						\
	RP__ENDBR							\
	"pushq %rbp\n\t"						\
	".cfi_def_cfa_offset 16\n\t"					\
	".cfi_offset %rbp, -16\n\t"					\
	"movq %rsp, %rbp\n\t"						\
	".cfi_def_cfa_register %rbp\n\t"				\
	"pushq %rcx\n\t"						\
	"pushq %rdx\n\t"						\
	"pushq %rsi\n\t"						\
	"pushq %rdi\n\t"						\
	"pushq %r8\n\t"							\
	"pushq %r9\n\t"							\
	"pushq %r10\n\t"						\
	"pushq %r11\n\t"						\
	"andq $-16, %rsp\n\t"						\
	"call *rp_op_thunk__" #name "(%rip)\n\t"			\
	"leaq -64(%rbp), %rsp\n\t"					\
	"popq %r11\n\t"							\
	"popq %r10\n\t"							\
	"popq %r9\n\t"							\
	"popq %r8\n\t"							\
	"popq %rdi\n\t"							\
	"popq %rsi\n\t"							\
	"popq %rdx\n\t"							\
	"popq %rcx\n\t"							\
	"popq %rbp\n\t"							\
	".cfi_restore %rbp\n\t"						\
	".cfi_def_cfa %rsp, 8\n\t"					\
	"ret\n\t"							\
	".cfi_endproc\n\t"						\
	".size " #name ", . - " #name "\n\t"				\
	".popsection\n")
