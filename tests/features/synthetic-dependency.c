// SPDX-License-Identifier: MIT
/* A library with features of its own, under the numbers of the program's. */
#include <repoint/cpu.h>

RP_API int dependency_is_constructed(void);
RP_API int dependency_has(unsigned int feature);

static int constructed;

__attribute__((constructor)) static void construct(void)
{
	constructed = 1;
}

static int yes(void)
{
	/* Before its own constructors. */
	return !constructed;
}
RP_DEFINE_FEATURE(RP_FEATURE_SYNTHETIC(1), "dependency", yes);

int dependency_is_constructed(void)
{
	return constructed;
}

int dependency_has(unsigned int feature)
{
	return rp_cpu_has(feature);
}
