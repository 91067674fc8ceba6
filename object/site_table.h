/* SPDX-License-Identifier: MIT */
/*
 * The table of call sites in a relocatable object.
 *
 * A table section describes one text section: its SHF_LINK_ORDER points there,
 * it is in the same group, and so a linker that drops the one drops the other.
 */
#ifndef REPOINT_OBJECT_SITE_TABLE_H
#define REPOINT_OBJECT_SITE_TABLE_H

#include "call_sites.h"
#include "elf_edit.h"

/**
 * rp_site_table_matches() - does the object hold exactly these sites?
 * @obj:   the object
 * @sites: what was found in it
 * @ret:   the answer
 * @diag:  what is wrong, on failure
 *
 * Return: 0; -EINVAL, see @diag; -ENOMEM.
 */
int rp_site_table_matches(const struct rp_relobj *obj,
			  const struct rp_call_sites *sites, bool *ret,
			  struct rp_diag *diag);

/**
 * rp_site_table_build() - make an object hold exactly these sites.
 * @edit:  a fresh edit of the object
 * @sites: the sites
 * @diag:  what is wrong, on failure
 *
 * Old tables are filled anew where they fit and emptied where they do not.
 *
 * Return: 0; -EINVAL, see @diag; -ENOMEM.
 */
int rp_site_table_build(struct rp_elf_edit *edit,
			const struct rp_call_sites *sites,
			struct rp_diag *diag);

#endif /* REPOINT_OBJECT_SITE_TABLE_H */
