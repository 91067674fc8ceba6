/* SPDX-License-Identifier: MIT */
/* Sections' own symbols, for relocations that name a place in a section. */
#ifndef REPOINT_OBJECT_ELF_SECTION_SYMBOLS_H
#define REPOINT_OBJECT_ELF_SECTION_SYMBOLS_H

#include "edit.h"

/**
 * rp_section_symbols() - find them; assemblers leave out those that nothing
 * uses: insert these.
 * @edit:   a fresh edit: nothing was inserted yet
 * @needed: for each section: is its symbol needed?
 * @ret:    their numbers, as the edit has them: one for each section, all 0
 *          before
 * @diag:   on failure
 *
 * Return: 0; -EINVAL, see @diag; -ENOMEM.
 */
int rp_section_symbols(struct rp_elf_edit *edit, const bool *needed,
		       uint32_t *ret, struct rp_diag *diag);

#endif /* REPOINT_OBJECT_ELF_SECTION_SYMBOLS_H */
