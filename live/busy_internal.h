/* SPDX-License-Identifier: MIT */
/* Pieces of busy.h: busy.c walks threads and explains, busy_scan.c looks at words
 * in memory, busy_contexts.c tells whether a program switches stacks. */
#ifndef REPOINT_LIVE_BUSY_INTERNAL_H
#define REPOINT_LIVE_BUSY_INTERNAL_H

#include "busy.h"
#include "unwind_internal.h"

/** struct rp_range - words that are judged already, or that nobody will read. */
struct rp_range {
	uint64_t start, end;
};

struct rp_ranges {
	struct rp_range *v;
	size_t n, room;
};

/**
 * struct rp_search - one rp_busy_find().
 * @codes:  those that are not allowed, by address; [@low, @high) around them
 * @maps:   as they are now, read when first needed
 * @passed: what a scan of all memory leaves out; collected if @scans
 */
struct rp_search {
	struct rp_unwinder *unwinder;
	struct rp_threads *threads;
	const struct rp_code **codes;
	size_t ncodes;
	uint64_t low, high;
	bool scans;
	bool has_maps;
	struct rp_maps maps;
	struct rp_ranges passed;
	struct rp_busy_list *list;
};

/** rp_search_code() - the code that a frame is in, NULL: none that counts. */
const struct rp_code *rp_search_code(const struct rp_search *search, uint64_t pc,
				     bool exact);
/** rp_search_word() - the code that a word would return into. */
const struct rp_code *rp_search_word(const struct rp_search *search,
				     uint64_t word);
/** rp_search_maps() - Return: 0; -ENOMEM; -ESRCH; -EACCES. */
int rp_search_maps(struct rp_search *search);

/* busy_scan.c */

/**
 * struct rp_scan - what the rest of a stack holds.
 * @code: NULL: nothing that counts
 * @at:   where the word is
 * @unknown: the stack lies in no mapping, or leads to too many others
 */
struct rp_scan {
	const struct rp_code *code;
	uint64_t at;
	bool unknown;
};

/** rp_scan_stack() - B2, from @sp on. Return: 0; -ENOMEM; -ESRCH; -EACCES. */
int rp_scan_stack(struct rp_search *search, uint64_t sp, struct rp_scan *ret);
/** rp_scan_memory() - B3. Adds to the list. */
int rp_scan_memory(struct rp_search *search);

#endif /* REPOINT_LIVE_BUSY_INTERNAL_H */
