// SPDX-License-Identifier: MIT
/* Tables of operations that differ in how their sites are bound. */
#include "callee_op.h"

__asm__(".pushsection .text,\"ax\",@progbits\n\t"
	".p2align 6\n\t"
	".globl op_now\n\t"
	".hidden op_now\n\t"
	".type op_now, @function\n"
	"op_now:\n\t"
	"rdtsc\n\t"
	"ret\n\t"
	".size op_now, . - op_now\n\t"
	".popsection");

__attribute__((aligned(64))) void op_quiet(void)
{
}

__attribute__((aligned(64))) uint64_t op_zero(void)
{
	return 0;
}

__attribute__((aligned(64))) void op_lock(uint8_t *lock)
{
	while (__atomic_exchange_n(lock, 1, __ATOMIC_ACQUIRE))
		__builtin_ia32_pause();
}

__attribute__((aligned(64))) void op_unlock(uint8_t *lock)
{
	__atomic_store_n(lock, 0, __ATOMIC_RELEASE);
}

/* The same functions again, which have patchlets. */
static uint64_t step_patched(uint64_t x)
{
	return x + 1;
}

static struct op_time now_patched(void)
{
	return op_now();
}

static void unlock_patched(uint8_t *lock)
{
	op_unlock(lock);
}

__asm__(RP_PATCHLET(op_step, RP_CLOBBER_RAX)
	"leaq 1(%rdi), %rax"
	RP_PATCHLET_END(op_step)
	RP_PATCHLET(op_now, RP_CLOBBER_RAX | RP_CLOBBER_RDX)
	"rdtsc"
	RP_PATCHLET_END(op_now)
	RP_PATCHLET(op_unlock, 0)
	"movb $0, (%rdi)"
	RP_PATCHLET_END(op_unlock));

RP_OP_PATCHLET(step_patched, op_step);
RP_OP_PATCHLET(now_patched, op_now);
RP_OP_PATCHLET(unlock_patched, op_unlock);

__attribute__((aligned(64))) uint8_t op_the_lock;

#define FUNCTIONS							\
	.step = step, .work = work, .quiet = op_quiet, .zero = op_zero,	\
	.now = op_now, .lock = op_lock, .unlock = op_unlock

RP_DEFINE_OPS(struct bench_ops, op_table, FUNCTIONS);
RP_DEFINE_OPS(struct bench_ops, op_bound, FUNCTIONS);
RP_DEFINE_OPS(struct bench_ops, op_patchlet,
	      .step = step_patched, .work = work, .quiet = op_quiet,
	      .zero = op_zero, .now = now_patched, .lock = op_lock,
	      .unlock = unlock_patched);
RP_DEFINE_OPS(struct bench_ops, op_nothing,
	      .step = step, .work = work,
	      .quiet = RP_OP_NOP(struct bench_ops, quiet),
	      .zero = RP_OP_RETURN0(struct bench_ops, zero), .now = op_now,
	      .lock = RP_OP_NOP(struct bench_ops, lock),
	      .unlock = RP_OP_NOP(struct bench_ops, unlock));

#define NOW_CLOBBERS	(RP_CLOBBER_RAX | RP_CLOBBER_RDX | RP_CLOBBER_FLAGS)
RP_OP_CLOBBERS(op_table, now, NOW_CLOBBERS);
RP_OP_CLOBBERS(op_bound, now, NOW_CLOBBERS);
RP_OP_CLOBBERS(op_patchlet, now, NOW_CLOBBERS);
RP_OP_CLOBBERS(op_nothing, now, NOW_CLOBBERS);
