/* SPDX-License-Identifier: MIT */
/*
 * Landing pads: where exceptions continue, by the tables of exceptions (LSDA)
 * that FDEs name. Their layout is GCC's, documented with its personality
 * routines and by LLVM ("Exception Handling Tables").
 */
#include "../grow.h"
#include "internal.h"

#include <errno.h>
#include <stdlib.h>

/**
 * struct finder - work in progress.
 * @why:      a table cannot be read to its end
 * @sections: of the object, those that were read; @data is NULL in others
 * @budget:   bytes of tables that may still be read. No two tables share bytes,
 *            unless the file wants much work for few.
 */
struct finder {
	const struct rp_relobj *obj;
	struct rp_eh_section *sections;
	uint64_t budget;
	struct rp_landings *found;
	size_t room, faults_room;
	struct rp_diag why;
	struct rp_diag *diag;
};

/**
 * struct lsda - one table's head.
 * @base:     what pads are counted from; of section 0: from an address
 * @encoding: of call sites
 * @based:    the table says what pads are counted from
 * @last:     where the call site before this one starts
 * @sites:    reads them
 */
struct lsda {
	const struct rp_eh_section *section;
	const struct rp_frame_fde *fde;
	struct rp_eh_place base;
	uint8_t encoding;
	bool based;
	uint64_t last;
	struct rp_eh_reader sites;
};

static int bad(struct finder *finder, const struct lsda *lsda, const char *what)
{
	return rp_eh_bad(lsda->section, lsda->fde->lsda, what, &finder->why);
}

static int get_section(struct finder *finder, uint32_t index,
		       const struct rp_eh_section **ret)
{
	struct rp_eh_section *section = &finder->sections[index];

	*ret = section;
	if (section->obj)
		return 0;
	return rp_eh_section_init(section, finder->obj, index, finder->diag);
}

/* LPStart: the function's start, unless the table says something else. */
static int read_base(struct finder *finder, struct lsda *lsda,
		     struct rp_eh_reader *reader)
{
	uint8_t encoding = (uint8_t)rp_eh_fixed(reader, 1);

	lsda->base = (struct rp_eh_place){
		.section = lsda->fde->section, .offset = lsda->fde->entry,
	};
	if (encoding == DW_EH_PE_omit || reader->bad)
		return 0;
	lsda->based = true;
	return rp_eh_pointer(lsda->section, reader, encoding, &lsda->base,
			     &finder->why);
}

static int read_head(struct finder *finder, struct lsda *lsda)
{
	const struct rp_eh_section *section = lsda->section;
	struct rp_eh_reader reader = { .end = section->data + section->size };

	if (!section->data || lsda->fde->lsda >= section->size)
		return bad(finder, lsda, "a table of exceptions beyond the end of "
			   "its section");
	reader.at = section->data + lsda->fde->lsda;
	int rc = read_base(finder, lsda, &reader);
	if (rc)
		return rc;
	if (rp_eh_fixed(&reader, 1) != DW_EH_PE_omit)
		rp_eh_uleb(&reader);	/* where the table of types ends */
	lsda->encoding = (uint8_t)rp_eh_fixed(&reader, 1);
	uint64_t size = rp_eh_uleb(&reader);
	if (reader.bad || size > rp_eh_left(&reader))
		return bad(finder, lsda, "a table of call sites beyond the end of "
			   "its section");
	if (lsda->encoding & (RP_EH_PE_BASE | RP_EH_PE_INDIRECT))
		return bad(finder, lsda, "call sites that are not counted from "
			   "their function's start");
	if (size > finder->budget) {
		rp_eh_bad(section, lsda->fde->lsda, "tables of exceptions that "
			  "share bytes", finder->diag);
		return -E2BIG;
	}
	finder->budget -= size;
	reader.end = reader.at + size;
	lsda->sites = reader;
	return 0;
}

/* Where a pad is: a number counted from the base, or what a relocation says. */
static int find_pad(struct finder *finder, const struct lsda *lsda,
		    const struct rp_eh_place *field, struct rp_eh_place *ret)
{
	const struct rp_relobj *obj = finder->obj;

	*ret = lsda->base;
	ret->offset += field->offset;
	if (field->relocated)
		*ret = *field;
	else if (obj->linked && !lsda->base.section)
		*ret = rp_eh_at_address(obj, ret->offset);
	if (!ret->section ||
	    ret->offset >= obj->sections[ret->section].hdr.sh_size)
		return bad(finder, lsda, "a landing pad that is in no section");
	return 0;
}

