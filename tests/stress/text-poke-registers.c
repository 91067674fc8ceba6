// SPDX-License-Identifier: MIT
/*
 * A thread that meets a breakpoint of ours notices nothing: each instruction is
 * executed by the processor and, in a second run from the same state, by the
 * handler; all registers, flags, vectors, the stack and what is below it have
 * to be the same in the end.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "arch.h"
#include "harness.h"

#define PAGE	4096u
enum { RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, GPRS = 16 };
enum { VECTORS = 16, RED = 128 };

/* struct state - of a thread, as the assembly below writes and reads it. */
struct state {
	uint64_t gpr[GPRS];
	uint64_t flags;
	uint64_t back;		/* on top of the stack */
	uint8_t red[RED];	/* below it, from the top down */
	uint8_t vector[VECTORS][32];
};

/* Where the code arrived: a, b, behind the site, or not at all. */
enum arrival { ARRIVED_NOT, ARRIVED_A, ARRIVED_B, ARRIVED_BEHIND };

extern struct state rp_in, rp_out, rp_end;
extern uint32_t rp_arrival, rp_avx;
extern uint64_t rp_entry, rp_saved_rsp;
struct state rp_in, rp_out, rp_end;
uint32_t rp_arrival, rp_avx;
uint64_t rp_entry, rp_saved_rsp;

/* Become rp_in, go to rp_entry; be rp_end when that returns. */
void rp_run(void);
extern const char rp_at_a[], rp_at_b[], rp_behind[];

/*
 * Offsets are those of struct state. Nothing but moves until the flags are
 * saved; the stack is used below its red zone.
 */
#define FOR_16(line)							\
	".irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n\t"		\
	line "\n\t"							\
	".endr\n\t"

/* All vectors; without AVX, half of each. */
#define VECTORS_LOAD(area)						\
	"lea " area "(%rip), %rax\n\t"					\
	"cmpl $0, rp_avx(%rip)\n\t"					\
	"je 1f\n\t"							\
	FOR_16("vmovups 272 + 32 * \\n(%rax), %ymm\\n")			\
	"jmp 2f\n"							\
	"1:\n\t"							\
	FOR_16("movups 272 + 32 * \\n(%rax), %xmm\\n")			\
	"2:\n\t"
#define VECTORS_STORE(area)						\
	"lea " area "(%rip), %rax\n\t"					\
	"cmpl $0, rp_avx(%rip)\n\t"					\
	"je 1f\n\t"							\
	FOR_16("vmovups %ymm\\n, 272 + 32 * \\n(%rax)")			\
	"jmp 2f\n"							\
	"1:\n\t"							\
	FOR_16("movups %xmm\\n, 272 + 32 * \\n(%rax)")			\
	"2:\n\t"

/* Leaves the stack pointer below the red zone, and changes flags and %rax. */
#define LOOK(area)							\
	"mov %rax, " area "(%rip)\n\t"					\
	"mov %rcx, " area " + 8(%rip)\n\t"				\
	"mov %rdx, " area " + 16(%rip)\n\t"				\
	"mov %rbx, " area " + 24(%rip)\n\t"				\
	"mov %rsp, " area " + 32(%rip)\n\t"				\
	"mov %rbp, " area " + 40(%rip)\n\t"				\
	"mov %rsi, " area " + 48(%rip)\n\t"				\
	"mov %rdi, " area " + 56(%rip)\n\t"				\
	".irp n,8,9,10,11,12,13,14,15\n\t"				\
	"mov %r\\n, " area " + 8 * \\n(%rip)\n\t"			\
	".endr\n\t"							\
	"mov (%rsp), %rax\n\t"						\
	"mov %rax, " area " + 136(%rip)\n\t"				\
	FOR_16("mov -8 - 8 * \\n(%rsp), %rax\n\t"			\
	       "mov %rax, " area " + 144 + 8 * \\n(%rip)")		\
	"lea -128(%rsp), %rsp\n\t"					\
	"pushf\n\t"							\
	"popq " area " + 128(%rip)\n\t"					\
	VECTORS_STORE(area)

