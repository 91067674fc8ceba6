/* SPDX-License-Identifier: MIT */
/* Pieces of the unwinder: unwind.c walks, unwind_rule.c keeps and applies rules,
 * unwind_cfi.c and unwind_code.c make them, unwind_name.c names addresses. */
#ifndef REPOINT_LIVE_UNWIND_INTERNAL_H
#define REPOINT_LIVE_UNWIND_INTERNAL_H

#include "unwind.h"

/* Registers as DWARF numbers them. */
enum rp_dwarf_reg {
	RP_REG_RAX, RP_REG_RDX, RP_REG_RCX, RP_REG_RBX,
	RP_REG_RSI, RP_REG_RDI, RP_REG_RBP, RP_REG_RSP,
	RP_REG_R8, RP_REG_R9, RP_REG_R10, RP_REG_R11,
	RP_REG_R12, RP_REG_R13, RP_REG_R14, RP_REG_R15,
	RP_REG_PC,		/* the return address's column */
	RP_DWARF_REG_NR
};

/** struct rp_cpu - registers in a frame. @known: bit per register. */
struct rp_cpu {
	uint64_t r[RP_DWARF_REG_NR];
	uint32_t known;
};

/** How the caller's value of a register is found. */
enum rp_value_kind {
	RP_VALUE_SAME,		/* as in this frame */
	RP_VALUE_UNKNOWN,
	RP_VALUE_AT_CFA,	/* in memory at CFA + offset */
	RP_VALUE_CFA,		/* CFA + offset */
	RP_VALUE_AT_REG,	/* in memory at reg + offset */
	RP_VALUE_REG,		/* reg + offset */
	RP_VALUE_AT_EXPR,	/* in memory at what the expression yields */
	RP_VALUE_EXPR,		/* what the expression yields */
};

/** struct rp_value - @expr has @size bytes, and belongs to the unwinder. */
struct rp_value {
	uint8_t kind;
	uint8_t reg;
	uint16_t size;
	union {
		int64_t offset;
		const uint8_t *expr;
	};
};

/** struct rp_row - the caller's registers. reg[RP_REG_PC] is the return address,
 *  reg[RP_REG_RSP] is the CFA unless it says otherwise. */
struct rp_row {
	struct rp_value cfa;
	struct rp_value reg[RP_DWARF_REG_NR];
};

enum rp_rule_kind {
	RP_RULE_NEW,		/* not looked for yet */
	RP_RULE_NONE,		/* nothing is known */
	RP_RULE_END,		/* the outermost frame, so its CFI says */
	RP_RULE_EXIT,		/* its code ends the thread, and never returns */
	RP_RULE_SIGNAL,		/* the code of a signal return */
	RP_RULE_ROWS,
};

#define RP_RULE_ROWS_MAX	4u

/**
 * struct rp_pc_rule - what is known of a code address.
 * @address, @exact: as in struct rp_frame
 * @text:     it is executable memory
 * @called:   a call ends before it, or what such a call may have been patched to
 * @restorer: it is the code of a signal return
 * @trusted:  its unwind information says that it is a return address (code of
 *            rp_unwinder_add())
 * @caller_exact: the frame that it returns to was interrupted, by its CFI
 * @volatile_: not of a module: may be other code the next time
 * @rows:     more than one if ways through the code disagree
 * @sure:     bit per row: one of these, if any can be, comes before the others
 */
struct rp_pc_rule {
	uint64_t address;
	bool exact;
	bool text, called, restorer, trusted, caller_exact, volatile_;
	uint8_t kind;
	uint8_t by;
	uint8_t nrows;
	uint8_t sure;
	uint32_t generation;
	struct rp_row *rows;
};

/** struct rp_fde - where a function's unwind information is, in memory. */
struct rp_fde {
	uint64_t start, end;
	uint64_t address;
};

/** struct rp_fdes - of one .eh_frame without a sorted table, or of its module. */
struct rp_fdes {
	struct rp_fde *v;
	size_t n, room;
	bool searched;
};

/** struct rp_area - code of rp_unwinder_add(). */
struct rp_area {
	uint64_t start, end;
	struct rp_fdes fdes;
};

/** struct rp_text_page - a page of code or unwind information; @size is 0 if it
 *  cannot be read. */
struct rp_text_page {
	uint64_t address;
	size_t size;
	uint8_t bytes[RP_PAGE];
};

#define RP_WINDOW_SIZE	65536u

#define RP_UNWIND_RECORD_MAX 16384u	/* one CIE or FDE */
#define RP_UNWIND_RECORDS	(2 * RP_UNWIND_RECORD_MAX)

/** struct rp_window - a piece of a stack. @next: how much to read the next time. */
struct rp_window {
	uint64_t address;
	size_t size, next;
	uint8_t bytes[RP_WINDOW_SIZE];
};

