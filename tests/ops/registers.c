// SPDX-License-Identifier: MIT
/*
 * rp_op_asm() and RP_OP_THUNK(): registers stay, the red zone stays, the stack
 * can be walked. Unbound, bound, and unbound again.
 */
#include <unwind.h>

#include <repoint/ops.h>

#include "../text/check.h"

#define NOINLINE	__attribute__((noinline))

struct table {
	long (*get)(void);
	long (*add)(long x);
	long (*walk)(void);
};

/* What any C function may do to registers and to the stack. */
static RP_OP_GENERAL NOINLINE void be_noisy(void)
{
	volatile char stack[600];

	for (unsigned int i = 0; i < sizeof(stack); i++)
		stack[i] = (char)0xa5;
	__asm__ volatile(
		"movl $0xdead, %%eax\n\tmovl %%eax, %%ecx\n\t"
		"movl %%eax, %%edx\n\tmovl %%eax, %%esi\n\t"
		"movl %%eax, %%edi\n\tmovl %%eax, %%r8d\n\t"
		"movl %%eax, %%r9d\n\tmovl %%eax, %%r10d\n\t"
		"movl %%eax, %%r11d"
		: : : "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10",
		"r11", "cc");
	(void)stack[0];
}

static int unaligned;

static RP_OP_GENERAL NOINLINE void check_alignment(const void *stack)
{
	unaligned += (uintptr_t)stack % 16 != 0;
}

static RP_OP_GENERAL NOINLINE long noisy_get(void)
{
	__attribute__((aligned(16))) char stack[16];

	be_noisy();
	check_alignment(stack);
	return 42;
}

RP_OP_THUNK(get, noisy_get);

static RP_OP_GENERAL NOINLINE long noisy_add(long x)
{
	be_noisy();
	return x + 1;
}

RP_OP_THUNK(add, noisy_add);

/* ---- the stack ---- */

static const char *outer_start;
static int outer_seen, main_seen, depth;

int main(void);

static _Unwind_Reason_Code frame(struct _Unwind_Context *context, void *arg)
{
	void *func = _Unwind_FindEnclosingFunction(
		(void *)(_Unwind_GetIP(context) - 1));

	(void)arg;
	main_seen += func == (void *)main;
	outer_seen += func == (const void *)outer_start;
	return ++depth > 50 ? _URC_NORMAL_STOP : _URC_NO_REASON;
}

static NOINLINE long noisy_walk(void)
{
	outer_seen = main_seen = depth = 0;
	_Unwind_Backtrace(frame, NULL);
	return main_seen;
}

RP_OP_THUNK(walk, noisy_walk);

RP_DEFINE_OPS(struct table, table, .get = get, .add = add, .walk = walk);

RP_OP_CLOBBERS(table, get, RP_CLOBBER_RAX | RP_CLOBBER_FLAGS);
RP_OP_CLOBBERS(table, add, RP_CLOBBER_RAX | RP_CLOBBER_FLAGS);

static NOINLINE long outer(long x)
{
	long ret;

	rp_op_asm(table, walk, RP_OUTPUTS("=a" (ret)), RP_NONE,
		  RP_CLOBBERS(RP_CLOBBERS_FP));
	return ret + x;
}

static void check_walk(void)
{
	outer_start = (const char *)outer;
	CHECK_EQ(outer(5), 6);
	CHECK_EQ(outer_seen, 1);
	CHECK_EQ(main_seen, 1);
	CHECK(depth < 50);
}

/* ---- all general registers, around a call that the macro makes ---- */

/* In the order of their numbers; %rsp is that before the call. */
extern uint64_t ops_before[16], ops_after[16];
uint64_t ops_before[16] __attribute__((visibility("hidden")));
uint64_t ops_after[16] __attribute__((visibility("hidden")));
RP__EXTERN_C void ops_registers(void) __attribute__((visibility("hidden")));

/*
 * The code of rp_op_asm() between loads and stores of registers, as of a
 * compiler that keeps something in each. The stack is not aligned.
 */
