// SPDX-License-Identifier: MIT
/*
 * What CPUID says, and what of it a program may use.
 *
 * Two steps, so that tests can take the second with answers of other machines:
 * read_cpuid() asks, conclude() does the rest.
 *
 * A leaf above the highest one that a processor knows is answered by Intel's
 * with data of another leaf, so it is never asked for; a subleaf neither. An
 * instruction with registers of its own also needs a system that saves them,
 * which XCR0 tells; it can be read only if OSXSAVE is set.
 */
#include <cpuid.h>
#include <string.h>
#include <sys/auxv.h>

#include "../../feature.h"

#define XCR0_AVX	UINT64_C(0x6)		/* XMM, YMM */
#define XCR0_AVX512	UINT64_C(0xe6)		/* and masks, ZMM */
#define XCR0_AMX	UINT64_C(0x60000)	/* tile configuration, tiles */
#define XCR0_APX	(UINT64_C(1) << 19)
#define XCR0_LWP	(UINT64_C(1) << 62)

#define HWCAP2_RING3MWAIT	0x1
#define HWCAP2_FSGSBASE		0x2

/*
 * struct answers - of CPUID and of the system.
 * @words:  registers, in the places that <repoint/cpu.h> gives them; zero where
 *          the processor has no such leaf
 * @xcr0:   what XGETBV says; 0 where it cannot be asked
 * @hwcap2: getauxval(AT_HWCAP2)
 */
struct answers {
	uint32_t words[RP__FEATURE_WORDS];
	uint64_t xcr0;
	uint64_t hwcap2;
};

/* struct leaf - where CPUID is asked, and for what word. */
struct leaf {
	uint32_t leaf;
	uint32_t subleaf;
	uint8_t reg[4];		/* words of EAX, EBX, ECX, EDX; 0: none */
};

/* In the order of <repoint/cpu.h>. */
static const struct leaf leaves[] = {
	{ 1, 0, { 0, 0, 4, 3 } },
	{ 7, 0, { 0, 5, 6, 7 } },
	{ 7, 1, { 8, 0, 0, 9 } },
	{ 0xd, 1, { 10, 0, 0, 0 } },
	{ 0x14, 0, { 0, 11, 0, 0 } },
	{ 0x19, 0, { 0, 12, 0, 0 } },
	{ 0x1e, 1, { 13, 0, 0, 0 } },
	{ 0x24, 0, { 0, 14, 0, 0 } },
	{ 0x80000001, 0, { 0, 0, 15, 16 } },
	{ 0x80000007, 0, { 0, 0, 0, 17 } },
	{ 0x80000008, 0, { 0, 18, 0, 0 } },
	{ 0x80000021, 0, { 19, 0, 0, 0 } },
};

/* struct state_rule - usable only if these bits of XCR0 are set. */
struct state_rule {
	uint16_t feature;
	uint64_t xcr0;
};

/* What builds upon these has no line: rp__feature_needs takes it away. */
static const struct state_rule state_rules[] = {
	{ RP_FEATURE_AVX, XCR0_AVX },
	{ RP_FEATURE_AVX512F, XCR0_AVX512 },
	{ RP_FEATURE_AVX10, XCR0_AVX512 },
	{ RP_FEATURE_AMX_TILE, XCR0_AMX },
	{ RP_FEATURE_APX_F, XCR0_APX },
	{ RP_FEATURE_LWP, XCR0_LWP },
};

/* ---- asking ---- */

static void ask(uint32_t leaf, uint32_t subleaf, uint32_t *reg)
{
	__cpuid_count(leaf, subleaf, reg[0], reg[1], reg[2], reg[3]);
}

/* Leaves 7 and 0x1e tell in EAX how many subleaves they have; 0xd has two. */
static bool has_subleaf(uint32_t leaf, uint32_t subleaf)
{
	uint32_t reg[4];

	if (!subleaf || leaf == 0xd)
		return true;
	ask(leaf, 0, reg);
	return reg[0] >= subleaf;
}

static void read_leaf(const struct leaf *leaf, uint32_t *words)
{
	uint32_t reg[4];

	ask(leaf->leaf, leaf->subleaf, reg);
	for (int i = 0; i < 4; i++)
		if (leaf->reg[i])
			words[leaf->reg[i]] = reg[i];
}

