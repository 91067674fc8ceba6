/* SPDX-License-Identifier: MIT */
/* Registers that are variables of the whole program: register long r asm("r15"). */
#include "internal.h"
#include "registers.h"

/* The register that a variable is in, wherever the code is. */
static uint32_t register_of(Dwarf_Die *variable)
{
	Dwarf_Attribute attr;
	Dwarf_Op *op;
	size_t n;

	if (dwarf_tag(variable) != DW_TAG_variable ||
	    !dwarf_attr(variable, DW_AT_location, &attr) ||
	    dwarf_getlocation(&attr, &op, &n) || n != 1 ||
	    op->atom < DW_OP_reg0 || op->atom > DW_OP_reg31)
		return 0;
	return 1u << (op->atom - DW_OP_reg0);
}

/* Of damaged information, what comes next may come before. */
static uint32_t of_unit(Dwarf_Die *unit)
{
	Dwarf_Die die, next;
	uint32_t ret = 0;

	if (dwarf_child(unit, &die))
		return 0;
	do {
		ret |= register_of(&die);
		if (dwarf_siblingof(&die, &next) ||
		    dwarf_dieoffset(&next) <= dwarf_dieoffset(&die))
			break;
		die = next;
	} while (true);
	return ret;
}

static uint32_t of_units(Dwarf *dwarf)
{
	Dwarf_Off at = 0, next;
	uint32_t ret = 0;
	Dwarf_Die die;
	size_t size;

	while (!dwarf_nextcu(dwarf, at, &next, &size, NULL, NULL, NULL) &&
	       next > at) {
		if (dwarf_offdie(dwarf, at + size, &die))
			ret |= of_unit(&die);
		at = next;
	}
	return ret;
}

static uint32_t of_linked(const struct rp_relobj *obj)
{
	Dwarf *dwarf = dwarf_begin_elf(obj->elf, DWARF_C_READ, NULL);
	uint32_t ret = dwarf ? of_units(dwarf) : 0;

	dwarf_end(dwarf);
	return ret;
}

uint32_t rp_debug_global_registers(const struct rp_relobj *obj)
{
	struct rp_debug_info *info;
	struct rp_diag diag;
	uint32_t ret = 0;

	if (obj->linked)
		return of_linked(obj);
	if (rp_debug_info_open(&info, obj, &diag) || !info)
		return 0;
	ret = of_units(info->dwarf);
	rp_debug_info_close(info);
	return ret;
}
