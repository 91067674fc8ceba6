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
 * emission, so the compiler may copy the code).
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
			".p2align 2\n\t"				\
			".long .Lrp_site%= - .\n\t"			\
			".long %l[rp_l_yes] - .\n\t"			\
			".long %c[rp_key] - .\n\t"			\
			".long %c[rp_flags]\n\t"			\
			".popsection\n"					\
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
