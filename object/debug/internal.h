/* SPDX-License-Identifier: MIT */
/* Parts of struct rp_debug_info: its image, its lines, its index of names. */
#ifndef REPOINT_OBJECT_DEBUG_INTERNAL_H
#define REPOINT_OBJECT_DEBUG_INTERNAL_H

#include "info.h"

#include <dwarf.h>
#include <elfutils/libdw.h>

/**
 * struct rp_debug_image - an ELF file of debug sections alone, relocated.
 * @data:  the file; nothing else refers to it
 * @size:  of @data
 * @has_types: it has .debug_types
 * @bases: for each section of the object, the address that symbols in it are
 *         relocated against, or 0 if it has none
 *
 * libdw wants final values where a relocatable object has relocations, and one
 * section of a name where one with type units has many.
 */
struct rp_debug_image {
	uint8_t *data;
	size_t size;
	bool has_types;
	uint64_t *bases;
};

/* @ret->data stays NULL if the object has no .debug_info. */
int rp_debug_image_init(struct rp_debug_image *ret,
			const struct rp_relobj *obj, struct rp_diag *diag);
void rp_debug_image_deinit(struct rp_debug_image *image);

/**
 * struct rp_debug_row - a place in the code, up to that of the next row.
 * @file:  NULL if a sequence ends here
 * @line:  0 if none is known
 * @order: of rows of one address the last one counts
 */
struct rp_debug_row {
	uint64_t address;
	const char *file;
	uint32_t line;
	uint32_t order;
};

struct rp_debug_rows {
	struct rp_debug_row *v;
	size_t n, room;
};

struct rp_debug_index;
struct rp_debug_static;

/* Static variables of functions, by address. */
struct rp_debug_statics {
	struct rp_debug_static *v;
	size_t n, room;
};

struct rp_debug_info {
	const struct rp_relobj *obj;
	struct rp_debug_image image;
	Elf *elf;
	Dwarf *dwarf;
	Dwarf_Die first;	/* unit that producer and source are asked of */
	bool has_lines;		/* @rows were read, as far as they can be */
	struct rp_debug_rows rows;
	bool has_statics;	/* @statics were read */
	struct rp_debug_statics statics;
	struct rp_debug_index *index;	/* NULL until it is needed */
};

/**
 * struct rp_debug_unit - one unit; zeroed before the first.
 * @die:      its root
 * @next:     where the next one is
 * @in_types: this one and @next are in .debug_types, of DWARF 4
 */
struct rp_debug_unit {
	Dwarf_Die die;
	Dwarf_Off next;
	bool in_types;
};

/* Return: 1: @unit is the next one; 0: there are no more; -EINVAL. */
int rp_debug_unit_next(const struct rp_debug_info *info,
		       struct rp_debug_unit *unit, struct rp_diag *diag);

/* libdw refused. Return: -EINVAL. */
int rp_debug_damaged(struct rp_diag *diag, const char *where);

/* A string attribute of this DIE itself, or NULL. */
const char *rp_die_string(Dwarf_Die *die, unsigned int attribute);

/*
 * libdw puts the directory of the compilation before relative names. It is
 * taken off again: two builds of one source may be in two directories.
 */
const char *rp_file_as_written(const char *file, const char *dir);

void rp_debug_index_free(struct rp_debug_index *index);

#endif /* REPOINT_OBJECT_DEBUG_INTERNAL_H */
