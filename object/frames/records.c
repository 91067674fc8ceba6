/* SPDX-License-Identifier: MIT */
/* The records of .eh_frame: CIEs and FDEs. */
#include "../grow.h"
#include "internal.h"

#include <errno.h>
#include <stdlib.h>

#define RETURN_COLUMN	16	/* rip */

/** struct record - one that is read: from @place; @reader: behind the id. */
struct record {
	const struct rp_eh_section *section;
	uint64_t place;
	struct rp_eh_reader reader;
	uint32_t id;
};

static int bad(const struct record *record, const char *what,
	       struct rp_diag *diag)
{
	return rp_eh_bad(record->section, record->place, what, diag);
}

/* CIEs. */

/* A personality is called by its name: only its size matters. */
static int read_letter(struct rp_cie_record *cie, struct rp_eh_reader *reader,
		       char letter)
{
	switch (letter) {
	case 'R':
		cie->encoding = (uint8_t)rp_eh_fixed(reader, 1);
		return 0;
	case 'L':
		cie->lsda_encoding = (uint8_t)rp_eh_fixed(reader, 1);
		return 0;
	case 'P':
		rp_eh_form(reader, (uint8_t)rp_eh_fixed(reader, 1));
		return 0;
	case 'S':
		cie->signal = true;
		return 0;
	default:
		return -EINVAL;
	}
}

static int read_augmentation(struct rp_cie_record *cie,
			     const struct record *record,
			     struct rp_eh_reader *reader, const char *letters,
			     struct rp_diag *diag)
{
	const uint8_t *end = NULL;

	cie->encoding = DW_EH_PE_absptr;
	cie->lsda_encoding = DW_EH_PE_omit;
	if (*letters == 'z') {
		uint64_t size = rp_eh_uleb(reader);

		if (size > rp_eh_left(reader))
			return bad(record, "augmentation data beyond the end of "
				   "its record", diag);
		cie->sized = true;
		end = reader->at + size;
		letters++;
	}
	for (; *letters; letters++) {
		if (read_letter(cie, reader, *letters))
			return bad(record, "an unknown augmentation", diag);
	}
	if (end && !reader->bad && reader->at > end)
		return bad(record, "augmentation data longer than it says",
			   diag);
	if (end)
		reader->at = end;
	return 0;
}

static int read_factors(struct rp_cie_record *cie, const struct record *record,
			struct rp_eh_reader *reader, uint8_t version,
			struct rp_diag *diag)
{
	/* Of version 4: sizes of addresses and of segment selectors. */
	if (version == 4 && rp_eh_fixed(reader, 2) != 8)
		return bad(record, "addresses that have not 8 bytes", diag);
	cie->factors.code = rp_eh_uleb(reader);
	cie->factors.data = rp_eh_sleb(reader);
	uint64_t column = version == 1 ? rp_eh_fixed(reader, 1) :
					 rp_eh_uleb(reader);
	if (!reader->bad && column != RETURN_COLUMN)
		return bad(record, "a return address that is not rip", diag);
	return 0;
}

static int read_cie(struct rp_frame_records *records,
		    const struct record *record, struct rp_diag *diag)
{
	struct rp_eh_reader reader = record->reader;
	struct rp_cie_record cie = {
		.eh_frame = record->section->index, .place = record->place,
		.source = (uint32_t)(record->section - records->sections),
	};
	uint8_t version = (uint8_t)rp_eh_fixed(&reader, 1);
	const char *letters = (const char *)reader.at;
	size_t length = strnlen(letters, rp_eh_left(&reader));

	if (version != 1 && version != 3 && version != 4)
		return bad(record, "a CIE of an unknown version", diag);
	if (length == rp_eh_left(&reader))
		return bad(record, "an augmentation without end", diag);
	rp_eh_skip(&reader, length + 1);
	int rc = read_factors(&cie, record, &reader, version, diag);
	if (!rc)
		rc = read_augmentation(&cie, record, &reader, letters, diag);
	if (!rc && reader.bad)
		rc = bad(record, "a CIE that is cut off", diag);
	if (rc)
		return rc;
	cie.program = reader;
	if (rp_grow(&records->cies, &records->cies_room, records->ncies + 1,
		    sizeof(*records->cies)))
		return rp_diag_nomem(diag);
	records->cies[records->ncies++] = cie;
	return rp_cie_run(&records->cies[records->ncies - 1], record->section,
			  diag);
}

