/* SPDX-License-Identifier: MIT */
/* What the records of patchlets and the check of their code share. */
#ifndef REPOINT_OBJECT_ANNOTATE_PATCHLETS_INTERNAL_H
#define REPOINT_OBJECT_ANNOTATE_PATCHLETS_INTERNAL_H

#include "../elf/places.h"

/**
 * struct rp_patchlet_range - a record that has been read.
 * @section:  of the code
 * @clobbers: what it declares
 * @start:    first byte, in the section
 * @end:      behind the last byte
 * @name:     for messages
 */
struct rp_patchlet_range {
	uint32_t section;
	uint32_t clobbers;
	uint64_t start;
	uint64_t end;
	char name[41];
};

/**
 * struct rp_patchlet_checker - the state of a check.
 * @obj:       the object
 * @names:     symbols in code
 * @v:         what was read so far, @n of them
 * @relocs:    the relocations of section @relocs_of, by offset
 * @relocs_of: see @relocs
 * @diag:      what is wrong
 */
struct rp_patchlet_checker {
	const struct rp_relobj *obj;
	struct rp_places names;
	struct rp_patchlet_range *v;
	size_t n;
	struct rp_relocs relocs;
	uint32_t relocs_of;
	struct rp_diag *diag;
};

/**
 * rp_patchlet_check_code() - check the instructions of one patchlet.
 * @c: the state
 * @p: the patchlet; it lies in its section and is not too long
 *
 * Return: 0; -EINVAL, see @c->diag; -ENOMEM.
 */
int rp_patchlet_check_code(struct rp_patchlet_checker *c,
			   const struct rp_patchlet_range *p);

#endif /* REPOINT_OBJECT_ANNOTATE_PATCHLETS_INTERNAL_H */
