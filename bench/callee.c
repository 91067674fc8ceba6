// SPDX-License-Identifier: MIT
/* What the loops call, and what they call it through. */
#include "callee.h"

__attribute__((aligned(64))) uint64_t step(uint64_t x)
{
	return x + 1;
}

/* One step of splitmix64. */
__attribute__((aligned(64))) uint64_t work(uint64_t x)
{
	x += 0x9e3779b97f4a7c15u;
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
	x = (x ^ x >> 27) * 0x94d049bb133111ebu;
	return x ^ x >> 31;
}

__attribute__((noinline, cold)) uint64_t slow_path(uint64_t x)
{
	return x + 2;
}

__attribute__((noinline, cold)) void slow_event(void)
{
	bench_die("a guard was taken");
}

__asm__(".pushsection .text.step_bare,\"ax\",@progbits\n\t"
	".p2align 4\n\t"
	".hidden step_bare\n\t"
	".globl step_bare\n\t"
	".type step_bare, @function\n"
	"step_bare:\n\t"
	"jmp step\n\t"
	"ud2\n\t"
	".size step_bare, . - step_bare\n\t"
	".popsection");

/* Runs while the program is being relocated: it may call nothing. */
__attribute__((used)) static uint64_t (*resolve_step(void))(uint64_t x)
{
	return step;
}

__attribute__((ifunc("resolve_step"))) uint64_t step_ifunc(uint64_t x);

uint64_t (*volatile step_pointer)(uint64_t x) = step;
uint64_t (*volatile work_pointer)(uint64_t x) = work;
__attribute__((aligned(64))) struct lonely_pointer lonely_pointer = {
	.fn = step
};
__attribute__((aligned(64))) struct lonely_flag lonely_flag;
int guard_flag;

RP_DEFINE_STATIC_CALL(bench_step, step);
RP_DEFINE_STATIC_CALL(bench_work, work);
RP_DEFINE_STATIC_CALL(bench_step_far, step_far);
RP_DEFINE_STATIC_KEY_FALSE(bench_key_off);
RP_DEFINE_STATIC_KEY_FALSE(bench_key_on);
