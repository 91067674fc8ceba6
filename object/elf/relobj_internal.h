/* SPDX-License-Identifier: MIT */
/* Steps of rp_relobj_open(), and helpers for its messages. */
#ifndef REPOINT_OBJECT_ELF_RELOBJ_INTERNAL_H
#define REPOINT_OBJECT_ELF_RELOBJ_INTERNAL_H

#include "relobj.h"

/* A place, in words. */
struct rp_where {
	char text[96];
};

void rp_where_text(struct rp_where *where, const char *text);
/* "section 3 (.text)", or "section 3" before names are known */
void rp_where_section(struct rp_where *where, const struct rp_relobj *obj,
		      size_t index);

/* libelf refused; it says why. Return: -EINVAL. */
int rp_diag_libelf(struct rp_diag *diag, const char *where);

int rp_relobj_check_strtab(const struct rp_relobj *obj, size_t index,
			   struct rp_diag *diag);
int rp_relobj_string(const struct rp_relobj *obj, size_t strtab,
		     uint64_t offset, const char **ret, struct rp_diag *diag);

int rp_relobj_read_symbols(struct rp_relobj *obj, struct rp_diag *diag);
int rp_relobj_sort_sections(struct rp_relobj *obj, struct rp_diag *diag);
int rp_relobj_read_links(struct rp_relobj *obj, struct rp_diag *diag);

/* How LLVM's tables of symbols are called; not in every <elf.h>. */
#define RP_SHT_LLVM_ADDRSIG		0x6fff4c03u
#define RP_SHT_LLVM_CG_PROFILE_V1	0x6fff4c02u
#define RP_SHT_LLVM_CG_PROFILE		0x6fff4c09u
#define RP_SHT_CREL			0x40000014u

/* The same in every image, whatever the host is. */
void rp_relobj_rela(const uint8_t *image, struct rp_reloc *ret);

#endif /* REPOINT_OBJECT_ELF_RELOBJ_INTERNAL_H */
