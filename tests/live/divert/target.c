// SPDX-License-Identifier: MIT
/*
 * Threads that call functions of all kinds in a section of their own, and check
 * what they return: in all registers, on the x87 stack, by exceptions.
 *
 * usage: target THREADS [signals|stack|throw|exit|cancel]; prints the mailbox's address
 */
#define _GNU_SOURCE
#include "target.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#define WORK __attribute__((section("work_text"), noinline, used))

#define SIGNAL_STACK	65536

extern const char __start_work_text[], __stop_work_text[];
#ifdef HAVE_CXX
extern const char __start_catch_text[], __stop_catch_text[];
#endif

static struct mailbox mailbox;

void dwell(unsigned int seed);
void throw_and_check(unsigned int seed, volatile uint64_t *errors);
void call_all(uint64_t registers[15], uint64_t vectors[32]);

/* Some in user code, some in the kernel. */
void dwell(unsigned int seed)
{
	const struct timespec time = { .tv_nsec = 1000 * (seed % 700) };

	if (seed % 3)
		for (volatile unsigned int i = 0; i < seed % 50000; i++)
			;
	else
		nanosleep(&time, NULL);
}

struct pair {
	uint64_t a, b;
};

struct big {
	uint64_t v[9];
};

WORK static uint64_t work_long(unsigned int seed)
{
	dwell(seed);
	return seed * 0x100000001ull;
}

WORK static struct pair work_pair(unsigned int seed)
{
	dwell(seed);
	return (struct pair){ seed, ~(uint64_t)seed };
}

WORK static struct big work_big(unsigned int seed)
{
	struct big big;

	dwell(seed);
	for (int i = 0; i < 9; i++)
		big.v[i] = seed + i;
	return big;
}

WORK static double work_double(unsigned int seed)
{
	dwell(seed);
	return seed / 8.0;
}

WORK static long double work_long_double(unsigned int seed)
{
	dwell(seed);
	return seed / 16.0L;
}

WORK static uint64_t work_nested(unsigned int depth, unsigned int seed)
{
	if (!depth) {
		dwell(seed);
		return 1;
	}
	return 1 + work_nested(depth - 1, seed);
}

/*
 * work_all returns with a value of its own in each register; call_all stores
 * what arrived.
 */
__asm__(
"	.pushsection work_text,\"ax\",@progbits\n"
"	.type work_all, @function\n"
"work_all:\n"
"	.cfi_startproc\n"
"	sub $8, %rsp\n"
"	.cfi_adjust_cfa_offset 8\n"
"	mov $100001, %edi\n"
"	call dwell\n"
"	.irp r, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n"
"	mov $0x1111 * (\\r + 1), %eax\n"
"	movq %rax, %xmm\\r\n"
"	shl $32, %rax\n"
"	pinsrw $7, %eax, %xmm\\r\n"
"	.endr\n"
"	movabs $0x0101010101010101, %rax\n"
"	movabs $0x0202020202020202, %rbx\n"
"	movabs $0x0303030303030303, %rcx\n"
"	movabs $0x0404040404040404, %rdx\n"
"	movabs $0x0505050505050505, %rsi\n"
"	movabs $0x0606060606060606, %rdi\n"
"	movabs $0x0707070707070707, %rbp\n"
"	movabs $0x0808080808080808, %r8\n"
"	movabs $0x0909090909090909, %r9\n"
"	movabs $0x0a0a0a0a0a0a0a0a, %r10\n"
"	movabs $0x0b0b0b0b0b0b0b0b, %r11\n"
"	movabs $0x0c0c0c0c0c0c0c0c, %r12\n"
"	movabs $0x0d0d0d0d0d0d0d0d, %r13\n"
"	movabs $0x0e0e0e0e0e0e0e0e, %r14\n"
"	movabs $0x0f0f0f0f0f0f0f0f, %r15\n"
"	add $8, %rsp\n"
"	.cfi_adjust_cfa_offset -8\n"
"	ret\n"
"	.cfi_endproc\n"
"	.size work_all, . - work_all\n"
"	.popsection\n"
"	.type call_all, @function\n"
"call_all:\n"
"	.cfi_startproc\n"
"	.irp r, rbx,rbp,r12,r13,r14,r15,rdi,rsi,rsi\n"
"	push %\\r\n"
"	.cfi_adjust_cfa_offset 8\n"
"	.endr\n"
"	call work_all\n"
"	push %rax\n"
"	.cfi_adjust_cfa_offset 8\n"
"	mov 24(%rsp), %rax\n"
"	pop (%rax)\n"
"	.cfi_adjust_cfa_offset -8\n"
"	mov %rbx, 8(%rax)\n"
"	mov %rcx, 16(%rax)\n"
"	mov %rdx, 24(%rax)\n"
"	mov %rsi, 32(%rax)\n"
"	mov %rdi, 40(%rax)\n"
"	mov %rbp, 48(%rax)\n"
"	mov %r8, 56(%rax)\n"
"	mov %r9, 64(%rax)\n"
"	mov %r10, 72(%rax)\n"
"	mov %r11, 80(%rax)\n"
"	mov %r12, 88(%rax)\n"
"	mov %r13, 96(%rax)\n"
"	mov %r14, 104(%rax)\n"
"	mov %r15, 112(%rax)\n"
"	pop %rax\n"
"	.cfi_adjust_cfa_offset -8\n"
"	.irp r, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n"
"	movups %xmm\\r, 16 * \\r(%rax)\n"
"	.endr\n"
"	.irp r, rsi,rdi,r15,r14,r13,r12,rbp,rbx\n"
"	pop %\\r\n"
"	.cfi_adjust_cfa_offset -8\n"
"	.endr\n"
"	ret\n"
"	.cfi_endproc\n"
"	.size call_all, . - call_all\n");

