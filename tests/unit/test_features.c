// SPDX-License-Identifier: MIT
/* Features: names, masks, dependencies, and what follows from CPUID. */
#include <cpuid.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>

#include <cmocka.h>

#include "feature.h"
#include "log.h"

/* ---- cpuid.c, of a machine that the tests make up ---- */

/*
 * struct machine - what CPUID answers. Leaves above the highest are answered
 * with all ones, as Intel's do with data of another one.
 */
struct machine {
	uint32_t max;
	uint32_t max_extended;
	uint32_t subleaves_7;
	uint32_t words[RP__FEATURE_WORDS];
	uint64_t xcr0;
	uint64_t hwcap2;
};

static struct machine machine;

static void fake_cpuid(uint32_t leaf, uint32_t subleaf, uint32_t *reg)
{
	const uint32_t *w = machine.words;

	memset(reg, 0, 16);
	if (leaf == 0 || leaf == 0x80000000)
		reg[0] = leaf ? machine.max_extended : machine.max;
	else if (leaf > (leaf >> 31 ? machine.max_extended : machine.max) ||
		 (leaf == 7 && subleaf > machine.subleaves_7))
		memset(reg, 0xff, 16);
	else if (leaf == 1)
		memcpy(reg, (uint32_t[]){ 0, 0, w[4], w[3] }, 16);
	else if (leaf == 7 && subleaf == 0)
		memcpy(reg, (uint32_t[]){ machine.subleaves_7, w[5], w[6],
					  w[7] }, 16);
	else if (leaf == 7)
		memcpy(reg, (uint32_t[]){ w[8], 0, 0, w[9] }, 16);
	else if (leaf == 0xd && subleaf == 1)
		reg[0] = w[10];
	else if (leaf == 0x14)
		reg[1] = w[11];
	else if (leaf == 0x19)
		reg[1] = w[12];
	else if (leaf == 0x1e)
		reg[0] = subleaf ? w[13] : 1;
	else if (leaf == 0x24)
		reg[1] = w[14];
	else if (leaf == 0x80000001)
		memcpy(reg, (uint32_t[]){ 0, 0, w[15], w[16] }, 16);
	else if (leaf == 0x80000007)
		reg[3] = w[17];
	else if (leaf == 0x80000008)
		reg[1] = w[18];
	else if (leaf == 0x80000021)
		reg[0] = w[19];
}

static unsigned long fake_auxval(unsigned long type)
{
	assert_int_equal(type, AT_HWCAP2);
	return machine.hwcap2;
}

void facts_of_machine(struct rp__cpu_facts *ret);

#undef __cpuid_count
#define __cpuid_count(leaf, subleaf, a, b, c, d)			\
	do {								\
		uint32_t fake_reg[4];					\
									\
		fake_cpuid(leaf, subleaf, fake_reg);			\
		(a) = fake_reg[0];					\
		(b) = fake_reg[1];					\
		(c) = fake_reg[2];					\
		(d) = fake_reg[3];					\
	} while (0)
#define RP__READ_XCR0()		machine.xcr0
#define getauxval		fake_auxval
#define rp__arch_cpu_facts	facts_of_machine
#include "../../src/arch/x86_64/cpuid.c"
#undef getauxval
#undef rp__arch_cpu_facts

#define XCR0_ALL	(XCR0_AVX512 | XCR0_AMX | XCR0_APX | XCR0_LWP | 1)

/* All bits of all leaves, and a system that saves all registers. */
static void everything(void)
{
	memset(&machine, 0xff, sizeof(machine));
	machine.max = 0x24;
	machine.max_extended = 0x80000021;
	machine.subleaves_7 = 1;
	machine.words[14] = 2 | 7 << 16;
	rp__feature_clear(machine.words, RP_FEATURE_RTM_ALWAYS_ABORT);
	machine.xcr0 = XCR0_ALL;
}

static struct rp__cpu_features cpu;

static void resolve(const char *mask)
{
	memset(&cpu, 0, sizeof(cpu));
	facts_of_machine(&cpu.facts);
	rp__features_resolve(&cpu, mask);
}

static bool has(unsigned int feature)
{
	return rp__feature_test(cpu.present, feature);
}

