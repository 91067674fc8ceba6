// SPDX-License-Identifier: MIT
#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/unwind_table.h"
#include "table_image.h"

enum { NULL_, NOTE, IP, ENTRIES, WIDE, HEADER, STRINGS, NR };

static const char names[] =
	"\0.note.gnu.build-id\0.orc_unwind_ip\0.orc_unwind\0.orc_unwind_wide\0"
	".orc_header\0.shstrtab";

static void *must(void *memory)
{
	if (!memory)
		abort();
	return memory;
}

static bool is_same(const struct row *a, const struct row *b)
{
	return a->sp_offset == b->sp_offset && a->bp_offset == b->bp_offset &&
	       a->sp_reg == b->sp_reg && a->bp_reg == b->bp_reg &&
	       a->type == b->type && a->exact == b->exact;
}

void image_add(struct image *image, const struct row *row)
{
	if (image->nr && is_same(&image->rows[image->nr - 1], row))
		return;
	if (image->nr == image->room) {
		image->room = image->room ? 2 * image->room : 64;
		image->rows = must(realloc(image->rows, image->room *
							sizeof(*row)));
	}
	image->rows[image->nr++] = *row;
}

void image_deinit(struct image *image)
{
	free(image->rows);
}

static bool is_wide(const struct row *row)
{
	return row->sp_offset != (int16_t)row->sp_offset ||
	       row->bp_offset != (int16_t)row->bp_offset || row->sp_reg > 15;
}

static void put_wide(uint8_t *to, const struct row *row)
{
	memcpy(to, &row->sp_offset, 4);
	memcpy(to + 4, &row->bp_offset, 4);
	to[8] = row->sp_reg;
	to[9] = row->bp_reg;
	to[10] = row->type;
	to[11] = row->exact;
}

static void put_entry(uint8_t *to, const struct row *row)
{
	memcpy(to, &row->sp_offset, 2);
	memcpy(to + 2, &row->bp_offset, 2);
	to[4] = (uint8_t)(row->sp_reg | row->bp_reg << 4);
	to[5] = (uint8_t)(row->type | row->exact << 3);
}

static void put_rows(const struct image *image, uint8_t *bytes,
		     const Elf64_Shdr *sections)
{
	uint8_t *ip = bytes + sections[IP].sh_offset;
	uint8_t *entry = bytes + sections[ENTRIES].sh_offset;
	uint8_t *wide = bytes + sections[WIDE].sh_offset;
	uint32_t nr_wide = 0;

	for (size_t i = 0; i < image->nr; i++) {
		const struct row *row = &image->rows[i];
		uint32_t value = (uint32_t)(row->address -
					    sections[IP].sh_addr - 4 * i);

		memcpy(ip + 4 * i, &value, 4);
		put_entry(entry + 6 * i, row);
		if (!is_wide(row))
			continue;
		memcpy(entry + 6 * i, &nr_wide, 4);
		entry[6 * i + 4] = 0;
		entry[6 * i + 5] = RP__UNWIND_WIDE;
		put_wide(wide + 12 * (size_t)nr_wide++, row);
	}
}

static void put_note(const struct image *image, uint8_t *to)
{
	Elf64_Nhdr note = { 4, (uint32_t)image->build_id_size,
			    NT_GNU_BUILD_ID };

	memcpy(to, &note, sizeof(note));
	memcpy(to + sizeof(note), "GNU", 4);
	memcpy(to + sizeof(note) + 4, image->build_id, image->build_id_size);
}

static size_t name_at(unsigned int i)
{
	size_t at = 0;

	while (i--)
		at += strlen(names + at) + 1;
	return at;
}

static size_t lay_out(const struct image *image, Elf64_Shdr *sections)
{
	size_t at = sizeof(Elf64_Ehdr), nr_wide = 0;

	for (size_t i = 0; i < image->nr; i++)
		nr_wide += is_wide(&image->rows[i]);
	sections[NOTE].sh_size = 16 + image->build_id_size;
	sections[IP].sh_size = 4 * image->nr;
	sections[ENTRIES].sh_size = 6 * image->nr;
	sections[WIDE].sh_size = 12 * nr_wide;
	sections[HEADER].sh_size = 8;
	sections[STRINGS].sh_size = sizeof(names);
	for (unsigned int i = 1; i < NR; i++) {
		sections[i].sh_name = (uint32_t)name_at(i);
		sections[i].sh_type = i == NOTE ? SHT_NOTE :
				      i == STRINGS ? SHT_STRTAB : SHT_PROGBITS;
		sections[i].sh_addralign = 4;
		sections[i].sh_offset = at;
		at = (at + sections[i].sh_size + 3) & ~(size_t)3;
	}
	sections[IP].sh_addr =
		(image->rows[image->nr - 1].address + 4096) & ~4095ull;
	return at;
}

uint8_t *image_bytes(const struct image *image, size_t *size)
{
	Elf64_Shdr sections[NR] = { 0 };
	size_t end = lay_out(image, sections);
	const Elf64_Ehdr header = {
		.e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64,
			     ELFDATA2LSB, EV_CURRENT },
		.e_type = ET_DYN, .e_machine = EM_X86_64,
		.e_version = EV_CURRENT, .e_shoff = end,
		.e_ehsize = sizeof(header), .e_shentsize = sizeof(Elf64_Shdr),
		.e_shnum = NR, .e_shstrndx = STRINGS,
	};
	const uint32_t version[2] = { RP__UNWIND_VERSION, 0 };
	uint8_t *bytes;

	*size = end + sizeof(sections);
	bytes = must(calloc(1, *size));
	memcpy(bytes, &header, sizeof(header));
	memcpy(bytes + end, sections, sizeof(sections));
	memcpy(bytes + sections[STRINGS].sh_offset, names, sizeof(names));
	memcpy(bytes + sections[HEADER].sh_offset, version, sizeof(version));
	put_note(image, bytes + sections[NOTE].sh_offset);
	put_rows(image, bytes, sections);
	return bytes;
}

void image_write(const struct image *image, const char *path)
{
	size_t size;
	uint8_t *bytes = image_bytes(image, &size);
	FILE *out = fopen(path, "wb");

	if (!out || fwrite(bytes, 1, size, out) != size || fclose(out)) {
		perror(path);
		exit(1);
	}
	free(bytes);
}
