/* SPDX-License-Identifier: MIT */
/* librepoint.so with injection points. */
#ifndef ENGINE_H
#define ENGINE_H

#include "../../src/inject.h"

/* Call @hook at each injection point, in whatever thread; NULL: none. */
void engine_set_hook(void (*hook)(enum rp__inject_point point));

#endif