static unsigned int count(void)
{
	unsigned int nr = 0;

	for (unsigned int i = 0; i < RP_FEATURE_NR; i++)
		nr += has(i);
	return nr;
}

static enum rp__feature_why why(unsigned int feature, unsigned int culprit)
{
	unsigned int found;
	enum rp__feature_why ret = rp__features_why(&cpu, feature, &found);

	assert_int_equal(found, culprit);
	return ret;
}

static void everything_is_present(void **state)
{
	(void)state;
	everything();
	resolve(NULL);
	for (unsigned int i = 0; i < RP_FEATURE_NR; i++) {
		bool wanted = rp_feature_name(i) &&
			      i != RP_FEATURE_RTM_ALWAYS_ABORT;

		if (has(i) != wanted)
			fail_msg("%u, %s", i, rp__feature_name(NULL, i));
	}
	assert_int_equal(why(RP_FEATURE_AVX2, RP_FEATURE_AVX2),
			 RP__FEATURE_PRESENT);
}

static void nothing_is_present(void **state)
{
	(void)state;
	memset(&machine, 0, sizeof(machine));
	resolve(NULL);
	assert_int_equal(count(), 1);
	assert_true(has(RP_FEATURE_ALWAYS));
	assert_int_equal(why(RP_FEATURE_AVX2, RP_FEATURE_AVX2),
			 RP__FEATURE_NOT_IN_CPUID);
}

/* Each bit of each word alone: no answer is stored in a wrong place. */
static void words_are_not_mixed_up(void **state)
{
	(void)state;
	for (unsigned int i = RP_FEATURE(3, 0); i < RP_FEATURE_NR; i++) {
		everything();
		rp__feature_clear(machine.words, i);
		resolve(NULL);
		assert_false(rp__feature_test(cpu.facts.has, i) &&
			     i != RP_FEATURE_FSRS && i != RP_FEATURE_FSRC &&
			     i != RP_FEATURE_PREFETCHI);
		memset(machine.words, 0, sizeof(machine.words));
		rp__feature_set(machine.words, i);
		resolve(NULL);
		assert_true(rp__feature_test(cpu.facts.has, i));
	}
}

static void leaves_above_the_maximum_are_not_read(void **state)
{
	(void)state;
	everything();
	machine.max = 1;
	machine.max_extended = 0x80000001;
	resolve(NULL);
	for (unsigned int word = 5; word <= 14; word++)
		assert_int_equal(cpu.facts.has[word], 0);
	for (unsigned int word = 17; word <= 19; word++)
		assert_int_equal(cpu.facts.has[word], 0);
	assert_true(has(RP_FEATURE_AVX));
	assert_true(has(RP_FEATURE_LZCNT));
	assert_false(has(RP_FEATURE_AVX2));
	assert_false(has(RP_FEATURE_X86_64_V3));
	assert_true(has(RP_FEATURE_X86_64_V2));
}

/* Processors before 2003 answer 0x80000000 with data of another leaf. */
static void no_extended_leaves(void **state)
{
	(void)state;
	everything();
	machine.max_extended = 0xffffffff;
	resolve(NULL);
	for (unsigned int word = 15; word <= 19; word++)
		assert_int_equal(cpu.facts.has[word], 0);
	assert_true(has(RP_FEATURE_AVX2));
}

static void subleaves_above_the_maximum_are_not_read(void **state)
{
	(void)state;
	everything();
	machine.subleaves_7 = 0;
	machine.words[19] = 0;
	resolve(NULL);
	assert_true(has(RP_FEATURE_AVX2));
	assert_int_equal(cpu.facts.has[8], 0);
	assert_int_equal(cpu.facts.has[9], 0);
	assert_false(has(RP_FEATURE_AVX_VNNI));
}

/* ---- state ---- */

