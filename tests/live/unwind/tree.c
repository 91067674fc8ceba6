/* SPDX-License-Identifier: MIT */
/*
 * A program that calls up and down, and keeps the return addresses of those of
 * its functions that are compiled with -finstrument-functions in memory. Signal
 * handlers on a stack of their own do so, too.
 *
 *   tree [lazy]	lazy: calls through the PLT are resolved again and again
 */
#define _GNU_SOURCE
#include <alloca.h>
#include <elf.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define PLAIN	__attribute__((no_instrument_function))
#define NODE	__attribute__((noinline, section("tree")))
#define MAX	4096

extern const char __start_tree[], __stop_tree[];

void __cyg_profile_func_enter(void *function, void *site) PLAIN;
void __cyg_profile_func_exit(void *function, void *site) PLAIN;

static void *volatile shadow[MAX];
static volatile uint64_t shadow_depth;
static volatile unsigned int sink;
static volatile int ends;	/* never, but main() has a way out */

/* Written twice: a handler between the two steps uses the same place. */
void __cyg_profile_func_enter(void *function, void *site)
{
	(void)function;
	shadow[shadow_depth] = site;
	shadow_depth = shadow_depth + 1;
	shadow[shadow_depth - 1] = site;
}

void __cyg_profile_func_exit(void *function, void *site)
{
	(void)function;
	(void)site;
	shadow_depth = shadow_depth - 1;
}

NODE static unsigned int walk(unsigned int seed, int depth);

NODE static unsigned int leaf(unsigned int seed)
{
	return seed * 1664525u + 1013904223u;
}

NODE static int compare(const void *a, const void *b)
{
	const unsigned int *x = a, *y = b;

	return leaf(*x) < leaf(*y) ? -1 : *x > *y;
}

NODE static unsigned int sorted(unsigned int seed)
{
	unsigned int v[9];

	for (int i = 0; i < 9; i++)
		v[i] = seed = leaf(seed);
	qsort(v, 9, sizeof(v[0]), compare);
	return v[seed % 9];
}

NODE static unsigned int text(unsigned int seed)
{
	char line[128];
	int n = snprintf(line, sizeof(line), "%u %s %.3f", seed, "abc",
			 (double)seed / 3);

	return seed + (unsigned int)n + (unsigned int)strlen(line);
}

NODE static unsigned int room(unsigned int seed, int depth)
{
	size_t size = seed % 500 + 16;
	char *p = alloca(size);

	memset(p, (int)seed, size);
	return walk(seed, depth - 1) + (unsigned char)p[size / 2];
}

NODE static unsigned int memory(unsigned int seed)
{
	char *p = malloc(seed % 5000 + 1);

	if (p) {
		p[0] = (char)seed;
		seed += (unsigned char)p[0];
	}
	free(p);
	return seed;
}

NODE static unsigned int times(unsigned int seed)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return seed + (unsigned int)now.tv_nsec + (unsigned int)getppid();
}

/* Many arguments: some are pushed. */
NODE static unsigned int many(unsigned int a, unsigned int b, unsigned int c,
			      unsigned int d, unsigned int e, unsigned int f,
			      unsigned int g, unsigned int h, unsigned int i)
{
	return leaf(a + b * 2 + c * 3 + d * 4 + e) + leaf(f + g * 2 + h * 3 + i);
}

NODE static unsigned int walk(unsigned int seed, int depth)
{
	seed = leaf(seed);
	if (depth <= 0)
		return seed;
	switch (seed >> 20 & 7) {
	case 0:
		return walk(seed, depth - 1) + walk(seed + 1, depth - 2);
	case 1:
		return sorted(seed);
	case 2:
		return text(seed) + leaf(seed);
	case 3:
		return room(seed, depth);
	case 4:
		return memory(seed);
	case 5:
		return times(seed) + walk(seed, depth - 1);
	case 6:
		return many(seed, 2, 3, 4, 5, 6, 7, 8, seed);
	default:
		return walk(seed, depth - 1);	/* perhaps a jump */
	}
}

/* What may be called in a handler. */
NODE static unsigned int shallow(unsigned int seed, int depth)
{
	if (depth <= 0)
		return times(seed);
	if (seed & 1)
		return sorted(seed) + shallow(leaf(seed), depth - 1);
	return many(seed, 1, 2, 3, 4, 5, 6, 7, seed) +
	       shallow(leaf(seed), depth - 1);
}

NODE static void handler(int signal)
{
	sink += shallow((unsigned int)signal + sink, 4);
}

/* What the linker left for the dynamic linker to resolve is put back, so that the
 * next call resolves it again. */
static uintptr_t unresolved[64], *slots;
static size_t nunresolved;

#ifdef LAZY_SLOTS
extern Elf64_Dyn _DYNAMIC[];

PLAIN static void remember_unresolved(void)
{
	for (const Elf64_Dyn *dyn = _DYNAMIC; dyn->d_tag; dyn++) {
		if (dyn->d_tag == DT_PLTGOT)
			slots = (uintptr_t *)dyn->d_un.d_ptr + 3;
	}
	for (; nunresolved < LAZY_SLOTS; nunresolved++)
		unresolved[nunresolved] = slots[nunresolved];
}
#else
PLAIN static void remember_unresolved(void)
{
}
#endif

PLAIN static void forget_resolved(void)
{
	for (size_t i = 0; i < nunresolved; i++)
		slots[i] = unresolved[i];
}

PLAIN static void start_signals(void)
{
	static char stack[65536];
	stack_t other = { .ss_sp = stack, .ss_size = sizeof(stack) };
	struct sigaction action = { .sa_handler = handler,
				    .sa_flags = SA_ONSTACK | SA_RESTART };
	struct itimerval often = { { 0, 700 }, { 0, 700 } };

	sigaltstack(&other, NULL);
	sigaction(SIGVTALRM, &action, NULL);
	setitimer(ITIMER_VIRTUAL, &often, NULL);
}

PLAIN int main(void)
{
	unsigned int seed = 1;

	remember_unresolved();
	printf("shadow %llx %llx %llx %llx\n",
	       (unsigned long long)(uintptr_t)&shadow_depth,
	       (unsigned long long)(uintptr_t)shadow,
	       (unsigned long long)(uintptr_t)__start_tree,
	       (unsigned long long)(uintptr_t)__stop_tree);
	fflush(stdout);
	start_signals();
	while (!ends) {
		seed = walk(seed, 12);
		sink += seed;
		forget_resolved();
	}
	return 0;
}
