// SPDX-License-Identifier: MIT
/*
 * A program that notices when something of it has changed: registers, stack
 * below its pointer, signal mask, alternate stack, what system calls return.
 *
 *   target MODE		prints "counter ADDRESS", ends with SIGTERM
 *
 * Its last line is "ok SIGNALS" if all was well.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/futex.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define WAIT_NS		20000000l
#define ITERATIONS	20000ul

/* The driver counts the second one up whenever it has the thread stopped. */
volatile uint64_t shared[2];
#define counter		shared[0]
#define generation	shared[1]

static volatile sig_atomic_t ended;
static volatile uint64_t signals, values;
static stack_t altstack;

static void fail(const char *what)
{
	printf("FAILED: %s (errno %d)\n", what, errno);
	fflush(stdout);
	_exit(3);
}

static void on_end(int signal)
{
	(void)signal;
	ended = 1;
}

static void on_signal(int signal, siginfo_t *info, void *context)
{
	(void)signal;
	(void)context;
	signals++;
	values += info->si_value.sival_int;
}

/*
 * Registers. vectors(pattern, result, iterations): load, spin, store. 32 times
 * 64 bytes of vector registers, then 128 of the red zone, then 7 doubles of x87
 * and 7 mask registers.
 */
void vectors_512(const void *pattern, void *result, uint64_t iterations);
void vectors_256(const void *pattern, void *result, uint64_t iterations);
void vectors_128(const void *pattern, void *result, uint64_t iterations);

__asm__(
	".macro each from to width load\n"
	"	.set i, \\from\n"
	"	.rept \\to - \\from\n"
	"	one %i, \\width, \\load\n"
	"	.set i, i + 1\n"
	"	.endr\n"
	".endm\n"
	".altmacro\n"
	".macro one n width load\n"
	"	.if \\width == 512\n"
	"	.if \\load\n vmovdqu64 64 * \\n(%rdi), %zmm\\n\n"
	"	.else\n vmovdqu64 %zmm\\n, 64 * \\n(%rsi)\n .endif\n"
	"	.elseif \\width == 256\n"
	"	.if \\load\n vmovdqu 64 * \\n(%rdi), %ymm\\n\n"
	"	.else\n vmovdqu %ymm\\n, 64 * \\n(%rsi)\n .endif\n"
	"	.elseif \\width == 128\n"
	"	.if \\load\n movdqu 64 * \\n(%rdi), %xmm\\n\n"
	"	.else\n movdqu %xmm\\n, 64 * \\n(%rsi)\n .endif\n"
	"	.elseif \\width == 0\n"		// the red zone
	"	.if \\load\n mov 2048 + 8 * \\n(%rdi), %rax\n"
	"	mov %rax, -8 - 8 * \\n(%rsp)\n"
	"	.else\n mov -8 - 8 * \\n(%rsp), %rax\n"
	"	mov %rax, 2048 + 8 * \\n(%rsi)\n .endif\n"
	"	.elseif \\width == 1\n"		// x87
	"	.if \\load\n fldl 2176 + 8 * \\n(%rdi)\n"
	"	.else\n fstpl 2176 + 8 * (6 - \\n)(%rsi)\n .endif\n"
	"	.elseif \\width == 2\n"		// masks
	"	.if \\load\n kmovw 2232 + 8 * \\n(%rdi), %k\\n\n"
	"	.else\n kmovw %k\\n, 2232 + 8 * \\n(%rsi)\n .endif\n"
	"	.endif\n"
	".endm\n"
	".macro vectors name width count masks\n"
	"	.type \\name, @function\n"
	"\\name:\n"
	"	each 0, \\count, \\width, 1\n"
	"	each 0, 16, 0, 1\n"
	"	fninit\n"
	"	each 0, 7, 1, 1\n"
	"	each 1, \\masks, 2, 1\n"
	"	mov %rdx, %rcx\n"
	"	mov %rdx, %r8\n"
	"	not %r8\n"
	"	mov %r8, %r11\n"
	"1:	dec %rcx\n"
	"	jnz 1b\n"
	"	cmp %r8, %r11\n"
	"	jne 2f\n"
	"	each 0, \\count, \\width, 0\n"
	"	each 0, 16, 0, 0\n"
	"	each 0, 7, 1, 0\n"
	"	each 1, \\masks, 2, 0\n"
	"	ret\n"
	"2:	ud2\n"
	"	.size \\name, . - \\name\n"
	".endm\n"
	".text\n"
	"vectors vectors_512 512 32 8\n"
	"vectors vectors_256 256 16 1\n"
	"vectors vectors_128 128 16 1\n"
	".noaltmacro\n");

static void vectors(const void *pattern, void *result)
{
	if (__builtin_cpu_supports("avx512bw"))
		vectors_512(pattern, result, ITERATIONS);
	else if (__builtin_cpu_supports("avx2"))
		vectors_256(pattern, result, ITERATIONS);
	else
		vectors_128(pattern, result, ITERATIONS);
}

