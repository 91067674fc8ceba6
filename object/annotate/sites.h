/* SPDX-License-Identifier: MIT */
/* Finding call sites and ops sites in a relocatable object. */
#ifndef REPOINT_OBJECT_ANNOTATE_SITES_H
#define REPOINT_OBJECT_ANNOTATE_SITES_H

#include "../elf/relobj.h"

#include <repoint/abi.h>

/** enum rp_site_table - the tables that sites are recorded in. */
enum rp_site_table {
	RP_TABLE_CALLS,		/**< calls of static calls */
	RP_TABLE_OPS,		/**< uses of ops tables */
	RP_TABLE_NR,
	/** calls of a Linux kernel's static calls: see kernel_sites.h */
	RP_TABLE_KERNEL = RP_TABLE_NR
};

/**
 * struct rp_site - one patchable instruction.
 * @offset:  first byte of the instruction, in @section
 * @addend:  what is referred to, relative to @symbol: the offset of the
 *           member; of a call 0
 * @section: index of the text section
 * @symbol:  index of the symbol of the trampoline or ops table
 * @key:     RP_TABLE_KERNEL: index of the symbol of the key, or of the trampoline
 * @kind:    enum rp_site_kind or enum rp_op_site_kind
 * @length:  bytes of the instruction
 * @crosses: what the library would change does not lie in one block of 16
 *           bytes, as far as the object alone can tell
 */
struct rp_site {
	uint64_t offset;
	int64_t addend;
	uint32_t section;
	uint32_t symbol;
	uint32_t key;
	uint8_t kind;
	uint8_t length;
	bool crosses;
};

/**
 * struct rp_other - a reference in text that is no site.
 * @offset:  of the relocated field, in @section
 * @section: index of the text section
 * @symbol:  index of the symbol of the trampoline or ops table
 */
struct rp_other {
	uint64_t offset;
	uint32_t section;
	uint32_t symbol;
};

/**
 * struct rp_sites - what was found, by section and offset.
 * @prefixed: left out because of the prefixes in front of the opcode
 * @got:      references through the GOT to an ops table: of another shared
 *            object, or not declared hidden
 * @other:    other references in text (address taken, member read), @others of
 *            them, by section and offset
 */
struct rp_sites {
	struct rp_site *v;
	size_t n;
	size_t room;
	size_t prefixed;
	size_t got;
	struct rp_other *other;
	size_t others;
	size_t other_room;
};

/**
 * rp_sites_find() - find all sites of one kind in an object.
 * @obj:   the object
 * @table: which
 * @ret:   filled in; rp_sites_deinit() frees it, also after a failure
 * @diag:  what is wrong, on failure
 *
 * A site is a relocation in text that is the field of a call or jump and
 * refers to a trampoline (a symbol whose name begins with RP_TRAMP_PREFIX), or
 * to a member of an ops table (RP_OPS_PREFIX); or to the same place as section
 * + offset. Instructions are decoded from the symbol before the relocation on,
 * so that bytes inside another instruction are not taken for a call.
 *
 * What the object's own table of ops sites names is looked at like a reference
 * to an ops table, whatever it is called: see site_table.h.
 *
 * Return: 0; -EINVAL, see @diag; -ENOMEM.
 */
int rp_sites_find(const struct rp_relobj *obj, enum rp_site_table table,
		  struct rp_sites *ret, struct rp_diag *diag);

/** rp_sites_add() - append a site. Return: 0 or -ENOMEM. */
int rp_sites_add(struct rp_sites *sites, const struct rp_site *site,
		 struct rp_diag *diag);

/** rp_sites_add_other() - append another reference. Return: 0 or -ENOMEM. */
int rp_sites_add_other(struct rp_sites *sites, const struct rp_other *other,
		       struct rp_diag *diag);

/** rp_sites_sort_others() - by section and offset. */
void rp_sites_sort_others(struct rp_sites *sites);

void rp_sites_deinit(struct rp_sites *sites);

/** rp_site_kind_name() - a word for messages. */
const char *rp_site_kind_name(enum rp_site_table table, unsigned int kind);

#endif /* REPOINT_OBJECT_ANNOTATE_SITES_H */
