// SPDX-License-Identifier: MIT
/* Which machine the figures are of, and what the engine chose on it. */
#define _GNU_SOURCE
#include "machine.h"

#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include <repoint/text_poke.h>

#include "bench.h"

/* The value of "NAME<tabs>: value" in a line of /proc/cpuinfo. */
static bool field(const char *line, const char *name, char *ret, size_t size)
{
	const char *colon = strchr(line, ':');
	size_t len = strlen(name);

	if (!colon || strncmp(line, name, len) ||
	    (line[len] != '\t' && line[len] != ' ' && line[len] != ':'))
		return false;
	colon += strspn(colon, ": \t");
	snprintf(ret, size, "%.*s", (int)strcspn(colon, "\n"), colon);
	return true;
}

static void read_line(struct machine *machine, const char *line)
{
	field(line, "vendor_id", machine->vendor, sizeof(machine->vendor));
	field(line, "model name", machine->brand, sizeof(machine->brand));
	field(line, "cpu family", machine->family, sizeof(machine->family));
	if (strncmp(line, "model name", 10))
		field(line, "model", machine->model, sizeof(machine->model));
	field(line, "stepping", machine->stepping, sizeof(machine->stepping));
	if (!strncmp(line, "flags", 5) && strstr(line, " hypervisor"))
		machine->virtual = true;
}

static void read_cpuinfo(struct machine *machine)
{
	char line[8192];
	FILE *file = fopen("/proc/cpuinfo", "re");

	if (!file)
		return;
	while (fgets(line, sizeof(line), file) && line[0] != '\n')
		read_line(machine, line);
	fclose(file);
}

static void ask_engine(struct machine *machine)
{
	static const char *const backend[] = { "none yet", "mprotect",
					       "procmem" };
	static const char *const sync[] = { "none", "membarrier", "affinity" };
	struct rp_text_poke_info info = { .sz = sizeof(info) };

	rp_text_poke_get_info(&info);
	strcpy(machine->backend, backend[info.backend]);
	strcpy(machine->sync, sync[info.sync]);
	machine->block = info.block;
}

void machine_init(struct machine *machine)
{
	struct utsname names;

	memset(machine, 0, sizeof(*machine));
	read_cpuinfo(machine);
	machine->cpus = bench_nr_cpus();
	if (uname(&names) == 0)
		snprintf(machine->kernel, sizeof(machine->kernel), "%.30s %.60s",
			 names.sysname, names.release);
	ask_engine(machine);
}
