/* SPDX-License-Identifier: MIT */
/*
 * Branches of a Linux kernel's code through thunks: `.retpoline_sites` and
 * `.return_sites`. By them a kernel that does not need the thunks writes the
 * indirect branches and returns themselves into its code.
 *
 * A record is an s32, the instruction relative to the record. Their order is
 * that of the kernel's objtool, jumps first, then calls; any other serves too.
 * See kernel_tables.h.
 */
#ifndef REPOINT_OBJECT_CODE_KERNEL_THUNKS_H
#define REPOINT_OBJECT_CODE_KERNEL_THUNKS_H

#include "../annotate/sites.h"
#include "../elf/edit.h"
#include "code.h"

/** enum rp_thunk_table - the tables. */
enum rp_thunk_table {
	RP_THUNKS_RETPOLINE,	/**< calls and jumps to __x86_indirect_... */
	RP_THUNKS_RETURN,	/**< jumps to __x86_return_thunk */
	RP_THUNKS_NR
};

/** rp_kernel_has_thunks() - does a symbol of the object name a thunk? Without
 *  one there are no sites. */
bool rp_kernel_has_thunks(const struct rp_relobj *obj);

/**
 * rp_kernel_thunks_find() - all branches of an object through thunks.
 * @code: the object's
 * @ret:  RP_THUNKS_NR lists, filled in; rp_sites_deinit() frees each, also after
 *        a failure
 * @diag: on failure
 *
 * A replacement of an alternative holds no indirect branches that are sites: it
 * is a template. Its returns are.
 *
 * Return: 0 or -ENOMEM.
 */
int rp_kernel_thunks_find(const struct rp_code *code, struct rp_sites *ret,
			  struct rp_diag *diag);

#endif /* REPOINT_OBJECT_CODE_KERNEL_THUNKS_H */
