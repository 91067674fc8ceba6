/* SPDX-License-Identifier: MIT */
/* Records of sites: static calls, static keys, uses of ops tables. */
#ifndef REPOINT_OBJECT_CHECK_SITES_H
#define REPOINT_OBJECT_CHECK_SITES_H

#include "internal.h"
#include "place.h"

/**
 * struct rp_site_check - a record that is being looked at.
 * @at:      offset of the record
 * @section, @offset: what its code field refers to
 * @insn:    the instruction that holds this byte
 * @bytes:   at @offset, @room of them in the section
 */
struct rp_site_check {
	struct rp_check *check;
	const struct rp_records *table;
	uint64_t at;
	uint32_t section;
	uint64_t offset;
	uint32_t insn;
	const uint8_t *bytes;
	uint64_t room;
};

/**
 * struct rp_site_format - how to check a table.
 * @section: its name
 * @size:    bytes of a record
 * @record:  looks at a record
 * @counter: offset in struct rp_check_stats of how many records there are
 */
struct rp_site_format {
	const char *section;
	unsigned int size;
	void (*record)(struct rp_site_check *site);
	size_t counter;
};

/** rp_check_site_table() - all tables of a format. @found: is there one?
 *  Return: 0; -EINVAL, -ENOMEM. */
int rp_check_site_table(struct rp_check *check,
			const struct rp_site_format *format, bool *found);

/** rp_site_open() - find the code of a record, at @at in it. Return: is it
 *  there? If not, that is a finding. */
bool rp_site_open(struct rp_site_check *site);

/** rp_site_bad_record() - a finding at the record. */
void rp_site_bad_record(const struct rp_site_check *site, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/** rp_site_bad_code() - a finding at the code. @want: what should be there */
void rp_site_bad_code(const struct rp_site_check *site, const char *want);

/** rp_site_crosses() - say so if @size bytes from @offset are in two blocks. */
void rp_site_crosses(const struct rp_site_check *site, uint64_t offset,
		     unsigned int size);

/* Of the kernel's formats. */
int rp_check_kernel_sites(struct rp_check *check);

/* Static calls whose trampoline or call is here, and whose key is not. */
int rp_check_call_keys(struct rp_check *check);

#endif /* REPOINT_OBJECT_CHECK_SITES_H */