static void avx_needs_ymm_state(void **state)
{
	static const unsigned int gone[] = {
		RP_FEATURE_AVX, RP_FEATURE_AVX2, RP_FEATURE_FMA,
		RP_FEATURE_F16C, RP_FEATURE_XOP, RP_FEATURE_FMA4,
		RP_FEATURE_VAES, RP_FEATURE_AVX512F, RP_FEATURE_AVX512_FP16,
		RP_FEATURE_SM3, RP_FEATURE_AVX_VNNI, RP_FEATURE_X86_64_V3,
	};

	(void)state;
	everything();
	machine.xcr0 = XCR0_ALL & ~UINT64_C(4);
	resolve(NULL);
	for (size_t i = 0; i < sizeof(gone) / sizeof(*gone); i++)
		assert_false(has(gone[i]));
	assert_true(has(RP_FEATURE_SSE4_2) && has(RP_FEATURE_AES) &&
		    has(RP_FEATURE_BMI2) && has(RP_FEATURE_XSAVE));
	assert_int_equal(why(RP_FEATURE_AVX2, RP_FEATURE_AVX),
			 RP__FEATURE_NO_STATE);
}

static void avx512_needs_all_its_state(void **state)
{
	(void)state;
	for (int bit = 5; bit <= 7; bit++) {
		everything();
		machine.xcr0 = XCR0_ALL & ~(UINT64_C(1) << bit);
		resolve(NULL);
		assert_true(has(RP_FEATURE_AVX2));
		assert_false(has(RP_FEATURE_AVX512F) ||
			     has(RP_FEATURE_AVX512VL) ||
			     has(RP_FEATURE_AVX512_VNNI) ||
			     has(RP_FEATURE_AVX10) || has(RP_FEATURE_AVX10_2) ||
			     has(RP_FEATURE_X86_64_V4));
		assert_true(has(RP_FEATURE_X86_64_V3));
	}
}

static void state_of_one(unsigned int bit, unsigned int feature,
			 unsigned int builds_upon_it)
{
	everything();
	machine.xcr0 = XCR0_ALL & ~(UINT64_C(1) << bit);
	resolve(NULL);
	assert_false(has(feature));
	assert_false(has(builds_upon_it));
	assert_true(has(RP_FEATURE_AVX512F));
}

static void other_state(void **state)
{
	(void)state;
	state_of_one(17, RP_FEATURE_AMX_TILE, RP_FEATURE_AMX_INT8);
	state_of_one(18, RP_FEATURE_AMX_TILE, RP_FEATURE_AMX_FP8);
	state_of_one(19, RP_FEATURE_APX_F, RP_FEATURE_APX_F);
	state_of_one(62, RP_FEATURE_LWP, RP_FEATURE_LWP);
}

/* XGETBV would fault: what it says is not even asked. */
static void osxsave_clear(void **state)
{
	(void)state;
	everything();
	rp__feature_clear(machine.words, RP_FEATURE_OSXSAVE);
	resolve(NULL);
	assert_false(has(RP_FEATURE_XSAVE) || has(RP_FEATURE_XSAVEOPT) ||
		     has(RP_FEATURE_AVX) || has(RP_FEATURE_AVX2) ||
		     has(RP_FEATURE_AVX512F) || has(RP_FEATURE_AMX_TILE) ||
		     has(RP_FEATURE_APX_F));
	assert_true(has(RP_FEATURE_SSE4_2));
	assert_int_equal(why(RP_FEATURE_XSAVEOPT, RP_FEATURE_OSXSAVE),
			 RP__FEATURE_NOT_IN_CPUID);
}

static void enabled_by_the_system(void **state)
{
	(void)state;
	everything();
	machine.hwcap2 = 0;
	rp__feature_clear(machine.words, RP_FEATURE_OSPKE);
	rp__feature_clear(machine.words, RP_FEATURE_AESKLE);
	rp__feature_set(machine.words, RP_FEATURE_RTM_ALWAYS_ABORT);
	resolve(NULL);
	assert_false(has(RP_FEATURE_FSGSBASE) || has(RP_FEATURE_RING3MWAIT) ||
		     has(RP_FEATURE_PKU) || has(RP_FEATURE_KL) ||
		     has(RP_FEATURE_WIDEKL) || has(RP_FEATURE_RTM) ||
		     has(RP_FEATURE_TSXLDTRK));
	assert_int_equal(why(RP_FEATURE_FSGSBASE, RP_FEATURE_FSGSBASE),
			 RP__FEATURE_NO_STATE);
	assert_int_equal(why(RP_FEATURE_TSXLDTRK, RP_FEATURE_RTM),
			 RP__FEATURE_NO_STATE);
	machine.hwcap2 = HWCAP2_FSGSBASE;
	resolve(NULL);
	assert_true(has(RP_FEATURE_FSGSBASE));
	assert_false(has(RP_FEATURE_RING3MWAIT));
}

