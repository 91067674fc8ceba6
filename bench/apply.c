// SPDX-License-Identifier: MIT
/* Start of a program with 100000 alternatives (alternatives.c). */
#include <stdio.h>

#include "figures.h"

#define GROUP	"all alternatives at start"

static const struct figure figures[] = {
	{ "alternatives", "apply", GROUP, "alternatives", "", 0 },
	{ "apply_ms", "apply", GROUP, "registration", "ms", 0 },
	{ "touch_ms", "apply", GROUP, "touching as many pages, by hand", "ms",
	  0 },
	{ "beyond_ms", "apply", GROUP, "registration beyond that", "ms", 20 },
	{ "beyond_ns", "apply", GROUP, "the same, per alternative", "ns", 0 },
	{ "faults", "apply", GROUP, "page faults of registration", "", 0 },
	{ "touch_faults", "apply", GROUP, "page faults by hand", "", 0 },
};

void bench_apply(struct report *report, const struct bench_options *options)
{
	char command[4096];

	snprintf(command, sizeof(command), "'%s'", options->alternatives);
	figures_run(report, figures, sizeof(figures) / sizeof(*figures),
		    command, options->quick ? 2 : 15);
}
