/* SPDX-License-Identifier: MIT */
/* Registers that are variables of the whole program: register long r asm("r15"). */
#ifndef REPOINT_OBJECT_DEBUG_REGISTERS_H
#define REPOINT_OBJECT_DEBUG_REGISTERS_H

#include "../elf/relobj.h"

/** rp_debug_global_registers() - of an object, or a linked file: 1 << number of DWARF
 *  each. 0 also if there is no debug information, or it is damaged. */
uint32_t rp_debug_global_registers(const struct rp_relobj *obj);

#endif /* REPOINT_OBJECT_DEBUG_REGISTERS_H */
