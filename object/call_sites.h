/* SPDX-License-Identifier: MIT */
/* Finding the call sites of static calls in a relocatable object. */
#ifndef REPOINT_OBJECT_CALL_SITES_H
#define REPOINT_OBJECT_CALL_SITES_H

#include "relobj.h"

#include <repoint/abi.h>

/**
 * struct rp_call_site - one call of a trampoline.
 * @offset:  first byte of the instruction, in @section
 * @section: index of the text section
 * @tramp:   index of the trampoline's symbol
 * @kind:    what the instruction is
 * @crosses: its 32-bit field does not lie in one block of 16 bytes, as far
 *           as the object alone can tell
 */
struct rp_call_site {
	uint64_t offset;
	uint32_t section;
	uint32_t tramp;
	enum rp_site_kind kind;
	bool crosses;
};

/**
 * struct rp_call_sites - what was found, by section and offset.
 * @prefixed: calls left out because prefixes precede their opcode
 * @others:   references in text that are not calls (address taken)
 */
struct rp_call_sites {
	struct rp_call_site *v;
	size_t n;
	size_t room;
	size_t prefixed;
	size_t others;
};

/**
 * rp_call_sites_find() - find all call sites in an object.
 * @obj:  the object
 * @ret:  filled in; rp_call_sites_deinit() frees it, also after a failure
 * @diag: what is wrong, on failure
 *
 * A call site is a relocation in text against a trampoline (a symbol whose
 * name begins with RP_TRAMP_PREFIX, or the same place as section + offset)
 * that is the field of a call or jump. Instructions are decoded from the
 * symbol before the relocation on, so that bytes inside another instruction
 * are not taken for a call.
 *
 * Return: 0; -EINVAL, see @diag; -ENOMEM.
 */
int rp_call_sites_find(const struct rp_relobj *obj, struct rp_call_sites *ret,
		       struct rp_diag *diag);

void rp_call_sites_deinit(struct rp_call_sites *sites);

/** rp_site_kind_name() - a word for messages. */
const char *rp_site_kind_name(enum rp_site_kind kind);

#endif /* REPOINT_OBJECT_CALL_SITES_H */
