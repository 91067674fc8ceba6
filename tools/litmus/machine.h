/* SPDX-License-Identifier: MIT */
/* The processor under test, as it names itself, and the CPUs that we may use. */
#ifndef LITMUS_MACHINE_H
#define LITMUS_MACHINE_H

#include <stdbool.h>
#include <stddef.h>

enum { LITMUS_CPUS_MAX = 9 };	/* one writer, eight executors */

struct litmus_machine {
	char vendor[13];
	char brand[49];
	char microcode[32];
	char kernel[160];
	unsigned int family;
	unsigned int model;
	unsigned int stepping;
	bool hypervisor;
	unsigned int nr_cpus;		/* in cpus[]: the writer's comes first */
	int cpus[LITMUS_CPUS_MAX];
};

/** litmus_machine_init() - ask the processor and the kernel. */
void litmus_machine_init(struct litmus_machine *machine);

/**
 * litmus_machine_choose_cpus() - choose from those that this process may use.
 * @machine: its cpus are set
 * @wanted:  at most so many, the writer's included
 */
void litmus_machine_choose_cpus(struct litmus_machine *machine,
				unsigned int wanted);

#endif /* LITMUS_MACHINE_H */
