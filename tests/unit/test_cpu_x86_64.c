// SPDX-License-Identifier: MIT
/* The list of processors, with CPUID answers of others than this one. */
#include <cpuid.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <repoint/text_poke.h>

#include "arch.h"

/* struct answers - what CPUID says. */
struct answers {
	char vendor[13];
	unsigned int signature;	/* leaf 1, EAX */
	bool amx;
	unsigned int leaves;	/* 0: no CPUID at all */
};

static struct answers answers;

static int fake_cpuid(unsigned int leaf, unsigned int *eax, unsigned int *ebx,
		      unsigned int *ecx, unsigned int *edx)
{
	if (leaf >= answers.leaves)
		return 0;
	*eax = answers.signature;
	*ebx = *ecx = *edx = 0;
	if (leaf == 0) {
		*eax = answers.leaves - 1;
		memcpy(ebx, answers.vendor, 4);
		memcpy(edx, answers.vendor + 4, 4);
		memcpy(ecx, answers.vendor + 8, 4);
	}
	return 1;
}

static int fake_cpuid_count(unsigned int leaf, unsigned int subleaf,
			    unsigned int *eax, unsigned int *ebx,
			    unsigned int *ecx, unsigned int *edx)
{
	assert_int_equal(leaf, 7);
	assert_int_equal(subleaf, 0);
	if (leaf >= answers.leaves)
		return 0;
	*eax = *ebx = *ecx = 0;
	*edx = answers.amx ? 1u << 24 : 0;
	return 1;
}

struct rp__cpu_policy policy_of_answers(void);

#define __get_cpuid		fake_cpuid
#define __get_cpuid_count	fake_cpuid_count
#define rp__arch_cpu_policy	policy_of_answers
#include "../../src/arch/x86_64/cpu.c"
#undef __get_cpuid
#undef __get_cpuid_count
#undef rp__arch_cpu_policy

static unsigned int block_of(const char *vendor, unsigned int cpu_signature,
			     bool amx, unsigned int leaves)
{
	struct rp__cpu_policy policy;

	memset(&answers, 0, sizeof(answers));
	strcpy(answers.vendor, vendor);
	answers.signature = cpu_signature;
	answers.amx = amx;
	answers.leaves = leaves;
	policy = policy_of_answers();
	assert_true(policy.source && *policy.source);
	assert_int_equal(strstr(policy.source, "not in the list") != NULL,
			 policy.block == 8);
	return policy.block;
}

/* Signatures as processors have them: extended family, model, stepping. */
#define ZEN4_SERVER	0x00a10f11u	/* family 25 model 17 */
#define INTEL_6_167	0x000a0671u	/* family 6 model 167 */

static void listed_processors(void **state)
{
	(void)state;
	assert_int_equal(block_of("AuthenticAMD", ZEN4_SERVER, false, 8), 16);
	assert_int_equal(block_of("AuthenticAMD", ZEN4_SERVER + 1, false, 8),
			 16);
	assert_int_equal(block_of("GenuineIntel", INTEL_6_167, true, 8), 16);
}

static void other_processors_get_8(void **state)
{
	(void)state;
	/* One model off, one family off, another maker. */
	assert_int_equal(block_of("AuthenticAMD", ZEN4_SERVER - 0x10, 0, 8), 8);
	assert_int_equal(block_of("AuthenticAMD", ZEN4_SERVER + 0x10, 0, 8), 8);
	assert_int_equal(block_of("AuthenticAMD", ZEN4_SERVER - 0x100000, 0, 8),
			 8);
	assert_int_equal(block_of("AuthenticAMD", ZEN4_SERVER + 0x100000, 0, 8),
			 8);
	assert_int_equal(block_of("HygonGenuine", ZEN4_SERVER, 0, 8), 8);
	assert_int_equal(block_of("GenuineIntel", ZEN4_SERVER, true, 8), 8);
	/* The desktop part of that number, on which nobody ran it. */
	assert_int_equal(block_of("GenuineIntel", INTEL_6_167, false, 8), 8);
	assert_int_equal(block_of("GenuineIntel", INTEL_6_167, true, 7), 8);
	assert_int_equal(block_of("", 0, false, 8), 8);
}

static void no_cpuid_gets_8(void **state)
{
	(void)state;
	assert_int_equal(block_of("AuthenticAMD", ZEN4_SERVER, false, 0), 8);
	assert_int_equal(block_of("AuthenticAMD", ZEN4_SERVER, false, 1), 8);
}

/* Each line's words lead to docs/processors.md, and say what the code does. */
static void sources_name_what_they_match(void **state)
{
	char family[40], model[40];

	(void)state;
	for (size_t i = 0; i < sizeof(known_cpus) / sizeof(*known_cpus); i++) {
		snprintf(family, sizeof(family), "family %u",
			 known_cpus[i].family);
		snprintf(model, sizeof(model), "model %u",
			 known_cpus[i].model_first);
		assert_non_null(strstr(known_cpus[i].source, family));
		assert_non_null(strstr(known_cpus[i].source, model));
		assert_int_equal(strstr(known_cpus[i].source, "AMX") != NULL,
				 known_cpus[i].amx);
	}
}

/* ---- the choice of this process ---- */

static struct rp_text_poke_info info_now(void)
{
	struct rp_text_poke_info info = { .sz = sizeof(info) };

	rp_text_poke_get_info(&info);
	return info;
}

/* In a process of its own: it is asked once. Status 10 if it holds. */
static int with_environment(const char *value, unsigned int block,
			    const char *reason)
{
	struct rp_text_poke_info info;
	pid_t pid = fork();
	int status;

	if (!pid) {
		setenv("RP_ATOMIC_BLOCK", value, 1);
		info = info_now();
		_exit(info.block == block && strstr(info.cpu, reason) ? 10 : 1);
	}
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

static void environment_narrows_only(void **state)
{
	struct rp__cpu_policy policy = rp__arch_cpu_policy();

	(void)state;
	assert_int_equal(with_environment("8", 8, "RP_ATOMIC_BLOCK"), 10);
	assert_int_equal(with_environment("16", policy.block, policy.source),
			 10);
	assert_int_equal(with_environment("32", policy.block, policy.source),
			 10);
	assert_int_equal(with_environment("", policy.block, policy.source), 10);
	assert_int_equal(with_environment("8 ", policy.block, policy.source),
			 10);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(listed_processors),
		cmocka_unit_test(other_processors_get_8),
		cmocka_unit_test(no_cpuid_gets_8),
		cmocka_unit_test(sources_name_what_they_match),
		cmocka_unit_test(environment_narrows_only),
	};

	unsetenv("RP_ATOMIC_BLOCK");
	return cmocka_run_group_tests_name("cpu_x86_64", tests, NULL, NULL);
}
