/* SPDX-License-Identifier: MIT */
/* Table files, written by the rules of docs/unwind.md. */
#ifndef TESTS_UNWIND_TABLE_IMAGE_H
#define TESTS_UNWIND_TABLE_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct row {
	uint64_t address;
	int32_t sp_offset;
	int32_t bp_offset;
	uint8_t sp_reg;
	uint8_t bp_reg;
	uint8_t type;
	bool exact;
};

/* struct image - rows, sorted by whoever adds them. */
struct image {
	struct row *rows;
	size_t nr;
	size_t room;
	uint8_t build_id[64];
	size_t build_id_size;
};

/* A row that says what the one before says is left out. */
void image_add(struct image *image, const struct row *row);
void image_deinit(struct image *image);

/* The file's bytes, to be freed; *@size is set. */
uint8_t *image_bytes(const struct image *image, size_t *size);
void image_write(const struct image *image, const char *path);

#endif