/** struct rp_hash - pointers by a number, none is NULL. */
struct rp_hash {
	void **v;
	uint64_t *keys;
	size_t n, room;
};

void *rp_hash_get(const struct rp_hash *hash, uint64_t key);
int rp_hash_put(struct rp_hash *hash, uint64_t key, void *value);
void rp_hash_free(struct rp_hash *hash, void (*free_value)(void *value));

/** struct rp_names - symbols of a module by address, see unwind_name.c. */
struct rp_names;

struct rp_unwinder {
	struct rp_modules *modules;
	const struct rp_target *target;
	struct rp_area *areas;
	size_t nareas, areas_room;
	struct rp_fdes *module_fdes;	/* by module, where there is no table */
	struct rp_hash rules;
	struct rp_hash pages;
	struct rp_hash returns;		/* of functions: RP_RETURNS_* */
	struct rp_window window;
	uint8_t *record;		/* the FDE or CIE that is being read */
	uint64_t start_stack;		/* main thread's first stack pointer */
	uint32_t generation;
	struct rp_names **names;	/* by module, when needed */
	const char *contexts;		/* rp_busy_prepare() */
	bool contexts_known;
	uint64_t restorers[2];		/* of libc and of the program */
	bool restorers_known;
};

/* unwind_rule.c */

/** rp_unwind_text() - copy code or tables, through the kept pages. Return: how
 *  many bytes there are. */
size_t rp_unwind_text(struct rp_unwinder *unwinder, uint64_t address,
		      void *buffer, size_t size);
/** rp_unwind_word() - eight bytes of a stack, through the window. */
bool rp_unwind_word(struct rp_unwinder *unwinder, uint64_t address,
		    uint64_t *ret);
/** rp_unwind_rule() - what is known of an address; NULL: no memory. Its rows are
 *  there only after rp_unwind_rule_rows(). */
struct rp_pc_rule *rp_unwind_rule(struct rp_unwinder *unwinder,
				  uint64_t address, bool exact);
void rp_unwind_rule_rows(struct rp_unwinder *unwinder, struct rp_pc_rule *rule);
void rp_unwind_rule_free(void *rule);
/** rp_unwind_apply() - the caller's registers. @cfa, @slot as in struct rp_frame.
 *  Return: false if something needed is not known or cannot be read. */
bool rp_unwind_apply(struct rp_unwinder *unwinder, const struct rp_row *row,
		     const struct rp_cpu *cpu, struct rp_cpu *ret,
		     uint64_t *cfa, uint64_t *slot);
/** rp_unwind_area() - of rp_unwinder_add(), or NULL. */
struct rp_area *rp_unwind_area(const struct rp_unwinder *unwinder,
			       uint64_t address);
/** rp_unwind_is_executable() - by the modules, areas and maps. */
bool rp_unwind_is_executable(struct rp_unwinder *unwinder, uint64_t address);

/* unwind_expr.c */

/** rp_unwind_expr() - evaluate @value's expression. @cfa: what is on its stack
 *  first, or NULL. Return: false if it is not sound, or needs what is not known. */
bool rp_unwind_expr(struct rp_unwinder *unwinder, const struct rp_value *value,
		    const struct rp_cpu *cpu, const uint64_t *cfa, uint64_t *ret);

/* unwind_fde.c, unwind_cfi.c */

/** rp_unwind_fdes() - list a terminated .eh_frame. @size: at most so much.
 *  Return: 0; -ENOMEM; -EINVAL: it is not sound. */
int rp_unwind_fdes(struct rp_unwinder *unwinder, uint64_t eh_frame,
		   uint64_t size, struct rp_fdes *fdes);
/** rp_unwind_cfi() - rule by .eh_frame. Return: false if there is none. */
bool rp_unwind_cfi(struct rp_unwinder *unwinder, struct rp_pc_rule *rule);

/* unwind_code.c */

/** rp_unwind_code() - rule by following the code. Return: false if it does not
 *  tell. */
bool rp_unwind_code(struct rp_unwinder *unwinder, struct rp_pc_rule *rule);

/* unwind.c */

/** rp_unwind_signal_regs() - registers that a signal return with this stack
 *  pointer will load. Return: false if that is not one. */
bool rp_unwind_signal_regs(struct rp_unwinder *unwinder, uint64_t sp,
			   struct user_regs_struct *ret);

/* unwind_name.c */

void rp_unwind_names_free(struct rp_unwinder *unwinder);
/** rp_unwind_dynamic_count() - entries of a module's .dynsym. */
uint64_t rp_unwind_dynamic_count(struct rp_modules *modules,
				 struct rp_module *module);

#endif /* REPOINT_LIVE_UNWIND_INTERNAL_H */
