// SPDX-License-Identifier: MIT
/* An object with a detector: the environment says whether the feature is there. */
#include <stdlib.h>

#include <repoint/alternative.h>

#include "plugin.h"

#ifndef PLUGIN_GET
# define PLUGIN_GET		plugin_get
# define PLUGIN_VARIABLE	"PLUGIN"
#endif

#define FEATURE	RP_FEATURE_SYNTHETIC(0)

static int detections;

static int detect(void)
{
	detections++;
	return getenv(PLUGIN_VARIABLE) != NULL;
}

RP_DEFINE_FEATURE(FEATURE, "plugin-feature", detect);

__attribute__((noinline)) static int value(void)
{
	int r;

	__asm__ volatile(RP_ALTERNATIVE("movl $1, %0",
					"xorl %0, %0; addl $2, %0", FEATURE)
			 : "=r" (r) : : "cc");
	return r;
}

static int has(void)
{
	return rp_cpu_has(FEATURE);
}

static int set(int present)
{
	int error = rp_cpu_set_feature(FEATURE, present);

	return error ? error : rp_alternatives_apply(NULL);
}

static struct plugin plugin = { .value = value, .has = has, .set = set };

__attribute__((constructor(102))) static void early(void)
{
	plugin.early = detections == 1 ? value() : -1;
}

struct plugin *PLUGIN_GET(void)
{
	return &plugin;
}
