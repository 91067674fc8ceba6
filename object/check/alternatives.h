/* SPDX-License-Identifier: MIT */
/* Records of alternatives, as the checks of them share them. */
#ifndef REPOINT_OBJECT_CHECK_ALTERNATIVES_H
#define REPOINT_OBJECT_CHECK_ALTERNATIVES_H

#include "../code/alt_records.h"
#include "internal.h"

/** struct rp_alt_site - [@start, @end) of a section that records replace: of
 *  overlapping ones, all. */
struct rp_alt_site {
	uint32_t section;
	uint64_t start, end;
};

/**
 * struct rp_alt_records - all readable records of an object.
 * @v:     in the order of the tables; lengths of linux-6.12 are those of the
 *         longest with the same start, as the kernel makes them
 * @sites: sorted, and apart
 */
struct rp_alt_records {
	struct rp_alt_record *v;
	size_t n, room;
	struct rp_alt_site *sites;
	size_t nsites;
};

/** rp_alt_records_read() - read them; what is wrong with them are findings.
 *  Return: 0; -EINVAL, -ENOMEM: @check->diag. */
int rp_alt_records_read(struct rp_alt_records *records, struct rp_check *check);
void rp_alt_records_deinit(struct rp_alt_records *records);

/** rp_alt_site_around() - the site that holds a byte, or NULL. */
const struct rp_alt_site *
rp_alt_site_around(const struct rp_alt_records *records, uint32_t section,
		   uint64_t offset);

/** rp_check_alt_code() - decode sites and replacements. */
void rp_check_alt_code(struct rp_check *check,
		       const struct rp_alt_records *records);

#endif /* REPOINT_OBJECT_CHECK_ALTERNATIVES_H */
