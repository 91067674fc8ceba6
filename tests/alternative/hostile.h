/* SPDX-License-Identifier: MIT */
/* What the shared object with the tables has for hostile.c. */
#ifndef HOSTILE_H
#define HOSTILE_H

#include <repoint/abi.h>

/* struct hostile_table - one object; the last one, without a name, is right. */
struct hostile_table {
	const char *name;
	struct rp_object object;
	int error;
	const char *why;
};

/* Functions: data would be copied into the program by its linker. */
struct hostile_table *hostile_tables(void);
struct rp_object *hostile_mutable(void);

int good(void);
int site(void);

#endif