static void read_cpuid(struct answers *ret)
{
	uint32_t reg[4], max[2];

	ask(0, 0, reg);
	max[0] = reg[0];
	ask(0x80000000, 0, reg);
	max[1] = reg[0];
	/* Where there are no extended leaves the answer is anything. */
	if (max[1] >> 16 != 0x8000)
		max[1] = 0;
	for (size_t i = 0; i < sizeof(leaves) / sizeof(*leaves); i++)
		if (leaves[i].leaf <= max[leaves[i].leaf >> 31] &&
		    has_subleaf(leaves[i].leaf, leaves[i].subleaf))
			read_leaf(&leaves[i], ret->words);
}

/* Tests bring their own. */
#ifndef RP__READ_XCR0
static uint64_t read_xcr0(void)
{
	uint32_t eax, edx;

	__asm__ volatile("xgetbv" : "=a" (eax), "=d" (edx) : "c" (0));
	return (uint64_t)edx << 32 | eax;
}
# define RP__READ_XCR0	read_xcr0
#endif

/* ---- concluding ---- */

static void move(uint32_t *words, unsigned int from, unsigned int to)
{
	if (rp__feature_test(words, from))
		rp__feature_set(words, to);
}

/* AMD tells of these in leaf 0x80000021. */
static void merge_vendors(uint32_t *words)
{
	move(words, RP_FEATURE(19, 10), RP_FEATURE_FSRS);
	move(words, RP_FEATURE(19, 11), RP_FEATURE_FSRC);
	move(words, RP_FEATURE(19, 20), RP_FEATURE_PREFETCHI);
}

/* The psABI's levels are there if all that they need is. */
static void set_derived(const struct answers *answers, uint32_t *words)
{
	uint32_t avx10 = answers->words[RP_FEATURE_AVX10_512 / 32] & 0xff;

	words[0] = 0;
	rp__feature_set(words, RP_FEATURE_ALWAYS);
	rp__feature_set(words, RP_FEATURE_X86_64_V1);
	rp__feature_set(words, RP_FEATURE_X86_64_V2);
	rp__feature_set(words, RP_FEATURE_X86_64_V3);
	rp__feature_set(words, RP_FEATURE_X86_64_V4);
	if (avx10 >= 1)
		rp__feature_set(words, RP_FEATURE_AVX10_1);
	if (avx10 >= 2)
		rp__feature_set(words, RP_FEATURE_AVX10_2);
	if (answers->hwcap2 & HWCAP2_RING3MWAIT)
		rp__feature_set(words, RP_FEATURE_RING3MWAIT);
}

/* OSXSAVE, OSPKE and AESKLE are features that others need. */
static void apply_state(const struct answers *answers, uint32_t *words)
{
	for (size_t i = 0; i < sizeof(state_rules) / sizeof(*state_rules); i++)
		if (state_rules[i].xcr0 & ~answers->xcr0)
			rp__feature_clear(words, state_rules[i].feature);
	if (!(answers->hwcap2 & HWCAP2_FSGSBASE))
		rp__feature_clear(words, RP_FEATURE_FSGSBASE);
	if (rp__feature_test(words, RP_FEATURE_RTM_ALWAYS_ABORT))
		rp__feature_clear(words, RP_FEATURE_RTM);
}

static void conclude(const struct answers *answers, struct rp__cpu_facts *ret)
{
	memcpy(ret->has, answers->words, sizeof(ret->has));
	ret->has[1] = ret->has[2] = 0;
	merge_vendors(ret->has);
	set_derived(answers, ret->has);
	memcpy(ret->usable, ret->has, sizeof(ret->usable));
	apply_state(answers, ret->usable);
}

void rp__arch_cpu_facts(struct rp__cpu_facts *ret)
{
	struct answers answers = { .xcr0 = 0 };

	read_cpuid(&answers);
	if (rp__feature_test(answers.words, RP_FEATURE_OSXSAVE))
		answers.xcr0 = RP__READ_XCR0();
	answers.hwcap2 = getauxval(AT_HWCAP2);
	conclude(&answers, ret);
}
