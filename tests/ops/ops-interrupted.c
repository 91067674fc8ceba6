// SPDX-License-Identifier: MIT
/*
 * Instructions that a thread can be in the middle of: what is written over
 * them under threads is not safe because it is one store. And the control:
 * what goes wrong where nobody takes care of that.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "sites.h"

#define THREADS		3

static bool stop;

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- an interrupt leaves it with its registers half-way ---- */

#define COPY_SIZE	((size_t)4 << 20)

struct copies {
	void (*copy)(char *to, const char *from, long unused, size_t len);
};

static unsigned long torn;

static void copy(char *to, const char *from, long unused, size_t len)
{
	(void)unused;
	memcpy(to, from, len);
}

static void only_look(char *to, const char *from, long unused, size_t len)
{
	(void)to;
	(void)from;
	(void)unused;
	__atomic_fetch_add(&torn, len != COPY_SIZE, __ATOMIC_RELAXED);
}

/* One instruction, and still not done at once. */
__asm__(RP_PATCHLET(string, RP_CLOBBER_RCX | RP_CLOBBER_RSI | RP_CLOBBER_RDI)
	"rep movsb"
	RP_PATCHLET_END(string));
RP_OP_PATCHLET(copy, string);
RP_DEFINE_STATIC_OPS(struct copies, copies, copy);

static void *copy_all_the_time(void *arg)
{
	char *from = arg, *to = from + COPY_SIZE;

	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		char *a = to;
		const char *b = from;
		long none = 0;
		size_t len = COPY_SIZE;

		rp_op_asm(copies, copy,
			  RP_OUTPUTS("+D" (a), "+S" (b), "+d" (none),
				     "+c" (len)),
			  RP_NONE,
			  RP_CLOBBERS("rax", "r8", "r9", "r10", "r11",
				      RP_CLOBBERS_FP));
	}
	return NULL;
}