static int add_site(struct finder *finder, const struct lsda *lsda,
		    uint64_t start, uint64_t end, const struct rp_eh_place *pad)
{
	const struct rp_frame_fde *fde = lsda->fde;
	struct rp_eh_place place;
	int rc;

	/* Of a function that another overlaps, what is left counts. */
	if (start < fde->start)
		start = fde->start;
	if (start >= end)
		return 0;
	rc = find_pad(finder, lsda, pad, &place);
	if (rc)
		return rc;
	if (rp_grow(&finder->found->v, &finder->room, finder->found->n + 1,
		    sizeof(*finder->found->v)))
		return rp_diag_nomem(finder->diag);
	finder->found->v[finder->found->n++] = (struct rp_landing){
		.section = fde->section, .start = start, .end = end,
		.pad_section = place.section, .pad = place.offset,
	};
	return 0;
}

/*
 * clang -fbasic-block-sections has a table for each part of a function, and each
 * with a length that takes in those behind it: a head is read as a call site. The
 * runtime library stops at the first one that is out of order.
 */
static bool is_next_table(const struct lsda *lsda, const uint8_t *at,
			  uint64_t start, uint64_t length)
{
	uint64_t size = lsda->fde->end - lsda->fde->entry;

	return lsda->based &&
	       (start < lsda->last || start > size || length > size - start ||
		rp_eh_relocated(lsda->section, at, lsda->sites.at));
}

static int read_site(struct finder *finder, struct lsda *lsda)
{
	const struct rp_frame_fde *fde = lsda->fde;
	struct rp_eh_reader *reader = &lsda->sites;
	const uint8_t *at = reader->at;
	uint64_t size = fde->end - fde->entry;
	uint64_t start = rp_eh_form(reader, lsda->encoding);
	uint64_t length = rp_eh_form(reader, lsda->encoding);
	struct rp_eh_place pad;

	if (!reader->bad && is_next_table(lsda, at, start, length)) {
		reader->at = reader->end;
		return 0;
	}
	lsda->last = start;
	if (!reader->bad && rp_eh_relocated(lsda->section, at, reader->at))
		return bad(finder, lsda, "a relocation of a call site");
	int rc = rp_eh_number(lsda->section, reader, lsda->encoding, &pad,
			      &finder->why);
	rp_eh_uleb(reader);	/* what it catches */
	if (rc == -EINVAL && lsda->based) {
		/* A head whose pointer lies where the pad would. */
		reader->at = reader->end;
		return 0;
	}
	if (rc)
		return rc;
	if (reader->bad)
		return bad(finder, lsda, "a call site that is cut off");
	if (start > size || length > size - start)
		return bad(finder, lsda, "a call site outside of its function");
	if (!pad.relocated && !pad.offset)
		return 0;	/* exceptions just pass */
	return add_site(finder, lsda, fde->entry + start,
			fde->entry + start + length, &pad);
}

static int add_fault(struct finder *finder, const struct rp_frame_fde *fde)
{
	const struct rp_frame_fault fault = {
		.section = fde->section, .start = fde->start, .end = fde->end,
		.eh_frame = fde->lsda_section, .place = fde->lsda,
	};

	return rp_eh_fault(&finder->found->faults, &finder->found->nfaults,
			   &finder->faults_room, &fault, &finder->why) ?
		rp_diag_nomem(finder->diag) : 0;
}

/* What is wrong with one table leaves the others readable. */
static int read_lsda(struct finder *finder, const struct rp_frame_fde *fde)
{
	struct lsda lsda = { .fde = fde };
	int rc = get_section(finder, fde->lsda_section, &lsda.section);

	if (rc)
		return rc;
	rc = read_head(finder, &lsda);
	while (!rc && rp_eh_left(&lsda.sites))
		rc = read_site(finder, &lsda);
	return rc == -EINVAL ? add_fault(finder, fde) : rc;
}

static int by_start(const void *a, const void *b)
{
	const struct rp_landing *x = a, *y = b;

	if (x->section != y->section)
		return x->section < y->section ? -1 : 1;
	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	return x->end < y->end ? -1 : x->end > y->end;
}

int rp_landings_init(struct rp_landings *landings,
		     const struct rp_frame_rows *rows,
		     const struct rp_relobj *obj, struct rp_diag *diag)
{
	struct finder finder = {
		.obj = obj, .budget = obj->size, .found = landings,
		.diag = diag,
	};
	int rc = 0;

	*landings = (struct rp_landings){ 0 };
	finder.sections = calloc(obj->nsections + 1, sizeof(*finder.sections));
	if (!finder.sections)
		return rp_diag_nomem(diag);
	for (size_t i = 0; i < rows->nfdes && !rc; i++) {
		if (rows->fdes[i].lsda_section)
			rc = read_lsda(&finder, &rows->fdes[i]);
	}
	for (size_t i = 0; i < obj->nsections; i++)
		rp_eh_section_deinit(&finder.sections[i]);
	free(finder.sections);
	if (rc)
		rp_landings_deinit(landings);
	else if (landings->n)
		qsort(landings->v, landings->n, sizeof(*landings->v), by_start);
	return rc == -E2BIG ? -EINVAL : rc;
}

void rp_landings_deinit(struct rp_landings *landings)
{
	free(landings->v);
	free(landings->faults);
	*landings = (struct rp_landings){ 0 };
}
