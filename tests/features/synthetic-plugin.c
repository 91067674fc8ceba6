// SPDX-License-Identifier: MIT
/* A module that uses the program's numbers for something else. */
#include "synthetic-plugin.h"

static int detect(void);

RP_DEFINE_FEATURE(RP_FEATURE_SYNTHETIC(0), "plugin-first", NULL);
RP_DEFINE_FEATURE(RP_FEATURE_SYNTHETIC(1), "plugin-second", detect);

static int has(unsigned int feature)
{
	return rp_cpu_has(feature);
}

static int set(unsigned int feature, int present)
{
	return rp_cpu_set_feature(feature, present);
}

RP_API struct plugin plugin = { has, set, 0, -1 };

static int detect(void)
{
	return ++plugin.detected;
}

__attribute__((constructor)) static void construct(void)
{
	plugin.detected_in_constructor = plugin.detected;
}
