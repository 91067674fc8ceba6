/* SPDX-License-Identifier: MIT */
/* One of each thing that linkers change. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "parts.h"

extern int weak_function(int) __attribute__((weak));
extern __thread int shared_tls;

static __thread int own_tls = 4, more_tls;
static int (*const functions[])(int) = { a_entry, b_entry, NULL };
static int zeros[64];
int common_value;

static __attribute__((noinline)) int choose(int v)
{
	switch (v) {
	case 0: return a_entry(v);
	case 1: return b_entry(v) * 3;
	case 2: return puts("two");
	case 3: return common_value++;
	case 4: return own_tls++;
	case 5: return shared_tls--;
	case 6: return more_tls ^= 5;
	case 7: return (int)strlen(getenv("HOME"));
	default: return zeros[v & 63]++;
	}
}

static __attribute__((noinline)) int interpret(const unsigned char *code)
{
	static const void *const labels[] = { &&add, &&twice, &&stop };
	int v = 0;

	goto *labels[*code];
add:
	v += code[1];
	goto *labels[*++code % 3];
twice:
	v = choose(v) * 2;
	goto *labels[*++code % 3];
stop:
	return v;
}

static __attribute__((noinline, cold)) void complain(const char *what)
{
	fprintf(stderr, "cannot %s: %d\n", what, common_value);
	abort();
}

static __attribute__((noinline)) double scale(double v)
{
	return v * 1.25 + 0.1;
}

/* Registers that need a prefix, in instructions that linkers rewrite. */
static __attribute__((noinline)) long registers(void)
{
	long v = 0;

	__asm__ volatile("mov common_value@GOTPCREL(%%rip), %%r9\n\t"
			 "cmp common_value@GOTPCREL(%%rip), %%r10\n\t"
			 "test %%r11, common_value@GOTPCREL(%%rip)\n\t"
			 "mov shared_tls@GOTTPOFF(%%rip), %%r12\n\t"
			 "add shared_tls@GOTTPOFF(%%rip), %%r13\n\t"
			 "add shared_tls@GOTTPOFF(%%rip), %0"
			 : "+r"(v) : : "r9", "r10", "r11", "r12", "r13");
	return v;
}

#ifndef BACK
#define BACK	"1b"
#endif

static __attribute__((noinline)) int looping(int v)
{
	__asm__ volatile("1:\n\tsub $2, %0\n2:\n\tdec %0\n\tjg " BACK
			 : "+r"(v));
	return v;
}

int run(int argc)
{
	unsigned char code[4] = { (unsigned char)argc, 1, 0, 2 };
	int v = interpret(code);

	for (int i = 0; functions[i]; i++)
		v += functions[i](i);
	if (v < -1000)
		complain("two words");
	if (weak_function)
		v += weak_function(v);
	if (v == 77)
		complain("words");
	v += chosen(v) + (int)scale(v) + part_of(v);
	v += (int)registers() + looping(v);
	qsort(zeros, 64, sizeof(int), compare_ints);
	return v + (stdout != NULL);
}
