// SPDX-License-Identifier: MIT
/*
 * What a program may do to a thread that commits, or to the engine's means,
 * in the middle of a commit: cancel it, close its descriptors, take system
 * calls away, jump out of handlers, end its main thread.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#include "arena.h"

static struct arena arena;
static struct site site, aligned;

static void setup(void)
{
	arena_init(&arena, 4 * SITE_SLOT, -1);
	arena_add(&arena, &site, SITE_CALL, 61);
	arena_add(&arena, &aligned, SITE_CALL, 0);
	arena_ready(&arena);
}

static const struct rp_text_poke_opts breakpoint = {
	.sz = sizeof(breakpoint), .protocol = RP_PROTOCOL_BREAKPOINT
};

/* ---- cancellation ---- */

static void *cancel_and_commit(void *arg)
{
	*(int *)arg = 1;
	pthread_cancel(pthread_self());
	*(int *)arg = site_poke(&site, 1, &breakpoint);
	pthread_testcancel();
	return arg;
}

/*
 * A cancelled thread finishes its commit first: if it ended at one of the
 * system calls in it, the text lock would stay taken for ever.
 */
static void cancelled_thread_finishes_commit(void)
{
	pthread_t thread;
	void *result = NULL;
	int error = 1;

	setup();
	start_idle_thread();
	REQUIRE(!pthread_create(&thread, NULL, cancel_and_commit, &error));
	pthread_join(thread, &result);
	CHECK(result == PTHREAD_CANCELED);
	CHECK_EQ(error, 0);
	CHECK_EQ(site.call(0), VALUE_B);
	CHECK_EQ(site_poke(&site, 2, &breakpoint), 0);
	CHECK_EQ(site.call(0), VALUE_NOTHING);
}

/* ---- descriptors ---- */

static int fill_descriptors(char *path)
{
	int first = open(path, O_RDWR);

	for (int i = first; i < 40; i++)
		if (open(path, O_RDWR) < 0)
			break;
	return first;
}

/*
 * Daemons close all descriptors and open their own: a number that the engine
 * remembers is then somebody else's file.
 */
static void reused_descriptors(enum rp_backend backend)
{
	struct rp_text_poke_opts opts = poke_opts(RP_PROTOCOL_BREAKPOINT,
						  backend);
	char path[] = "/tmp/repoint-victim.XXXXXX";
	struct stat st;

	setup();
	start_idle_thread();
	REQUIRE(close(mkstemp(path)) == 0);
	REQUIRE(site_poke(&site, 1, &opts) == 0);
	for (int fd = 3; fd < 1024; fd++)
		close(fd);
	fill_descriptors(path);
	CHECK_EQ(site_poke(&site, 2, &opts), 0);
	CHECK_EQ(site.call(0), VALUE_NOTHING);
	CHECK_EQ(stat(path, &st), 0);
	CHECK_EQ(st.st_size, 0);
	unlink(path);
}

static void descriptors_reused_mprotect(void)
{
	reused_descriptors(RP_BACKEND_MPROTECT);
}

static void descriptors_reused_proc_mem(void)
{
	reused_descriptors(RP_BACKEND_PROC_MEM);
}

/* ---- system calls that are taken away ---- */

/* Calls @a and @b get @action, in this thread. */
static void filter_calls(unsigned int a, unsigned int b, unsigned int action)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, a, 1, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, b, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, action),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof(code) / sizeof(*code), code };

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
		test_skip("seccomp filters are not permitted");
}

/* struct denial - from which point on no thread can be synchronised. */
struct denial {
	enum rp__inject_point at;
	enum rp_protocol protocol;
	int result;
};

static enum rp__inject_point filter_at;

static void deny_sync(enum rp__inject_point point)
{
	if (point == filter_at)
		filter_calls(SYS_membarrier, SYS_sched_setaffinity,
			     SECCOMP_RET_ERRNO | EPERM);
}

static void no_sync_at_point(void *arg)
{
	const struct denial *denial = arg;
	struct rp_error error = { .code = 1 };
	struct rp_text_poke_opts opts = poke_opts(denial->protocol, 0);
	struct site *s = denial->protocol == RP_PROTOCOL_ATOMIC ? &aligned :
								  &site;

	opts.error = &error;
	filter_at = denial->at;
	setup();
	start_idle_thread();
	hook_points(deny_sync);
	CHECK_EQ(site_poke(s, 1, &opts), denial->result);
	CHECK_EQ(error.code, denial->result);
	hook_points(NULL);
	CHECKF(site_is_in(s, denial->result ? 0 : 1),
	       "sync denied at %s: the other text", point_name(filter_at));
	CHECK_EQ(s->call(0), denial->result ? VALUE_A : VALUE_B);
}

