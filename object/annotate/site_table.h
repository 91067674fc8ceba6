/* SPDX-License-Identifier: MIT */
/*
 * The tables of sites in a relocatable object.
 *
 * A table section describes one text section: its SHF_LINK_ORDER points there,
 * it is in the same group, and so a linker that drops the one drops the other.
 *
 * Tables of ops sites may hold records of rp_op_asm(), which the assembler
 * wrote, and linkers merge them with those that were written here. Nothing
 * marks who wrote a record, because what it says can be checked: whatever
 * instruction it names is looked at like any other, with the relocation in it
 * as evidence (rp_sites_find()). So a right record is a site that was found,
 * and is in the new table, once, as long as it was; a wrong one is not. Records that the finder
 * would not have thought of by itself, of a table with another name, live on
 * from run to run in the same way.
 */
#ifndef REPOINT_OBJECT_ANNOTATE_SITE_TABLE_H
#define REPOINT_OBJECT_ANNOTATE_SITE_TABLE_H

#include "../elf/edit.h"
#include "sites.h"

/**
 * rp_site_table_matches() - does the object hold exactly these sites?
 * @obj:   the object
 * @sites: what was found in it, RP_TABLE_NR lists
 * @ret:   the answer
 * @diag:  what is wrong, on failure
 *
 * Return: 0; -EINVAL, see @diag; -ENOMEM.
 */
int rp_site_table_matches(const struct rp_relobj *obj,
			  const struct rp_sites *sites, bool *ret,
			  struct rp_diag *diag);

/**
 * rp_site_table_build() - make an object hold exactly these sites.
 * @edit:  a fresh edit of the object
 * @sites: the sites, RP_TABLE_NR lists
 * @diag:  what is wrong, on failure
 *
 * Old tables are filled anew where they fit and emptied where they do not.
 *
 * Return: 0; -EINVAL, see @diag; -ENOMEM.
 */
int rp_site_table_build(struct rp_elf_edit *edit,
			const struct rp_sites *sites,
			struct rp_diag *diag);

#endif /* REPOINT_OBJECT_ANNOTATE_SITE_TABLE_H */
