/* SPDX-License-Identifier: MIT */
/* Records of .eh_frame: unwind_fde.c finds and reads them, unwind_cfi.c runs what
 * they say. */
#ifndef REPOINT_LIVE_UNWIND_FDE_H
#define REPOINT_LIVE_UNWIND_FDE_H

#include "unwind_internal.h"

/** struct rp_cfi_reader - bytes of the target at @address. @bad: read beyond
 *  @end. */
struct rp_cfi_reader {
	const uint8_t *start, *at, *end;
	uint64_t address;
	uint64_t data;		/* what DW_EH_PE_datarel counts from */
	bool bad;
};

/** struct rp_cfi_cie - what FDEs have in common. */
struct rp_cfi_cie {
	uint64_t code_align;
	int64_t data_align;
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

/* Numbers. Beyond the end they are 0, and the reader is bad. */

uint64_t rp_read_fixed(struct rp_cfi_reader *reader, size_t size);
uint64_t rp_read_leb(struct rp_cfi_reader *reader, bool is_signed);
uint64_t rp_read_uleb(struct rp_cfi_reader *reader);
void rp_read_skip(struct rp_cfi_reader *reader, uint64_t size);
/** rp_read_pointer() - @encoding: DW_EH_PE_*, without an indirection. */
uint64_t rp_read_pointer(struct rp_cfi_reader *reader, uint8_t encoding);

/** rp_fde_find() - that of a function; it is valid until the next one. Return:
 *  false if there is none. */
bool rp_fde_find(struct rp_unwinder *unwinder, uint64_t pc,
		 struct rp_cfi_fde *ret);

#endif /* REPOINT_LIVE_UNWIND_FDE_H */