__asm__(
	".text\n"
	".type rp_run, @function\n"
	"rp_run:\n\t"
	"push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15\n\t"
	"mov %rsp, rp_saved_rsp(%rip)\n\t"
	VECTORS_LOAD("rp_in")
	"mov rp_in + 32(%rip), %rsp\n\t"
	"lea rp_back(%rip), %rax\n\t"
	"push %rax\n\t"
	"pushq rp_in + 128(%rip)\n\t"
	"popf\n\t"
	FOR_16("mov rp_in + 144 + 8 * \\n(%rip), %rax\n\t"
	       "mov %rax, -8 - 8 * \\n(%rsp)")
	"mov rp_in(%rip), %rax\n\t"
	"mov rp_in + 8(%rip), %rcx\n\t"
	"mov rp_in + 16(%rip), %rdx\n\t"
	"mov rp_in + 24(%rip), %rbx\n\t"
	"mov rp_in + 40(%rip), %rbp\n\t"
	"mov rp_in + 48(%rip), %rsi\n\t"
	"mov rp_in + 56(%rip), %rdi\n\t"
	".irp n,8,9,10,11,12,13,14,15\n\t"
	"mov rp_in + 8 * \\n(%rip), %r\\n\n\t"
	".endr\n\t"
	"jmp *rp_entry(%rip)\n"

	"rp_back:\n\t"
	LOOK("rp_end")
	"cld\n\t"
	"cmpl $0, rp_avx(%rip)\n\t"
	"je 1f\n\t"
	"vzeroupper\n"
	"1:\n\t"
	"mov rp_saved_rsp(%rip), %rsp\n\t"
	"pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx\n\t"
	"ret\n\t"
	".size rp_run, . - rp_run\n"

	".type rp_at_a, @function\n"
	"rp_at_a:\n\t"
	"movl $1, rp_arrival(%rip)\n\t"
	"jmp rp_arrived\n"
	"rp_at_b:\n\t"
	"movl $2, rp_arrival(%rip)\n\t"
	"jmp rp_arrived\n"
	"rp_behind:\n\t"
	"movl $3, rp_arrival(%rip)\n"
	"rp_arrived:\n\t"
	LOOK("rp_out")
	"pushq rp_out + 128(%rip)\n\t"
	"popf\n\t"
	"lea 128(%rsp), %rsp\n\t"
	"mov rp_out(%rip), %rax\n\t"
	"ret\n\t"
	".size rp_at_a, . - rp_at_a\n");

_Static_assert(__builtin_offsetof(struct state, flags) == 128 &&
	       __builtin_offsetof(struct state, back) == 136 &&
	       __builtin_offsetof(struct state, red) == 144 &&
	       __builtin_offsetof(struct state, vector) == 272,
	       "the assembly knows these");

/* ---- code with a site ---- */

/* struct code - a page: the site and what is behind it, pointers, jumps. */
static struct {
	uint8_t *site;
	uint8_t *to_a;		/* jmp *; reachable from the site */
	uint8_t *to_b;
	uintptr_t *slot_a;
	uintptr_t *slot_b;
} code;

static uint8_t *emit_jump(uint8_t *at, const void *target)
{
	static const uint8_t jump[] = { 0xff, 0x25, 0, 0, 0, 0 };
	uintptr_t address = (uintptr_t)target;

	memcpy(at, jump, 6);
	memcpy(at + 6, &address, 8);
	return at + 14;
}

static void code_init(void)
{
	uint8_t *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	REQUIRE(page != MAP_FAILED);
	code.site = page + 64 + 61;
	code.to_a = page + 256;
	code.to_b = page + 320;
	code.slot_a = (uintptr_t *)(page + 512);
	code.slot_b = (uintptr_t *)(page + 520);
	emit_jump(code.to_a, rp_at_a);
	emit_jump(code.to_b, rp_at_b);
	*code.slot_a = (uintptr_t)rp_at_a;
	*code.slot_b = (uintptr_t)rp_at_b;
	rp_entry = (uintptr_t)code.site;
	rp_avx = (uint32_t)!!__builtin_cpu_supports("avx");
}

static bool is_call(enum rp__insn_type type)
{
	return type == RP__INSN_CALL || type == RP__INSN_CALL_MEM;
}

