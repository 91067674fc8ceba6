/* SPDX-License-Identifier: MIT */
/*
 * Patchlets in a relocatable object: are they what they say?
 *
 * A patchlet is copied over a call, so it has to come out at its end, with the
 * stack as it was, and may change no register that it did not declare. The
 * records are struct rp_patchlet of <repoint/abi.h>.
 */
#ifndef REPOINT_OBJECT_ANNOTATE_PATCHLETS_H
#define REPOINT_OBJECT_ANNOTATE_PATCHLETS_H

#include "../elf/relobj.h"

/** Bytes of a patchlet, at most. */
#define RP_PATCHLET_SIZE_MAX	4096

/**
 * rp_patchlets_check() - check all patchlets of an object.
 * @obj:  the object
 * @diag: what is wrong with the first that is not sound
 *
 * Each sequence has a record. It lies in one text section, shares no byte with
 * another and decodes into whole instructions. These
 *   - change only what the record declares, and never %rsp, the direction flag
 *     or modes;
 *   - address nothing by %rsp: the stack is the caller's;
 *   - branch to instructions of the patchlet, or to its end;
 *   - are no returns, and calls only if all that a C function may change is
 *     declared.
 *
 * Return: 0; -EINVAL, see @diag; -ENOMEM.
 */
int rp_patchlets_check(const struct rp_relobj *obj, struct rp_diag *diag);

#endif /* REPOINT_OBJECT_ANNOTATE_PATCHLETS_H */
