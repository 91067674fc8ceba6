/* SPDX-License-Identifier: MIT */
/* What a run found, for people. Fits a terminal of 80 columns. */
#include "report.h"

#include <inttypes.h>

enum { FAILURES_SHOWN = 3 };	/* of each protocol; JSON has them all */

static const char letters[LITMUS_RESULT_NR] = {
	[LITMUS_NOT_APPLICABLE] = '-',
	[LITMUS_NO_OVERLAP] = '?',
	[LITMUS_SURVIVED] = '.',
	[LITMUS_TORN] = 'X',
	[LITMUS_FAILED] = '!',
};

static const char *const classes[] = {
	[LITMUS_SHIPPED] = "shipped",
	[LITMUS_PROBE] = "probe",
	[LITMUS_UNSOUND] = "unsound",
};

void litmus_report_header(FILE *out, const struct litmus_map *map)
{
	const struct litmus_machine *machine = &map->machine;

	fprintf(out, "processor  %s, family %u model %u stepping %u, "
		"microcode %s\n", machine->vendor, machine->family,
		machine->model, machine->stepping, machine->microcode);
	fprintf(out, "           %s%s\n",
		machine->brand[0] ? machine->brand : "(no name)",
		machine->hypervisor ?
		" (in a virtual machine: names may be made up)" : "");
	fprintf(out, "kernel     %s\n", machine->kernel);
	fprintf(out, "CPUs       writer on %d, executors on", machine->cpus[0]);
	for (unsigned int i = 1; i < machine->nr_cpus; i++)
		fprintf(out, " %d", machine->cpus[i]);
	fprintf(out, "\nsite       %u bytes; one store changes at most an "
		"aligned block of %u:\n           %s\n\n",
		map->plan.size, map->plan.block, map->plan.block_source);
}

// ---- the map ----

static void ruler(FILE *out)
{
	fprintf(out, "%-12s ", "offset");
	for (unsigned int o = 0; o < LITMUS_LINE; o += 8)
		fprintf(out, "%-8u", o);
	fprintf(out, "\n%-12s ", "");
	for (unsigned int o = 0; o < LITMUS_LINE; o += 8)
		fprintf(out, o % 32 == 0 ? "#       " :
			     o % 16 == 0 ? "|       " : "'       ");
	fputc('\n', out);
}

static void map_rows(FILE *out, const struct litmus_map *map)
{
	ruler(out);
	for (unsigned int p = 0; p < LITMUS_PROTOCOL_NR; p++) {
		if (!map->plan.protocols[p])
			continue;
		fprintf(out, "%-12s ", litmus_protocols[p].name);
		for (unsigned int o = 0; o < LITMUS_LINE; o++)
			fputc(letters[map->cells[p][o].result], out);
		fputc('\n', out);
	}
	fprintf(out, "\n  . survived   X torn   ? the threads were not seen to "
		"meet\n  - does not apply   ! could not be run\n"
		"The offset is that of the instruction's first byte; store4 "
		"changes the last 4.\n\n");
}

// ---- counts ----

static void counts(FILE *out, const struct litmus_map *map)
{
	fprintf(out, "%-12s %-8s %4s %4s %4s %10s %10s %10s %9s\n", "protocol",
		"class", "ok", "torn", "none", "updates", "overlapped",
		"switches", "traps");
	for (unsigned int p = 0; p < LITMUS_PROTOCOL_NR; p++) {
		struct litmus_count count;

		if (!map->plan.protocols[p])
			continue;
		litmus_map_count(map, p, &count);
		fprintf(out, "%-12s %-8s %4u %4u %4u %10" PRIu64 " %10" PRIu64
			" %10" PRIu64 " %9" PRIu64 "\n",
			litmus_protocols[p].name,
			classes[litmus_protocols[p].class],
			count.results[LITMUS_SURVIVED],
			count.results[LITMUS_TORN],
			count.results[LITMUS_NO_OVERLAP] +
			count.results[LITMUS_FAILED],
			count.sum.updates, count.sum.overlapped,
			count.sum.switches, count.sum.traps);
	}
	fprintf(out, "overlapped: updates before and after which an executor "
		"made calls; switches:\ntimes that an executor saw another "
		"target than in its call before.\n\n");
}

