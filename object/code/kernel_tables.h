/* SPDX-License-Identifier: MIT */
/* Tables of sites of a Linux kernel: comparing and building them. */
#ifndef REPOINT_OBJECT_CODE_KERNEL_TABLES_H
#define REPOINT_OBJECT_CODE_KERNEL_TABLES_H

#include "../annotate/kernel_sites.h"
#include "kernel_thunks.h"

/** rp_kernel_sites_match() - does the object hold exactly these records, in any
 *  order? */
int rp_kernel_sites_match(const struct rp_relobj *obj,
			  const struct rp_sites *sites, bool *ret,
			  struct rp_diag *diag);

/** rp_kernel_thunks_match() - the same of one of the tables of thunks. */
int rp_kernel_thunks_match(const struct rp_relobj *obj,
			   enum rp_thunk_table table,
			   const struct rp_sites *sites, bool *ret,
			   struct rp_diag *diag);

/** rp_thunk_table_name() - of the table's section. */
const char *rp_thunk_table_name(enum rp_thunk_table table);

/** rp_thunk_table_exists() - does the object have such a section? */
bool rp_thunk_table_exists(const struct rp_relobj *obj,
			   enum rp_thunk_table table);

/**
 * rp_kernel_tables_build() - make an object hold exactly these records.
 * @edit:   a fresh edit of the object
 * @calls:  of static calls, with keys
 * @thunks: RP_THUNKS_NR lists
 *
 * Tables that would be empty are not added.
 *
 * Return: 0; -EINVAL, see @diag; -ENOMEM.
 */
int rp_kernel_tables_build(struct rp_elf_edit *edit,
			   const struct rp_sites *calls,
			   const struct rp_sites *thunks, struct rp_diag *diag);

#endif /* REPOINT_OBJECT_CODE_KERNEL_TABLES_H */
