/* SPDX-License-Identifier: MIT */
/* The ways to rewrite an instruction that other threads are running. */
#ifndef LITMUS_PROTOCOL_H
#define LITMUS_PROTOCOL_H

#include <stdbool.h>
#include <stddef.h>

#include "site.h"

struct litmus_writer {
	struct litmus_site *site;
	unsigned int block;	/* aligned bytes that one store may change */
	int mem;		/* /proc/self/mem */
	const char *why;	/* what failed, for the message */
};

enum litmus_class {
	LITMUS_SHIPPED,		/* the library does this: it must survive */
	LITMUS_PROBE,		/* shows where the hardware's limits are */
	LITMUS_UNSOUND,		/* somewhere it should be seen to tear */
};

struct litmus_protocol {
	const char *name;
	enum litmus_class class;
	unsigned int states;	/* 2: call to call; 3: NOP as well */
	const char *what;
	/* NULL: at every offset. */
	bool (*applies)(unsigned int offset, unsigned int size,
			unsigned int block);
	/* Before other threads exist; NULL: nothing to do. */
	int (*prepare)(struct litmus_writer *writer);
	/* Returns 0 or a negative errno. */
	int (*update)(struct litmus_writer *writer, enum litmus_state from,
		      enum litmus_state to);
	/* Breakpoints that executors met; NULL: our own handler counts. */
	uint64_t (*traps)(void);
};

enum { LITMUS_PROTOCOL_NR = 8 };
extern const struct litmus_protocol litmus_protocols[LITMUS_PROTOCOL_NR];

/** litmus_protocol_find() - by name of @len bytes; NULL if there is none. */
const struct litmus_protocol *litmus_protocol_find(const char *name,
						   size_t len);

/** litmus_fits() - whether bytes [first, first + len) share a block. */
bool litmus_fits(unsigned int first, unsigned int len, unsigned int block);

#endif /* LITMUS_PROTOCOL_H */