static uintptr_t target_of(enum rp__insn_type type, bool a)
{
	if (type == RP__INSN_CALL_MEM || type == RP__INSN_JMP_MEM)
		return (uintptr_t)(a ? code.slot_a : code.slot_b);
	return (uintptr_t)(a ? code.to_a : code.to_b);
}

/* Calls return to a `ret`; all else goes on to where it is looked at. */
static void emit_behind(enum rp__insn_type type, size_t len)
{
	if (is_call(type))
		code.site[len] = 0xc3;
	else
		emit_jump(code.site + len, rp_behind);
}

/* ---- one run ---- */

/* struct stack - memory in which a run has its stack, up to @top. */
static struct {
	uint8_t *start;
	size_t size;
} stack;

static uint64_t seed = 1;

static uint64_t draw(void)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return seed ^ seed >> 31;
}

/* Status flags, direction, identification; interrupts are on. */
#define FLAGS_DRAWN	0x200cd5ull
#define FLAGS_FIXED	0x202ull
#define FLAG_AF		0x10ull

static void draw_state(unsigned int misaligned)
{
	uint8_t *bytes = (uint8_t *)&rp_in;

	for (size_t i = 0; i < sizeof(rp_in); i++)
		bytes[i] = (uint8_t)draw();
	rp_in.flags = (draw() & FLAGS_DRAWN) | FLAGS_FIXED;
	rp_in.gpr[RSP] = (uintptr_t)stack.start + stack.size - 64 -
			 8 * misaligned;
}

/* struct result - what a run left. */
struct result {
	struct state out, end;
	uint32_t arrival;
	uint8_t *stack;
};

static void run(void *result)
{
	struct result *r = result;

	memset(&rp_out, 0, sizeof(rp_out));
	memset(&rp_end, 0, sizeof(rp_end));
	memset(stack.start, 0x77, stack.size);
	rp_arrival = ARRIVED_NOT;
	rp_run();
	r->out = rp_out;
	r->end = rp_end;
	r->arrival = rp_arrival;
	memcpy(r->stack, stack.start, stack.size);
}

static struct worker worker;
static struct result native, trapped;
static unsigned int traps_met;

static void run_at_int3(enum rp__inject_point point)
{
	uint64_t traps = stats_now().traps;

	if (!point_in(point, POINTS_INT3))
		return;
	worker_post(&worker, run, &trapped);
	worker_wait(&worker);
	traps_met += (unsigned int)(stats_now().traps - traps);
}

static bool have_altstack;

static void compare_states(const struct state *a, const struct state *b,
			   enum rp__insn_type type)
{
	uint64_t undefined = type == RP__INSN_RET0 ? FLAG_AF : 0;

	for (int i = 0; i < GPRS; i++)
		CHECKF(a->gpr[i] == b->gpr[i], "register %d: %lx, not %lx", i,
		       b->gpr[i], a->gpr[i]);
	CHECKF(((a->flags ^ b->flags) & ~undefined) == 0,
	       "flags: %lx, not %lx", b->flags, a->flags);
	CHECK(!memcmp(a->vector, b->vector, sizeof(a->vector)));
	/* Below a call's return address nothing is kept. */
	if (!is_call(type))
		CHECK(!memcmp(a->red, b->red, RED));
	if (!is_call(type) || !rp__inject_call_stubs)
		CHECKF(a->back == b->back, "return to %lx, not %lx", b->back,
		       a->back);
}

/* From the return address up; with a stack of its own for signals, all. */
static void compare_stacks(enum rp__insn_type type)
{
	size_t from = rp_in.gpr[RSP] - 8 - (uintptr_t)stack.start;

	CHECK(!memcmp(native.stack + from, trapped.stack + from,
		      stack.size - from));
	if (have_altstack && !is_call(type))
		CHECK(!memcmp(native.stack, trapped.stack, stack.size));
}

/* The processor's run is what the instruction says, or this proves nothing. */
static void check_native(enum rp__insn_type type)
{
	for (int i = 0; i < GPRS; i++)
		if (i != RSP && !(type == RP__INSN_RET0 && i == RAX))
			CHECK_EQ(native.end.gpr[i], rp_in.gpr[i]);
	if (type != RP__INSN_RET0)
		CHECK_EQ(native.end.flags, rp_in.flags);
	CHECK(!memcmp(native.end.vector[3], rp_in.vector[3],
		      rp_avx ? 32 : 16));
	CHECK_EQ(native.end.gpr[RSP], rp_in.gpr[RSP]);
}

