/* SPDX-License-Identifier: MIT */
/*
 * Global register variables: `register long r asm("r15")` outside of a function.
 * Nothing but debug information shows them. The whole program keeps them, by
 * -ffixed-r15, so that setting one overwrites nobody's value.
 */
#include "../debug/internal.h"
#include "internal.h"

/* The register that a variable is in, wherever the code is: 1 << enum rp_reg. */
static uint16_t register_of(Dwarf_Die *variable)
{
	Dwarf_Attribute attr;
	Dwarf_Op *op;
	uint8_t reg;
	size_t n;

	if (dwarf_tag(variable) != DW_TAG_variable ||
	    !dwarf_attr(variable, DW_AT_location, &attr) ||
	    dwarf_getlocation(&attr, &op, &n) || n != 1 ||
	    op->atom < DW_OP_reg0 || op->atom > DW_OP_reg31)
		return 0;
	reg = rp_frame_reg_number(op->atom - DW_OP_reg0);
	return reg < RP_REG_NR ? 1u << reg : 0;
}

/* Of damaged information, what comes next may come before. */
static uint16_t of_unit(Dwarf_Die *unit)
{
	Dwarf_Die die, next;
	uint16_t ret = 0;

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

static uint16_t of_units(Dwarf *dwarf)
{
	Dwarf_Off at = 0, next;
	uint16_t ret = 0;
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

static uint16_t of_linked(const struct rp_relobj *obj)
{
	Dwarf *dwarf = dwarf_begin_elf(obj->elf, DWARF_C_READ, NULL);
	uint16_t ret = dwarf ? of_units(dwarf) : 0;

	dwarf_end(dwarf);
	return ret;
}

static uint16_t of_object(const struct rp_relobj *obj)
{
	struct rp_debug_info *info;
	struct rp_diag diag;
	uint16_t ret = 0;

	if (obj->linked)
		return of_linked(obj);
	if (rp_debug_info_open(&info, obj, &diag) || !info)
		return 0;
	ret = of_units(info->dwarf);
	rp_debug_info_close(info);
	return ret;
}

uint16_t rp_walk_global(struct rp_walker *w)
{
	if (!w->global_asked)
		w->global = of_object(w->code->obj);
	w->global_asked = true;
	return w->global;
}

bool rp_walk_drop_global(struct rp_walker *w, struct rp_stack_state *state)
{
	bool changed = false;

	for (unsigned int i = 0; i < RP_REG_NR && !w->kernel; i++) {
		if (state->saved[i].how != RP_SAVED_LOST ||
		    !(rp_walk_global(w) >> i & 1))
			continue;
		state->saved[i] = (struct rp_saved_reg){ 0, RP_SAVED_SAME };
		changed = true;
	}
	return changed;
}
