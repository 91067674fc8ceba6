// SPDX-License-Identifier: MIT
/*
 * A process whose stacks others look at: two threads that wait, each one below
 * functions of known names. A page of the code, between them, has been made
 * writable, so that the code is in three mappings.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#define PAGE	4096

__attribute__((noinline)) static int wait_here(void)
{
	char c;
	ssize_t n = read(STDIN_FILENO, &c, 1);

	return (int)n;
}

__attribute__((noinline)) static int inner(int x)
{
	return wait_here() + x;
}

/* Alone in pages of its own. */
__attribute__((noinline, aligned(PAGE))) static void *split(void *data)
{
	*(int *)data = inner(1) * 3;
	__asm__ volatile("jmp 1f\n\t.skip %c0\n1:" : : "i" (PAGE));
	return data;
}

__attribute__((noinline, aligned(PAGE))) static int behind(int x)
{
	return inner(x) + 2;
}

__attribute__((noinline)) static void *run(void *data)
{
	*(int *)data = behind(*(int *)data);
	return data;
}

int main(void)
{
	int a = 1, b = 2;
	pthread_t other;

	prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
	if (mprotect((void *)split, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC) ||
	    pthread_create(&other, NULL, run, &a))
		return 1;
	puts("waits");
	fflush(stdout);
	split(&b);
	pthread_join(other, NULL);
	return a + b > 100;
}
