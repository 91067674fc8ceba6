/* SPDX-License-Identifier: MIT */
/* What a run found, for programs. */
#include "report.h"

#include <inttypes.h>

#include "../tool.h"

static const char *const results[LITMUS_RESULT_NR] = {
	[LITMUS_NOT_APPLICABLE] = "not-applicable",
	[LITMUS_NO_OVERLAP] = "no-overlap",
	[LITMUS_SURVIVED] = "survived",
	[LITMUS_TORN] = "torn",
	[LITMUS_FAILED] = "failed",
};

static const char *const verdicts[] = {
	[LITMUS_VERDICT_HELD] = "held",
	[LITMUS_VERDICT_TORN] = "torn",
	[LITMUS_VERDICT_UNSHOWN] = "unshown",
	[LITMUS_VERDICT_NONE] = "none",
};

static const char *const classes[] = {
	[LITMUS_SHIPPED] = "shipped",
	[LITMUS_PROBE] = "probe",
	[LITMUS_UNSOUND] = "unsound",
};

static void string(FILE *out, const char *name, const char *value)
{
	fprintf(out, "\"%s\": ", name);
	rp_json_string(out, value);
}

static void machine(FILE *out, const struct litmus_machine *machine)
{
	fprintf(out, "  \"machine\": {");
	string(out, "vendor", machine->vendor);
	fprintf(out, ", \"family\": %u, \"model\": %u, \"stepping\": %u, ",
		machine->family, machine->model, machine->stepping);
	string(out, "name", machine->brand);
	fprintf(out, ", \"hypervisor\": %s, ",
		machine->hypervisor ? "true" : "false");
	string(out, "microcode", machine->microcode);
	fprintf(out, ", ");
	string(out, "kernel", machine->kernel);
	fprintf(out, ", \"cpus\": [");
	for (unsigned int i = 0; i < machine->nr_cpus; i++)
		fprintf(out, i ? ", %d" : "%d", machine->cpus[i]);
	fprintf(out, "]},\n");
}

static void cell(FILE *out, const struct litmus_map *map, unsigned int p,
		 unsigned int o)
{
	const struct litmus_cell *cell = &map->cells[p][o];

	fprintf(out, "    {\"protocol\": \"%s\", \"class\": \"%s\", "
		"\"offset\": %u, \"result\": \"%s\", \"slices\": %" PRIu64
		", \"updates\": %" PRIu64 ", \"overlapped\": %" PRIu64
		", \"calls\": %" PRIu64 ", \"switches\": %" PRIu64
		", \"traps\": %" PRIu64 ", ", litmus_protocols[p].name,
		classes[litmus_protocols[p].class], o, results[cell->result],
		cell->slices, cell->updates, cell->overlapped, cell->calls,
		cell->switches, cell->traps);
	string(out, "how", cell->how);
	fputc('}', out);
}

static void cells(FILE *out, const struct litmus_map *map)
{
	const char *separator = "\n";

	fprintf(out, "  \"cells\": [");
	for (unsigned int p = 0; p < LITMUS_PROTOCOL_NR; p++)
		for (unsigned int o = 0; o < LITMUS_LINE; o++) {
			if (!map->plan.protocols[p])
				continue;
			fputs(separator, out);
			cell(out, map, p, o);
			separator = ",\n";
		}
	fprintf(out, "\n  ]\n");
}

void litmus_json(FILE *out, const struct litmus_map *map)
{
	fprintf(out, "{\n  \"version\": 1,\n");
	machine(out, &map->machine);
	fprintf(out, "  \"milliseconds\": %" PRIu64 ", \"interrupted\": %s,\n"
		"  \"size\": %u, \"block\": %u,\n", map->elapsed_ms,
		map->interrupted ? "true" : "false", map->plan.size,
		map->plan.block);
	fprintf(out, "  \"verdict\": \"%s\", \"teeth\": %s, "
		"\"largest_block\": %u,\n", verdicts[litmus_map_verdict(map)],
		litmus_map_has_teeth(map) ? "true" : "false",
		litmus_largest_block(map));
	cells(out, map);
	fprintf(out, "}\n");
}
