/* SPDX-License-Identifier: MIT */
/* What the fields of relocations look like, by type. */
#ifndef REPOINT_OBJECT_ELF_RELOC_FORM_H
#define REPOINT_OBJECT_ELF_RELOC_FORM_H

#include <stdbool.h>
#include <stdint.h>

/** rp_reloc_width() - bytes of the field; 0 if the type only marks a place. */
unsigned int rp_reloc_width(uint32_t type);

/** rp_reloc_is_relative() - is the value a distance from its own place? */
bool rp_reloc_is_relative(uint32_t type);

#endif /* REPOINT_OBJECT_ELF_RELOC_FORM_H */
