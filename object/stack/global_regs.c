/* SPDX-License-Identifier: MIT */
/*
 * Global register variables: `register long r asm("r15")` outside of a function.
 * Nothing but debug information shows them. The whole program keeps them, by
 * -ffixed-r15, so that setting one overwrites nobody's value.
 */
#include "../debug/registers.h"
#include "internal.h"

uint16_t rp_walk_global(struct rp_walker *w)
{
	uint32_t found;

	if (w->global_asked)
		return w->global;
	w->global_asked = true;
	found = rp_debug_global_registers(w->code->obj);
	for (unsigned int i = 0; i < 32; i++) {
		uint8_t reg = rp_frame_reg_number(i);

		if ((found >> i & 1) && reg < RP_REG_NR)
			w->global |= 1u << reg;
	}
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
