/* SPDX-License-Identifier: MIT */
/* Between ops-early.c and ops-early-table.c. */
#ifndef EARLY_H
#define EARLY_H

#include <repoint/ops.h>

struct early_table {
	int (*f)(int);
};

RP_DECLARE_OPS(struct early_table, early);

int early_add2(int x);
int early_call(int x);
int early_is_direct(void);

#endif
