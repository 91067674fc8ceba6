/* SPDX-License-Identifier: MIT */
/* The processor under test, as it names itself, and the CPUs that we may use. */
#define _GNU_SOURCE
#include "machine.h"

#include <cpuid.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

static void identify(struct litmus_machine *machine)
{
	uint32_t a, b, c, d;

	__cpuid(0, a, b, c, d);
	memcpy(machine->vendor, &b, 4);
	memcpy(machine->vendor + 4, &d, 4);
	memcpy(machine->vendor + 8, &c, 4);

	__cpuid(1, a, b, c, d);
	machine->stepping = a & 0xf;
	machine->model = (a >> 4) & 0xf;
	machine->family = (a >> 8) & 0xf;
	// Both vendors extend the model from family 6 resp. 15 on.
	if (machine->family == 6 || machine->family == 15)
		machine->model |= (a >> 12) & 0xf0;
	if (machine->family == 15)
		machine->family += (a >> 20) & 0xff;
	machine->hypervisor = c & (1u << 31);

	__cpuid(0x80000000, a, b, c, d);
	if (a < 0x80000004)
		return;
	for (uint32_t leaf = 0; leaf < 3; leaf++) {
		__cpuid(0x80000002 + leaf, a, b, c, d);
		uint32_t regs[4] = { a, b, c, d };
		memcpy(machine->brand + 16 * leaf, regs, sizeof(regs));
	}
}
static void read_microcode(struct litmus_machine *machine)
{
	char line[256];
	FILE *file = fopen("/proc/cpuinfo", "re");

	strcpy(machine->microcode, "unknown");
	if (!file)
		return;
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "microcode : %31s", machine->microcode) == 1)
			break;
	fclose(file);
}

void litmus_machine_init(struct litmus_machine *machine)
{
	struct utsname names;

	memset(machine, 0, sizeof(*machine));
	identify(machine);
	read_microcode(machine);
	if (uname(&names) == 0)
		snprintf(machine->kernel, sizeof(machine->kernel), "%s %s",
			 names.sysname, names.release);
}

void litmus_machine_choose_cpus(struct litmus_machine *machine,
				unsigned int wanted)
{
	cpu_set_t set;

	machine->nr_cpus = 0;
	if (sched_getaffinity(0, sizeof(set), &set) < 0)
		return;
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (machine->nr_cpus == wanted)
			break;
		if (CPU_ISSET(cpu, &set))
			machine->cpus[machine->nr_cpus++] = cpu;
	}
}
