/* SPDX-License-Identifier: MIT */
/*
 * Features of the processor, and features that a program defines itself.
 *
 * Overview
 * --------
 *   RP_FEATURE_AVX2, RP_FEATURE_ERMS, ...      docs/features.md lists all
 *   RP_FEATURE_SYNTHETIC(n)                    n from 0 to 63: the program's
 *
 *   int  rp_cpu_has(feature);
 *   int  rp_cpu_set_feature(feature, present); synthetic ones only
 *   const char *rp_feature_name(feature);
 *   RP_DEFINE_FEATURE(feature, "name", detect);
 *
 * Example
 * -------
 *   #define FEATURE_TURBO   RP_FEATURE_SYNTHETIC(0)
 *
 *   static int have_turbo(void) { return access("/dev/turbo", R_OK) == 0; }
 *   RP_DEFINE_FEATURE(FEATURE_TURBO, "turbo", have_turbo);
 *
 *   if (rp_cpu_has(RP_FEATURE_AVX2) && !rp_cpu_has(FEATURE_TURBO))
 *           ...
 *
 * What "present" means
 * --------------------
 * A program may use it: CPUID has the bit, the system saves the registers that
 * it needs (XCR0), all features that it builds upon are present, and the user
 * did not mask it. RP_CPU_MASK=avx2,erms in the environment takes features
 * away, by the names of /proc/cpuinfo or of compilers, `all` takes all; what
 * needs an absent feature is absent as well. Setuid programs ignore it.
 *
 * Some need more, which is the program's task: tiles (AMX) a permission from
 * arch_prctl(); LAM, protection keys and shadow stacks a system call. See
 * docs/features.md.
 *
 * Synthetic features
 * ------------------
 * They belong to one executable or shared object: two that use one number do
 * not meet. Absent at first. Detectors run once, in the object's first
 * constructor, before its alternatives are applied: after the constructors of
 * what it depends on, before its own. Setting one later changes rp_cpu_has()
 * at once, but no code: rp_alternatives_apply() does.
 *
 * Cost
 * ----
 * rp_cpu_has() is a call, two loads and a test; CPUID is read at the first
 * one. Where that is too much use an alternative or a static key.
 */
#ifndef REPOINT_CPU_H
#define REPOINT_CPU_H

#ifndef __ASSEMBLER__
# include <repoint/object.h>
#endif

/**
 * RP_FEATURE() - a feature's number. Numbers never change their meaning.
 * @word: which register of which CPUID leaf, see below
 * @bit:  in that register
 *
 * Bits that have no name here are never present.
 */
#define RP_FEATURE(word, bit)		((word) * 32 + (bit))

/** RP_FEATURE_SYNTHETIC() - a feature that this object defines; n: 0 to 63. */
#define RP_FEATURE_SYNTHETIC(n)		RP_FEATURE(1, n)
/** How many synthetic features an object has. */
#define RP_FEATURE_SYNTHETIC_NR		64

/** One past the last number that is valid. */
#define RP_FEATURE_NR			RP_FEATURE(20, 0)

/*
 * The numbers. A word is named by leaf, subleaf and register; word 0 has what
 * is no bit of CPUID. Number 0 is never present, so that a record of zeroes
 * does nothing. Words 1 and 2 are the synthetic features.
 */

/* word 0: no leaf */
#define RP_FEATURE_ALWAYS		RP_FEATURE(0, 1)
#define RP_FEATURE_X86_64_V1		RP_FEATURE(0, 2)
#define RP_FEATURE_X86_64_V2		RP_FEATURE(0, 3)
#define RP_FEATURE_X86_64_V3		RP_FEATURE(0, 4)
#define RP_FEATURE_X86_64_V4		RP_FEATURE(0, 5)
#define RP_FEATURE_AVX10_1		RP_FEATURE(0, 6)
#define RP_FEATURE_AVX10_2		RP_FEATURE(0, 7)
#define RP_FEATURE_RING3MWAIT		RP_FEATURE(0, 8)