static void boundaries(FILE *out, const struct litmus_map *map)
{
	static const unsigned int kinds[] = { 0, 8, 16, 32, 64 };

	fprintf(out, "One store (store8, cross8, store4) by the largest "
		"boundary inside its changed bytes:\n");
	for (unsigned int i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct litmus_count count;

		litmus_map_boundary(map, kinds[i], &count);
		unsigned int torn = count.results[LITMUS_TORN];
		unsigned int all = torn + count.results[LITMUS_SURVIVED];

		fprintf(out, kinds[i] ? "  %2u bytes" : "  none    ", kinds[i]);
		fprintf(out, "  torn in %2u of %2u cells, %" PRIu64
			" updates overlapped\n", torn, all,
			count.sum.overlapped);
	}
}

// ---- conclusion ----

unsigned int litmus_largest_block(const struct litmus_map *map)
{
	unsigned int largest = 0;

	// Bytes inside a block of 2N may cross a boundary of N.
	for (unsigned int block = 8; block <= LITMUS_LINE; block *= 2) {
		struct litmus_count count;

		litmus_map_boundary(map, block == 8 ? 0 : block / 2, &count);
		if (!count.results[LITMUS_SURVIVED] ||
		    count.results[LITMUS_TORN] ||
		    count.results[LITMUS_FAILED] ||
		    count.results[LITMUS_NO_OVERLAP])
			break;
		largest = block;
	}
	return largest;
}

static bool is_failure(const struct litmus_map *map, unsigned int p,
		       unsigned int o)
{
	enum litmus_result result = map->cells[p][o].result;

	return result == LITMUS_FAILED ||
	       (result == LITMUS_TORN &&
		litmus_protocols[p].class == LITMUS_SHIPPED);
}

/* A protocol that the machine denies fails in all its cells: say so once. */
static void failures(FILE *out, const struct litmus_map *map)
{
	for (unsigned int p = 0; p < LITMUS_PROTOCOL_NR; p++) {
		unsigned int nr = 0;

		for (unsigned int o = 0; o < LITMUS_LINE; o++) {
			if (!is_failure(map, p, o))
				continue;
			if (nr++ < FAILURES_SHOWN)
				fprintf(out, "%s at offset %u: %s\n",
					litmus_protocols[p].name, o,
					map->cells[p][o].how);
		}
		if (nr > FAILURES_SHOWN)
			fprintf(out, "%s: and at %u more offsets\n",
				litmus_protocols[p].name, nr - FAILURES_SHOWN);
	}
}

static void conclude_block(FILE *out, const struct litmus_map *map)
{
	unsigned int largest = litmus_largest_block(map);

	if (largest)
		fprintf(out, "Single stores inside an aligned block of %u "
			"bytes were not seen to tear.\n", largest);
	else
		fprintf(out, "No block size is shown to hold a single store "
			"by this run.\n");
	if (largest && largest < map->plan.block)
		fprintf(out, "That is less than the block of %u in use: "
			"set RP_ATOMIC_BLOCK=8, and report it.\n",
			map->plan.block);
}

static void conclude(FILE *out, const struct litmus_map *map)
{
	static const char *const verdicts[] = {
		[LITMUS_VERDICT_HELD] =
			"Every protocol that the library uses survived in "
			"every cell.",
		[LITMUS_VERDICT_TORN] =
			"A PROTOCOL THAT THE LIBRARY USES DID NOT SURVIVE.",
		[LITMUS_VERDICT_UNSHOWN] =
			"Nothing is shown: in a cell of a shipped protocol "
			"the threads did not meet,\nor it could not be run. "
			"Give it more time, or CPUs with less other work.",
		[LITMUS_VERDICT_NONE] =
			"No protocol of the library was among those chosen.",
	};

	fprintf(out, "%s\n", verdicts[litmus_map_verdict(map)]);
	if (!litmus_map_has_teeth(map))
		fprintf(out, "NO TEETH: nothing was seen to tear in this run, "
			"so survival says little.\n");
	fprintf(out, "Surviving is evidence, not proof: a tear may be rarer "
		"than this run was long.\n");
}

void litmus_report(FILE *out, const struct litmus_map *map)
{
	if (map->interrupted)
		fprintf(out, "Interrupted: the map is partial.\n");
	map_rows(out, map);
	counts(out, map);
	boundaries(out, map);
	fputc('\n', out);
	failures(out, map);
	conclude_block(out, map);
	conclude(out, map);
}
