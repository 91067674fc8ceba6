/* SPDX-License-Identifier: MIT */
/*
 * ORC tables: the unwind information of each instruction, sorted by address.
 *
 * Three formats: those of Linux 6.1 and 6.12 (arch/x86/include/asm/orc_types.h),
 * six bytes each, and our own for user space: 6.12's with two more types, so
 * that what ordinary programs do can be said (docs/orc.md).
 */
#ifndef REPOINT_OBJECT_ORC_ORC_H
#define REPOINT_OBJECT_ORC_ORC_H

#include "../abi.h"
#include "../frames/rows.h"
#include "../stack/walk.h"

/** Registers of an entry, as the kernel numbers them; from RP_ORC_BX on: ours. From
 *  RP_ORC_SI on they do not fit into four bits: such entries are wide. */
enum rp_orc_reg {
	RP_ORC_NONE, RP_ORC_PREV_SP, RP_ORC_DX, RP_ORC_DI, RP_ORC_BP, RP_ORC_SP,
	RP_ORC_R10, RP_ORC_R13, RP_ORC_BP_INDIRECT, RP_ORC_SP_INDIRECT,
	RP_ORC_BX, RP_ORC_R12, RP_ORC_R14, RP_ORC_R15, RP_ORC_AX, RP_ORC_CX,
	RP_ORC_SI, RP_ORC_R8, RP_ORC_R9, RP_ORC_R11,
	RP_ORC_SP_SAVED,	/**< [sp + offset] + 8: assembly that keeps the stack
				     pointer of its caller's call there */
	RP_ORC_BP_SAVED,	/**< [bp + offset] + 8 */
	RP_ORC_REG_NR
};

/** What RP_ORC_SP_SAVED and RP_ORC_BP_SAVED add to the word. */
#define RP_ORC_SAVED_PLUS	8

/**
 * struct rp_orc_entry - holds from @section + @offset to the next one.
 * @sp_reg, @bp_reg: ORC_REG_* of the kernel: 0 undefined, 1 previous sp, 2 dx, 3 di,
 *           4 bp, 5 sp, 6 r10, 7 r13, 8 [bp], 9 [sp]; ours also: 10 bx, 11 r12,
 *           12 r14, 13 r15, 14 ax, 15 cx, 16 si, 17 r8, 18 r9, 19 r11 (CFA
 *           counted from them), 20, 21: enum rp_orc_reg
 * @type:    enum rp_frame_type, or RP_ORC_SIGNAL_FRAME
 */
struct rp_orc_entry {
	uint32_t section;
	uint64_t offset;
	int32_t sp_offset;
	int32_t bp_offset;
	uint8_t sp_reg, bp_reg;
	uint8_t type;
	bool signal_or_end;
};

/* What is undefined has sp_reg 0, no offsets and, but for an end bit, no flag:
 * so equal entries are equal in all of their fields. */

/** The stack pointer points to what the kernel pushed for a signal handler. */
#define RP_ORC_SIGNAL_FRAME	6

/**
 * struct rp_orc - a table.
 * @unsaid: stretches of code whose stack the format cannot say: their entries are
 *          undefined. Only of tables of our own; kernels' have none.
 * @unsaid_section, @unsaid_offset: the first of them
 */
struct rp_orc {
	struct rp_orc_entry *v;
	size_t n;
	size_t room;
	size_t unsaid;
	uint32_t unsaid_section;
	uint64_t unsaid_offset;
};

/**
 * rp_orc_from_walk() - of an object that was walked: what serves every variant of
 * its alternatives.
 * @orc:  filled in; rp_orc_deinit() frees it, also after a failure
 * @walk: the object's
 * @rows: what .eh_frame says, or NULL: it knows what code does not show, where the
 *        stack ends and what the kernel has pushed for a signal handler
 * @diag: on failure
 *
 * Sections in the order of the file; in each an entry where something changes,
 * and one behind its end, so that what follows has none of it.
 *
 * Return: 0; -EINVAL (RP_DIAG_ORC_RANGE: a kernel's format cannot say it), -ENOMEM.
 */
int rp_orc_from_walk(struct rp_orc *orc, const struct rp_stack_walk *walk,
		     const struct rp_frame_rows *rows, struct rp_diag *diag);

/**
 * rp_orc_set_prefix() - functions have NOPs in front, for a call to be written
 * there: they get the state of the function's entry.
 * @code:  was walked; see rp_orc_from_walk()
 * @bytes: where exactly the NOPs must begin: so many before the function. Others
 *         stay as they are. As objtool --prefix=N (Linux 6.2 and later).
 */
void rp_orc_set_prefix(struct rp_code *code, uint8_t bytes);

/** rp_orc_from_rows() - of what .eh_frame says. @unsaid: how many rows cannot be
 *  said in the format (they become undefined). */
int rp_orc_from_rows(struct rp_orc *orc, const struct rp_relobj *obj,
		     const struct rp_frame_rows *rows, size_t *unsaid,
		     struct rp_diag *diag);

/** rp_orc_row_alone() - is the row of the end of the stack, or of what a signal
 *  handler returns to? @entry: gets what it says. */
bool rp_orc_row_alone(const struct rp_frame_rows *rows,
		      const struct rp_frame_row *row,
		      struct rp_orc_entry *entry);

void rp_orc_deinit(struct rp_orc *orc);

/** rp_orc_add() - append an entry. Return: 0 or -ENOMEM. */
int rp_orc_add(struct rp_orc *orc, const struct rp_orc_entry *entry,
	       struct rp_diag *diag);

/** rp_orc_same() - do two entries say the same, wherever they are? */
bool rp_orc_same(const struct rp_orc_entry *a, const struct rp_orc_entry *b);

/* Reading and writing them: see file.h. */

#endif /* REPOINT_OBJECT_ORC_ORC_H */
