// SPDX-License-Identifier: MIT
/*
 * Linked with the whole of the library with injection points into a shared
 * object: the hooks are hidden in it, so it has to hand them out.
 */
#include <stddef.h>

#include "../../src/inject.h"
#include "engine.h"

__attribute__((visibility("default")))
void engine_set_hook(void (*hook)(enum rp__inject_point point))
{
	__atomic_store_n(&rp__inject_hook, hook, __ATOMIC_SEQ_CST);
}