static void amd_tells_elsewhere(void **state)
{
	(void)state;
	everything();
	machine.subleaves_7 = 0;
	resolve(NULL);
	assert_true(has(RP_FEATURE_FSRS) && has(RP_FEATURE_FSRC) &&
		    has(RP_FEATURE_PREFETCHI));
	machine.words[19] = 0;
	resolve(NULL);
	assert_false(has(RP_FEATURE_FSRS) || has(RP_FEATURE_FSRC) ||
		     has(RP_FEATURE_PREFETCHI));
}

static void avx10_has_versions(void **state)
{
	(void)state;
	for (uint32_t version = 0; version < 4; version++) {
		everything();
		machine.words[14] = version;
		resolve(NULL);
		assert_int_equal(has(RP_FEATURE_AVX10_1), version >= 1);
		assert_int_equal(has(RP_FEATURE_AVX10_2), version >= 2);
		assert_false(has(RP_FEATURE_AVX10_512));
	}
}

/* ---- dependencies ---- */

/* Whatever is taken away, nothing that needs it stays. */
static void needs_are_closed(void **state)
{
	(void)state;
	everything();
	for (unsigned int i = 0; i < rp__feature_needs_nr; i++) {
		const struct rp__feature_need *n = &rp__feature_needs[i];

		resolve(rp_feature_name(n->needs));
		assert_false(has(n->needs));
		assert_false(has(n->feature));
		for (unsigned int j = 0; j < rp__feature_needs_nr; j++)
			assert_false(has(rp__feature_needs[j].feature) &&
				     !has(rp__feature_needs[j].needs));
	}
}

/* A feature that needs itself would have nothing to blame. */
static void needs_have_no_circle(void **state)
{
	uint32_t below[RP__FEATURE_WORDS];

	(void)state;
	for (unsigned int f = 0; f < rp__feature_entries_nr; f++) {
		unsigned int start = rp__feature_entries[f].feature;
		bool more = true;

		memset(below, 0, sizeof(below));
		while (more) {
			more = false;
			for (unsigned int i = 0; i < rp__feature_needs_nr;
			     i++) {
				const struct rp__feature_need *n =
					&rp__feature_needs[i];

				if ((n->feature == start ||
				     rp__feature_test(below, n->feature)) &&
				    !rp__feature_test(below, n->needs)) {
					rp__feature_set(below, n->needs);
					more = true;
				}
			}
		}
		assert_false(rp__feature_test(below, start));
	}
}

/* ---- names ---- */

static unsigned int by_name(const char *name)
{
	return rp__feature_by_name(name, strlen(name));
}

static void names_both_ways(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < rp__feature_entries_nr; i++) {
		const struct rp__feature_entry *e = &rp__feature_entries[i];

		assert_string_equal(rp_feature_name(e->feature), e->names);
		assert_true(e->feature < RP_FEATURE_NR);
		assert_false(rp__feature_is_synthetic(e->feature));
		/* No name has two meanings. */
		for (const char *n = e->names; *n; n += strlen(n) + 1)
			if (by_name(n) != e->feature)
				fail_msg("%s", n);
	}
	assert_null(rp_feature_name(0));
	assert_null(rp_feature_name(RP_FEATURE_SYNTHETIC(0)));
	assert_null(rp_feature_name(RP_FEATURE_NR));
	assert_null(rp_feature_name(UINT32_MAX));
}

