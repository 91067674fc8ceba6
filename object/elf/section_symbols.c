/* SPDX-License-Identifier: MIT */
/* Sections' own symbols. */
#include "section_symbols.h"

#include <stdlib.h>

static void find(const struct rp_relobj *obj, uint32_t *ret)
{
	for (size_t i = 1; i < obj->first_global; i++) {
		const struct rp_symbol *symbol = &obj->symbols[i];

		if (symbol->type == STT_SECTION && symbol->section &&
		    symbol->section != RP_SECTION_NONE)
			ret[symbol->section] = i;
	}
}

int rp_section_symbols(struct rp_elf_edit *edit, const bool *needed,
		       uint32_t *ret, struct rp_diag *diag)
{
	const struct rp_relobj *obj = edit->obj;
	size_t n = 0;

	if (!obj->symtab)
		return rp_diag_set(diag, RP_DIAG_SYMTAB, NULL,
			"has no symbol table: places in code cannot be named");
	uint32_t *missing = calloc(obj->nsections, sizeof(*missing));
	if (!missing)
		return rp_diag_nomem(diag);
	find(obj, ret);
	for (size_t i = 1; i < obj->nsections; i++) {
		if (!needed[i] || ret[i])
			continue;
		ret[i] = obj->first_global + n;
		missing[n++] = i;
	}
	int rc = rp_elf_edit_insert_symbols(edit, missing, n, diag);
	free(missing);
	return rc;
}