static void compare(enum rp__insn_type type)
{
	check_native(type);
	CHECK_EQ(trapped.arrival, native.arrival);
	compare_states(&native.out, &trapped.out, type);
	/* The word above the stack that was returned from is not part of it. */
	trapped.end.back = native.end.back;
	memcpy(trapped.end.red, native.end.red, RED);
	compare_states(&native.end, &trapped.end, type);
	compare_stacks(type);
}

/* ---- one instruction ---- */

static void insn_compare(enum rp__insn_type type, unsigned int condition,
			 size_t len, unsigned int misaligned)
{
	struct rp_text_poke_opts opts = {
		.sz = sizeof(opts), .protocol = RP_PROTOCOL_BREAKPOINT
	};
	enum rp__insn_type old_type = len > 5 ? RP__INSN_CALL_MEM :
						RP__INSN_CALL;
	uint8_t old[8], insn[8];

	REQUIRE(!rp__insn_encode(type, condition, rp_entry,
				 target_of(type, true), insn, len));
	REQUIRE(!rp__insn_encode(old_type, 0, rp_entry,
				 target_of(old_type, false), old, len));
	draw_state(misaligned);
	emit_behind(type, len);
	memcpy(code.site, insn, len);
	worker_post(&worker, run, &native);
	worker_wait(&worker);
	memcpy(code.site, old, len);
	traps_met = 0;
	hook_points(run_at_int3);
	REQUIRE(!rp_text_poke_single(code.site, old, insn, len, &opts));
	hook_points(NULL);
	CHECK_EQ(traps_met, 4);
	compare(type);
}

