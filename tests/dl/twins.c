// SPDX-License-Identifier: MIT
/*
 * Two copies of the library in one process, that see nothing of each other's
 * symbols: one lock, and one chain of SIGTRAP handlers.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "case.h"
#include "environment.h"
#include "twin.h"

/* ---- sites that both copies patch, on one page ---- */

/*
 * in: none    out: eax: 1, or 2 when the NOP is a jump    clobbered: none
 * Seven bytes from the NOP to `mov $2`: jmp +2+... see JUMP.
 */
#define SHARED_FUNCTION(name)						\
	__asm__(".pushsection .text.twins, \"ax\", @progbits\n\t"	\
		".p2align 4\n\t"					\
		".type " #name ", @function\n"				\
		#name ":\n\t"						\
		"endbr64\n\t"						\
		".p2align 3, 0x90\n"					\
		#name "_site:\n\t"					\
		".byte 0x0f, 0x1f, 0x44, 0x00, 0x00\n\t" /* nopl */	\
		"mov $1, %eax\n\t"					\
		"ret\n\t"						\
		"mov $2, %eax\n\t"					\
		"ret\n\t"						\
		".size " #name ", . - " #name "\n\t"			\
		".popsection");						\
	int name(void);							\
	extern unsigned char name##_site[]

SHARED_FUNCTION(shared_a);
SHARED_FUNCTION(shared_b);

static const unsigned char nop[5] = { 0x0f, 0x1f, 0x44, 0x00, 0x00 };
/* Over `mov $1, %eax; ret`, six bytes. */
static const unsigned char jump[5] = { 0xe9, 0x06, 0x00, 0x00, 0x00 };

static int flip(const struct twin *twin, unsigned char *site, bool to_jump,
		enum rp_protocol protocol)
{
	struct rp_text_poke_opts opts = {
		.sz = sizeof(opts), .protocol = protocol
	};

	return twin->poke(site, to_jump ? nop : jump, to_jump ? jump : nop, 5,
			  &opts);
}

/* ---- loading ---- */

static void *handles[2];

static const struct twin *load(int index, const char *name)
{
	char path[PATH_MAX + 32];
	const struct twin *twin;

	snprintf(path, sizeof(path), "%s/%s.so", case_directory(), name);
	handles[index] = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!handles[index])
		fprintf(stderr, "# %s\n", dlerror());
	REQUIRE(handles[index]);
	twin = dlsym(handles[index], "twin");
	REQUIRE(twin);
	return twin;
}

static void both(const struct twin **a, const struct twin **b)
{
	*a = load(0, "twin_a");
	*b = load(1, "twin_b");
	CHECK(*a != *b && (*a)->poke != (*b)->poke);
}

/* ---- mutual exclusion, on purpose ---- */

static const struct twin *second;
static bool first_inside, second_trying, second_done;

static void *commit_in_second(void *unused)
{
	(void)unused;
	while (!__atomic_load_n(&first_inside, __ATOMIC_SEQ_CST))
		usleep(100);
	__atomic_store_n(&second_trying, true, __ATOMIC_SEQ_CST);
	CHECK_EQ(flip(second, shared_b_site, shared_b() == 1,
		      RP_PROTOCOL_AUTO), 0);
	__atomic_store_n(&second_done, true, __ATOMIC_SEQ_CST);
	return NULL;
}

static bool overlapped;
/* Milliseconds: how long the second one may need if nothing stops it. */
static int patience;

static void wait_for_second(enum rp__inject_point point)
{
	if (point != RP__INJECT_VALIDATED)
		return;
	__atomic_store_n(&first_inside, true, __ATOMIC_SEQ_CST);
	while (!__atomic_load_n(&second_trying, __ATOMIC_SEQ_CST))
		usleep(100);
	for (int i = 0; i < patience && !overlapped; i++) {
		usleep(1000);
		overlapped = __atomic_load_n(&second_done, __ATOMIC_SEQ_CST);
	}
}

/* True if a commit of @b waits for one of @a that is under way. */
static bool excludes_for(const struct twin *a, const struct twin *b,
			 int milliseconds)
{
	pthread_t thread;

	second = b;
	patience = milliseconds;
	first_inside = second_trying = second_done = overlapped = false;
	REQUIRE(pthread_create(&thread, NULL, commit_in_second, NULL) == 0);
	a->set_hook(wait_for_second);
	CHECK_EQ(flip(a, shared_a_site, shared_a() == 1, RP_PROTOCOL_AUTO), 0);
	a->set_hook(NULL);
	pthread_join(thread, NULL);
	CHECK(second_done);
	return !overlapped;
}

static bool excludes(const struct twin *a, const struct twin *b)
{
	return excludes_for(a, b, 200);
}

static void one_lock(void)
{
	const struct twin *a, *b;

	both(&a, &b);
	CHECK(excludes(a, b));
	CHECK(excludes(b, a));
}

