/* SPDX-License-Identifier: MIT */
/* Annotating one relocatable object that is in memory. */
#ifndef REPOINT_OBJECT_ANNOTATE_ANNOTATE_H
#define REPOINT_OBJECT_ANNOTATE_ANNOTATE_H

#include "../code/kernel_thunks.h"

enum rp_annotate_outcome {
	RP_ANNOTATE_NO_SITES,	/**< no sites, nothing to do */
	RP_ANNOTATE_UNCHANGED,	/**< has the right tables already */
	RP_ANNOTATE_CHANGED,	/**< the tables have to be written */
	RP_ANNOTATE_LTO,	/**< bytecode: no machine code to look at yet */
};

/**
 * struct rp_annotation - an object, its sites and what to do with it.
 * @obj:     the object; @image given to begin() must outlive it
 * @abi:     whose tables; of a kernel, only @sites[RP_TABLE_CALLS] are used
 * @sites:   its sites, by table
 * @thunks:  of a kernel: its branches through thunks, by table
 * @outcome: see enum rp_annotate_outcome
 */
struct rp_annotation {
	struct rp_relobj obj;
	const struct rp_abi *abi;
	struct rp_sites sites[RP_TABLE_NR];
	struct rp_sites thunks[RP_THUNKS_NR];
	enum rp_annotate_outcome outcome;
};

/**
 * rp_annotate_begin() - look at an object.
 * @annotation: filled in; rp_annotate_end() frees it, also after a failure
 * @image:      the bytes of the file
 * @size:       how many
 * @diag:       what is wrong, on failure
 *
 * Patchlets in the object are checked, see patchlets.h.
 *
 * Return: 0; -EINVAL, see @diag; -ENOMEM.
 */
int rp_annotate_begin(struct rp_annotation *annotation, const void *image,
		      size_t size, struct rp_diag *diag);

/**
 * rp_annotate_begin_kernel() - look at an object of a Linux kernel.
 * @abi:    which kernel's names and formats
 * @module: it belongs to a module, see kernel_sites.h
 *
 * Otherwise like rp_annotate_begin(); there are no ops and no patchlets. The code
 * is followed only if the object names thunks.
 */
int rp_annotate_begin_kernel(struct rp_annotation *annotation,
			     const void *image, size_t size,
			     const struct rp_abi *abi, bool module,
			     struct rp_diag *diag);

/**
 * rp_annotate_write() - write the annotated object.
 * @annotation: of outcome RP_ANNOTATE_CHANGED
 * @fd:         an empty file
 * @diag:       what is wrong, on failure
 *
 * Return: 0; -EINVAL, see @diag; -ENOMEM.
 */
int rp_annotate_write(struct rp_annotation *annotation, int fd,
		      struct rp_diag *diag);

void rp_annotate_end(struct rp_annotation *annotation);

#endif /* REPOINT_OBJECT_ANNOTATE_ANNOTATE_H */