static void mode_registers(void)
{
	static uint8_t pattern[2304], result[2304], expected[2304];
	static bool known;

	for (size_t i = 0; i < 2176; i++)
		pattern[i] = (uint8_t)(i * 7 + (i >> 8) + 1);
	for (int i = 0; i < 7; i++) {
		double value = 1.0 / (i + 3);

		memcpy(pattern + 2176 + 8 * i, &value, 8);
		pattern[2232 + 8 * i] = (uint8_t)(0x81 + i);
	}
	// What registers the processor has decides what comes back.
	vectors(pattern, known ? result : expected);
	if (known && memcmp(result, expected, sizeof(result)))
		fail("registers");
	if (!known && memcmp(expected, pattern, 16))
		fail("the first run");
	known = true;
}

/* Tile registers: permitted on request, and then the state is larger. */
static void mode_tiles(void)
{
	static uint8_t config[64], pattern[1024], result[1024];
	static bool known;

	if (!known && syscall(SYS_arch_prctl, 0x1023, 18)) {
		puts("SKIP: no AMX");
		fflush(stdout);
		_exit(77);
	}
	known = true;
	config[0] = 1;
	config[16] = 64;	// columns of tile 0
	config[48] = 16;	// its rows
	for (size_t i = 0; i < sizeof(pattern); i++)
		pattern[i] = (uint8_t)(i * 3 + 1);
	__asm__ volatile(
		"ldtilecfg %1\n\t"
		"tileloadd (%2,%3,1), %%tmm0\n\t"
		"mov %5, %%rcx\n\t"
		"1: dec %%rcx\n\t"
		"jnz 1b\n\t"
		"tilestored %%tmm0, (%4,%3,1)\n\t"
		"tilerelease"
		: "=m"(result)
		: "m"(config), "r"(pattern), "r"(64l), "r"(result),
		  "r"(ITERATIONS), "m"(pattern)
		: "rcx");
	if (memcmp(pattern, result, sizeof(pattern)))
		fail("tile registers");
	mode_registers();
}

static int64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ll + ts.tv_nsec;
}

/* Signals that the test sends may end a wait early, nothing else. */
static void check_wait(const char *what, int ret, int expected, int64_t start,
		       uint64_t before)
{
	if (ended || signals != before)
		return;
	if (ret != expected)
		fail(what);
	// Milliseconds are rounded by some of them.
	if (now() - start < WAIT_NS - 1000000)
		fail(what);
}

static int pipes[2];

static void mode_nanosleep(void)
{
	struct timespec ts = { .tv_nsec = WAIT_NS };
	uint64_t before = signals;
	int64_t start = now();

	check_wait("nanosleep", nanosleep(&ts, NULL), 0, start, before);
}

static void mode_poll(void)
{
	struct pollfd fd = { .fd = pipes[0], .events = POLLIN };
	uint64_t before = signals;
	int64_t start = now();

	check_wait("poll", poll(&fd, 1, WAIT_NS / 1000000), 0, start, before);
}

static void mode_futex(void)
{
	struct timespec ts = { .tv_nsec = WAIT_NS };
	static uint32_t word;
	uint64_t before = signals;
	int64_t start = now();
	int ret = syscall(SYS_futex, &word, FUTEX_WAIT, 0, &ts, NULL, 0);

	if (!ended && signals == before && errno != ETIMEDOUT)
		fail("errno of futex");
	check_wait("futex", ret, -1, start, before);
}

static void mode_select(void)
{
	struct timeval tv = { .tv_usec = WAIT_NS / 1000 };
	uint64_t before = signals;
	int64_t start = now();
	fd_set set;

	FD_ZERO(&set);
	FD_SET(pipes[0], &set);
	check_wait("select", select(pipes[0] + 1, &set, NULL, NULL, &tv), 0,
		   start, before);
}

static void mode_ppoll(void)
{
	struct timespec ts = { .tv_nsec = WAIT_NS };
	struct pollfd fd = { .fd = pipes[0], .events = POLLIN };
	uint64_t before = signals;
	int64_t start = now();
	sigset_t mask;

	sigprocmask(SIG_SETMASK, NULL, &mask);
	sigaddset(&mask, SIGUSR2);
	check_wait("ppoll", ppoll(&fd, 1, &ts, &mask), 0, start, before);
}

static void mode_epoll(void)
{
	struct epoll_event event = { .events = EPOLLIN };
	static int epoll = -1;
	uint64_t before = signals;
	int64_t start = now();

	if (epoll < 0) {
		epoll = epoll_create1(0);
		epoll_ctl(epoll, EPOLL_CTL_ADD, pipes[0], &event);
	}
	check_wait("epoll_wait",
		   epoll_wait(epoll, &event, 1, WAIT_NS / 1000000), 0, start,
		   before);
}

