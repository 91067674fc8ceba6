/* SPDX-License-Identifier: MIT */
/* What a shared object with a library of its own shows, as "copy". */
#ifndef COPY_H
#define COPY_H

#include <repoint/text_poke.h>

#include "inject.h"

/* struct copy - functions of that library. */
struct copy {
	int (*poke)(void *addr, const void *expect, const void *insn,
		    size_t len, const struct rp_text_poke_opts *opts);
	void (*set_hook)(void (*hook)(enum rp__inject_point point));
};

#endif