static void names_of_others(void **state)
{
	(void)state;
	assert_int_equal(by_name("sse4.2"), RP_FEATURE_SSE4_2);
	assert_int_equal(by_name("SSE4_2"), RP_FEATURE_SSE4_2);
	assert_int_equal(by_name("bmi"), RP_FEATURE_BMI1);
	assert_int_equal(by_name("lzcnt"), RP_FEATURE_LZCNT);
	assert_int_equal(by_name("abm"), RP_FEATURE_LZCNT);
	assert_int_equal(by_name("pclmul"), RP_FEATURE_PCLMULQDQ);
	assert_int_equal(by_name("avx512vnni"), RP_FEATURE_AVX512_VNNI);
	assert_int_equal(by_name("amx-tile"), RP_FEATURE_AMX_TILE);
	assert_int_equal(by_name("x86-64-v3"), RP_FEATURE_X86_64_V3);
	assert_int_equal(by_name("avx"), RP_FEATURE_AVX);
	assert_int_equal(by_name("av"), 0);
	assert_int_equal(by_name("avx3"), 0);
	assert_int_equal(by_name(""), 0);
	assert_int_equal(by_name("_"), 0);
}

static void names_for_messages(void **state)
{
	(void)state;
	assert_string_equal(rp__feature_name(NULL, RP_FEATURE_AVX2), "avx2");
	assert_string_equal(rp__feature_name(NULL, RP_FEATURE_SYNTHETIC(5)),
			    "synthetic");
	assert_string_equal(rp__feature_name(NULL, 70000), "no feature");
	for (int i = 0; i <= RP__FEATURE_WHY_NR; i++)
		assert_non_null(rp__feature_why_name(i));
}

/* ---- masks ---- */

static void mask_takes_away(void **state)
{
	(void)state;
	everything();
	resolve("avx2,erms");
	assert_false(has(RP_FEATURE_AVX2) || has(RP_FEATURE_ERMS) ||
		     has(RP_FEATURE_AVX512F) || has(RP_FEATURE_AVX_VNNI));
	assert_true(has(RP_FEATURE_AVX) && has(RP_FEATURE_FMA) &&
		    has(RP_FEATURE_FSRM));
	assert_int_equal(why(RP_FEATURE_AVX2, RP_FEATURE_AVX2),
			 RP__FEATURE_MASKED);
	assert_int_equal(why(RP_FEATURE_AVX512_VNNI, RP_FEATURE_AVX2),
			 RP__FEATURE_MASKED);
}

static void mask_of_all(void **state)
{
	(void)state;
	everything();
	resolve("all");
	assert_int_equal(count(), 1);
	assert_true(has(RP_FEATURE_ALWAYS));
	resolve("always");
	assert_true(has(RP_FEATURE_ALWAYS));
}

static void mask_of_nothing(void **state)
{
	static const char *const masks[] = {
		"", ",", ",,,", " ", "\n", "nonsense", "avx 2x", "av,x",
		"\xff\xfe", "-", "avx22", "%s%n", "no-avx2-here",
	};
	unsigned int all;

	(void)state;
	everything();
	resolve(NULL);
	all = count();
	for (size_t i = 0; i < sizeof(masks) / sizeof(*masks); i++) {
		resolve(masks[i]);
		if (i == 6)
			assert_false(has(RP_FEATURE_AVX));
		else
			assert_int_equal(count(), all);
	}
}

static void mask_with_garbage_around(void **state)
{
	(void)state;
	everything();
	resolve(",,AVX2, ,avx2,nonsense,,AVX2\t");
	assert_false(has(RP_FEATURE_AVX2));
	assert_true(has(RP_FEATURE_AVX));
}

static void mask_very_long(void **state)
{
	size_t size = 1 << 20;
	char *mask = malloc(size);

	(void)state;
	assert_non_null(mask);
	everything();
	memset(mask, 'x', size);
	strcpy(mask + size - 6, ",avx2");
	resolve(mask);
	assert_false(has(RP_FEATURE_AVX2));
	assert_true(has(RP_FEATURE_AVX));
	for (size_t i = 0; i < size - 6; i++)
		mask[i] = "bmi2,"[i % 5];
	mask[size - 7] = ',';
	resolve(mask);
	assert_false(has(RP_FEATURE_AVX2) || has(RP_FEATURE_BMI2));
	assert_true(has(RP_FEATURE_BMI1));
	free(mask);
}

/* ---- objects ---- */

static int detected;

static int detect_yes(void)
{
	detected++;
	return -1;
}

static int detect_no(void)
{
	detected++;
	return 0;
}