/* word 3: 1 EDX */
#define RP_FEATURE_FPU			RP_FEATURE(3, 0)
#define RP_FEATURE_TSC			RP_FEATURE(3, 4)
#define RP_FEATURE_CX8			RP_FEATURE(3, 8)
#define RP_FEATURE_CMOV			RP_FEATURE(3, 15)
#define RP_FEATURE_CLFLUSH		RP_FEATURE(3, 19)
#define RP_FEATURE_MMX			RP_FEATURE(3, 23)
#define RP_FEATURE_FXSR			RP_FEATURE(3, 24)
#define RP_FEATURE_SSE			RP_FEATURE(3, 25)
#define RP_FEATURE_SSE2			RP_FEATURE(3, 26)

/* word 4: 1 ECX */
#define RP_FEATURE_SSE3			RP_FEATURE(4, 0)
#define RP_FEATURE_PCLMULQDQ		RP_FEATURE(4, 1)
#define RP_FEATURE_MONITOR		RP_FEATURE(4, 3)
#define RP_FEATURE_SSSE3		RP_FEATURE(4, 9)
#define RP_FEATURE_FMA			RP_FEATURE(4, 12)
#define RP_FEATURE_CMPXCHG16B		RP_FEATURE(4, 13)
#define RP_FEATURE_SSE4_1		RP_FEATURE(4, 19)
#define RP_FEATURE_SSE4_2		RP_FEATURE(4, 20)
#define RP_FEATURE_MOVBE		RP_FEATURE(4, 22)
#define RP_FEATURE_POPCNT		RP_FEATURE(4, 23)
#define RP_FEATURE_AES			RP_FEATURE(4, 25)
#define RP_FEATURE_XSAVE		RP_FEATURE(4, 26)
#define RP_FEATURE_OSXSAVE		RP_FEATURE(4, 27)
#define RP_FEATURE_AVX			RP_FEATURE(4, 28)
#define RP_FEATURE_F16C			RP_FEATURE(4, 29)
#define RP_FEATURE_RDRAND		RP_FEATURE(4, 30)
#define RP_FEATURE_HYPERVISOR		RP_FEATURE(4, 31)

/* word 5: 7.0 EBX */
#define RP_FEATURE_FSGSBASE		RP_FEATURE(5, 0)
#define RP_FEATURE_SGX			RP_FEATURE(5, 2)
#define RP_FEATURE_BMI1			RP_FEATURE(5, 3)
#define RP_FEATURE_HLE			RP_FEATURE(5, 4)
#define RP_FEATURE_AVX2			RP_FEATURE(5, 5)
#define RP_FEATURE_BMI2			RP_FEATURE(5, 8)
#define RP_FEATURE_ERMS			RP_FEATURE(5, 9)
#define RP_FEATURE_INVPCID		RP_FEATURE(5, 10)
#define RP_FEATURE_RTM			RP_FEATURE(5, 11)
#define RP_FEATURE_AVX512F		RP_FEATURE(5, 16)
#define RP_FEATURE_AVX512DQ		RP_FEATURE(5, 17)
#define RP_FEATURE_RDSEED		RP_FEATURE(5, 18)
#define RP_FEATURE_ADX			RP_FEATURE(5, 19)
#define RP_FEATURE_AVX512IFMA		RP_FEATURE(5, 21)
#define RP_FEATURE_CLFLUSHOPT		RP_FEATURE(5, 23)
#define RP_FEATURE_CLWB			RP_FEATURE(5, 24)
#define RP_FEATURE_INTEL_PT		RP_FEATURE(5, 25)
#define RP_FEATURE_AVX512PF		RP_FEATURE(5, 26)
#define RP_FEATURE_AVX512ER		RP_FEATURE(5, 27)
#define RP_FEATURE_AVX512CD		RP_FEATURE(5, 28)
#define RP_FEATURE_SHA			RP_FEATURE(5, 29)
#define RP_FEATURE_AVX512BW		RP_FEATURE(5, 30)
#define RP_FEATURE_AVX512VL		RP_FEATURE(5, 31)

