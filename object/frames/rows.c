/* SPDX-License-Identifier: MIT */
/* Rows of unwind information, in order. */
#include "internal.h"

#include <errno.h>
#include <stdlib.h>

/* What no FDE before it has said something about. */
static void clip(const struct rp_frame_rows *rows, struct rp_frame_fde *fde)
{
	const struct rp_frame_fde *last;

	if (!rows->nfdes)
		return;
	last = &rows->fdes[rows->nfdes - 1];
	if (last->section == fde->section && last->end > fde->start)
		fde->start = last->end;
}

static int by_start(const void *a, const void *b)
{
	const struct rp_frame_fault *x = a, *y = b;

	if (x->section != y->section)
		return x->section < y->section ? -1 : 1;
	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	return x->place < y->place ? -1 : x->place > y->place;
}

/* Faults of FDEs that cannot be read are among the records', others are found
 * now. */
static int run_all(struct rp_frame_rows *rows,
		   struct rp_frame_records *records, struct rp_diag *diag)
{
	struct rp_rows_builder builder = {
		.rows = rows, .faults_room = records->faults_room, .diag = diag,
	};
	int rc = 0;

	rows->faults = records->faults;
	rows->nfaults = records->nfaults;
	records->faults = NULL;
	rows->fdes = calloc(records->nfdes + 1, sizeof(*rows->fdes));
	if (!rows->fdes)
		return rp_diag_nomem(diag);
	for (size_t i = 0; i < records->nfdes && !rc; i++) {
		const struct rp_fde_record *record = &records->fdes[i];
		const struct rp_cie_record *cie = &records->cies[record->cie];
		struct rp_frame_fde fde = record->fde;

		clip(rows, &fde);
		if (fde.start >= fde.end)
			continue;
		rows->fdes[rows->nfdes++] = fde;
		rc = rp_fde_run(&builder, cie, record,
				&records->sections[cie->source]);
	}
	if (rows->nfaults)
		qsort(rows->faults, rows->nfaults, sizeof(*rows->faults),
		      by_start);
	rows->dead = records->dead;
	return rc;
}

int rp_frame_rows_init(struct rp_frame_rows *rows, const struct rp_relobj *obj,
		       struct rp_diag *diag)
{
	struct rp_frame_records records;

	*rows = (struct rp_frame_rows){ 0 };
	int rc = rp_frame_records_init(&records, obj, diag);
	if (!rc)
		rc = run_all(rows, &records, diag);
	rp_frame_records_deinit(&records);
	if (rc)
		rp_frame_rows_deinit(rows);
	return rc;
}

void rp_frame_rows_deinit(struct rp_frame_rows *rows)
{
	free(rows->v);
	free(rows->fdes);
	free(rows->faults);
	*rows = (struct rp_frame_rows){ 0 };
}

static bool is_before(uint32_t section, uint64_t start, uint32_t at_section,
		      uint64_t at)
{
	return section < at_section || (section == at_section && start <= at);
}

const struct rp_frame_row *rp_frame_row_at(const struct rp_frame_rows *rows,
					   uint32_t section, uint64_t offset)
{
	size_t low = 0, high = rows->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct rp_frame_row *row = &rows->v[middle];

		if (is_before(row->section, row->start, section, offset))
			low = middle + 1;
		else
			high = middle;
	}
	const struct rp_frame_row *row = low ? &rows->v[low - 1] : NULL;
	return row && row->section == section && offset < row->end ? row : NULL;
}

static size_t fdes_up_to(const struct rp_frame_rows *rows, uint32_t section,
			uint64_t offset)
{
	size_t low = 0, high = rows->nfdes;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct rp_frame_fde *fde = &rows->fdes[middle];

		if (is_before(fde->section, fde->start, section, offset))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct rp_frame_fde *rp_frame_fde_at(const struct rp_frame_rows *rows,
					   uint32_t section, uint64_t offset)
{
	size_t i = fdes_up_to(rows, section, offset);
	const struct rp_frame_fde *fde = i ? &rows->fdes[i - 1] : NULL;

	return fde && fde->section == section && offset < fde->end ? fde : NULL;
}

const struct rp_frame_fde *rp_frame_fde_behind(const struct rp_frame_rows *rows,
					       uint32_t section,
					       uint64_t offset)
{
	size_t i = fdes_up_to(rows, section, offset);

	return i < rows->nfdes && rows->fdes[i].section == section ?
		&rows->fdes[i] : NULL;
}
