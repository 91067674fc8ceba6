/* SPDX-License-Identifier: MIT */
/* Which machine the figures are of. */
#ifndef BENCH_MACHINE_H
#define BENCH_MACHINE_H

#include <stdbool.h>

struct machine {
	char vendor[32];
	char brand[64];
	char family[16];
	char model[16];
	char stepping[16];
	unsigned int cpus;
	bool virtual;
	char kernel[96];
	char backend[16];
	char sync[16];
	unsigned int block;
};

void machine_init(struct machine *machine);

#endif /* BENCH_MACHINE_H */
