/* SPDX-License-Identifier: MIT */
/* The ORC table of one file: made, compared, written. */
#ifndef REPOINT_TOOLS_ORC_TABLE_H
#define REPOINT_TOOLS_ORC_TABLE_H

#include "whole_file.h"
#include "../../object/orc/orc.h"

/**
 * struct rp_orc_options - what to do.
 * @abi:     format
 * @output:  file to write instead; NULL: in place
 * @from_eh_frame: of .eh_frame, not of the code
 * @prefix:  bytes of NOPs before functions; 0: none
 * @dump:    the table is to be printed: write nothing
 * @dry_run: write nothing; do not take the table that is there
 */
struct rp_orc_options {
	const struct rp_abi *abi;
	const char *output;
	unsigned int prefix;
	bool from_eh_frame;
	bool dump;
	bool dry_run;
};

enum rp_orc_outcome {
	RP_ORC_FAILED,
	RP_ORC_NO_CODE,		/**< nothing to say, and no table */
	RP_ORC_UNCHANGED,	/**< has exactly this table */
	RP_ORC_WRITTEN,
	RP_ORC_REPLACED,	/**< had another table */
	RP_ORC_WOULD_WRITE,
	RP_ORC_READ,		/**< @orc is the table that was there */
	RP_ORC_MADE,		/**< @orc was made, to be printed */
	RP_ORC_BYTECODE,	/**< link-time optimization: no code yet */
};

/**
 * struct rp_orc_result - one file.
 * @abi:      of @orc
 * @code:     valid if the code was followed; names places of @findings
 * @findings: what the analysis found
 * @unsaid:   stretches of code that are undefined for want of words
 * @no_build_id: the table file says not whose it is
 */
struct rp_orc_result {
	struct rp_whole_file file;
	struct rp_relobj obj;
	const struct rp_abi *abi;
	struct rp_code code;
	struct rp_frame_rows rows;
	struct rp_stack_walk walk;
	struct rp_findings findings;
	struct rp_orc orc;
	enum rp_orc_outcome outcome;
	size_t unsaid;
	bool no_build_id;
};

/**
 * rp_orc_file() - make the table of a file, and write it.
 * @result:  filled in; rp_orc_result_deinit() frees it, always
 * @path:    the file; objects are replaced by rename(2), or not touched at all
 * @options: what to do
 * @diag:    what is wrong, if the outcome is RP_ORC_FAILED
 */
void rp_orc_file(struct rp_orc_result *result, const char *path,
		 const struct rp_orc_options *options, struct rp_diag *diag);

/** rp_orc_table_spoils() - would the table be wrong? */
bool rp_orc_table_spoils(const struct rp_finding *finding);

void rp_orc_result_deinit(struct rp_orc_result *result);

#endif /* REPOINT_TOOLS_ORC_TABLE_H */
