/* SPDX-License-Identifier: MIT */
/*
 * Damaged unwind information: `mutated FILE ROUNDS [SEED]`. A few bytes of
 * .eh_frame, of .gcc_except_table or of their relocations are changed; what is
 * still read is in order and inside of its sections, and what is refused names a
 * place.
 */
#include "judge.h"

#include "../../object/orc/orc.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t seed;

static uint64_t draw(uint64_t n)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (seed >> 33) % n;
}

struct range {
	uint64_t start, size;
};

/* The sections that are changed. */
static size_t find_ranges(const struct rp_relobj *obj, struct range *ret,
			  size_t room)
{
	static const char *names[] = {
		".eh_frame", ".rela.eh_frame", ".gcc_except_table",
		".rela.gcc_except_table",
	};
	size_t n = 0;

	for (size_t i = 1; i < obj->nsections && n < room; i++) {
		const GElf_Shdr *hdr = &obj->sections[i].hdr;
		bool wanted = false;

		for (size_t k = 0; k < sizeof(names) / sizeof(*names); k++)
			wanted |= !strncmp(obj->sections[i].name, names[k],
					   strlen(names[k]));
		if (wanted && hdr->sh_size && hdr->sh_type != SHT_NOBITS)
			ret[n++] = (struct range){ hdr->sh_offset, hdr->sh_size };
	}
	return n;
}

static void change(uint8_t *image, const struct range *ranges, size_t n)
{
	static const uint8_t odd[] = { 0, 1, 0x7f, 0x80, 0xff };
	const struct range *range = &ranges[draw(n)];
	uint8_t *byte = image + range->start + draw(range->size);

	switch (draw(3)) {
	case 0: *byte = odd[draw(sizeof(odd))]; break;
	case 1: *byte ^= (uint8_t)(1u << draw(8)); break;
	default: *byte = (uint8_t)draw(256);
	}
}

static void fail(const char *what)
{
	printf("not ok - %s\n", what);
	abort();
}

static void check_rows(const struct rp_frame_rows *rows,
		       const struct rp_relobj *obj)
{
	for (size_t i = 0; i < rows->n; i++) {
		const struct rp_frame_row *row = &rows->v[i], *last = row - 1;

		if (row->section >= obj->nsections || row->fde >= rows->nfdes ||
		    row->start >= row->end ||
		    row->end > obj->sections[row->section].hdr.sh_size)
			fail("a row outside of its section");
		if (i && row->section == last->section &&
		    row->start < last->end)
			fail("rows that overlap");
		if (i && row->section < last->section)
			fail("rows that are not sorted");
	}
}

static void check_landings(const struct rp_landing *v, size_t n,
			   const struct rp_relobj *obj)
{
	for (size_t i = 0; i < n; i++) {
		if (v[i].section >= obj->nsections ||
		    v[i].pad_section >= obj->nsections ||
		    v[i].start >= v[i].end ||
		    v[i].end > obj->sections[v[i].section].hdr.sh_size ||
		    v[i].pad >= obj->sections[v[i].pad_section].hdr.sh_size)
			fail("a landing outside of its section");
	}
}

static void check_orc(const struct rp_orc *orc)
{
	for (size_t i = 1; i < orc->n; i++) {
		const struct rp_orc_entry *a = &orc->v[i - 1], *b = a + 1;

		if (a->section > b->section || (a->section == b->section &&
						a->offset >= b->offset))
			fail("entries that are not sorted");
	}
}

/* Return: was it accepted? */
static bool try_image(const uint8_t *image, size_t size)
{
	struct rp_diag diag = { 0 };
	struct rp_frame_rows rows;
	struct rp_landings landings;
	struct rp_relobj obj;
	struct rp_orc orc;
	size_t unsaid;
	bool good;

	if (rp_relobj_open_linked(&obj, image, size, &diag)) {
		rp_relobj_close(&obj);
		return false;
	}
	good = !rp_frame_rows_init(&rows, &obj, &diag);
	if (good) {
		check_rows(&rows, &obj);
		if (rp_orc_from_rows(&orc, &obj, &rows, &unsaid, &diag))
			fail("no entries");
		check_orc(&orc);
		rp_orc_deinit(&orc);
		good = !rp_landings_init(&landings, &rows, &obj, &diag);
		check_landings(landings.v, landings.n, &obj);
		rp_landings_deinit(&landings);
	}
	if (!good && (!diag.id || !*diag.text || !*diag.where))
		fail("an error without a place");
	rp_frame_rows_deinit(&rows);
	rp_relobj_close(&obj);
	return good;
}

int main(int argc, char **argv)
{
	struct range ranges[64];
	size_t accepted = 0, refused = 0;
	struct file file;

	if (argc < 3)
		return 64;
	file_open(&file, argv[1]);
	size_t n = find_ranges(&file.obj, ranges, 64);
	uint8_t *image = malloc(file.size);
	for (long i = 0; n && i < atol(argv[2]); i++) {
		seed = (uint64_t)i + (argc > 3 ? strtoull(argv[3], NULL, 0) : 1);
		seed *= 0x9e3779b97f4a7c15u;
		memcpy(image, file.image, file.size);
		for (uint64_t k = draw(4) + 1; k; k--)
			change(image, ranges, n);
		if (try_image(image, file.size))
			accepted++;
		else
			refused++;
	}
	printf("%s: %zu accepted, %zu refused\n", argv[1], accepted, refused);
	free(image);
	file_close(&file);
	return !accepted || !refused;
}
