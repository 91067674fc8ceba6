// SPDX-License-Identifier: MIT
/*
 * What rp_alternative_call() leaves alone: the red zone, the stack's alignment,
 * and that frames can be found through it.
 *
 * The compiler does not know that the asm statement calls, and infers that the
 * function around it throws nothing: exceptions go through only where that
 * function is called through a pointer, say. See docs/alternatives.md.
 */
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <unwind.h>

#include <repoint/alternative.h>

#include "forms.h"
#include "../text/check.h"

#define CLOBBERED							\
	"rcx", "rdx", "rsi", "r8", "r9", "r10", "r11", RP_CLOBBERS_FP

/*
 * Overwrites what is below the stack pointer, and says how it is aligned: the
 * old one returns 0x100, the new one 0x200, plus rsp & 15 at the call.
 */
__asm__(".text\n"
	".globl trample_old, trample_new\n"
	".hidden trample_old, trample_new\n"
	"trample_old: movl $0x100, %eax\n"
	"	jmp trample\n"
	"trample_new: movl $0x200, %eax\n"
	"trample: leaq 8(%rsp), %rcx\n"
	"	andl $15, %ecx\n"
	"	addq %rcx, %rax\n"
	"	movl $-64, %ecx\n"
	"	movslq %ecx, %rcx\n"
	"1:	movq %rcx, (%rsp,%rcx,8)\n"
	"	incq %rcx\n"
	"	jnz 1b\n"
	"	ret\n");
extern "C" void trample_old(void);
extern "C" void trample_new(void);

/* A leaf as far as the compiler knows: its locals are in the red zone. */
static NOINLINE long leaf(long a, long b, long c)
{
	volatile long local[8] = { a, b, c, a + b, b + c, a + c, 7, 8 };
	long r, first = 5;

	rp_alternative_call(trample_old, trample_new, FA,
			    RP_OUTPUTS("=a" (r), "+D" (first)), RP_NONE,
			    RP_CLOBBERS(CLOBBERED));
	for (int i = 0; i < 6; i++)
		r += local[i] != (i == 0 ? a : i == 1 ? b : i == 2 ? c :
				  i == 3 ? a + b : i == 4 ? b + c : a + c);
	return r + (local[6] != 7) + (local[7] != 8);
}

/* The frame is aligned by the function itself. */
static NOINLINE long aligned(long a)
{
	alignas(64) volatile long local[16];
	long r;

	for (long i = 0; i < 16; i++)
		local[i] = a + i;
	rp_alternative_call(trample_old, trample_new, FA,
			    RP_OUTPUTS("=a" (r)), RP_NONE, RP_CLOBBERS("rdi", CLOBBERED));
	for (long i = 0; i < 16; i++)
		r += local[i] != a + i;
	return r + ((uintptr_t)local & 63 ? 1 : 0);
}

/* A frame whose size is not known. */
static NOINLINE long variable(int n)
{
	volatile char *local = (volatile char *)__builtin_alloca((size_t)n);
	long r;

	for (int i = 0; i < n; i++)
		local[i] = (char)i;
	rp_alternative_call(trample_old, trample_new, FA,
			    RP_OUTPUTS("=a" (r)), RP_NONE, RP_CLOBBERS("rdi", CLOBBERED));
	for (int i = 0; i < n; i++)
		r += local[i] != (char)i;
	return r;
}

static void check_stack(long wanted)
{
	long (*volatile leaf_)(long, long, long) = leaf;

	CHECK_EQ(leaf_(1, 20, 300), wanted);
	CHECK_EQ(aligned(40), wanted);
	for (int n = 1; n < 40; n++)
		CHECK_EQ(variable(n), wanted);
}

/* ---- unwinding ---- */

/* struct frames - @depth of the frame that was looked for, or 0. */
struct frames {
	void *wanted;
	int count;
	int depth;
};

static _Unwind_Reason_Code frame(struct _Unwind_Context *context, void *data)
{
	frames *f = static_cast<frames *>(data);
	void *function = _Unwind_FindEnclosingFunction(
		(void *)_Unwind_GetIP(context));

	f->count++;
	if (function == f->wanted && !f->depth)
		f->depth = f->count;
	return f->count < 100 ? _URC_NO_REASON : _URC_END_OF_STACK;
}

static int depth_found;
extern "C" int main(int argc, char **argv);

static void count_frames(void *wanted)
{
	frames f = { wanted, 0, 0 };

	_Unwind_Backtrace(frame, &f);
	depth_found = f.depth;
}

static void *wanted_function;

extern "C" NOINLINE void backtrace_old(void)
{
	count_frames(wanted_function);
	__asm__ volatile("");
}

extern "C" NOINLINE void backtrace_new(void)
{
	count_frames(wanted_function);
	__asm__ volatile("nop");
}

/* Both functions throw; what they throw says which. */
extern "C" NOINLINE void throw_old(void)
{
	throw 1;
}

extern "C" NOINLINE void throw_new(void)
{
	throw 2;
}

static NOINLINE void through_backtrace(void)
{
	rp_alternative_call(backtrace_old, backtrace_new, FA, RP_NONE, RP_NONE,
			    RP_CLOBBERS("rax", "rdi", CLOBBERED));
}

static NOINLINE void through_throw(void)
{
	rp_alternative_call(throw_old, throw_new, FA, RP_NONE, RP_NONE,
			    RP_CLOBBERS("rax", "rdi", CLOBBERED));
}

static NOINLINE int caught(void)
{
	void (*volatile through)(void) = through_throw;
	volatile long kept = 0x1234;
	int r = 0;

	try {
		through();
	} catch (int thrown) {
		r = thrown;
	}
	return kept == 0x1234 ? r : -1;
}

static NOINLINE int found(void)
{
	void (*volatile through)(void) = through_backtrace;

	depth_found = 0;
	wanted_function = (void *)found;
	through();
	/* frame 1 is count_frames() or its caller, if that was inlined */
	return depth_found >= 2 && depth_found <= 5;
}

int main(int, char **)
{
	for (int i = 0; i < 4; i++) {
		int there = i & 1;

		rp_cpu_set_feature(FA, there);
		CHECK_EQ(rp_alternatives_apply(NULL), 0);
		check_stack(there ? 0x200 : 0x100);
		CHECK_EQ(caught(), 1 + there);
		CHECK_EQ(found(), 1);
	}
	return check_status();
}