/*
 * Before the first sync succeeded all bytes go back; after it a commit goes on
 * to its end, waiting instead.
 */
static void sync_denied_in_the_middle(void)
{
	static struct denial denials[] = {
		{ RP__INJECT_WINDOW_OPEN, RP_PROTOCOL_BREAKPOINT, -EPERM },
		{ RP__INJECT_INT3_WRITTEN, RP_PROTOCOL_BREAKPOINT, -EPERM },
		{ RP__INJECT_INT3_SYNCED, RP_PROTOCOL_BREAKPOINT, 0 },
		{ RP__INJECT_TAIL_WRITTEN, RP_PROTOCOL_BREAKPOINT, 0 },
		{ RP__INJECT_TAIL_SYNCED, RP_PROTOCOL_BREAKPOINT, 0 },
		{ RP__INJECT_FIRST_WRITTEN, RP_PROTOCOL_BREAKPOINT, 0 },
		{ RP__INJECT_WINDOW_OPEN, RP_PROTOCOL_ATOMIC, -EPERM },
	};

	for (size_t i = 0; i < sizeof(denials) / sizeof(*denials); i++)
		CHECK_EQ(in_child(no_sync_at_point, &denials[i]), 0);
}

static int sigsys_calls;

/* As sandboxes do it: the call is refused by a handler. */
static void on_sigsys(int signal, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	(void)signal;
	(void)info;
	sigsys_calls++;
	uc->uc_mcontext.gregs[REG_RAX] = -EPERM;
}

static void commit_with_trapped(unsigned int call, enum rp_backend backend,
				int wanted)
{
	struct sigaction action = { .sa_sigaction = on_sigsys,
				    .sa_flags = SA_SIGINFO };
	struct rp_text_poke_opts opts = poke_opts(RP_PROTOCOL_BREAKPOINT,
						  backend);

	setup();
	start_idle_thread();
	REQUIRE(site_poke(&site, 1, &opts) == 0);
	sigaction(SIGSYS, &action, NULL);
	filter_calls(call, call, SECCOMP_RET_TRAP);
	CHECK_EQ(site_poke(&site, 2, &opts), wanted);
	CHECK(sigsys_calls > 0);
	CHECK_EQ(site.call(0), wanted ? VALUE_B : VALUE_NOTHING);
}

static void membarrier_raises_sigsys(void)
{
	commit_with_trapped(SYS_membarrier, RP_BACKEND_MPROTECT, 0);
}

static void mprotect_raises_sigsys(void)
{
	commit_with_trapped(SYS_mprotect, RP_BACKEND_MPROTECT, -EPERM);
}

static void pwrite_raises_sigsys(void)
{
	commit_with_trapped(SYS_pwrite64, RP_BACKEND_PROC_MEM, -EPERM);
}

/* ---- jumps out of signal handlers ---- */

static __thread sigjmp_buf back;
static int jumps;

static void jump_out(int signal)
{
	(void)signal;
	jumps++;
	siglongjmp(back, 1);
}

static enum rp__inject_point raise_at;
static struct worker worker;

static void run_site_jumping(void *arg)
{
	if (!sigsetjmp(back, 1))
		*(long *)arg = site.call(0);
}

static void raise_in_handler(enum rp__inject_point point)
{
	static long value;

	if (point == raise_at && gettid_now() == worker.tid)
		raise(SIGUSR1);
	if (point == RP__INJECT_INT3_SYNCED) {
		worker_post(&worker, run_site_jumping, &value);
		worker_wait(&worker);
	}
}

static void jump_at_point(void *point)
{
	signal(SIGUSR1, jump_out);
	raise_at = *(enum rp__inject_point *)point;
	setup();
	worker_start(&worker, 1);
	hook_points(raise_in_handler);
	CHECK_EQ(site_poke(&site, 1, &breakpoint), 0);
	hook_points(NULL);
	CHECK_EQ(jumps, 1);
	CHECK_EQ(site.call(0), VALUE_B);
	CHECK_EQ(site_poke(&site, 2, &breakpoint), 0);
}

/* A handler of the program interrupts ours and never returns to it. */
static void handler_is_jumped_out_of(void)
{
	static enum rp__inject_point points[] = { RP__INJECT_TRAP_ENTER,
						  RP__INJECT_TRAP_FOUND };

	for (size_t i = 0; i < sizeof(points) / sizeof(*points); i++)
		CHECK_EQ(in_child(jump_at_point, &points[i]), 0);
}

