// SPDX-License-Identifier: MIT
/* A shared object with a library of its own inside. */
#include <repoint/text_poke.h>

#include "copy.h"

static void set_hook(void (*hook)(enum rp__inject_point point))
{
	rp__inject_hook = hook;
}

extern const struct copy copy __attribute__((visibility("default")));
const struct copy copy = { rp_text_poke_single, set_hook };