/* word 6: 7.0 ECX */
#define RP_FEATURE_PREFETCHWT1		RP_FEATURE(6, 0)
#define RP_FEATURE_AVX512VBMI		RP_FEATURE(6, 1)
#define RP_FEATURE_UMIP			RP_FEATURE(6, 2)
#define RP_FEATURE_PKU			RP_FEATURE(6, 3)
#define RP_FEATURE_OSPKE		RP_FEATURE(6, 4)
#define RP_FEATURE_WAITPKG		RP_FEATURE(6, 5)
#define RP_FEATURE_AVX512_VBMI2		RP_FEATURE(6, 6)
#define RP_FEATURE_SHSTK		RP_FEATURE(6, 7)
#define RP_FEATURE_GFNI			RP_FEATURE(6, 8)
#define RP_FEATURE_VAES			RP_FEATURE(6, 9)
#define RP_FEATURE_VPCLMULQDQ		RP_FEATURE(6, 10)
#define RP_FEATURE_AVX512_VNNI		RP_FEATURE(6, 11)
#define RP_FEATURE_AVX512_BITALG	RP_FEATURE(6, 12)
#define RP_FEATURE_AVX512_VPOPCNTDQ	RP_FEATURE(6, 14)
#define RP_FEATURE_RDPID		RP_FEATURE(6, 22)
#define RP_FEATURE_KL			RP_FEATURE(6, 23)
#define RP_FEATURE_CLDEMOTE		RP_FEATURE(6, 25)
#define RP_FEATURE_MOVDIRI		RP_FEATURE(6, 27)
#define RP_FEATURE_MOVDIR64B		RP_FEATURE(6, 28)
#define RP_FEATURE_ENQCMD		RP_FEATURE(6, 29)

/* word 7: 7.0 EDX */
#define RP_FEATURE_AVX512_4VNNIW	RP_FEATURE(7, 2)
#define RP_FEATURE_AVX512_4FMAPS	RP_FEATURE(7, 3)
#define RP_FEATURE_FSRM			RP_FEATURE(7, 4)
#define RP_FEATURE_UINTR		RP_FEATURE(7, 5)
#define RP_FEATURE_AVX512_VP2INTERSECT	RP_FEATURE(7, 8)
#define RP_FEATURE_RTM_ALWAYS_ABORT	RP_FEATURE(7, 11)
#define RP_FEATURE_SERIALIZE		RP_FEATURE(7, 14)
#define RP_FEATURE_HYBRID		RP_FEATURE(7, 15)
#define RP_FEATURE_TSXLDTRK		RP_FEATURE(7, 16)
#define RP_FEATURE_PCONFIG		RP_FEATURE(7, 18)
#define RP_FEATURE_IBT			RP_FEATURE(7, 20)
#define RP_FEATURE_AMX_BF16		RP_FEATURE(7, 22)
#define RP_FEATURE_AVX512_FP16		RP_FEATURE(7, 23)
#define RP_FEATURE_AMX_TILE		RP_FEATURE(7, 24)
#define RP_FEATURE_AMX_INT8		RP_FEATURE(7, 25)

/* word 8: 7.1 EAX */
#define RP_FEATURE_SHA512		RP_FEATURE(8, 0)
#define RP_FEATURE_SM3			RP_FEATURE(8, 1)
#define RP_FEATURE_SM4			RP_FEATURE(8, 2)
#define RP_FEATURE_RAO_INT		RP_FEATURE(8, 3)
#define RP_FEATURE_AVX_VNNI		RP_FEATURE(8, 4)
#define RP_FEATURE_AVX512_BF16		RP_FEATURE(8, 5)
#define RP_FEATURE_CMPCCXADD		RP_FEATURE(8, 7)
#define RP_FEATURE_FZRM			RP_FEATURE(8, 10)
#define RP_FEATURE_FSRS			RP_FEATURE(8, 11)
#define RP_FEATURE_FSRC			RP_FEATURE(8, 12)
#define RP_FEATURE_AMX_FP16		RP_FEATURE(8, 21)
#define RP_FEATURE_HRESET		RP_FEATURE(8, 22)
#define RP_FEATURE_AVX_IFMA		RP_FEATURE(8, 23)
#define RP_FEATURE_LAM			RP_FEATURE(8, 26)
#define RP_FEATURE_MOVRS		RP_FEATURE(8, 31)