static const struct rp_feature records[] = {
	{ RP_FEATURE_SYNTHETIC(0), 0, "yes", detect_yes },
	{ RP_FEATURE_SYNTHETIC(63), 0, "no", detect_no },
	{ RP_FEATURE_SYNTHETIC(5), 0, "later", NULL },
	/* From a header that two files included. */
	{ RP_FEATURE_SYNTHETIC(0), 0, "yes", detect_yes },
	/* Malformed. */
	{ RP_FEATURE_AVX2, 0, "avx2", detect_yes },
	{ RP_FEATURE_SYNTHETIC(7), 0, NULL, detect_yes },
	{ RP_FEATURE_SYNTHETIC(8), 0, "", detect_yes },
	{ RP_FEATURE_SYNTHETIC(64), 0, "too much", detect_yes },
	{ UINT32_MAX, 0, "far too much", detect_yes },
	/* The number of another one. */
	{ RP_FEATURE_SYNTHETIC(63), 0, "other", detect_yes },
};

static struct rp_object new_object(void)
{
	struct rp_object object = {
		.version = RP_ABI_VERSION, .size = sizeof(object),
		.features = records,
		.features_end = records + sizeof(records) / sizeof(*records),
	};

	detected = 0;
	return object;
}

static int warnings;

static void count_warning(enum rp_log_level level, const char *category,
			  const char *message, void *data)
{
	(void)data;
	(void)message;
	if (level == RP_LOG_WARN && !strcmp(category, "cpu"))
		warnings++;
}

static void detectors_run_once(void **state)
{
	struct rp_object object = new_object();

	(void)state;
	warnings = 0;
	rp_log_set(count_warning, RP_LOG_WARN, NULL);
	rp__features_detect(&object);
	rp_log_set(NULL, RP_LOG_WARN, NULL);
	assert_int_equal(detected, 2);
	assert_int_equal(object.synthetic, 1);
	assert_int_equal(warnings, 6);
	rp__features_detect(&object);
	assert_int_equal(detected, 2);
	assert_int_equal(rp_object_has_feature(&object,
					       RP_FEATURE_SYNTHETIC(0)), 1);
	assert_int_equal(rp_object_has_feature(&object,
					       RP_FEATURE_SYNTHETIC(63)), 0);
	assert_string_equal(rp__feature_name(&object, RP_FEATURE_SYNTHETIC(5)),
			    "later");
	assert_int_equal(rp__feature_why(&object, RP_FEATURE_SYNTHETIC(5),
					 NULL), RP__FEATURE_NOT_SET);
	assert_int_equal(rp__feature_why(&object, RP_FEATURE_SYNTHETIC(0),
					 NULL), RP__FEATURE_PRESENT);
}

static void all_64_can_be_set(void **state)
{
	struct rp_object object = new_object(), other = new_object();

	(void)state;
	for (unsigned int i = 0; i < RP_FEATURE_SYNTHETIC_NR; i++) {
		unsigned int f = RP_FEATURE_SYNTHETIC(i);

		assert_int_equal(rp_object_has_feature(&object, f), 0);
		assert_int_equal(rp_object_set_feature(&object, f, 2), 0);
		assert_int_equal(rp_object_has_feature(&object, f), 1);
		assert_int_equal(object.synthetic, UINT64_C(1) << i);
		assert_int_equal(other.synthetic, 0);
		assert_int_equal(rp_object_set_feature(&object, f, 0), 0);
		assert_int_equal(rp_object_has_feature(&object, f), 0);
	}
}

static void others_cannot_be_set(void **state)
{
	struct rp_object object = new_object();

	(void)state;
	assert_int_equal(rp_object_set_feature(&object, 0, 1), -EINVAL);
	assert_int_equal(rp_object_set_feature(&object, RP_FEATURE_AVX2, 1),
			 -EINVAL);
	assert_int_equal(rp_object_set_feature(&object, RP_FEATURE_ALWAYS, 0),
			 -EINVAL);
	assert_int_equal(rp_object_set_feature(&object,
					       RP_FEATURE_SYNTHETIC(64), 1),
			 -EINVAL);
	assert_int_equal(rp_object_set_feature(&object, UINT32_MAX, 1),
			 -EINVAL);
	assert_int_equal(rp_object_set_feature(NULL, RP_FEATURE_SYNTHETIC(0),
					       1), -EINVAL);
	assert_int_equal(object.synthetic, 0);
}