/* That the test above can fail. */
static void no_lock(void)
{
	const struct twin *a = load(0, "twin_a");
	const struct twin *b = load(1, "twin_unlocked");

	CHECK(!excludes_for(a, b, 10000));
}

#define LOCK_PAGE	((void *)0x525000000000u)

static void lock_page_free_again(void)
{
	const struct twin *a, *b;
	void *taken = mmap(LOCK_PAGE, 4096, PROT_NONE, MAP_PRIVATE |
			   MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

	REQUIRE(taken == LOCK_PAGE);
	a = load(0, "twin_a");
	munmap(taken, 4096);
	b = load(1, "twin_b");
	CHECK(excludes(a, b));
}

static void lock_page_taken(void)
{
	const struct twin *a, *b;
	void *taken = mmap(LOCK_PAGE, 4096, PROT_READ, MAP_PRIVATE |
			   MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

	REQUIRE(taken == LOCK_PAGE);
	both(&a, &b);
	CHECK(excludes(a, b));
}

static void vm_readv_denied(void)
{
	const struct twin *a, *b;

	DENY(&deny_vm_readv);
	both(&a, &b);
	CHECK(excludes(a, b));
}

static void in_child(void (*function)(void))
{
	int status;
	pid_t pid = fork();

	REQUIRE(pid >= 0);
	if (pid == 0) {
		function();
		case_end();
	}
	waitpid(pid, &status, 0);
	CHECK_EQ(status, 0);
}

static const struct twin *before_fork;

static void load_second(void)
{
	CHECK(excludes(before_fork, load(1, "twin_b")));
}

static void loaded_after_fork(void)
{
	before_fork = load(0, "twin_a");
	CHECK_EQ(before_fork->set(true), 0);
	in_child(load_second);
}

static const struct twin *pair[2];

static void pair_excludes(void)
{
	CHECK(excludes(pair[0], pair[1]));
	CHECK(excludes(pair[1], pair[0]));
}

static void both_forked(void)
{
	both(&pair[0], &pair[1]);
	in_child(pair_excludes);
	pair_excludes();
	in_child(pair_excludes);
}

/* ---- at the same time, on one page ---- */

static bool stop;
static unsigned int inside, insides;

static void note_inside(enum rp__inject_point point)
{
	if (point == RP__INJECT_LOCKED) {
		CHECK_EQ(__atomic_add_fetch(&inside, 1, __ATOMIC_SEQ_CST), 1);
		__atomic_fetch_add(&insides, 1, __ATOMIC_SEQ_CST);
	}
	if (point == RP__INJECT_BATCH_RETIRED)
		__atomic_fetch_sub(&inside, 1, __ATOMIC_SEQ_CST);
}

/* struct patcher - a thread that patches through one copy. */
struct patcher {
	const struct twin *twin;
	unsigned char *site;
	int (*function)(void);
	unsigned int rounds;
};

static void *patch(void *data)
{
	struct patcher *p = data;

	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		bool to_jump = !(p->rounds & 1);

		if (!CHECK_EQ(flip(p->twin, p->site, to_jump,
				   RP_PROTOCOL_AUTO), 0) ||
		    !CHECK_EQ(p->function(), to_jump ? 2 : 1))
			break;
		__atomic_add_fetch(&p->rounds, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

static unsigned int rounds_of(const struct patcher *p)
{
	return __atomic_load_n(&p->rounds, __ATOMIC_RELAXED);
}

static void at_the_same_time(void)
{
	struct patcher p[2] = {
		{ NULL, shared_a_site, shared_a, 0 },
		{ NULL, shared_b_site, shared_b, 0 },
	};
	pthread_t thread[2];

	both(&p[0].twin, &p[1].twin);
	for (int i = 0; i < 2; i++) {
		p[i].twin->set_hook(note_inside);
		REQUIRE(pthread_create(&thread[i], NULL, patch, &p[i]) == 0);
	}
	/* And longer where they rarely get a processor. */
	for (int i = 0; i < 50000 && (i < 2000 || rounds_of(&p[0]) <= 100 ||
				      rounds_of(&p[1]) <= 100); i++)
		usleep(1000);
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	for (int i = 0; i < 2; i++)
		pthread_join(thread[i], NULL);
	CHECK(p[0].rounds > 100 && p[1].rounds > 100);
	CHECK_EQ(insides, p[0].rounds + p[1].rounds);
}

/* ---- SIGTRAP ---- */

static volatile sig_atomic_t foreign;

/* What a program does that has int3s of its own. */
static void on_trap(int signal, siginfo_t *info, void *context)
{
	(void)signal;
	(void)info;
	(void)context;
	foreign++;
}

static void raise_foreign(void)
{
	__asm__ volatile("int3" : : : "memory");
}

static void *call_both(void *unused)
{
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		int a = shared_a(), b = shared_b();

		CHECK((a == 1 || a == 2) && (b == 1 || b == 2));
	}
	return unused;
}

static uint64_t traps_of(const struct twin *twin)
{
	struct rp_text_poke_stats stats = { .sz = sizeof(stats) };

	twin->stats(&stats);
	return stats.traps;
}

/* The window of the breakpoint stays open until the thread was in it. */
static const struct twin *committing;
static uint64_t traps_before;

static void wait_for_trap(enum rp__inject_point point)
{
	if (point == RP__INJECT_INT3_SYNCED)
		for (int i = 0; i < 60000 &&
		     traps_of(committing) == traps_before; i++)
			usleep(500);
}

static void trap_once(const struct twin *twin, unsigned char *site,
		      bool to_jump)
{
	committing = twin;
	traps_before = traps_of(twin);
	twin->set_hook(wait_for_trap);
	CHECK_EQ(flip(twin, site, to_jump, RP_PROTOCOL_BREAKPOINT), 0);
	twin->set_hook(NULL);
	CHECK(traps_of(twin) > traps_before);
}

/* Each copy's traps get to it, and the program's to the program. */
static void handlers_chained(void)
{
	struct sigaction action = {
		.sa_sigaction = on_trap, .sa_flags = SA_SIGINFO
	};
	const struct twin *a, *b;
	pthread_t thread;

	sigaction(SIGTRAP, &action, NULL);
	both(&a, &b);
	REQUIRE(pthread_create(&thread, NULL, call_both, NULL) == 0);
	for (int i = 0; i < 6; i++) {
		trap_once(a, shared_a_site, !(i & 1));
		raise_foreign();
		CHECK_EQ(foreign, 3 * i + 1);
		trap_once(b, shared_b_site, !(i & 1));
		raise_foreign();
		CHECK_EQ(foreign, 3 * i + 2);
		trap_once(i & 1 ? a : b, i & 1 ? shared_b_site : shared_a_site,
			  i & 1);
		trap_once(i & 1 ? b : a, i & 1 ? shared_b_site : shared_a_site,
			  !(i & 1));
		raise_foreign();
		CHECK_EQ(foreign, 3 * i + 3);
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
}

/* ---- unloading ---- */

static unsigned int count_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned int nr = 0;

	while (readdir(dir))
		nr++;
	closedir(dir);
	return nr;
}

static void load_use_unload(int nr)
{
	for (int i = 0; i < nr; i++) {
		const struct twin *a = load(0, "twin_a");

		CHECK_EQ(a->set(true), 0);
		CHECK_EQ(a->call(1), 3);
		CHECK_EQ(a->enable(true), 0);
		CHECK_EQ(a->flag(), true);
		CHECK_EQ(flip(a, shared_a_site, !(i & 1),
			      RP_PROTOCOL_BREAKPOINT), 0);
		CHECK_EQ(shared_a(), i & 1 ? 1 : 2);
		CHECK_EQ(dlclose(handles[0]), 0);
	}
}

/* Nothing of a copy stays behind: it may come and go with its plugin. */
static void copy_unloaded(void)
{
	struct sigaction before, after;
	unsigned int maps, descriptors;

	sigaction(SIGTRAP, NULL, &before);
	load_use_unload(4);
	maps = case_count_maps();
	descriptors = count_descriptors();
	load_use_unload(40);
	sigaction(SIGTRAP, NULL, &after);
	CHECK(before.sa_handler == after.sa_handler);
	CHECKF(case_count_maps() <= maps + 4, "%u mappings have become %u", maps,
	       case_count_maps());
	CHECKF(count_descriptors() == descriptors,
	       "%u descriptors have become %u", descriptors,
	       count_descriptors());
	/* No handler of fork that is not there any more. */
	in_child(case_end);
}

static const struct test_case cases[] = {
	{ "one-lock", NULL, one_lock, 0, NULL },
	{ "without-a-lock-they-meet", NULL, no_lock, 0, NULL },
	{ "lock-page-taken", NULL, lock_page_taken, 0, NULL },
	{ "lock-page-free-again", NULL, lock_page_free_again, 0, NULL },
	{ "process-vm-readv-denied", NULL, vm_readv_denied, 0, NULL },
	{ "second-loaded-after-fork", NULL, loaded_after_fork, 0, NULL },
	{ "both-forked", NULL, both_forked, 0, NULL },
	{ "at-the-same-time", NULL, at_the_same_time, 120, NULL },
	{ "handlers-chained", NULL, handlers_chained, 0, NULL },
	{ "copy-unloaded", NULL, copy_unloaded, 0, NULL },
};

int main(int argc, char **argv)
{
	return cases_main(cases, sizeof(cases) / sizeof(*cases), argc, argv);
}
