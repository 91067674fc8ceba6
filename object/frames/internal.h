/* SPDX-License-Identifier: MIT */
/*
 * Steps of rp_frame_rows_init(), and what rp_landings() shares with it:
 * image.c resolves pointers, records.c reads CIEs and FDEs,
 * run.c runs their programs, rows.c puts rows into order.
 */
#ifndef REPOINT_OBJECT_FRAMES_INTERNAL_H
#define REPOINT_OBJECT_FRAMES_INTERNAL_H

#include "cfi_insn.h"
#include "rows.h"

/** struct rp_eh_section - .eh_frame or .gcc_except_table, with its relocations by
 *  offset. */
struct rp_eh_section {
	const struct rp_relobj *obj;
	uint32_t index;
	const uint8_t *data;
	uint64_t size;
	struct rp_reloc *relocs;
	size_t nrelocs;
};

int rp_eh_section_init(struct rp_eh_section *section,
		       const struct rp_relobj *obj, uint32_t index,
		       struct rp_diag *diag);
void rp_eh_section_deinit(struct rp_eh_section *section);

/** struct rp_eh_place - what a pointer points to. @section 0: in no section, then
 *  @offset is the number itself. */
struct rp_eh_place {
	uint32_t section;
	uint64_t offset;
	bool relocated;
};

/** rp_eh_at_address() - a place in a linked file. */
struct rp_eh_place rp_eh_at_address(const struct rp_relobj *obj,
				    uint64_t address);

/**
 * rp_eh_pointer() - read an encoded pointer.
 * @reader: in @section's bytes
 * @ret:    filled in
 * @diag:   says what is wrong
 *
 * Return: 0; -EINVAL: a form that is not understood.
 */
int rp_eh_pointer(const struct rp_eh_section *section,
		  struct rp_eh_reader *reader, uint8_t encoding,
		  struct rp_eh_place *ret, struct rp_diag *diag);

/** rp_eh_number() - the same, of a number that is relative to something else
 *  unless a relocation says what it is. */
int rp_eh_number(const struct rp_eh_section *section,
		 struct rp_eh_reader *reader, uint8_t encoding,
		 struct rp_eh_place *ret, struct rp_diag *diag);

/** rp_eh_relocated() - do relocations change bytes of [@start, @end)? */
bool rp_eh_relocated(const struct rp_eh_section *section, const uint8_t *start,
		     const uint8_t *end);

/** rp_eh_bad() - set @diag: the record at @offset is not sound. Return: -EINVAL. */
int rp_eh_bad(const struct rp_eh_section *section, uint64_t offset,
	      const char *what, struct rp_diag *diag);

/** rp_eh_fault() - append @fault to an array; @why: what rp_eh_bad() has set.
 *  Return: 0; -ENOMEM. */
int rp_eh_fault(struct rp_frame_fault **v, size_t *n, size_t *room,
		const struct rp_frame_fault *fault, const struct rp_diag *why);

/** struct rp_cie_record - what FDEs have in common. @initial: the row that each
 *  begins with; @by_expr, @offset: see run.c. */
struct rp_cie_record {
	uint32_t eh_frame;	/* index of its section in the object */
	uint32_t source;	/* ... in struct rp_frame_records */
	uint64_t place;
	struct rp_cfi_factors factors;
	uint8_t encoding, lsda_encoding;
	bool sized, signal;
	struct rp_eh_reader program;
	struct rp_frame_row initial;
	bool by_expr;
	int32_t offset;
};

struct rp_fde_record {
	struct rp_frame_fde fde;
	uint32_t cie;
	struct rp_eh_reader program;
};

/** struct rp_frame_records - CIEs by section and place; FDEs sorted, those of no
 *  code left out (@dead). @sections: all .eh_frame of the object. @faults: FDEs
 *  that cannot be read. */
struct rp_frame_records {
	struct rp_eh_section *sections;
	size_t nsections;
	struct rp_cie_record *cies;
	size_t ncies, cies_room;
	struct rp_fde_record *fdes;
	size_t nfdes, fdes_room;
	struct rp_frame_fault *faults;
	size_t nfaults, faults_room;
	size_t dead;
};

int rp_frame_records_init(struct rp_frame_records *records,
			  const struct rp_relobj *obj, struct rp_diag *diag);
void rp_frame_records_deinit(struct rp_frame_records *records);

/** rp_cie_run() - fill @cie's initial row in. */
int rp_cie_run(struct rp_cie_record *cie, const struct rp_eh_section *section,
	       struct rp_diag *diag);

/** struct rp_rows_builder - room of @rows' arrays. */
struct rp_rows_builder {
	struct rp_frame_rows *rows;
	size_t room, faults_room;
	struct rp_diag *diag;
};

/**
 * rp_fde_run() - append an FDE's rows to those of a builder.
 * @fde: the one that builder's last FDE was made from
 *
 * Rows outside of that one's range are left out, or shortened.
 * Return: 0, also if it has a fault; -ENOMEM.
 */
int rp_fde_run(struct rp_rows_builder *builder, const struct rp_cie_record *cie,
	       const struct rp_fde_record *fde,
	       const struct rp_eh_section *section);

#endif /* REPOINT_OBJECT_FRAMES_INTERNAL_H */
