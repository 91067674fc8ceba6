/* SPDX-License-Identifier: MIT */
/*
 * Our rows of .eh_frame against libdw's.
 *
 *   rows FILE...               of linked files: every row of both, every end of
 *                              an FDE
 *   rows --faults FILE         list what cannot be followed
 *   rows --list FILE           list rows
 *   rows --object FILE LINKED  of an object, at the places that its functions got
 *                              in what was linked of it
 */
#include "judge.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *names[RP_REG_NR + 1] = {
	"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
	"r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "ra",
};

struct counts {
	size_t fdes, rows, edges, exprs, bad;
	size_t refused;		/* libdw does not know the CFA, we do */
};

static void differ(struct counts *counts, const struct file *file,
		   uint64_t address, const char *what)
{
	if (counts->bad++ < 20)
		fprintf(stderr, "%s: 0x%" PRIx64 ": %s\n", file->path, address,
			what);
}

static void compare_value(struct counts *counts, const struct file *file,
			  uint64_t address, const char *name,
			  const struct j_value *ours,
			  const struct j_value *theirs)
{
	/* An expression that we do not read: they must have one too. */
	if (ours->kind == J_OTHER) {
		if (theirs->kind == J_SAME || theirs->kind == J_UNDEFINED)
			differ(counts, file, address, name);
		counts->exprs++;
		return;
	}
	if (!j_same(ours, theirs)) {
		differ(counts, file, address, name);
		if (counts->bad <= 20)
			fprintf(stderr, "  ours %d 0x%" PRIx64 ", libdw's %d 0x%"
				PRIx64 "\n", ours->kind, ours->value,
				theirs->kind, theirs->value);
	}
}

static void compare_frame(struct counts *counts, const struct file *file,
			  uint64_t address, const struct rp_frame_row *row,
			  const struct j_frame *theirs)
{
	struct j_frame ours;

	row_frame(row, address, &ours);
	counts->rows++;
	if (ours.cfa_known && !theirs->cfa_known) {
		counts->refused++;
		return;
	}
	if (ours.cfa_known && ours.cfa != theirs->cfa) {
		differ(counts, file, address, "CFA");
	} else if (!ours.cfa_known) {
		/* Others depend on it. */
		counts->exprs++;
		return;
	}
	for (unsigned int reg = 0; reg < RP_REG_NR; reg++)
		compare_value(counts, file, address, names[reg],
			      &ours.reg[reg], &theirs->reg[reg]);
	/* Nothing said: libdw calls that undefined too. */
	compare_value(counts, file, address, "ra", &ours.ra, &theirs->ra);
}

static uint64_t section_address(const struct file *file, uint32_t section)
{
	return file->obj.sections[section].hdr.sh_addr;
}

static void compare_at(struct counts *counts, const struct file *file,
		       const struct judge *judge, uint64_t address)
{
	const struct rp_frame_row *row = row_at_address(file, address);
	struct j_frame theirs;
	bool known = judge_frame(judge, address, &theirs);

	if (!known != !row)
		differ(counts, file, address, row ? "a row that libdw has not" :
			"no row, libdw has one");
	else if (row)
		compare_frame(counts, file, address, row, &theirs);
}

/* Their rows, from the FDE's start to its end. */
static void compare_fde(struct counts *counts, const struct file *file,
			const struct judge *judge,
			const struct rp_frame_fde *fde)
{
	uint64_t base = section_address(file, fde->section);
	uint64_t end = base + fde->end;
	struct j_frame theirs;

	counts->fdes++;
	for (uint64_t at = base + fde->start; at < end; at = theirs.end) {
		compare_at(counts, file, judge, at);
		/* A fault: nothing more of it, for both. */
		if (!judge_frame(judge, at, &theirs))
			return;
		if (theirs.signal != fde->signal)
			differ(counts, file, at, "signal frame");
		compare_at(counts, file, judge, theirs.end - 1);
	}
	compare_at(counts, file, judge, end);
	compare_at(counts, file, judge, base + fde->start - 1);
	counts->edges += 2;
}

static int report(const struct counts *counts, const char *path,
		  size_t faults)
{
	printf("%s: %zu FDEs, %zu faults, %zu rows, %zu edges, %zu other expressions, "
	       "%zu refused by libdw, %zu differ\n", path, counts->fdes, faults, counts->rows,
	       counts->edges, counts->exprs, counts->refused, counts->bad);
	return counts->bad || !counts->rows;
}

static int compare_linked(const char *path)
{
	struct counts counts = { 0 };
	struct judge judge;
	struct file file;

	file_open(&file, path);
	if (!judge_open(&judge, path)) {
		fprintf(stderr, "%s: libdw finds no unwind information\n", path);
		return 1;
	}
	for (size_t i = 0; i < file.rows.nfdes; i++)
		compare_fde(&counts, &file, &judge, &file.rows.fdes[i]);
	for (size_t i = 0; i < file.rows.n; i++)
		compare_at(&counts, &file, &judge,
			   section_address(&file, file.rows.v[i].section) +
			   file.rows.v[i].start);
	size_t faults = file.rows.nfaults;
	judge_close(&judge);
	file_close(&file);
	return report(&counts, path, faults);
}