/* A call is the old function's or the new one's, and not some of both. */
static void string_instruction(void)
{
	char *memory = mmap(NULL, 2 * COPY_SIZE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	double end = now() + 1;
	pthread_t thread;

	REQUIRE(memory != MAP_FAILED);
	memset(memory, 1, 2 * COPY_SIZE);
	CHECK_EQ(rp_ops_bind(&copies), 0);
	REQUIRE(pthread_create(&thread, NULL, copy_all_the_time, memory) == 0);
	for (unsigned int n = 0; now() < end; n++) {
		rp_op_set(copies, copy, n % 2 ? copy : only_look);
		CHECK_EQ(rp_ops_rebind(&copies), 0);
		usleep(200);
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	CHECK_EQ(torn, 0);
}

/* ---- the kernel has a thread begin it again: two bytes back ---- */

struct kernel {
	long (*call)(void);
};

__asm__(".pushsection .text.kernel_call,\"ax\",@progbits\n\t"
	".globl kernel_call\n\t"
	".hidden kernel_call\n\t"
	".type kernel_call, @function\n"
	"kernel_call:\n\t"
	"syscall\n\t"
	"ret\n\t"
	".popsection\n"
	RP_PATCHLET(kernel_call, RP_CLOBBER_RAX | RP_CLOBBER_RCX |
		    RP_CLOBBER_R11)
	"syscall"
	RP_PATCHLET_END(kernel_call));
long kernel_call(void) __attribute__((visibility("hidden")));
RP_OP_PATCHLET(kernel_call, kernel_call);
RP_DEFINE_STATIC_OPS(struct kernel, kernel, kernel_call);

static int ends[2];

static void read_one(void *arg)
{
	long ret = SYS_read, fd = ends[0], len = 1;
	char byte = 0, *to = &byte;

	rp_op_asm(kernel, call,
		  RP_OUTPUTS("+a" (ret), "+D" (fd), "+S" (to), "+d" (len)),
		  RP_NONE,
		  RP_CLOBBERS("rcx", "r8", "r9", "r10", "r11",
			      RP_CLOBBERS_FP));
	*(long *)arg = ret * 100 + byte;
}

static bool handled;

static void on_signal(int signal)
{
	(void)signal;
	__atomic_store_n(&handled, true, __ATOMIC_SEQ_CST);
}

/* Does the thread wait in that system call? */
static bool waits_in(const struct worker *worker, long call)
{
	char path[64];
	long now_in = -1;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/task/%d/syscall", worker->tid);
	file = fopen(path, "r");
	REQUIRE(file);
	/* "running" otherwise */
	if (fscanf(file, "%ld", &now_in) != 1)
		now_in = -1;
	fclose(file);
	return now_in == call;
}

static long no_call(void)
{
	return -1;
}

static void interrupt_read(void *arg)
{
	struct sigaction action = {
		.sa_handler = on_signal, .sa_flags = SA_RESTART
	};
	static struct worker worker;
	long found = 0;

	(void)arg;
	sigaction(SIGUSR1, &action, NULL);
	worker_start(&worker, 0);
	worker_post(&worker, read_one, &found);
	while (!waits_in(&worker, SYS_read))
		usleep(1000);
	rp_op_set(kernel, call, no_call);
	CHECK_EQ(rp_ops_rebind(&kernel), 0);
	pthread_kill(worker.thread, SIGUSR1);
	while (!__atomic_load_n(&handled, __ATOMIC_SEQ_CST) ||
	       !waits_in(&worker, SYS_read))
		usleep(1000);
	REQUIRE(write(ends[1], "*", 1) == 1);
	worker_wait(&worker);
	/* It was in the old function. */
	CHECK_EQ(found, 100 + '*');
	read_one(&found);
	CHECK_EQ(found, -100);
}

static void system_call(void)
{
	REQUIRE(pipe(ends) == 0);
	CHECK_EQ(rp_ops_bind(&kernel), 0);
	CHECK_EQ(in_child(interrupt_read, NULL), 0);
}

/* ---- what all this is for ---- */

static uint8_t *unsafe;
static unsigned long unsafe_wrong, unsafe_calls;

static void *run_unsafe(void *arg)
{
	union {
		void *object;
		int (*func)(int);
	} code = { unsafe };

	(void)arg;
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		int found = code.func(5);

		__atomic_fetch_add(&unsafe_calls, 1, __ATOMIC_RELAXED);
		if (found != 8)
			__atomic_fetch_add(&unsafe_wrong, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

/* Two patchlets that do the same, as two instructions each. */
static void overwrite(void *arg)
{
	static const uint8_t pairs[2][6] = {
		{ 0x8d, 0x47, 0x01, 0x8d, 0x40, 0x02 },	/* +1, +2 */
		{ 0x8d, 0x47, 0x03, 0x0f, 0x1f, 0x00 },	/* +3, nopl */
	};
	pthread_t threads[THREADS];
	double end = now() + 3;

	(void)arg;
	memcpy(unsafe, pairs[0], 6);
	unsafe[6] = 0xc3;
	for (int i = 0; i < THREADS; i++)
		REQUIRE(pthread_create(&threads[i], NULL, run_unsafe, NULL) ==
			0);
	for (unsigned int n = 0; now() < end; n++) {
		memcpy(unsafe, pairs[n & 1], 6);
		if (n % 64 == 0 &&
		    __atomic_load_n(&unsafe_wrong, __ATOMIC_RELAXED))
			_exit(42);
	}
	_exit(unsafe_calls ? 0 : 1);
}

/* The site lies in one block, and still: a thread is between the two. */
static void unsafe_fails(void)
{
	int status;

	unsafe = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	REQUIRE(unsafe != MAP_FAILED);
	status = in_child(overwrite, NULL);
	if (WIFSIGNALED(status) ||
	    (WIFEXITED(status) && WEXITSTATUS(status) == 42))
		return;
	CHECK_EQ(status, 0);
	test_skip("two instructions under a plain copy did not tear");
}

TEST_MAIN(
	TEST(string_instruction),
	TEST(system_call),
	TEST(unsafe_fails),
)
