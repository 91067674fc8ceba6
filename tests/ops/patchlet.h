/* SPDX-License-Identifier: MIT */
/* Between the files of the program of patchlets.sh. */
#ifndef PATCHLET_H
#define PATCHLET_H

#include <repoint/ops.h>

/* A patchlet gives ten more than its function: one sees which of them ran. */
struct patchlet_ops {
	int (*f)(int);
	int (*g)(int);
};

RP_DECLARE_OPS(struct patchlet_ops, patchlet_table);

/* A call with the registers of C, whose site records itself. */
#define CALL(ret, table, member, x)					\
	rp_op_asm(table, member, RP_OUTPUTS("=a" (ret), "+D" (x)), RP_NONE, \
		  RP_CLOBBERS("rcx", "rdx", "rsi", "r8", "r9", "r10", "r11", \
			      RP_CLOBBERS_FP))

RP__BEGIN_DECLS

int a_call(int x);
int a_direct(int x);
int a_bind(enum rp_ops_binding how);
int b_call(int x);
int b_bind(enum rp_ops_binding how);
int global_add(int x);
int other_add(int x);
int table_f(int x);
int table_g(int x);

RP__END_DECLS

#endif