static void check(int is_right)
{
	if (!is_right)
		__atomic_fetch_add(&mailbox.errors, 1, __ATOMIC_RELAXED);
}

static void check_all(void)
{
	uint64_t registers[15], vectors[32];

	call_all(registers, vectors);
	for (int i = 0; i < 15; i++)
		check(registers[i] == 0x0101010101010101ull * (i + 1));
	for (int i = 0; i < 16; i++)
		check(vectors[2 * i] == 0x1111ull * (i + 1));
}

static void check_values(unsigned int seed)
{
	struct pair pair = work_pair(seed);
	struct big big = work_big(seed);

	check(work_long(seed) == seed * 0x100000001ull);
	check(pair.a == seed && pair.b == ~(uint64_t)seed);
	for (int i = 0; i < 9; i++)
		check(big.v[i] == seed + i);
	check(work_double(seed) == seed / 8.0);
	check(work_long_double(seed) == seed / 16.0L);
	check(work_nested(5, seed) == 6);
	check_all();
}

static int throws, exits, cancels;
static unsigned long cleanups;

static void clean_up(void *stack)
{
	sigaltstack(&(stack_t){ .ss_flags = SS_DISABLE }, NULL);
	free(stack);
	__atomic_fetch_add(&cleanups, 1, __ATOMIC_RELAXED);
}

static void make_rounds(unsigned int seed)
{
	for (int i = 0; !exits || i < 3; i++) {
		seed = seed * 1103515245 + 12345;
#ifdef HAVE_CXX
		if (throws)
			throw_and_check(seed >> 16, &mailbox.errors);
		else
#endif
			check_values(seed >> 16);
		__atomic_fetch_add(&mailbox.rounds, 1, __ATOMIC_RELAXED);
	}
}

static void *work(void *argument)
{
	stack_t stack = { .ss_sp = malloc(SIGNAL_STACK),
			  .ss_size = SIGNAL_STACK };

	sigaltstack(&stack, NULL);
	pthread_cleanup_push(clean_up, stack.ss_sp);
	make_rounds((unsigned int)(uintptr_t)argument * 7919);
	pthread_cleanup_pop(1);
	return NULL;
}

/* The handler is in the same functions, and may be sent as well. */
static void handle(int signal)
{
	(void)signal;
	check(work_long(30000) == 30000 * 0x100000001ull);
	__atomic_fetch_add(&mailbox.signals, 1, __ATOMIC_RELAXED);
}

#ifdef HAVE_CXX
void __register_frame_info(const void *begin, void *object);
void *__deregister_frame_info(const void *begin);

static void look_at_mailbox(void)
{
	if (mailbox.frames == mailbox.known)
		return;
	if (mailbox.known)
		__deregister_frame_info((void *)(uintptr_t)mailbox.known);
	if (mailbox.frames)
		__register_frame_info((void *)(uintptr_t)mailbox.frames,
				      (void *)(uintptr_t)mailbox.object);
	mailbox.known = mailbox.frames;
}
#else
static void look_at_mailbox(void)
{
}
#endif

static pthread_t start_thread(unsigned int i)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, work, (void *)(uintptr_t)(i + 1)))
		exit(1);
	return thread;
}

/* Another walk over the waiting place, and the clean-up is further out. */
static void cancel(pthread_t thread)
{
	unsigned long before = __atomic_load_n(&cleanups, __ATOMIC_RELAXED);
	void *result;

	pthread_cancel(thread);
	pthread_join(thread, &result);
	check(result == PTHREAD_CANCELED);
	check(__atomic_load_n(&cleanups, __ATOMIC_RELAXED) == before + 1);
}

static void run(pthread_t *threads, unsigned int n, int signals)
{
	const struct timespec pause = { .tv_nsec = cancels ? 4000000 : 200000 };

	for (unsigned int i = 0;; i++) {
		look_at_mailbox();
		nanosleep(&pause, NULL);
		if (signals)
			pthread_kill(threads[i % n], SIGUSR1);
		if (cancels) {
			cancel(threads[i % n]);
			threads[i % n] = start_thread(i);
		}
		if (exits) {
			pthread_join(threads[i % n], NULL);
			threads[i % n] = start_thread(i);
		}
	}
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = handle };
	unsigned int n = argc > 1 ? (unsigned int)atoi(argv[1]) : 0;
	const char *mode = argc > 2 ? argv[2] : "";
	pthread_t *threads = calloc(n + 1, sizeof(*threads));

	if (!n || !threads)
		return 64;
	prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
	mailbox.start = (uint64_t)(uintptr_t)__start_work_text;
	mailbox.size = (uint64_t)(__stop_work_text - __start_work_text);
#ifdef HAVE_CXX
	mailbox.catching = (uint64_t)(uintptr_t)__start_catch_text;
	mailbox.catching_size = (uint64_t)(__stop_catch_text -
					   __start_catch_text);
#endif
	throws = !strcmp(mode, "throw");
	exits = !strcmp(mode, "exit");
	cancels = !strcmp(mode, "cancel");
	action.sa_flags = strcmp(mode, "stack") ? SA_RESTART :
						  SA_RESTART | SA_ONSTACK;
	sigaction(SIGUSR1, &action, NULL);
	for (unsigned int i = 0; i < n; i++)
		threads[i] = start_thread(i);
	printf("%p\n", (void *)&mailbox);
	fflush(stdout);
	run(threads, n, !strcmp(mode, "signals") || !strcmp(mode, "stack"));
	return 0;
}
