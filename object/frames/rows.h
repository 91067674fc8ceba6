/* SPDX-License-Identifier: MIT */
/*
 * What .eh_frame says about the stack, as rows: [start, end) and the rules that
 * hold there. Of relocatable objects (with the relocations of .rela.eh_frame) and
 * of linked ones.
 *
 *   int  rp_frame_rows_init(rows, obj, diag);
 *   void rp_frame_rows_deinit(rows);
 *   const struct rp_frame_row *rp_frame_row_at(rows, section, offset);
 */
#ifndef REPOINT_OBJECT_FRAMES_ROWS_H
#define REPOINT_OBJECT_FRAMES_ROWS_H

#include "../elf/relobj.h"
#include "../insn/flow.h"

/** enum rp_rule - of a register, DWARF 5 section 6.4.1. */
enum rp_rule {
	RP_RULE_UNSPECIFIED,	/**< not mentioned: same value, or the ABI's word */
	RP_RULE_UNDEFINED,
	RP_RULE_SAME,
	RP_RULE_OFFSET,		/**< at CFA + offset */
	RP_RULE_VAL_OFFSET,	/**< is CFA + offset */
	RP_RULE_REGISTER,	/**< in register @offset */
	RP_RULE_EXPRESSION,	/**< at expression; @offset: of it in .eh_frame */
	RP_RULE_VAL_EXPRESSION,
	RP_RULE_AT_REG,		/**< at @reg + @offset: an expression of this form
				     (realigned stacks, signal frames) */
};

struct rp_frame_rule {
	uint8_t rule;
	uint8_t reg;		/**< AT_REG: which */
	int32_t offset;
};

enum rp_row_cfa {
	RP_ROW_CFA_NONE,
	RP_ROW_CFA_REG,		/**< @cfa_reg + @cfa_offset */
	RP_ROW_CFA_AT_REG,	/**< [@cfa_reg + @cfa_offset]: an expression of this form
				     (realigned stacks: DW_OP_breg, DW_OP_deref) */
	RP_ROW_CFA_PLT,		/**< rsp + 8, and 8 more in the last bytes of each 16,
				     from @cfa_plus on (11; 9 or 5 with endbr64 or bnd):
				     the lazy PLT's expression; cfa_offset is 8 */
	RP_ROW_CFA_EXPRESSION,	/**< any other; @cfa_offset: of it in .eh_frame */
	RP_ROW_CFA_AT_REG_PLUS,	/**< [@cfa_reg + @cfa_offset] + @cfa_plus: assembly that
				     keeps the old stack pointer (libcrypto) */
};

/**
 * struct rp_frame_row - the rules of [@start, @end) in @section: offsets in the
 * section, in linked files too.
 * @cfa_reg, rules: by the registers' numbers of instructions (enum rp_reg), not
 *          of DWARF; @ra is the return address. RP_REG_NONE: a register that is
 *          none of these
 * @fde:    index of the FDE
 */
struct rp_frame_row {
	uint64_t start, end;
	uint32_t section;
	uint32_t fde;
	uint8_t cfa;
	uint8_t cfa_reg;
	int32_t cfa_offset;
	int32_t cfa_plus;
	struct rp_frame_rule ra;
	struct rp_frame_rule reg[RP_REG_NR];
};

/**
 * struct rp_frame_fde - one FDE, for [@start, @end) of @section.
 * @entry:  its first address: before @start if an FDE before it overlaps it
 * @lsda_section, @lsda: its table of exceptions; section 0: none
 * @eh_frame, @place: its section, and offset there
 * @signal: augmentation S
 */
struct rp_frame_fde {
	uint64_t start, end;
	uint64_t entry;
	uint32_t section;
	uint32_t lsda_section;
	uint64_t lsda;
	uint32_t eh_frame;
	uint64_t place;
	bool signal;
};

/**
 * struct rp_frame_fault - an FDE's program cannot be followed: from there on, its
 * code has no rows. There are libraries that have such, and work. Or the FDE
 * cannot be read: its code has no rows, unless another FDE has some.
 * @section, @start, @end: the code without rows; of an FDE that does not say which
 *         code it is for, the bytes of itself in .eh_frame
 * @eh_frame, @place: the instruction, or the FDE
 * @what:  is wrong with it
 */
struct rp_frame_fault {
	uint32_t section;
	uint64_t start, end;
	uint32_t eh_frame;
	uint64_t place;
	char what[104];
};

/**
 * struct rp_frame_rows - sorted by section and start; FDEs and faults too. Of
 * overlapping FDEs the first counts.
 * @dead: FDEs of code that the linker has dropped; they are not in @fdes
 */
struct rp_frame_rows {
	struct rp_frame_row *v;
	size_t n;
	struct rp_frame_fde *fdes;
	size_t nfdes;
	struct rp_frame_fault *faults;
	size_t nfaults;
	size_t dead;
};

/** rp_frame_rows_init() - read them; without .eh_frame: none.
 *  Return: 0, also with faults; -EINVAL (RP_DIAG_EH_FRAME): the section cannot be
 *  read, see @diag; -ENOMEM. */
int rp_frame_rows_init(struct rp_frame_rows *rows, const struct rp_relobj *obj,
		       struct rp_diag *diag);
void rp_frame_rows_deinit(struct rp_frame_rows *rows);

const struct rp_frame_row *rp_frame_row_at(const struct rp_frame_rows *rows,
					   uint32_t section, uint64_t offset);
const struct rp_frame_fde *rp_frame_fde_at(const struct rp_frame_rows *rows,
					   uint32_t section, uint64_t offset);
/** rp_frame_fde_behind() - the section's first that begins behind @offset. */
const struct rp_frame_fde *rp_frame_fde_behind(const struct rp_frame_rows *rows,
					       uint32_t section,
					       uint64_t offset);

/**
 * struct rp_landing - a call site of an LSDA: exceptions of the code in
 * [@start, @end) of @section continue at @pad.
 */
struct rp_landing {
	uint32_t section, pad_section;
	uint64_t start, end;
	uint64_t pad;
};

/**
 * struct rp_landings - all landing pads, sorted by section and start.
 * @faults: tables that cannot be read to their end; @section, @start and @end: the
 *          FDE's code; @eh_frame, @place: the table
 */
struct rp_landings {
	struct rp_landing *v;
	size_t n;
	struct rp_frame_fault *faults;
	size_t nfaults;
};

/** rp_landings_init() - Return: 0, also with faults; -EINVAL: more work than there
 *  is file, or relocations that cannot be read, see @diag; -ENOMEM. */
int rp_landings_init(struct rp_landings *landings,
		     const struct rp_frame_rows *rows,
		     const struct rp_relobj *obj, struct rp_diag *diag);
void rp_landings_deinit(struct rp_landings *landings);

/** rp_frame_reg_number() - the enum rp_reg of a register's number in DWARF, or
 *  RP_REG_NONE. */
uint8_t rp_frame_reg_number(uint64_t dwarf);

#endif /* REPOINT_OBJECT_FRAMES_ROWS_H */
