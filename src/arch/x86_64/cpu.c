// SPDX-License-Identifier: MIT
/*
 * How much one store may change under threads that execute it.
 *
 * AMD documents an aligned quadword (APM vol. 2, 7.6.1); nobody documents
 * more. Processors on which an aligned block of 16 bytes was seen to hold, by
 * runs of `repoint litmus`, are listed here and, with the runs, in
 * docs/processors.md. All others get 8.
 */
#include <cpuid.h>
#include <string.h>

#include "../../arch.h"

/* struct known_cpu - one line of docs/processors.md. */
struct known_cpu {
	char vendor[13];
	unsigned int family;
	unsigned int model_first;
	unsigned int model_last;
	bool amx;		/* only if the processor has AMX tiles */
	const char *source;
};

static const struct known_cpu known_cpus[] = {
	{ "AuthenticAMD", 25, 17, 17, false,
	  "AMD family 25 model 17 (Zen 4): litmus, no tear within 32 bytes" },
	/* A server part whose hypervisor gives it the number of another. */
	{ "GenuineIntel", 6, 167, 167, true,
	  "Intel family 6 model 167 with AMX: litmus, no tear within 64 bytes" },
};

/* Family and model as in AMD's and Intel's manuals (CPUID leaf 1, EAX). */
static void signature(unsigned int eax, unsigned int *family,
		      unsigned int *model)
{
	*family = eax >> 8 & 0xf;
	*model = eax >> 4 & 0xf;
	if (*family == 15 || *family == 6)
		*model |= (eax >> 16 & 0xf) << 4;
	if (*family == 15)
		*family += eax >> 20 & 0xff;
}

static bool has_amx(void)
{
	unsigned int eax, ebx, ecx, edx;

	return __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) &&
	       (edx >> 24 & 1);
}

struct rp__cpu_policy rp__arch_cpu_policy(void)
{
	struct rp__cpu_policy policy = {
		8, "not in the list: an aligned quadword, as AMD documents"
	};
	unsigned int eax, ebx, ecx, edx, family, model;
	char vendor[13] = "";

	if (!__get_cpuid(0, &eax, &ebx, &ecx, &edx))
		return policy;
	memcpy(vendor, &ebx, 4);
	memcpy(vendor + 4, &edx, 4);
	memcpy(vendor + 8, &ecx, 4);
	if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx))
		return policy;
	signature(eax, &family, &model);
	for (size_t i = 0; i < sizeof(known_cpus) / sizeof(*known_cpus); i++) {
		const struct known_cpu *k = &known_cpus[i];

		if (!strcmp(vendor, k->vendor) && family == k->family &&
		    model >= k->model_first && model <= k->model_last &&
		    (!k->amx || has_amx())) {
			policy.block = 16;
			policy.source = k->source;
		}
	}
	return policy;
}