/* word 9: 7.1 EDX */
#define RP_FEATURE_AVX_VNNI_INT8	RP_FEATURE(9, 4)
#define RP_FEATURE_AVX_NE_CONVERT	RP_FEATURE(9, 5)
#define RP_FEATURE_AMX_COMPLEX		RP_FEATURE(9, 8)
#define RP_FEATURE_AVX_VNNI_INT16	RP_FEATURE(9, 10)
#define RP_FEATURE_PREFETCHI		RP_FEATURE(9, 14)
#define RP_FEATURE_USER_MSR		RP_FEATURE(9, 15)
#define RP_FEATURE_AVX10		RP_FEATURE(9, 19)
#define RP_FEATURE_APX_F		RP_FEATURE(9, 21)

/* word 10: 0xd.1 EAX */
#define RP_FEATURE_XSAVEOPT		RP_FEATURE(10, 0)
#define RP_FEATURE_XSAVEC		RP_FEATURE(10, 1)
#define RP_FEATURE_XGETBV1		RP_FEATURE(10, 2)
#define RP_FEATURE_XSAVES		RP_FEATURE(10, 3)

/* word 11: 0x14.0 EBX */
#define RP_FEATURE_PTWRITE		RP_FEATURE(11, 4)

/* word 12: 0x19 EBX */
#define RP_FEATURE_AESKLE		RP_FEATURE(12, 0)
#define RP_FEATURE_WIDEKL		RP_FEATURE(12, 2)

/* word 13: 0x1e.1 EAX */
#define RP_FEATURE_AMX_FP8		RP_FEATURE(13, 4)
#define RP_FEATURE_AMX_TRANSPOSE	RP_FEATURE(13, 5)
#define RP_FEATURE_AMX_TF32		RP_FEATURE(13, 6)
#define RP_FEATURE_AMX_AVX512		RP_FEATURE(13, 7)
#define RP_FEATURE_AMX_MOVRS		RP_FEATURE(13, 8)

/* word 14: 0x24.0 EBX */
#define RP_FEATURE_AVX10_512		RP_FEATURE(14, 18)

/* word 15: 0x80000001 ECX */
#define RP_FEATURE_LAHF			RP_FEATURE(15, 0)
#define RP_FEATURE_LZCNT		RP_FEATURE(15, 5)
#define RP_FEATURE_SSE4A		RP_FEATURE(15, 6)
#define RP_FEATURE_MISALIGNSSE		RP_FEATURE(15, 7)
#define RP_FEATURE_PREFETCHW		RP_FEATURE(15, 8)
#define RP_FEATURE_XOP			RP_FEATURE(15, 11)
#define RP_FEATURE_LWP			RP_FEATURE(15, 15)
#define RP_FEATURE_FMA4			RP_FEATURE(15, 16)
#define RP_FEATURE_TBM			RP_FEATURE(15, 21)
#define RP_FEATURE_MWAITX		RP_FEATURE(15, 29)

/* word 16: 0x80000001 EDX */
#define RP_FEATURE_SYSCALL		RP_FEATURE(16, 11)
#define RP_FEATURE_MMXEXT		RP_FEATURE(16, 22)
#define RP_FEATURE_FXSR_OPT		RP_FEATURE(16, 25)
#define RP_FEATURE_PDPE1GB		RP_FEATURE(16, 26)
#define RP_FEATURE_RDTSCP		RP_FEATURE(16, 27)
#define RP_FEATURE_LM			RP_FEATURE(16, 29)
#define RP_FEATURE_3DNOWEXT		RP_FEATURE(16, 30)
#define RP_FEATURE_3DNOW		RP_FEATURE(16, 31)

/* word 17: 0x80000007 EDX */
#define RP_FEATURE_NONSTOP_TSC		RP_FEATURE(17, 8)

