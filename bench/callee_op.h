/* SPDX-License-Identifier: MIT */
/*
 * Tables of operations that differ in how their sites are bound.
 *
 * A clock and a lock are among the members, as the kernel's paravirt ops have
 * them.
 */
#ifndef BENCH_CALLEE_OP_H
#define BENCH_CALLEE_OP_H

/* The loops are compiled with -mno-red-zone. */
#define RP_NO_RED_ZONE
#include <repoint/ops.h>

#include "callee.h"

/* In %rax and %rdx, as rdtsc has it. */
struct op_time {
	uint64_t low, high;
};

/**
 * struct bench_ops
 * @other:  so that no member of interest is at offset 0: GCC keeps the address of
 *          that one in a register, where there is a loop, and calls by it
 * @step:   x + 1
 * @work:   ten instructions, see work()
 * @quiet:  nothing
 * @zero:   0
 * @now:    changes %rax, %rdx and flags only
 * @lock:   spins
 * @unlock: one store
 */
struct bench_ops {
	void (*other)(void);
	uint64_t (*step)(uint64_t x);
	uint64_t (*work)(uint64_t x);
	void (*quiet)(void);
	uint64_t (*zero)(void);
	struct op_time (*now)(void);
	void (*lock)(uint8_t *lock);
	void (*unlock)(uint8_t *lock);
};

extern struct op_time op_now(void) BENCH_HIDDEN;
extern void op_quiet(void) BENCH_HIDDEN;
extern uint64_t op_zero(void) BENCH_HIDDEN;
extern void op_lock(uint8_t *lock) BENCH_HIDDEN;
extern void op_unlock(uint8_t *lock) BENCH_HIDDEN;

extern uint8_t op_the_lock BENCH_HIDDEN;

RP_DECLARE_OPS(struct bench_ops, op_table);	/* never bound */
RP_DECLARE_OPS(struct bench_ops, op_bound);	/* bound to functions */
RP_DECLARE_OPS(struct bench_ops, op_patchlet);	/* bound, with patchlets */
RP_DECLARE_OPS(struct bench_ops, op_nothing);	/* bound to NOP and return-0 */

#endif /* BENCH_CALLEE_OP_H */
