/* SPDX-License-Identifier: MIT */
/*
 * One instruction of call frame information (DWARF 5 section 6.4.2, and what
 * GNU adds), decoded: forms that say the same are the same, offsets are bytes.
 * Registers have DWARF's numbers.
 */
#ifndef REPOINT_OBJECT_FRAMES_CFI_INSN_H
#define REPOINT_OBJECT_FRAMES_CFI_INSN_H

#include "eh_reader.h"

enum rp_cfi_op {
	RP_CFI_NOP,		/* nothing that concerns unwinding */
	RP_CFI_ADVANCE,		/* the next row begins @value bytes on */
	RP_CFI_SET_LOC,		/* ... begins at the pointer that is read next */
	RP_CFI_CFA,		/* CFA = @reg + @value */
	RP_CFI_CFA_REGISTER,	/* CFA = @reg + offset as before */
	RP_CFI_CFA_OFFSET,	/* CFA = register as before + @value */
	RP_CFI_CFA_EXPRESSION,	/* CFA = @expr */
	RP_CFI_UNDEFINED, RP_CFI_SAME,
	RP_CFI_OFFSET,		/* @reg is at CFA + @value */
	RP_CFI_VAL_OFFSET,	/* @reg is CFA + @value */
	RP_CFI_REGISTER,	/* @reg is in register @value */
	RP_CFI_EXPRESSION,	/* @reg is at @expr */
	RP_CFI_VAL_EXPRESSION,	/* @reg is @expr */
	RP_CFI_RESTORE,		/* @reg is where it was at the entry */
	RP_CFI_REMEMBER_STATE, RP_CFI_RESTORE_STATE,
};

/** struct rp_cfi_insn - @expr: @size bytes of the program. */
struct rp_cfi_insn {
	enum rp_cfi_op op;
	uint64_t reg;
	int64_t value;
	const uint8_t *expr;
	size_t size;
};

/** struct rp_cfi_factors - of the CIE. */
struct rp_cfi_factors {
	uint64_t code;
	int64_t data;
};

/**
 * rp_cfi_insn() - decode the instruction at the reader.
 * @reader: a program that is not at its end; moved behind the instruction
 * @ret:    filled in
 *
 * After RP_CFI_SET_LOC the caller reads the pointer, as its encoding says.
 * Return: false if there is no such instruction, or not all of it.
 */
bool rp_cfi_insn(struct rp_eh_reader *reader,
		 const struct rp_cfi_factors *factors, struct rp_cfi_insn *ret);

/** enum rp_cfi_form - expressions of common forms. */
enum rp_cfi_form {
	RP_CFI_FORM_OTHER,
	RP_CFI_FORM_REG,	/* @reg + @offset */
	RP_CFI_FORM_AT_REG,	/* [@reg + @offset] + @plus */
	RP_CFI_FORM_PLT,	/* rsp + 8 + 8 * ((pc & 15) >= @plus): lazy PLT */
};

struct rp_cfi_expr {
	enum rp_cfi_form form;
	uint64_t reg;
	int64_t offset, plus;
};

/** rp_cfi_expr() - which form has an expression? */
struct rp_cfi_expr rp_cfi_expr(const uint8_t *expr, size_t size);

#endif /* REPOINT_OBJECT_FRAMES_CFI_INSN_H */