static void stack_init(size_t size)
{
	stack.start = mmap(NULL, size + PAGE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	REQUIRE(stack.start != MAP_FAILED);
	REQUIRE(mprotect(stack.start, PAGE, PROT_NONE) == 0);
	stack.start += PAGE;
	stack.size = size;
	native.stack = malloc(size);
	trapped.stack = malloc(size);
}

static void setup(void)
{
	code_init();
	stack_init(64 << 10);
	worker_start(&worker, 1);
}

enum { TIMES = 10 };

static void each_length(enum rp__insn_type type, size_t first, size_t last)
{
	for (size_t len = first; len <= last; len++)
		for (unsigned int i = 0; i < TIMES; i++)
			insn_compare(type, 0, len, i & 1);
}

static void calls(void)
{
	setup();
	each_length(RP__INSN_CALL, 5, 7);
	each_length(RP__INSN_CALL_MEM, 6, 7);
	CHECK_EQ(native.arrival, ARRIVED_A);
}

static void jumps(void)
{
	setup();
	each_length(RP__INSN_JMP, 5, 8);
	each_length(RP__INSN_JMP_MEM, 6, 8);
	CHECK_EQ(native.arrival, ARRIVED_A);
}

static void conditional_jumps(void)
{
	unsigned int arrived[4] = { 0 };

	setup();
	for (unsigned int condition = 0; condition < 16; condition++) {
		for (unsigned int i = 0; i < TIMES; i++) {
			insn_compare(RP__INSN_JCC, condition, 6, i & 1);
			arrived[native.arrival]++;
		}
	}
	CHECK(arrived[ARRIVED_A] > 20 && arrived[ARRIVED_BEHIND] > 20);
}

static void nops(void)
{
	setup();
	each_length(RP__INSN_NOP, 5, 8);
	CHECK_EQ(native.arrival, ARRIVED_BEHIND);
}

static void zeroes(void)
{
	setup();
	each_length(RP__INSN_RET0, 5, 7);
	CHECK_EQ(native.arrival, ARRIVED_BEHIND);
	CHECK_EQ(native.out.gpr[RAX], 0);
}

static void returns(void)
{
	setup();
	each_length(RP__INSN_RET, 5, 7);
	CHECK_EQ(native.arrival, ARRIVED_NOT);
}

/* ---- with a stack for signals ---- */

static void use_altstack(void *unused)
{
	stack_t ss = { .ss_size = 64 << 10 };

	(void)unused;
	ss.ss_sp = mmap(NULL, ss.ss_size, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	REQUIRE(sigaltstack(&ss, NULL) == 0);
}

/*
 * Its own stack has room for a red zone and a call, no frame of a signal: not
 * used for anything but what the instruction does.
 */
static void signal_stack(void)
{
	code_init();
	stack_init(PAGE);
	stack.start += PAGE - 512;
	stack.size = 512;
	mprotect(stack.start - (PAGE - 512), PAGE, PROT_READ | PROT_WRITE);
	worker_start(&worker, 1);
	have_altstack = true;
	worker_post(&worker, use_altstack, NULL);
	worker_wait(&worker);
	each_length(RP__INSN_CALL, 5, 6);
	each_length(RP__INSN_CALL_MEM, 6, 6);
	each_length(RP__INSN_JMP, 5, 6);
	each_length(RP__INSN_NOP, 5, 6);
	each_length(RP__INSN_RET0, 5, 6);
	each_length(RP__INSN_RET, 5, 6);
}

/* ---- arguments on the stack ---- */

static long sum(long a, long b, long c, long d, long e, long f, long g, long h,
		long i, long j, long k, long l, long m)
{
	return a + 2 * b + 3 * c + 4 * d + 5 * e + 6 * f + 7 * g + 8 * h +
	       9 * i + 10 * j + 11 * k + 12 * l + 13 * m;
}

typedef long sum_fn(long, long, long, long, long, long, long, long, long, long,
		    long, long, long);

/* 7 x push 56(%rsp); call; add $56, %rsp; ret */
static uint8_t *emit_forward(uint8_t *at)
{
	static const uint8_t push[] = { 0xff, 0x74, 0x24, 0x38 };
	static const uint8_t leave[] = { 0x48, 0x83, 0xc4, 0x38, 0xc3 };
	uint8_t *site;

	for (int i = 0; i < 7; i++, at += sizeof(push))
		memcpy(at, push, sizeof(push));
	site = at;
	memcpy(at + 5, leave, sizeof(leave));
	return site;
}

static uint8_t *forward;
static long sum_found[4], sum_nr;

static void call_sum(void *unused)
{
	(void)unused;
	sum_found[sum_nr++] = ((sum_fn *)(uintptr_t)forward)
		(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13);
}

static void sum_at_int3(enum rp__inject_point point)
{
	if (!point_in(point, POINTS_INT3))
		return;
	worker_post(&worker, call_sum, NULL);
	worker_wait(&worker);
}

static void thirteen_arguments_to(enum rp__insn_type type)
{
	struct rp_text_poke_opts opts = {
		.sz = sizeof(opts), .protocol = RP_PROTOCOL_BREAKPOINT
	};
	uint8_t old[5], insn[5], *site;
	long wanted = 0;

	setup();
	emit_jump(code.to_a, sum);
	forward = code.site - 28;
	site = emit_forward(forward);
	/* A tail call has them where they are. */
	if (type == RP__INSN_JMP)
		forward = site;
	REQUIRE(!rp__insn_encode(type, 0, (uintptr_t)site,
				 (uintptr_t)code.to_a, insn, 5));
	REQUIRE(!rp__insn_encode(type, 0, (uintptr_t)site,
				 (uintptr_t)code.to_b, old, 5));
	memcpy(site, old, 5);
	hook_points(sum_at_int3);
	REQUIRE(!rp_text_poke_single(site, old, insn, 5, &opts));
	for (long i = 1; i <= 13; i++)
		wanted += i * i;
	CHECK_EQ(sum_nr, 4);
	CHECK_EQ(stats_now().traps, 4);
	for (int i = 0; i < 4; i++)
		CHECK_EQ(sum_found[i], wanted);
}

static void thirteen_arguments(void)
{
	thirteen_arguments_to(RP__INSN_CALL);
}

static void thirteen_arguments_tail(void)
{
	thirteen_arguments_to(RP__INSN_JMP);
}

TEST_MAIN(
	TEST(calls),
	TEST(jumps),
	TEST(conditional_jumps),
	TEST(nops),
	TEST(zeroes),
	TEST(returns),
	TEST(signal_stack),
	TEST(thirteen_arguments),
	TEST(thirteen_arguments_tail),
)