/* CIEs are in the order of sections and places. */
static const struct rp_cie_record *find_cie(const struct rp_frame_records *records,
					    uint32_t eh_frame, uint64_t place)
{
	size_t low = 0, high = records->ncies;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct rp_cie_record *cie = &records->cies[middle];

		if (cie->eh_frame == eh_frame && cie->place == place)
			return cie;
		if (cie->eh_frame < eh_frame ||
		    (cie->eh_frame == eh_frame && cie->place < place))
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

/* FDEs. */

static int read_range(struct rp_frame_fde *fde, const struct record *record,
		      struct rp_eh_reader *reader, uint8_t encoding,
		      struct rp_diag *diag)
{
	const struct rp_relobj *obj = record->section->obj;
	struct rp_eh_place start;
	const uint8_t *range;
	int rc;

	rc = rp_eh_pointer(record->section, reader, encoding, &start, diag);
	if (rc)
		return rc;
	range = reader->at;
	uint64_t size = rp_eh_form(reader, encoding & RP_EH_PE_FORM);
	if (reader->bad)
		return bad(record, "an FDE that is cut off", diag);
	if (rp_eh_relocated(record->section, range, reader->at))
		return bad(record, "a relocation of a function's size", diag);
	fde->section = start.section;
	if (!start.section)
		return 0;
	if (start.offset > obj->sections[start.section].hdr.sh_size ||
	    size > obj->sections[start.section].hdr.sh_size - start.offset) {
		fde->section = 0;
		return bad(record, "an FDE for code beyond its section", diag);
	}
	fde->entry = fde->start = start.offset;
	fde->end = start.offset + size;
	return 0;
}

static int read_lsda(struct rp_frame_fde *fde, const struct record *record,
		     struct rp_eh_reader *reader, uint8_t encoding,
		     struct rp_diag *diag)
{
	struct rp_eh_place lsda;

	if (encoding == DW_EH_PE_omit)
		return 0;
	int rc = rp_eh_pointer(record->section, reader, encoding, &lsda, diag);
	if (rc)
		return rc;
	if (!lsda.section && (lsda.offset || lsda.relocated))
		return bad(record, "a table of exceptions that is in no section",
			   diag);
	fde->lsda_section = lsda.section;
	fde->lsda = lsda.offset;
	return 0;
}

static int read_fde_augmentation(struct rp_frame_fde *fde,
				 const struct record *record,
				 const struct rp_cie_record *cie,
				 struct rp_eh_reader *reader,
				 struct rp_diag *diag)
{
	uint64_t size = rp_eh_uleb(reader);
	struct rp_eh_reader data = *reader;

	if (size > rp_eh_left(reader))
		return bad(record, "augmentation data beyond the end of its "
			   "record", diag);
	rp_eh_skip(reader, size);
	data.end = reader->at;
	/* It may be there for some of a CIE's FDEs only. */
	return size ? read_lsda(fde, record, &data, cie->lsda_encoding, diag) : 0;
}

static int read_fde_head(const struct rp_frame_records *records,
			 const struct record *record, struct rp_fde_record *fde,
			 struct rp_diag *diag)
{
	const struct rp_cie_record *cie = NULL;
	struct rp_eh_reader reader = record->reader;

	if (record->id <= record->place + 4)
		cie = find_cie(records, record->section->index,
			       record->place + 4 - record->id);
	if (!cie)
		return bad(record, "an FDE without a CIE before it", diag);
	int rc = read_range(&fde->fde, record, &reader, cie->encoding, diag);
	if (!rc && cie->sized)
		rc = read_fde_augmentation(&fde->fde, record, cie, &reader,
					   diag);
	fde->fde.signal = cie->signal;
	fde->cie = (uint32_t)(cie - records->cies);
	fde->program = reader;
	return rc;
}

/* The others can be read. */
static int leave_fde(struct rp_frame_records *records,
		     const struct record *record, const struct rp_frame_fde *fde,
		     const struct rp_diag *why, struct rp_diag *diag)
{
	const uint8_t *data = record->section->data;
	struct rp_frame_fault fault = {
		.section = fde->section, .start = fde->start, .end = fde->end,
		.eh_frame = fde->eh_frame, .place = fde->place,
	};

	if (!fde->section || fde->start == fde->end) {
		fault.section = fde->eh_frame;
		fault.start = fde->place;
		fault.end = (uint64_t)(record->reader.end - data);
	}
	return rp_eh_fault(&records->faults, &records->nfaults,
			   &records->faults_room, &fault, why) ?
		rp_diag_nomem(diag) : 0;
}

static int read_fde(struct rp_frame_records *records,
		    const struct record *record, struct rp_diag *diag)
{
	struct rp_fde_record fde = { .fde = {
		.eh_frame = record->section->index, .place = record->place,
	} };
	struct rp_diag why = { 0 };

	if (read_fde_head(records, record, &fde, &why))
		return leave_fde(records, record, &fde.fde, &why, diag);
	if (!fde.fde.section || fde.fde.start == fde.fde.end) {
		records->dead++;
		return 0;
	}
	if (rp_grow(&records->fdes, &records->fdes_room, records->nfdes + 1,
		    sizeof(*records->fdes)))
		return rp_diag_nomem(diag);
	records->fdes[records->nfdes++] = fde;
	return 0;
}

/* One record; @at is moved behind it. A length of 0 ends the table for those who
 * have no index of it; there may be more, of other objects, and is used. */
static int read_record(struct rp_frame_records *records,
		       const struct rp_eh_section *section, uint64_t *at,
		       struct rp_diag *diag)
{
	struct record record = { .section = section, .place = *at };
	struct rp_eh_reader reader = {
		.at = section->data + *at, .end = section->data + section->size,
	};
	uint64_t length = rp_eh_fixed(&reader, 4);

	if (reader.bad)
		return bad(&record, "a record that is cut off", diag);
	if (length == UINT32_MAX)
		return bad(&record, "a record of the 64-bit format", diag);
	if (length && (length < 4 || length > rp_eh_left(&reader)))
		return bad(&record, "a record beyond the end of the section",
			   diag);
	*at += 4 + length;
	if (!length)
		return 0;
	reader.end = reader.at + length;
	record.id = (uint32_t)rp_eh_fixed(&reader, 4);
	record.reader = reader;
	return record.id ? read_fde(records, &record, diag) :
			   read_cie(records, &record, diag);
}

/* Of equal starts, the first in the file comes first. */
static int by_start(const void *a, const void *b)
{
	const struct rp_frame_fde *x = &((const struct rp_fde_record *)a)->fde;
	const struct rp_frame_fde *y = &((const struct rp_fde_record *)b)->fde;

	if (x->section != y->section)
		return x->section < y->section ? -1 : 1;
	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	if (x->eh_frame != y->eh_frame)
		return x->eh_frame < y->eh_frame ? -1 : 1;
	return x->place < y->place ? -1 : x->place > y->place;
}

static bool is_eh_frame(const struct rp_relobj *obj, uint32_t i)
{
	return !strcmp(obj->sections[i].name, ".eh_frame") &&
	       (obj->sections[i].hdr.sh_flags & SHF_ALLOC) &&
	       rp_section_data(obj, i);
}

int rp_frame_records_init(struct rp_frame_records *records,
			  const struct rp_relobj *obj, struct rp_diag *diag)
{
	size_t room = 0;
	int rc = 0;

	*records = (struct rp_frame_records){ 0 };
	for (uint32_t i = 1; i < obj->nsections && !rc; i++) {
		if (!is_eh_frame(obj, i))
			continue;
		if (rp_grow(&records->sections, &room, records->nsections + 1,
			    sizeof(*records->sections)))
			return rp_diag_nomem(diag);
		struct rp_eh_section *section =
			&records->sections[records->nsections++];
		rc = rp_eh_section_init(section, obj, i, diag);
		for (uint64_t at = 0; at < section->size && !rc;)
			rc = read_record(records, section, &at, diag);
	}
	if (!rc && records->nfdes)
		qsort(records->fdes, records->nfdes, sizeof(*records->fdes),
		      by_start);
	return rc;
}

void rp_frame_records_deinit(struct rp_frame_records *records)
{
	for (size_t i = 0; i < records->nsections; i++)
		rp_eh_section_deinit(&records->sections[i]);
	free(records->sections);
	free(records->cies);
	free(records->fdes);
	free(records->faults);
	*records = (struct rp_frame_records){ 0 };
}