static void out_of_range_is_absent(void **state)
{
	struct rp_object object = new_object();

	(void)state;
	assert_int_equal(rp_object_has_feature(&object, 0), 0);
	assert_int_equal(rp_object_has_feature(&object, RP_FEATURE_NR), 0);
	assert_int_equal(rp_object_has_feature(&object, UINT32_MAX), 0);
	assert_int_equal(rp_object_has_feature(NULL, RP_FEATURE_SYNTHETIC(1)),
			 0);
	assert_int_equal(rp_object_has_feature(NULL, RP_FEATURE_ALWAYS), 1);
	assert_int_equal(rp__feature_why(&object, RP_FEATURE_NR, NULL),
			 RP__FEATURE_NO_FEATURE);
}

/* What an object of older headers does not have is not touched. */
static void older_object(void **state)
{
	static const size_t sizes[] = {
		offsetof(struct rp_object, alternatives),
		offsetof(struct rp_object, features),
		offsetof(struct rp_object, synthetic),
		offsetof(struct rp_object, flags),
		offsetof(struct rp_object, flags) + 3,
	};
	struct rp_object object;

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		char *copy = malloc(sizes[i]);

		/* ASan sees whoever looks behind its end. */
		assert_non_null(copy);
		object = new_object();
		object.size = (uint32_t)sizes[i];
		memcpy(copy, &object, sizes[i]);
		rp__features_detect((void *)copy);
		assert_int_equal(detected, 0);
		assert_int_equal(rp_object_set_feature((void *)copy,
					RP_FEATURE_SYNTHETIC(0), 1), -EINVAL);
		assert_int_equal(rp_object_has_feature((void *)copy,
					RP_FEATURE_SYNTHETIC(0)), 0);
		assert_string_equal(rp__feature_name((void *)copy,
					RP_FEATURE_SYNTHETIC(0)), "synthetic");
		assert_int_equal(rp__feature_why((void *)copy,
					RP_FEATURE_SYNTHETIC(0), NULL),
				 RP__FEATURE_NOT_SET);
		assert_memory_equal(copy, &object, sizes[i]);
		free(copy);
	}
}

static void other_version(void **state)
{
	struct rp_object object = new_object();

	(void)state;
	object.version = RP_ABI_VERSION + 1;
	rp__features_detect(&object);
	assert_int_equal(detected, 0);
	assert_int_equal(object.flags, 0);
	rp__features_detect(NULL);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything_is_present),
		cmocka_unit_test(nothing_is_present),
		cmocka_unit_test(words_are_not_mixed_up),
		cmocka_unit_test(leaves_above_the_maximum_are_not_read),
		cmocka_unit_test(no_extended_leaves),
		cmocka_unit_test(subleaves_above_the_maximum_are_not_read),
		cmocka_unit_test(avx_needs_ymm_state),
		cmocka_unit_test(avx512_needs_all_its_state),
		cmocka_unit_test(other_state),
		cmocka_unit_test(osxsave_clear),
		cmocka_unit_test(enabled_by_the_system),
		cmocka_unit_test(amd_tells_elsewhere),
		cmocka_unit_test(avx10_has_versions),
		cmocka_unit_test(needs_are_closed),
		cmocka_unit_test(needs_have_no_circle),
		cmocka_unit_test(names_both_ways),
		cmocka_unit_test(names_of_others),
		cmocka_unit_test(names_for_messages),
		cmocka_unit_test(mask_takes_away),
		cmocka_unit_test(mask_of_all),
		cmocka_unit_test(mask_of_nothing),
		cmocka_unit_test(mask_with_garbage_around),
		cmocka_unit_test(mask_very_long),
		cmocka_unit_test(detectors_run_once),
		cmocka_unit_test(all_64_can_be_set),
		cmocka_unit_test(others_cannot_be_set),
		cmocka_unit_test(out_of_range_is_absent),
		cmocka_unit_test(older_object),
		cmocka_unit_test(other_version),
	};

	unsetenv("RP_CPU_MASK");
	unsetenv("RP_LOG");
	return cmocka_run_group_tests_name("features", tests, NULL, NULL);
}