#define SAVE(reg, n)	"movq %" reg ", ops_after+8*" n "(%rip)\n\t"
#define LOAD(reg, n)	"movq ops_before+8*" n "(%rip), %" reg "\n\t"
#define EACH(do)							\
	do("rax", "0") do("rcx", "1") do("rdx", "2") do("rbx", "3")	\
	do("rbp", "5") do("rsi", "6") do("rdi", "7") do("r8", "8")	\
	do("r9", "9") do("r10", "10") do("r11", "11") do("r12", "12")	\
	do("r13", "13") do("r14", "14") do("r15", "15")

__asm__(".text\n"
	".p2align 4\n"
	".globl ops_registers\n\t"
	".hidden ops_registers\n"
	"ops_registers:\n\t"
	"pushq %rbx\n\tpushq %rbp\n\tpushq %r12\n\tpushq %r13\n\t"
	"pushq %r14\n\tpushq %r15\n\t"
	"movq %rsp, ops_before+8*4(%rip)\n\t"
	EACH(LOAD)
	".p2align 3, 0x2e\n"
	"ops_registers_site:\n\t"
	"call *rp_ops__table(%rip)\n\t"
	".pushsection rp_op_sites,\"ao\",@progbits,ops_registers\n\t"
	".p2align 2\n\t"
	".long ops_registers_site - .\n\t"
	".long rp_ops__table - .\n\t"
	".byte 1, 6\n\t"
	".short 0\n\t"
	".popsection\n\t"
	EACH(SAVE)
	"movq %rsp, ops_after+8*4(%rip)\n\t"
	"popq %r15\n\tpopq %r14\n\tpopq %r13\n\tpopq %r12\n\t"
	"popq %rbp\n\tpopq %rbx\n\t"
	"ret\n");

static void check_registers(void)
{
	for (int i = 0; i < 16; i++)
		ops_before[i] = 0x0123456789abcdefull * (uint64_t)(i + 3);
	ops_registers();
	CHECK_EQ(ops_after[0], 42);
	for (int i = 1; i < 16; i++)
		CHECK_EQ(ops_after[i] ^ ops_before[i], 0);
}

/* Ten values that live across a call, of which the compiler knows nothing. */
#define OPAQUE(n)	long v##n = x * n; __asm__ volatile("" : "+r" (v##n))

static NOINLINE long keeps_values(long x)
{
	long ret;

	OPAQUE(1);
	OPAQUE(2);
	OPAQUE(3);
	OPAQUE(4);
	OPAQUE(5);
	OPAQUE(6);
	OPAQUE(7);
	OPAQUE(8);
	OPAQUE(9);
	OPAQUE(10);
	rp_op_asm(table, get, RP_OUTPUTS("=a" (ret)), RP_NONE, RP_NONE);
	return ret + v1 + v2 + v3 + v4 + v5 + v6 + v7 + v8 + v9 + v10;
}

/* A leaf, to the compiler: its data is below the stack pointer. */
static NOINLINE long leaf(long x)
{
	volatile long data[12];
	long sum = 0;

	for (int i = 0; i < 12; i++)
		data[i] = x + i;
	rp_op_asm(table, add, RP_OUTPUTS("=a" (sum)), RP_INPUTS("D" (x)),
		  RP_NONE);
	for (int i = 0; i < 12; i++)
		sum += data[i] * (i + 1);
	return sum;
}

static void check_all(void)
{
	unaligned = 0;
	check_registers();
	CHECK_EQ(keeps_values(100), 42 + 5500);
	CHECK_EQ(leaf(1000), 1001 + 78 * 1000 + 572);
	check_walk();
	CHECK_EQ(unaligned, 0);
}

int main(void)
{
	extern const struct rp_op_site __start_rp_op_sites[]
		__attribute__((visibility("hidden")));
	const uint8_t *site = (const uint8_t *)&__start_rp_op_sites[0].code +
			      __start_rp_op_sites[0].code;

	check_all();
	CHECK_EQ(rp_ops_bind(&table), 0);
#ifdef RP_GENERIC
	(void)site;
#else
	CHECK_EQ(site[0], 0x2e);
	CHECK_EQ(site[1], 0xe8);
#endif
	check_all();
	CHECK_EQ(rp_ops_unbind(&table), 0);
	check_all();
	return check_status();
}