/* Of an object. */

/* The address of the only function of a name; 0 if there are none, or more. */
static uint64_t linked_address(const struct file *linked, const char *name)
{
	uint64_t found = 0;

	for (size_t i = 1; i < linked->obj.nsymbols; i++) {
		const struct rp_symbol *s = &linked->obj.symbols[i];

		if (s->type != STT_FUNC || !s->section || strcmp(s->name, name))
			continue;
		uint64_t address = section_address(linked, s->section) +
				   s->value;
		if (found && found != address)
			return 0;
		found = address;
	}
	return found;
}

static void compare_symbol(struct counts *counts, const struct file *object,
			   const struct file *linked, const struct judge *judge,
			   const struct rp_symbol *symbol)
{
	const struct rp_frame_rows *rows = &object->rows;
	const struct rp_frame_fde *fde =
		rp_frame_fde_at(rows, symbol->section, symbol->value);
	uint64_t address = linked_address(linked, symbol->name);

	if (!fde || fde->start != symbol->value || !address)
		return;
	counts->fdes++;
	for (size_t i = 0; i < rows->n; i++) {
		const struct rp_frame_row *row = &rows->v[i];
		uint64_t at = address + row->start - fde->start;
		struct j_frame theirs;

		if (row->fde != (uint32_t)(fde - rows->fdes))
			continue;
		if (!judge_frame(judge, at, &theirs))
			differ(counts, object, row->start, "no row in the "
			       "linked file");
		else
			compare_frame(counts, object, at, row, &theirs);
	}
}

static int compare_object(const char *path, const char *linked_path)
{
	struct file object, linked;
	struct counts counts = { 0 };
	struct judge judge;

	file_open(&object, path);
	file_open(&linked, linked_path);
	if (!judge_open(&judge, linked_path))
		return 1;
	for (size_t i = 1; i < object.obj.nsymbols; i++) {
		const struct rp_symbol *symbol = &object.obj.symbols[i];

		if (symbol->type == STT_FUNC && symbol->section)
			compare_symbol(&counts, &object, &linked, &judge,
				       symbol);
	}
	size_t faults = object.rows.nfaults;
	judge_close(&judge);
	file_close(&object);
	file_close(&linked);
	return report(&counts, path, faults);
}

static const char *function_at(const struct file *file, uint32_t section,
			       uint64_t offset)
{
	for (size_t i = 1; i < file->obj.nsymbols; i++) {
		const struct rp_symbol *s = &file->obj.symbols[i];

		if (s->type == STT_FUNC && s->section == section &&
		    offset - s->value < s->size)
			return s->name;
	}
	return "?";
}

/* FDEs that are not among the others: they could not be read. */
static void list_unread(const struct file *file,
			const struct rp_frame_fault *fault)
{
	printf("%s+0x%" PRIx64 ", %s: %" PRIu64 " bytes, not read: %s\n",
	       file->obj.sections[fault->eh_frame].name, fault->place,
	       function_at(file, fault->section, fault->start),
	       fault->end - fault->start, fault->what);
}

static int list_faults(const char *path)
{
	struct file file;

	file_open(&file, path);
	for (size_t i = 0; i < file.rows.nfaults; i++) {
		const struct rp_frame_fault *fault = &file.rows.faults[i];
		const struct rp_frame_fde *fde =
			rp_frame_fde_at(&file.rows, fault->section,
					fault->start);

		if (!fde) {
			list_unread(&file, fault);
			continue;
		}
		printf("%s: %" PRIu64 " of %" PRIu64 " bytes: %s\n",
		       function_at(&file, fault->section, fault->start),
		       fault->start - fde->start, fde->end - fde->start,
		       fault->what);
		if (rp_frame_row_at(&file.rows, fault->section, fault->start) ||
		    !rp_frame_row_at(&file.rows, fault->section,
				     fault->start - 1))
			printf("but its rows do not end there\n");
	}
	file_close(&file);
	return 0;
}

static int list_rows(const char *path)
{
	struct file file;

	file_open(&file, path);
	for (size_t i = 0; i < file.rows.n; i++) {
		const struct rp_frame_row *row = &file.rows.v[i];

		printf("0x%" PRIx64 " to 0x%" PRIx64 ": CFA %u%+d\n", row->start,
		       row->end, row->cfa_reg, row->cfa_offset);
	}
	file_close(&file);
	return 0;
}

int main(int argc, char **argv)
{
	int rc = 0;

	if (argc == 3 && !strcmp(argv[1], "--faults"))
		return list_faults(argv[2]);
	if (argc == 3 && !strcmp(argv[1], "--list"))
		return list_rows(argv[2]);
	if (argc == 4 && !strcmp(argv[1], "--object"))
		return compare_object(argv[2], argv[3]);
	for (int i = 1; i < argc; i++)
		rc |= compare_linked(argv[i]);
	return rc;
}
