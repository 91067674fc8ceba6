/* SPDX-License-Identifier: MIT */
/* What a module tells of itself, as its symbol `plugin`. */
#ifndef SYNTHETIC_PLUGIN_H
#define SYNTHETIC_PLUGIN_H

#include <repoint/cpu.h>

struct plugin {
	int (*has)(unsigned int feature);
	int (*set)(unsigned int feature, int present);
	int detected;
	int detected_in_constructor;
};

#endif