/* word 18: 0x80000008 EBX */
#define RP_FEATURE_CLZERO		RP_FEATURE(18, 0)
#define RP_FEATURE_XSAVEERPTR		RP_FEATURE(18, 2)
#define RP_FEATURE_RDPRU		RP_FEATURE(18, 4)
#define RP_FEATURE_WBNOINVD		RP_FEATURE(18, 9)

/* word 19: 0x80000021 EAX */
#define RP_FEATURE_AVX512_BMM		RP_FEATURE(19, 23)

#ifndef __ASSEMBLER__

RP__BEGIN_DECLS

/**
 * rp_object_has_feature() - is a feature present?
 * @object:  whose synthetic features are meant; NULL: none
 * @feature: RP_FEATURE_*
 *
 * Return: 1 or 0; 0 for numbers that are out of range or have no name.
 *
 * Thread safe. Async-signal-safe, except that the first call of a process reads
 * the environment; constructors of priority 101 have made it already. In
 * .preinit_array libc has no environment yet, so nothing is masked. Not for
 * IFUNC resolvers, which run before anything else.
 */
RP_API int rp_object_has_feature(struct rp_object *object,
				 unsigned int feature);

/**
 * rp_object_set_feature() - say that a synthetic feature is there, or is not.
 * @object:  whose feature
 * @feature: RP_FEATURE_SYNTHETIC(n)
 * @present: nonzero if it is
 *
 * Atomic. Changes no code, see rp_alternatives_apply(). A feature that
 * RP_CPU_MASK names stays absent.
 *
 * Return: 0, or -EINVAL if it is not synthetic, or there is no such object.
 *
 * Thread safe, async-signal-safe.
 */
RP_API int rp_object_set_feature(struct rp_object *object,
				 unsigned int feature, int present);

/**
 * rp_feature_name() - "avx2": as in /proc/cpuinfo, if it is there.
 * @feature: RP_FEATURE_*
 *
 * Return: a constant string; NULL if the number has no name, or is synthetic.
 */
RP_API const char *rp_feature_name(unsigned int feature);

RP__END_DECLS

/** rp_cpu_has() - is a feature present, for this executable or library? */
#define rp_cpu_has(feature)						\
	rp_object_has_feature(&rp__object, feature)

/** rp_cpu_set_feature() - set a synthetic feature of this one. */
#define rp_cpu_set_feature(feature, present)				\
	rp_object_set_feature(&rp__object, feature, present)

#ifdef __cplusplus
# define RP__STATIC_ASSERT	static_assert
#else
# define RP__STATIC_ASSERT	_Static_assert
#endif

/**
 * RP_DEFINE_FEATURE() - give a synthetic feature a name and a detector.
 * @feature: RP_FEATURE_SYNTHETIC(n)
 * @name:    for RP_CPU_MASK and messages: one word, without commas
 * @detect:  int (*)(void), nonzero: it is present; NULL: absent until it is set
 *
 * At file scope, once for each feature of an object. In a header, all files
 * that include it say the same: it is one feature, and detected once. The
 * detector runs before the object's own constructors and C++ initialisers, and
 * may not update keys of its object: -EDEADLK.
 */
#define RP_DEFINE_FEATURE(feature, name, detect)			\
	RP__DEFINE_FEATURE(RP__CAT(rp__feature_, __COUNTER__),		\
			   feature, name, detect)

#define RP__DEFINE_FEATURE(id, feature, name, detect)			\
	RP__STATIC_ASSERT((feature) >= RP_FEATURE_SYNTHETIC(0) &&	\
			  (feature) < RP_FEATURE_SYNTHETIC(		\
					RP_FEATURE_SYNTHETIC_NR),	\
			  #feature " is no RP_FEATURE_SYNTHETIC(0 to 63)"); \
	static const struct rp_feature id				\
		RP__RECORD(RP_FEATURES_SECTION) =			\
		{ (feature), 0, (name), (detect) }

#endif /* __ASSEMBLER__ */

#endif /* REPOINT_CPU_H */
