/* SPDX-License-Identifier: MIT */
/* Records of .eh_frame: unwind_fde.c finds and reads them, unwind_cfi.c runs what
 * they say. */
#ifndef REPOINT_LIVE_UNWIND_FDE_H
#define REPOINT_LIVE_UNWIND_FDE_H

#include "unwind_internal.h"

#include "../object/frames/cfi_insn.h"

/** struct rp_cfi_reader - a copy of bytes of the target: @start is at @address
 *  there. */
struct rp_cfi_reader {
	struct rp_eh_reader eh;
	const uint8_t *start;
	uint64_t address;
	uint64_t data;		/* what DW_EH_PE_datarel counts from */
};

/** struct rp_cfi_cie - what FDEs have in common. */
struct rp_cfi_cie {
	struct rp_cfi_factors factors;
	uint8_t encoding;
	bool sized;		/* there is a size before augmentation data */
	bool signal;
	bool personality;	/* somebody is asked about exceptions */
	struct rp_cfi_reader program;
};

/** struct rp_cfi_fde - one function. */
struct rp_cfi_fde {
	struct rp_cfi_cie cie;
	uint64_t start, end;
	struct rp_cfi_reader program;
};

/** rp_cfi_pointer() - @encoding: DW_EH_PE_*, without an indirection. */
uint64_t rp_cfi_pointer(struct rp_cfi_reader *reader, uint8_t encoding);

/** rp_fde_find() - that of a function; it is valid until the next one. Return:
 *  false if there is none. */
bool rp_fde_find(struct rp_unwinder *unwinder, uint64_t pc,
		 struct rp_cfi_fde *ret);

#endif /* REPOINT_LIVE_UNWIND_FDE_H */
