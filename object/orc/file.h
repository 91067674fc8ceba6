/* SPDX-License-Identifier: MIT */
/*
 * ORC tables in files: docs/orc.md has the formats.
 *
 *   int rp_orc_read(orc, obj, abi, diag);        the table that a file holds
 *   int rp_orc_put(edit, orc, abi, diag);        into a copy of an object
 *   int rp_orc_write_table(orc, obj, fd, diag);  a table file of a linked one
 */
#ifndef REPOINT_OBJECT_ORC_FILE_H
#define REPOINT_OBJECT_ORC_FILE_H

#include "../elf/edit.h"
#include "orc.h"

#define RP_ORC_SECTION		".orc_unwind"
#define RP_ORC_IP_SECTION	".orc_unwind_ip"
#define RP_ORC_WIDE_SECTION	".orc_unwind_wide"
#define RP_ORC_HEADER_SECTION	".orc_header"

#define RP_ORC_ENTRY_SIZE	6
#define RP_ORC_IP_SIZE		4
#define RP_ORC_WIDE_SIZE	12
/** What the header of a table file says: u32 version, u32 0. */
#define RP_ORC_HEADER_SIZE	8
#define RP_ORC_VERSION		1

/** Of the byte in an entry: an index into the wide entries follows. */
#define RP_ORC_WIDE		5

/**
 * struct rp_orc_bytes - entries as a file holds them.
 * @entries: @n of RP_ORC_ENTRY_SIZE
 * @wide:    @nwide of RP_ORC_WIDE_SIZE
 */
struct rp_orc_bytes {
	uint8_t *entries;
	size_t n;
	uint8_t *wide;
	size_t nwide;
	size_t wide_room;
};

/** rp_orc_pack() - all entries of a table. Return: 0, -EINVAL, -ENOMEM. */
int rp_orc_pack(struct rp_orc_bytes *ret, const struct rp_orc *orc,
		const struct rp_abi *abi, struct rp_diag *diag);
void rp_orc_bytes_deinit(struct rp_orc_bytes *bytes);

/** rp_orc_unpack() - entry @i; its place is left alone. False: no such entry is
 *  possible. */
bool rp_orc_unpack(const struct rp_orc_bytes *bytes, size_t i,
		   const struct rp_abi *abi, struct rp_orc_entry *ret);

/** rp_orc_section() - index of the section with the table, or 0. */
uint32_t rp_orc_section(const struct rp_relobj *obj, const char *name);

/** rp_orc_is_table_file() - was it written by rp_orc_write_table()? */
bool rp_orc_is_table_file(const struct rp_relobj *obj);

/**
 * rp_orc_read() - the table that a file holds.
 * @orc:  filled in; rp_orc_deinit() frees it, also after a failure
 * @obj:  relocatable, linked, or a table file
 * @abi:  in whose format
 * @diag: on failure
 *
 * Places in a linked file that lie in no section, and all of a table file, have
 * section RP_SECTION_NONE and their address as offset.
 *
 * Return: 0; -ENOENT: it has none (@diag is not set); -EINVAL
 * (RP_DIAG_ORC_TABLE), -ENOMEM.
 */
int rp_orc_read(struct rp_orc *orc, const struct rp_relobj *obj,
		const struct rp_abi *abi, struct rp_diag *diag);

/**
 * rp_orc_matches() - does an object hold exactly this table?
 * Return: 0, see @ret; -ENOMEM.
 */
int rp_orc_matches(const struct rp_relobj *obj, const struct rp_orc *orc,
		   const struct rp_abi *abi, bool *ret, struct rp_diag *diag);

/**
 * rp_orc_put() - make a relocatable object hold exactly this table.
 * @edit: a fresh edit of the object
 * @orc:  its table
 * @abi:  in whose format
 * @diag: on failure
 *
 * Sections of an old table are filled anew.
 *
 * Return: 0, -EINVAL, -ENOMEM.
 */
int rp_orc_put(struct rp_elf_edit *edit, const struct rp_orc *orc,
	       const struct rp_abi *abi, struct rp_diag *diag);

/**
 * rp_orc_write_table() - write the table file of a linked binary, in our format.
 * @orc:  its table, in any order; is sorted by address
 * @obj:  the binary: its build ID is copied, if it has one
 * @fd:   an empty file
 * @diag: on failure
 *
 * Return: 0, -EINVAL, -ENOMEM.
 */
int rp_orc_write_table(struct rp_orc *orc, const struct rp_relobj *obj, int fd,
		       struct rp_diag *diag);

/** rp_orc_build_id() - the section with the build ID, or 0. */
uint32_t rp_orc_build_id(const struct rp_relobj *obj);

/** rp_orc_build_id_bytes() - the ID itself, @size bytes; NULL: there is none, or it
 *  is damaged. */
const uint8_t *rp_orc_build_id_bytes(const struct rp_relobj *obj, size_t *size);

#endif /* REPOINT_OBJECT_ORC_FILE_H */