/* Waits for signals that are blocked at other times. */
static void mode_sigsuspend(void)
{
	sigset_t blocked, waiting, old;
	uint64_t before = signals;

	sigemptyset(&blocked);
	sigaddset(&blocked, SIGRTMIN);
	sigaddset(&blocked, SIGTERM);
	sigprocmask(SIG_BLOCK, &blocked, &old);
	waiting = old;
	if (!ended && sigsuspend(&waiting) == -1 && errno != EINTR)
		fail("sigsuspend");
	if (!ended && signals == before)
		fail("sigsuspend returned without a signal");
	sigprocmask(SIG_SETMASK, &old, NULL);
}

/*
 * A restartable sequence that was left is begun anew: in one that came to its
 * end, nobody can have stopped the thread. The descriptor is that of
 * linux/rseq.h; the C library has registered the thread.
 */
extern const ptrdiff_t __rseq_offset __attribute__((weak));
int sequence(void *rseq, volatile uint64_t *word, uint64_t iterations);

__asm__(
	"	.pushsection .data.rel.sequence, \"aw\"\n"
	"	.balign 32\n"
	"3:	.long 0, 0\n"
	"	.quad 1f, 2f - 1f, 4f\n"
	"	.popsection\n"
	"	.long 0x53053053\n"		// in front of the abort handler
	"4:	mov $-1, %eax\n"
	"	ret\n"
	"	.type sequence, @function\n"
	"sequence:\n"
	"	lea 3b(%rip), %rax\n"
	"	mov %rax, 8(%rdi)\n"
	"1:	mov (%rsi), %rcx\n"
	"5:	dec %rdx\n"
	"	jnz 5b\n"
	"	xor %eax, %eax\n"
	"	cmp %rcx, (%rsi)\n"
	"	setne %al\n"
	"2:	ret\n"
	"	.size sequence, . - sequence\n");

static void mode_sequence(void)
{
	int ret;

	if (!&__rseq_offset) {
		puts("SKIP: no rseq");
		fflush(stdout);
		_exit(77);
	}
	ret = sequence((char *)__builtin_thread_pointer() + __rseq_offset,
		       &generation, ITERATIONS);
	if (ret > 0)
		fail("a restartable sequence");
}

static void mode_spin(void)
{
	for (volatile int i = 0; i < 1000; i++)
		;
}

/* A loop on a stack of its own, with less room than is asked for. */
static void on_tiny_stack(void)
{
	while (!ended)
		counter++;
}

static void mode_tiny(void)
{
	uint8_t *stack = mmap(NULL, 16384, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (stack == MAP_FAILED || mprotect(stack, 4096, PROT_NONE))
		fail("mmap");
	__asm__ volatile(
		"mov %%rsp, %%rbx\n\t"
		"mov %0, %%rsp\n\t"
		"call *%1\n\t"
		"mov %%rbx, %%rsp"
		: : "r"(stack + 16384), "r"(on_tiny_stack)
		: "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10",
		  "r11", "memory", "cc");
}

static void check_signals(const sigset_t *mask)
{
	sigset_t now_mask;
	stack_t stack;

	sigprocmask(SIG_SETMASK, NULL, &now_mask);
	for (int i = 1; i < 65; i++) {
		if (sigismember(mask, i) != sigismember(&now_mask, i))
			fail("signal mask");
	}
	sigaltstack(NULL, &stack);
	if (stack.ss_sp != altstack.ss_sp || stack.ss_flags ||
	    stack.ss_size != altstack.ss_size)
		fail("alternate stack");
}

static const struct {
	const char *name;
	void (*run)(void);
} modes[] = {
	{ "registers", mode_registers }, { "tiles", mode_tiles },
	{ "nanosleep", mode_nanosleep }, { "poll", mode_poll },
	{ "futex", mode_futex }, { "select", mode_select },
	{ "ppoll", mode_ppoll }, { "epoll", mode_epoll },
	{ "sigsuspend", mode_sigsuspend }, { "spin", mode_spin },
	{ "tiny", mode_tiny }, { "sequence", mode_sequence },
};

static void prepare(sigset_t *mask)
{
	struct sigaction end = { .sa_handler = on_end };
	struct sigaction count = {
		.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO,
	};
	static uint8_t stack[65536];

	sigaction(SIGTERM, &end, NULL);
	sigaction(SIGRTMIN, &count, NULL);
	altstack.ss_sp = stack;
	altstack.ss_size = sizeof(stack);
	if (sigaltstack(&altstack, NULL) || pipe(pipes))
		fail("sigaltstack, pipe");
	sigemptyset(mask);
	sigaddset(mask, SIGUSR1);
	sigaddset(mask, SIGRTMIN + 5);
	sigprocmask(SIG_SETMASK, mask, NULL);
}

int main(int argc, char **argv)
{
	void (*run)(void) = NULL;
	sigset_t mask;

	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		if (argc > 1 && !strcmp(argv[1], modes[i].name))
			run = modes[i].run;
	}
	if (!run)
		return 64;
	prepare(&mask);
	printf("counter %p\n", (void *)shared);
	fflush(stdout);
	while (!ended) {
		run();
		check_signals(&mask);
		counter++;
	}
	printf("ok %llu %llu\n", (unsigned long long)signals,
	       (unsigned long long)values);
	return 0;
}
