/* SPDX-License-Identifier: MIT */
/*
 * Call sites of a Linux kernel's static calls: `.static_call_sites`, as
 * linux/static_call_types.h has it.
 *
 * A record has 8 bytes: s32 addr, the instruction; s32 key, both relative to
 * themselves. Bit 0 of the key's addend says that the site is a tail call. The
 * kernel sorts them; their order in an object is that of its objtool: jumps
 * first, then calls.
 */
#ifndef REPOINT_OBJECT_ANNOTATE_KERNEL_SITES_H
#define REPOINT_OBJECT_ANNOTATE_KERNEL_SITES_H

#include "../abi.h"
#include "sites.h"

/**
 * rp_kernel_sites_find() - all sites of an object, in their order, with keys.
 * @obj:    the object
 * @abi:    of a kernel
 * @module: keys that the object does not name may be missing: then the record
 *          refers to the trampoline
 * @ret:    filled in; rp_sites_deinit() frees it, also after a failure
 * @diag:   on failure
 *
 * No sites are jumps outside of functions, and code that is a template
 * (replacements of alternatives).
 *
 * Return: 0; -EINVAL, see @diag (RP_DIAG_CHECK_KEY: no such key); -ENOMEM.
 */
int rp_kernel_sites_find(const struct rp_relobj *obj, const struct rp_abi *abi,
			 bool module, struct rp_sites *ret,
			 struct rp_diag *diag);

#endif /* REPOINT_OBJECT_ANNOTATE_KERNEL_SITES_H */