/* ---- the main thread ends ---- */

/* A site of the program's own text: after the main thread is gone, /proc/self
 * says nothing of memory. */
long static_function(void);
extern uint8_t static_site[];
__asm__(".pushsection .text.static_site, \"ax\"\n\t"
	".balign 64\n\t"
	".skip 61 - 5, 0xcc\n"
	".type static_function, @function\n"
	"static_function:\n\t"
	"mov $0x5a5a5a5a, %eax\n"
	"static_site:\n\t"
	".byte 0x0f, 0x1f, 0x44, 0, 0\n\t"
	"ret\n\t"
	".size static_function, . - static_function\n\t"
	".popsection\n");

static const uint8_t nop5[5] = { 0x0f, 0x1f, 0x44, 0x00, 0x00 };
static const uint8_t xor5[5] = { 0x2e, 0x2e, 0x2e, 0x31, 0xc0 };

static void *commit_alone(void *arg)
{
	struct rp_text_poke_opts opts = poke_opts(RP_PROTOCOL_BREAKPOINT,
						  *(enum rp_backend *)arg);
	char path[64], state;
	FILE *stat;

	/* Until the main thread is a zombie. */
	do {
		snprintf(path, sizeof(path), "/proc/%d/stat", getpid());
		stat = fopen(path, "r");
		state = 0;
		if (stat && fscanf(stat, "%*d (%*[^)]) %c", &state) != 1)
			state = 0;
		fclose(stat);
		sched_yield();
	} while (state != 'Z');
	CHECK_EQ(rp_text_poke_single(static_site, nop5, xor5, 5, &opts), 0);
	CHECK_EQ(static_function(), 0);
	CHECK_EQ(rp_text_poke_single(static_site, xor5, nop5, 5, &opts), 0);
	CHECK_EQ(static_function(), VALUE_NOTHING);
	test_end();
}

static void main_thread_ends(void *backend)
{
	pthread_t thread;

	start_idle_thread();
	REQUIRE(!pthread_create(&thread, NULL, commit_alone, backend));
	pthread_exit(NULL);
}

static void main_thread_has_ended(void)
{
	static enum rp_backend backends[] = { RP_BACKEND_MPROTECT,
					      RP_BACKEND_PROC_MEM };

	for (size_t i = 0; i < 2; i++)
		CHECK_EQ(in_child(main_thread_ends, &backends[i]), 0);
}

/* ---- forced call stubs beside sites of another kind ---- */

/*
 * Stubs are for sites that take a breakpoint; bytes that merely look like a
 * call through memory are not followed.
 */
static void stubs_follow_no_bytes_of_other_sites(void)
{
	/* call *-0x7fffffff(%rip), as data */
	static const uint8_t wild[8] = { 0xff, 0x15, 0x01, 0, 0, 0x80, 0, 0 };
	struct rp_text_poke_opts opts = { .sz = sizeof(opts) };
	struct rp_text_poke_batch *batch;
	uint8_t *data = arena.text, old[8];

	arena_init(&arena, 8192, -1);
	arena_add(&arena, &site, SITE_CALL, 61);
	arena_ready(&arena);
	data = arena.text + arena.size - 64;
	memcpy(old, data, 8);
	start_idle_thread();
	rp__inject_call_stubs = 1;
	REQUIRE(rp_text_poke_batch_begin(&batch, &opts) == 0);
	REQUIRE(site_add(batch, &site, 1) == 0);
	REQUIRE(rp_text_poke_batch_add(batch, data, old, wild, 8) == 0);
	CHECK_EQ(rp_text_poke_batch_commit(batch), 0);
	CHECK(stats_now().sites[RP_PROTOCOL_ATOMIC] == 1);
	CHECK(stats_now().sites[RP_PROTOCOL_BREAKPOINT] == 1);
}

TEST_MAIN(
	TEST(cancelled_thread_finishes_commit),
	TEST(descriptors_reused_mprotect),
	TEST(descriptors_reused_proc_mem),
	TEST(sync_denied_in_the_middle),
	TEST(membarrier_raises_sigsys),
	TEST(mprotect_raises_sigsys),
	TEST(pwrite_raises_sigsys),
	TEST(handler_is_jumped_out_of),
	TEST(main_thread_has_ended),
	TEST(stubs_follow_no_bytes_of_other_sites),
)
