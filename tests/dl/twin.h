/* SPDX-License-Identifier: MIT */
/* A shared object that contains the library, as plugins of all kinds may. */
#ifndef TWIN_H
#define TWIN_H

#include <stdbool.h>

#include <repoint/text_poke.h>

#include "../../src/inject.h"

/* struct twin - what each shows under the name "twin". */
struct twin {
	void (*set_hook)(void (*hook)(enum rp__inject_point point));
	int (*poke)(void *addr, const void *expect, const void *insn,
		    size_t len, const struct rp_text_poke_opts *opts);
	void (*stats)(struct rp_text_poke_stats *ret);
	int (*set)(bool two);
	int (*call)(int x);
	int (*enable)(bool enabled);
	bool (*flag)(void);
};

#endif
